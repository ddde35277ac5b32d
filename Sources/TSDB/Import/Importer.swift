public import MetricModel
import Synchronization

/// Takes large amounts of old samples in any order and writes them as finished blocks, past the head and the journal.
///
/// Add rows until ``isFull``, then ``flush()``; at the end ``finish()``. Rows that come series by series are handled fastest and
/// take least space. Blocks count once they are whole: after ``finish()``, and now and then before. For use by one task.
public struct Importer: ~Copyable {
    /// What was imported.
    public struct Summary: Sendable, Hashable {
        /// Samples written.
        public var samples: Int64 = 0
        /// Samples left out because their series had another at their time, which came earlier and counts. Those in different
        /// flushes are all written and counted, and the earlier one is read.
        public var duplicates: Int64 = 0
        /// Series that had samples.
        public var series = 0
        /// The earliest sample.
        public var minTime: Timestamp?
        /// The latest sample.
        public var maxTime: Timestamp?
        /// Blocks written.
        public var blocks = 0
        /// Bytes of those blocks.
        public var bytes: Int64 = 0
    }

    /// The samples of one series.
    private struct Column {
        var times: [Timestamp] = []
        var values: [Double] = []
        var isSorted = true
    }

    let engine: Engine
    private let limit: Int
    private var columns: [UInt32: Column] = [:]
    var seen = Set<UInt32>()
    /// Blocks that take long columns of series in rising order as they come, by day (or span).
    var streams: [Int64: BlockStream] = [:]
    // The series that rows are being added to, outside of the dictionary.
    private var current: UInt32 = 0
    private var column = Column()
    var buffered = 0
    /// Histograms, which are written to blocks of their own.
    var histograms: [UInt32: [(time: Timestamp, histogram: NativeHistogram)]] = [:]
    // Long finished columns, coded, until there are enough for a block; the timelines that they share.
    private var sealed: [Int64: [UInt32: Sealed]] = [:]
    private var sealedBytes = 0
    private var timelines: [UInt64: [Timestamp]] = [:]

    /// A column in coded form.
    private struct Sealed {
        var times: [Timestamp]
        var coded: [UInt8]
    }

    /// Columns of so many samples are coded as soon as the next series comes.
    private static let sealedLength = 1000
    /// How many bytes of coded columns may wait.
    private static let sealedLimit = 32 << 20
    var summary = Summary()
    /// What went wrong where it could not be thrown.
    var failure: StorageError?

    /// The longest span that is not cut at midnight, in milliseconds.
    private static let spanLimit: Int64 = 36 * 3_600_000
    static let day: Int64 = 86_400_000

    init(engine: Engine, limit: Int) {
        self.engine = engine
        self.limit = limit
    }

    /// Whether so much has been added that it has to be flushed now.
    public var isFull: Bool {
        buffered >= limit || sealedBytes >= Importer.sealedLimit || failure != nil || hasFullStream
    }

    /// How many samples were added and not yet flushed.
    public var bufferedSamples: Int { buffered }

    /// The references of series, creating those that are not known.
    public func resolve(_ labels: [Labels]) async throws(StorageError) -> [SeriesRef] {
        try await engine.resolve(labels)
    }

    /// Adds one sample.
    @inline(__always)
    public mutating func append(_ series: SeriesRef, _ timestamp: Timestamp, _ value: Double) {
        if series.rawValue != current { change(to: series.rawValue) }
        if let last = column.times.last, timestamp <= last { column.isSorted = false }
        column.times.append(timestamp)
        column.values.append(value)
        buffered += 1
    }

    /// Adds columns of one series; as many values as timestamps.
    public mutating func append(
        _ series: SeriesRef,
        timestamps: UnsafeBufferPointer<Timestamp>,
        values: UnsafeBufferPointer<Double>
    ) {
        if series.rawValue != current { change(to: series.rawValue) }
        guard values.count == timestamps.count else { return }
        var last = column.times.last ?? .min
        for timestamp in timestamps {
            if timestamp <= last { column.isSorted = false }
            last = timestamp
        }
        column.times.append(contentsOf: timestamps)
        column.values.append(contentsOf: values)
        buffered += timestamps.count
    }

