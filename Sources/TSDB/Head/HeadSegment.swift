import MetricModel

/// Recent samples as they came: a row per scrape for each stream, and columns of their own for series that do not fit in.
///
/// A value, so that a query takes a copy and reads on while the original grows.
struct HeadSegment: Sendable {
    /// Stands in a row for "no sample"; a sample with just these bits goes into a column of its own.
    static let absentBits: UInt64 = 0x7ff4_6162_7365_6e74

    /// The samples of one stream: its members have a slot each, a row has a value for each slot that existed by then.
    struct StreamRows: Sendable {
        var times: [Timestamp] = []
        var rows: [[Double]] = []
        /// Whether a row has a value in each of its slots, parallel to `rows`.
        var isWhole: [Bool] = []
        /// Start timestamps, parallel to `rows`; a row is empty where none was known. Empty where no row has any.
        var starts: [[Timestamp]] = []
        var members: [UInt32] = []
        /// The series of the last batch and their slots, so that the next batch of the same series needs no look-up.
        var order: [SeriesRef] = []
        var slots: [Int32] = []
        /// Whether the last batch's series are all members, in order.
        var isIdentity = false
    }

    /// The samples of one series outside of streams.
    struct Own: Sendable {
        var times: [Timestamp] = []
        var values: [Double] = []
        var starts: [Timestamp] = []
        var histogramTimes: [Timestamp] = []
        var histograms: [NativeHistogram] = []
        var histogramStarts: [Timestamp] = []
    }

    /// The series that stands first in ``home``.
    private let base: UInt32
    /// Stream index plus one in the upper half, slot in the lower half; 0 for none.
    private var home: [UInt64] = []
    private(set) var streams: [StreamRows] = []
    private var streamIndex: [UInt32: Int] = [:]
    private(set) var own: OwnColumns
    /// How many samples there are.
    private(set) var samples = 0
    /// The earliest sample.
    private(set) var minTime = Timestamp.max
    /// The latest sample.
    private(set) var maxTime = Timestamp.min

    init(base: UInt32) {
        self.base = base
        own = OwnColumns(base: base)
    }

    var isEmpty: Bool { samples == 0 }

    /// The number of series that rows have a slot for or that have columns of their own.
    var seriesCount: Int { own.count + memberCount }
    /// The members of all streams.
    private var memberCount = 0

    private func place(of series: UInt32) -> (stream: Int, slot: Int)? {
        let index = Int(series &- base)
        guard index < home.count, home[index] != 0 else { return nil }
        return (Int(home[index] >> 32) - 1, Int(home[index] & 0xffff_ffff))
    }

    /// Grows ``home`` up to a series.
    @inline(__always)
    private mutating func cover(_ series: UInt32) {
        let missing = Int(series - base) + 1 - home.count
        if missing > 0 { home.append(contentsOf: repeatElement(0, count: missing)) }
    }

    private mutating func join(_ series: UInt32, stream: Int) -> Int {
        let index = Int(series - base)
        cover(series)
        let slot = streams[stream].members.count
        streams[stream].members.append(series)
        memberCount += 1
        home[index] = UInt64(stream + 1) << 32 | UInt64(slot)
        return slot
    }

    private mutating func note(_ time: Timestamp, count: Int) {
        samples += count
        minTime = min(minTime, time)
        maxTime = max(maxTime, time)
    }

