import MetricModel

/// Puts a block together from columns of series in rising order, handing on each page as soon as it is full.
struct BlockBuilder {
    private let id: Int64
    private let level: Int
    /// Which part of a block that is made in several at once; timelines have numbers that no other part gives.
    private let part: Int
    private let parts: Int
    /// Takes a finished row: its key and its bytes.
    private let emit: (_ row: Int64, _ bytes: [UInt8]) throws(StorageError) -> Void

    private var minTime = Timestamp.max
    private var maxTime = Timestamp.min
    private var samples: Int64 = 0
    /// Bytes of the pages and timelines handed on so far.
    private(set) var bytes: Int64 = 0
    /// Timestamps of the timelines, which are kept to find those that are the same.
    private(set) var timelineSamples = 0
    private var runs: [ClosedRange<UInt32>] = []
    private var pages: [ClosedRange<UInt32>] = []

    // Timelines, each coded once. Short ones are repeated in every page that uses them.
    private var timelines: [TimelineForm] = []
    private var timelineByHash: [UInt64: [Int]] = [:]
    private var recent: [(times: [Timestamp], number: Int)] = []
    private var sharedCount = 0

    private struct TimelineForm {
        var times: [Timestamp]
        var coded: [UInt8]
        /// The number under which it is stored, for one that is stored apart.
        var shared: Int?
        /// The page in which it has the local number.
        var page = -1
        var local = 0
    }

    // The page in the making.
    private var localTimelines = ByteWriter()
    private var localCount = 0
    private var headers = ByteWriter()
    private var run = ChunkRun()
    private var payload = ByteWriter()
    private var entryCount = 0
    private var firstSeries: UInt32 = 0
    private var lastSeries: UInt32 = 0

    /// The columns added last to the page, which the next one may be like.
    private var relatives: [Relative] = []

    /// Chunks whose headers say the same, but for their lengths.
    private struct ChunkRun {
        /// Kind, timeline, and which stretch of it.
        var shape = (kind: UInt8(0), timeline: 0, offset: 0, samples: 0)
        /// How far the first series is from the one before.
        var step: UInt32 = 0
        var count = 0
        var lengths = ByteWriter()

        /// Appends what was gathered, and starts anew.
        mutating func flush(into writer: inout ByteWriter) {
            guard count > 0 else { return }
            writer.varint(UInt64(step))
            writer.byte(shape.kind)
            writer.count(shape.timeline)
            writer.count(shape.offset)
            writer.count(shape.samples)
            writer.count(count)
            writer.bytes.append(contentsOf: lengths.bytes)
            count = 0
            lengths.bytes.removeAll(keepingCapacity: true)
        }
    }

    private struct Relative {
        var timeline: Int
        var values: [Double]
        /// The entry's number in the page.
        var entry: Int
        /// How many entries have to be decoded before it.
        var depth: Int
    }

    /// The most samples of a chunk: six hours of a sample each 15 s.
    private static let chunkLength = 1440
    /// Codings longer than this are stored once, apart from the pages.
    private static let localLimit = 256

    init(
        id: Int64,
        level: Int,
        part: Int = 0,
        of parts: Int = 1,
        emit: @escaping (Int64, [UInt8]) throws(StorageError) -> Void
    ) {
        self.id = id
        self.level = level
        self.part = part
        self.parts = parts
        self.emit = emit
    }

    /// Bytes that are held back at the moment.
    var pendingBytes: Int { payload.bytes.count + headers.bytes.count + run.lengths.bytes.count }

    /// Adds the samples of a series. Series come in rising order, each once.
    mutating func add(_ series: UInt32, _ columns: SeriesColumns) throws(StorageError) {
        if !columns.timestamps.isEmpty { try addFloats(series, columns) }
        if !columns.histogramTimestamps.isEmpty {
            try begin(series, canCut: true)
            let start = payload.bytes.count
            HistogramCodec.encode(columns.histograms[...], into: &payload)
            let number = try timeline(columns.histogramTimestamps)
            header(
                series,
                number,
                columns.histogramTimestamps,
                columns.histograms.indices,
                .histograms,
                start,
                columns.histogramStartTimestamps[...],
                nil
            )
        }
    }

    private mutating func addFloats(_ series: UInt32, _ columns: SeriesColumns) throws(StorageError) {
        let number = try timeline(columns.timestamps)
        let isInteger = RelatedCodec.isInteger(columns.values)
        var relative: Relative?
        if isInteger {
            relative = relatives.reversed().first {
                $0.timeline == number && $0.depth < 32 && $0.values.count == columns.values.count
                    && RelatedCodec.isLike(columns.values, $0.values)
            }
        }
        try begin(series, canCut: relative == nil)
        let first = entryCount
        // Long columns are cut, so that a short span can be read without decoding the whole day.
        let count = columns.values.count
        let parts = (count + BlockBuilder.chunkLength - 1) / BlockBuilder.chunkLength
        for part in 0..<parts {
            let range = count * part / parts..<count * (part + 1) / parts
            let start = payload.bytes.count
            if let relative {
                RelatedCodec.encode(columns.values[range], after: relative.values[range], into: &payload)
            } else {
                columns.values.withUnsafeBufferPointer {
                    ValueCodec.encode(UnsafeBufferPointer(rebasing: $0[range]), into: &payload)
                }
            }
            header(
                series,
                number,
                columns.timestamps,
                range,
                [],
                start,
                columns.startTimestamps.isEmpty ? [] : columns.startTimestamps[range],
                relative.map { first - $0.entry }
            )
        }
        guard isInteger else { return }
        if relatives.count == 2 { relatives.removeFirst() }
        relatives.append(
            Relative(timeline: number, values: columns.values, entry: first, depth: relative.map { $0.depth + 1 } ?? 0)
        )
    }