    private mutating func change(to series: UInt32) {
        let count = column.times.count
        if count > 0, !seal() { columns[current] = column }
        if let known = columns.removeValue(forKey: series) {
            column = known
        } else {
            column = Column()
            // The next series has as many samples as this one, more often than not.
            if series != 0, count >= Importer.sealedLength {
                column.times.reserveCapacity(count)
                column.values.reserveCapacity(count)
            }
        }
        current = series
    }

    /// Codes the current column if it is long and in order. Whether it was.
    private mutating func seal() -> Bool {
        guard column.isSorted, column.times.count >= Importer.sealedLength, let first = column.times.first,
            let last = column.times.last
        else { return false }
        // One block for what fits into one span; else one for each day.
        var ranges: [(key: Int64, range: Range<Int>)] = []
        if last - first <= Importer.spanLimit {
            ranges = [(.min + Importer.midnight(first + (last - first) / 2) / Importer.day, 0..<column.times.count)]
        } else {
            var start = Importer.midnight(first)
            while start <= last {
                let range =
                    HeadSegment.position(
                        of: start,
                        in: column.times
                    )..<HeadSegment.position(of: start + Importer.day, in: column.times)
                if !range.isEmpty { ranges.append((start, range)) }
                start += Importer.day
            }
        }
        if ranges.allSatisfy({ (streams[$0.key]?.lastSeries ?? 0) < current }) {
            for (key, range) in ranges { stream(current, key, column.times, column.values, range) }
            finishSealing(first, last)
            return true
        }
        if ranges.contains(where: { sealed[$0.key]?[current] != nil }) { return false }
        for (key, range) in ranges {
            var times = range.count == column.times.count ? column.times : Array(column.times[range])
            let hash = times.withUnsafeBytes { Hash64.hash($0.assumingMemoryBound(to: UInt8.self)) }
            if let known = timelines[hash], known == times { times = known } else { timelines[hash] = times }
            var writer = ByteWriter()
            column.values.withUnsafeBufferPointer {
                ValueCodec.encode(UnsafeBufferPointer(rebasing: $0[range]), into: &writer)
            }
            sealedBytes += writer.bytes.count
            writer.bytes.append(contentsOf: repeatElement(0, count: Page.padding))
            sealed[key, default: [:]][current] = Sealed(times: times, coded: writer.bytes)
        }
        finishSealing(first, last)
        return true
    }

    private mutating func finishSealing(_ first: Timestamp, _ last: Timestamp) {
        buffered -= column.times.count
        note(first, last)
        seen.insert(current)
    }

    mutating func note(_ first: Timestamp, _ last: Timestamp) {
        summary.minTime = min(summary.minTime ?? .max, first)
        summary.maxTime = max(summary.maxTime ?? .min, last)
    }

    private mutating func writeSealed() async throws(StorageError) {
        for key in sealed.keys.sorted() {
            guard let columns = sealed.removeValue(forKey: key) else { continue }
            let order = columns.keys.sorted()
            let block = try await engine.adopt(order, isLong: true) { series in
                var part = SeriesColumns(labels: Labels())
                guard let column = columns[series] else { return part }
                part.timestamps = column.times
                let count = column.times.count
                part.values = [Double](unsafeUninitializedCapacity: count) { buffer, filled in
                    column.coded.withUnsafeBufferPointer { coded in
                        guard let base = buffer.baseAddress else { return }
                        let bytes = UnsafeBufferPointer(rebasing: coded[..<(coded.count - Page.padding)])
                        filled = ValueCodec.decode(bytes, total: count, count: count, into: base) ? count : 0
                    }
                }
                return part
            }
            count(block)
        }
        sealedBytes = 0
        timelines = [:]
    }