    /// Adds a row of samples, all newer than what their series have. Those that the row cannot hold go into own columns.
    mutating func appendRow(
        stream: StreamRef,
        time: Timestamp,
        series: [SeriesRef],
        values: [Double],
        starts: [Timestamp],
        hasAbsentBits: Bool
    ) {
        let index: Int
        if let known = streamIndex[stream.rawValue] {
            index = known
        } else {
            index = streams.count
            streams.append(StreamRows())
            streamIndex[stream.rawValue] = index
        }
        if let last = streams[index].times.last, time <= last {
            for position in 0..<series.count {
                insert(series[position].rawValue, time, values[position], starts.isEmpty ? 0 : starts[position])
            }
            return
        }
        // A row has room for all members. One that holds few of them, such as that of a scrape that failed, costs less as columns.
        if series.count * 4 < streams[index].members.count, streams[index].members.count >= 32 {
            for position in 0..<series.count {
                insert(series[position].rawValue, time, values[position], starts.isEmpty ? 0 : starts[position])
            }
            return
        }
        if streams[index].order != series { placeAll(series, stream: index) }
        note(time, count: series.count)
        streams[index].times.append(time)
        if !starts.isEmpty || !streams[index].starts.isEmpty {
            while streams[index].starts.count < streams[index].rows.count { streams[index].starts.append([]) }
        }
        if streams[index].isIdentity, !hasAbsentBits {
            streams[index].rows.append(values)
            streams[index].isWhole.append(true)
            if !starts.isEmpty || !streams[index].starts.isEmpty { streams[index].starts.append(starts) }
            return
        }
        var row = [Double](
            repeating: Double(bitPattern: HeadSegment.absentBits),
            count: streams[index].members.count
        )
        var rowStarts = starts.isEmpty ? [] : [Timestamp](repeating: 0, count: row.count)
        var strangers: [Int] = []
        for position in 0..<series.count {
            let slot = Int(streams[index].slots[position])
            if slot >= 0, values[position].bitPattern != HeadSegment.absentBits {
                row[slot] = values[position]
                if !starts.isEmpty { rowStarts[slot] = starts[position] }
            } else {
                strangers.append(position)
            }
        }
        streams[index].rows.append(row)
        // Each of the series stands in a slot of its own, or is a stranger.
        streams[index].isWhole.append(series.count - strangers.count == row.count)
        if !starts.isEmpty || !streams[index].starts.isEmpty { streams[index].starts.append(rowStarts) }
        samples -= strangers.count
        for position in strangers {
            insert(series[position].rawValue, time, values[position], starts.isEmpty ? 0 : starts[position])
        }
    }

    private mutating func placeAll(_ series: [SeriesRef], stream: Int) {
        var slots: [Int32] = []
        slots.reserveCapacity(series.count)
        var isIdentity = true
        // In one go for all: most often all of them are new.
        let last = series.reduce(0) { max($0, $1.rawValue) }
        if last >= base { cover(last) }
        streams[stream].members.reserveCapacity(series.count)
        for (position, reference) in series.enumerated() {
            var slot = -1
            if let place = place(of: reference.rawValue) {
                if place.stream == stream { slot = place.slot }
            } else {
                slot = join(reference.rawValue, stream: stream)
            }
            if slot != position { isIdentity = false }
            slots.append(Int32(slot))
        }
        streams[stream].order = series
        streams[stream].slots = slots
        streams[stream].isIdentity = isIdentity && series.count == streams[stream].members.count
    }

    /// Puts one sample into the series' own columns, in its place by time.
    ///
    /// - Returns: the bits of the sample that is there already at that time, and nothing is changed; else `nil`.
    @discardableResult
    mutating func insert(_ series: UInt32, _ time: Timestamp, _ value: Double, _ start: Timestamp) -> UInt64? {
        if let existing = rowValue(series, at: time) { return existing }
        var taken: UInt64?
        modifyOwn(series) { own in
            let index = HeadSegment.position(of: time, in: own.times)
            if index < own.times.count, own.times[index] == time {
                taken = own.values[index].bitPattern
                return
            }
            if start != 0, own.starts.isEmpty { own.starts = [Timestamp](repeating: 0, count: own.times.count) }
            if index == own.times.count {
                own.times.append(time)
                own.values.append(value)
                if start != 0 || !own.starts.isEmpty { own.starts.append(start) }
            } else {
                own.times.insert(time, at: index)
                own.values.insert(value, at: index)
                if !own.starts.isEmpty { own.starts.insert(start, at: index) }
            }
        }
        if taken == nil { note(time, count: 1) }
        return taken
    }

    /// Puts a histogram into the series' own columns, in its place by time. Whether there was none at that time.
    @discardableResult
    mutating func insert(_ series: UInt32, _ sample: SampleBatch.HistogramSample) -> Bool {
        var isNew = true
        modifyOwn(series) { own in
            let index = HeadSegment.position(of: sample.timestamp, in: own.histogramTimes)
            if index < own.histogramTimes.count, own.histogramTimes[index] == sample.timestamp {
                isNew = false
                return
            }
            if sample.startTimestamp != 0, own.histogramStarts.isEmpty {
                own.histogramStarts = [Timestamp](repeating: 0, count: own.histogramTimes.count)
            }
            own.histogramTimes.insert(sample.timestamp, at: index)
            own.histograms.insert(sample.histogram, at: index)
            if sample.startTimestamp != 0 || !own.histogramStarts.isEmpty {
                own.histogramStarts.insert(sample.startTimestamp, at: index)
            }
        }
        if isNew { note(sample.timestamp, count: 1) }
        return isNew
    }