    private mutating func begin(_ series: UInt32, canCut: Bool) throws(StorageError) {
        let isFull = pendingBytes >= Page.targetSize || entryCount >= Page.targetEntries
        if canCut, isFull, series != lastSeries { try finishPage() }
        if entryCount == 0 { firstSeries = series }
        if let last = runs.last, last.upperBound == series {
            // The other kind of the same series.
        } else if let last = runs.last, last.upperBound + 1 == series {
            runs[runs.count - 1] = last.lowerBound...series
        } else {
            runs.append(series...series)
        }
    }

    private mutating func header(
        _ series: UInt32,
        _ number: Int,
        _ times: [Timestamp],
        _ range: Range<Int>,
        _ kind: Page.Kind,
        _ start: Int,
        _ starts: ArraySlice<Timestamp>,
        _ distance: Int?
    ) {
        let length = payload.bytes.count - start
        var kind = kind
        if !starts.isEmpty {
            kind.insert(.starts)
            starts.withUnsafeBufferPointer { IntegerCodec.encode($0, into: &payload) }
        }
        let shape = (kind: kind.rawValue, timeline: reference(number), offset: range.lowerBound, samples: range.count)
        let step = series - (entryCount == 0 ? 0 : lastSeries)
        if run.count == 0 || run.shape != shape || step != 1 {
            run.flush(into: &headers)
            run.shape = shape
            run.step = step
        }
        run.count += 1
        run.lengths.count(length << 1 | (distance == nil ? 0 : 1))
        if kind.contains(.starts) { run.lengths.count(payload.bytes.count - start - length) }
        if let distance { run.lengths.count(distance) }
        entryCount += 1
        lastSeries = series
        samples += Int64(range.count)
        if let first = times.first, let last = times.last {
            minTime = min(minTime, first)
            maxTime = max(maxTime, last)
        }
    }

    /// The number of a timeline, coded if it is new.
    private mutating func timeline(_ times: [Timestamp]) throws(StorageError) -> Int {
        // Series of one target come together and share the very array.
        for entry in recent where BlockBuilder.isSameBuffer(entry.times, times) { return entry.number }
        let hash = times.withUnsafeBytes { Hash64.hash($0.assumingMemoryBound(to: UInt8.self)) }
        for number in timelineByHash[hash] ?? [] where timelines[number].times == times {
            remember(times, number)
            return number
        }
        var form = TimelineForm(times: times, coded: Timeline.encode(times))
        if form.coded.count > BlockBuilder.localLimit {
            let number = sharedCount * parts + part
            form.shared = number
            let sealed = Page.seal(form.coded)
            try emit(id << 24 | 1 << 23 | Int64(number), sealed)
            bytes += Int64(sealed.count)
            sharedCount += 1
        }
        timelines.append(form)
        timelineSamples += times.count
        timelineByHash[hash, default: []].append(timelines.count - 1)
        remember(times, timelines.count - 1)
        return timelines.count - 1
    }

    private mutating func remember(_ times: [Timestamp], _ number: Int) {
        if recent.count >= 8 { recent.removeFirst() }
        recent.append((times, number))
    }

    private static func isSameBuffer(_ left: [Timestamp], _ right: [Timestamp]) -> Bool {
        left.count == right.count
            && left.withUnsafeBufferPointer { a in right.withUnsafeBufferPointer { a.baseAddress == $0.baseAddress } }
    }

    private mutating func reference(_ number: Int) -> Int {
        if let shared = timelines[number].shared { return shared << 1 }
        if timelines[number].page != pages.count {
            timelines[number].page = pages.count
            timelines[number].local = localCount
            localTimelines.field(timelines[number].coded)
            localCount += 1
        }
        return timelines[number].local << 1 | 1
    }

    private mutating func finishPage() throws(StorageError) {
        guard entryCount > 0 else { return }
        run.flush(into: &headers)
        var writer = ByteWriter()
        writer.byte(Page.version)
        writer.count(localCount)
        writer.bytes.append(contentsOf: localTimelines.bytes)
        writer.count(entryCount)
        writer.count(payload.bytes.count)
        writer.bytes.append(contentsOf: headers.bytes)
        writer.bytes.append(contentsOf: payload.bytes)
        let sealed = Page.seal(writer.bytes)
        try emit(id << 24 | Int64(pages.count), sealed)
        bytes += Int64(sealed.count)
        pages.append(firstSeries...lastSeries)
        localTimelines = ByteWriter()
        localCount = 0
        headers = ByteWriter()
        payload.bytes.removeAll(keepingCapacity: true)
        entryCount = 0
        relatives = []
    }

    /// Writes what is left; the finished block, `nil` where nothing was added.
    mutating func finish() throws(StorageError) -> Block? {
        try finishPage()
        guard samples > 0 else { return nil }
        return Block(
            id: id,
            level: level,
            minTime: minTime,
            maxTime: maxTime,
            samples: samples,
            bytes: bytes,
            runs: runs,
            pages: pages,
            timelineCount: sharedCount * parts
        )
    }
}