    mutating func count(_ block: Block?) {
        guard let block else { return }
        summary.blocks += 1
        summary.samples += block.samples
        summary.bytes += block.bytes
    }

    /// Writes what was added so far.
    public mutating func flush() async throws(StorageError) {
        change(to: 0)
        try await writeHistograms()
        try await writeStreams(isEnd: false)
        try await writeSealed()
        if columns.isEmpty { return }
        var minTime = Timestamp.max
        var maxTime = Timestamp.min
        for series in columns.keys {
            guard var taken = columns[series] else { continue }
            if !taken.isSorted {
                columns[series] = nil
                summary.duplicates += Int64(Importer.sort(&taken))
                columns[series] = taken
            }
            minTime = min(minTime, taken.times.first ?? .max)
            maxTime = max(maxTime, taken.times.last ?? .min)
        }
        if maxTime - minTime <= Importer.spanLimit {
            try await write(.min, .max)
        } else {
            var start = Importer.midnight(minTime)
            while start <= maxTime {
                try await write(start, start + Importer.day - 1)
                start += Importer.day
            }
        }
        seen.formUnion(columns.keys)
        note(minTime, maxTime)
        columns = [:]
        buffered = 0
    }

    /// Writes the rest; what was imported in all.
    public consuming func finish() async throws(StorageError) -> Summary {
        try await flush()
        try await writeStreams(isEnd: true)
        summary.series = seen.count
        return summary
    }

    /// Times that may be imported, the years 1 to 9999: blocks are made day by day.
    public static let times: ClosedRange<Timestamp> = -62_135_596_800_000...253_402_300_799_999

    static func midnight(_ time: Timestamp) -> Timestamp {
        (time >= 0 ? time / day : (time - day + 1) / day) * day
    }

    /// Sorts by time; of several samples at the same time the first one counts.
    /// - Returns: how many are left out.
    private static func sort(_ column: inout Column) -> Int {
        let order = column.times.indices.sorted { (column.times[$0], $0) < (column.times[$1], $1) }
        var times: [Timestamp] = []
        var values: [Double] = []
        times.reserveCapacity(order.count)
        values.reserveCapacity(order.count)
        for index in order {
            if times.last == column.times[index] { continue }
            times.append(column.times[index])
            values.append(column.values[index])
        }
        let dropped = column.times.count - times.count
        column = Column(times: times, values: values)
        return dropped
    }

    private mutating func write(_ start: Timestamp, _ end: Timestamp) async throws(StorageError) {
        let isWhole = start == .min && end == .max
        let columns = columns
        let longest = columns.values.reduce(0) { max($0, $1.times.count) }
        let block = try await engine.adopt(columns.keys.sorted(), isLong: longest >= Importer.sealedLength) { series in
            var part = SeriesColumns(labels: Labels())
            guard let column = columns[series] else { return part }
            if isWhole {
                part.timestamps = column.times
                part.values = column.values
            } else {
                let range =
                    HeadSegment.position(
                        of: start,
                        in: column.times
                    )..<HeadSegment.position(of: end + 1, in: column.times)
                part.timestamps = Array(column.times[range])
                part.values = Array(column.values[range])
            }
            return part
        }
        count(block)
    }
}

extension Engine {
    /// Makes a block of ready columns, by rising series; `isLong` for such as merging a day would give.
    func adopt(
        _ series: [UInt32],
        isLong: Bool,
        _ columns: @escaping (UInt32) -> SeriesColumns
    ) async throws(StorageError) -> Block? {
        var stream = BlockStream(engine: self, level: isLong ? Block.dayLevel : 0)
        for number in series {
            try stream.builder.add(number, columns(number))
            if backend != nil, stream.sink.bytes > BlockStream.pendingLimit { try await stream.write(self) }
        }
        return try await stream.finish(self)
    }
}