    private mutating func modifyOwn(_ series: UInt32, _ body: (inout Own) -> Void) {
        own.modify(series, body)
    }

    /// Where a time belongs in rising times: at the end in most cases.
    static func position(of time: Timestamp, in times: [Timestamp]) -> Int {
        guard let last = times.last, time <= last else { return times.count }
        return Timeline.lowerBound(of: time, in: times)
    }

    /// The bits of the sample that a stream's row has for the series at just that time.
    private func rowValue(_ series: UInt32, at time: Timestamp) -> UInt64? {
        guard let place = place(of: series) else { return nil }
        let rows = streams[place.stream]
        let index = HeadSegment.position(of: time, in: rows.times)
        guard index < rows.times.count, rows.times[index] == time, place.slot < rows.rows[index].count else {
            return nil
        }
        let bits = rows.rows[index][place.slot].bitPattern
        return bits == HeadSegment.absentBits ? nil : bits
    }

    /// The bits of the sample that the series has at just that time.
    func bits(_ series: UInt32, at time: Timestamp) -> UInt64? {
        if let value = rowValue(series, at: time) { return value }
        guard let own = own[series] else { return nil }
        let index = HeadSegment.position(of: time, in: own.times)
        return index < own.times.count && own.times[index] == time ? own.values[index].bitPattern : nil
    }

    /// Whether the series has a histogram at just that time.
    func hasHistogram(_ series: UInt32, at time: Timestamp) -> Bool {
        guard let own = own[series] else { return false }
        let index = HeadSegment.position(of: time, in: own.histogramTimes)
        return index < own.histogramTimes.count && own.histogramTimes[index] == time
    }

    /// The slots of series that are all members of one stream, with columns of their own or without; `nil` where it is not so.
    func slots(ofOneStream series: [UInt32], mayHaveOwn: Bool) -> (stream: Int, slots: [Int])? {
        guard let first = series.first, let stream = place(of: first)?.stream else { return nil }
        var slots: [Int] = []
        slots.reserveCapacity(series.count)
        for number in series {
            guard let place = place(of: number), place.stream == stream else { return nil }
            slots.append(place.slot)
        }
        if !mayHaveOwn, !own.isEmpty, series.contains(where: { own.contains($0) }) { return nil }
        return (stream, slots)
    }

    /// Calls `body` with the series that are in rows, grouped by stream, and their slots.
    func groupByStream(_ series: [UInt32], _ body: (_ stream: Int, _ members: [(position: Int, slot: Int)]) -> Void) {
        if let one = slots(ofOneStream: series, mayHaveOwn: true) {
            body(one.stream, one.slots.enumerated().map { ($0, $1) })
            return
        }
        var groups: [[(position: Int, slot: Int)]] = [[(position: Int, slot: Int)]](repeating: [], count: streams.count)
        for (position, number) in series.enumerated() {
            if let place = place(of: number) { groups[place.stream].append((position, place.slot)) }
        }
        for (stream, members) in groups.enumerated() where !members.isEmpty { body(stream, members) }
    }

    /// All series that may have samples here, ascending.
    var allSeries: [UInt32] {
        var result = own.series
        for stream in streams { result.append(contentsOf: stream.members) }
        result.sort()
        var unique: [UInt32] = []
        unique.reserveCapacity(result.count)
        for number in result where unique.last != number { unique.append(number) }
        return unique
    }

    /// Whether the series has a sample in the span.
    func hasSample(_ series: UInt32, _ start: Timestamp, _ end: Timestamp) -> Bool {
        if let own = own[series] {
            for times in [own.times, own.histogramTimes] {
                let index = HeadSegment.position(of: start, in: times)
                if index < times.count, times[index] <= end { return true }
            }
        }
        guard let place = place(of: series) else { return false }
        let rows = streams[place.stream]
        var index = HeadSegment.position(of: start, in: rows.times)
        while index < rows.times.count, rows.times[index] <= end {
            let row = rows.rows[index]
            if place.slot < row.count, row[place.slot].bitPattern != HeadSegment.absentBits { return true }
            index += 1
        }
        return false
    }
}
