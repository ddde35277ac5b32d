import MetricModel

/// Where the rows of blocks come from.
protocol PageSource: Sendable {
    /// Where queries keep what they read.
    var cache: PageCache? { get }
    /// Calls `body` with the rows of those numbers (see ``Block/pageRow(_:)``), opened and padded, in that order.
    func read(_ block: Block, _ rows: [Int64], _ body: (Int, [UInt8]) throws(StorageError) -> Void) throws(StorageError)
}

/// What a query reads from, captured at one moment.
struct Capture: Sendable {
    /// Recent samples, oldest first.
    var segments: [HeadSegment] = []
    /// Closed blocks, oldest first.
    var blocks: [Block] = []
    /// Deleted spans by series.
    var tombstones: [UInt32: [Tombstone]] = [:]
}

/// Puts together whole columns of samples from all the places where they are.
struct Assembler {
    let capture: Capture
    let source: any PageSource
    let start: Timestamp
    let end: Timestamp

    /// A stretch of a timeline and where the values for it are.
    struct Piece {
        var timeline: Timeline
        var range: Range<Int>
        var values: Values

        /// The time of its first sample.
        var firstTime: Timestamp { timeline.times[range.lowerBound] }
        /// The time of its last sample.
        var lastTime: Timestamp { timeline.times[range.upperBound - 1] }
    }

    /// The pieces of one series. Mostly it is one, or one of a block and one of the head, which take no array.
    struct PieceList {
        private var first: Piece?
        private var second: Piece?
        private var others: [Piece] = []

        var isEmpty: Bool { first == nil }
        var count: Int { (first == nil ? 0 : 1) + (second == nil ? 0 : 1) + others.count }
        /// In the order in which they were found.
        var all: [Piece] { [first, second].compactMap { $0 } + others }

        /// Takes the first piece out.
        mutating func takeFirst() -> Piece? { first.take() }
        /// Takes the second piece out.
        mutating func takeSecond() -> Piece? { second.take() }

        mutating func append(_ piece: consuming Piece) {
            if first == nil {
                first = piece
            } else if second == nil {
                second = piece
            } else {
                others.append(piece)
            }
        }
    }

    enum Values {
        /// An entry of a page; its values start at `offset` of the timeline.
        case chunk(page: Int, entry: Int)
        /// Values parallel to the range, and start timestamps or none.
        case column([Double], [Timestamp])
        /// A slot of the head's rows; its values are put together when the series is.
        case slot(HeadRows, Int)
        case histograms([NativeHistogram], [Timestamp])
    }

    /// A timeline with the stretch of it that is wanted.
    final class Wanted {
        let timeline: Timeline
        let range: Range<Int>

        init(_ timeline: Timeline, _ start: Timestamp, _ end: Timestamp) {
            self.timeline = timeline
            range = timeline.range(start, end)
        }
    }

    var series: [UInt32] = []
    var floats: [PieceList] = []
    var histograms: [PieceList] = []
    var pages: [LoadedPage] = []
    /// The chunks that pieces stand in, where they could be kept decoded, and about how many bytes that would take.
    var chunks: [ColumnRing.Key] = []
    var chunkBytes = 0
    var sampleCount = 0
    /// In how many parts like this one the whole of a query is read.
    var parts = 1
    /// Whether decoded chunks go into the cache; decided once the pieces are known.
    var keepsColumns = false
    /// What was decoded last: entries that refer to it come next.
    let decoded = Decoded()

    /// The entries decoded last.
    final class Decoded {
        var kept: [(page: Int, entry: Int, range: Range<Int>, values: [Double])] = []

        func add(_ page: Int, _ entry: Int, _ range: Range<Int>, _ values: [Double]) {
            if kept.count == 16 { kept.removeFirst() }
            kept.append((page, entry, range, values))
        }

        func find(_ page: Int, _ entry: Int, _ range: Range<Int>) -> [Double]? {
            kept.first { $0.page == page && $0.entry == entry && $0.range == range }?.values
        }
    }

    /// Whether cancelling the task ends it early.
    private let isCancellable: Bool
    /// Where queries keep what they read; what is read to be rewritten is not kept.
    let cache: PageCache?

    /// Reads the span (inclusive) from what was captured.
    init(
        _ capture: Capture,
        source: any PageSource,
        start: Timestamp,
        end: Timestamp,
        isCancellable: Bool = true
    ) {
        self.capture = capture
        self.source = source
        self.start = start
        self.end = end
        self.isCancellable = isCancellable
        cache = isCancellable ? source.cache : nil
    }

    /// The columns of the ascending series, in their order; those without a sample have empty columns.
    mutating func run(
        _ series: [UInt32],
        sampleLimit: Int = 0
    ) throws(StorageError) -> [SeriesColumns] {
        if let columns = try recent(series, sampleLimit) { return columns }
        try gather(series, sampleLimit)
        return try build()
    }

    /// Finds the pieces of each series.
    mutating func gather(_ series: [UInt32], _ sampleLimit: Int) throws(StorageError) {
        self.series = series
        floats = [PieceList](repeating: PieceList(), count: series.count)
        histograms = floats
        pages = []
        chunks = []
        chunkBytes = 0
        sampleCount = 0
        for block in capture.blocks where block.minTime <= end && block.maxTime >= start {
            try collect(block)
            try check(sampleLimit)
        }
        for segment in capture.segments where segment.minTime <= end && segment.maxTime >= start {
            collect(segment)
            try check(sampleLimit)
        }
    }

    func check(_ limit: Int) throws(StorageError) {
        if limit > 0, sampleCount > limit {
            throw StorageError.tooManySamples(limit: limit)
        }
        if isCancellable, Task.isCancelled || TaskLimit.isOver {
            throw StorageError(.cancelled, "the query was cancelled")
        }
    }

    // MARK: - Blocks

    /// The pages of the block that have some of the series.
    func pages(of block: Block) -> [Int] {
        let members = block.members(of: series)
        guard let firstMember = members.first else { return [] }
        var wanted: [Int] = []
        var member = 0
        var page = block.pages.partitioningIndex { $0.upperBound >= firstMember }
        while page < block.pages.count, member < members.count {
            while member < members.count, members[member] < block.pages[page].lowerBound { member += 1 }
            guard member < members.count else { break }
            if members[member] <= block.pages[page].upperBound { wanted.append(page) }
            page += 1
        }
        return wanted
    }

    /// Calls `body` with each entry of the page that belongs to one of the series: the series' position, the entry's number
    /// and the entry. Ends as soon as `body` says `false`, which is then the answer.
    @inline(__always)
    func forEachEntry(_ page: LoadedPage, _ body: (Int, Int, borrowing Page.Entry) -> Bool) -> Bool {
        page.entries.withUnsafeBufferPointer { entries in
            series.withUnsafeBufferPointer { series in
                guard let first = entries.first?.series else { return true }
                var position = series.partitioningIndex { $0 >= first }
                var number = 0
                while position < series.count {
                    number = page.firstEntry(from: number, notBefore: series[position])
                    guard number < entries.count else { break }
                    let found = entries[number].series
                    while position < series.count, series[position] < found { position += 1 }
                    guard position < series.count else { break }
                    guard series[position] == found else { continue }
                    guard body(position, number, entries[number]) else { return false }
                    number += 1
                }
                return true
            }
        }
    }

    mutating func collect(_ block: Block) throws(StorageError) {
        let firstPage = pages.count
        let loaded = try load(block, pages(of: block))
        pages.append(contentsOf: loaded)
        // Which entries, and which timelines that are stored apart.
        var hits: [(position: Int, page: Int, entry: Int)] = []
        var sharedNumbers = Set<Int>()
        var lastShared = -1
        for (index, page) in loaded.enumerated() {
            _ = forEachEntry(page) { position, number, entry in
                hits.append((position, firstPage + index, number))
                // Neighbours mostly have a timeline in common.
                if !entry.isLocalTimeline, entry.timeline != lastShared {
                    sharedNumbers.insert(entry.timeline)
                    lastShared = entry.timeline
                }
                return true
            }
        }
        let shared = try loadTimelines(block, sharedNumbers.sorted())
        var local: [Int: Wanted] = [:]
        var localPage = -1
        var last: (isLocal: Bool, timeline: Int, wanted: Wanted?) = (false, -1, nil)
        for hit in hits {
            let entry = pages[hit.page].entries[hit.entry]
            if hit.page != localPage {
                local = [:]
                localPage = hit.page
                if last.isLocal { last.wanted = nil }
            }
            var wanted = last.isLocal == entry.isLocalTimeline && last.timeline == entry.timeline ? last.wanted : nil
            if wanted == nil { wanted = entry.isLocalTimeline ? local[entry.timeline] : shared[entry.timeline] }
            if wanted == nil, entry.isLocalTimeline, let timeline = pages[hit.page].localTimeline(entry.timeline) {
                wanted = Wanted(timeline, start, end)
                local[entry.timeline] = wanted
            }
            guard let wanted, entry.offset + entry.count <= wanted.timeline.times.count else {
                throw Self.unknownTimeline(block)
            }
            last = (entry.isLocalTimeline, entry.timeline, wanted)
            let range = wanted.range.clamped(to: entry.offset..<entry.offset + entry.count)
            if range.isEmpty { continue }
            var piece = Piece(timeline: wanted.timeline, range: range, values: .chunk(page: hit.page, entry: hit.entry))
            if let deleted = capture.tombstones[entry.series]?.filter({ block.id < $0.before }), !deleted.isEmpty {
                guard let rest = try without(deleted, piece, entry) else { continue }
                piece = rest
            } else if cache != nil, !entry.kind.contains(.histograms), let row = pages[hit.page].row {
                chunks.append(ColumnRing.Key(row: row, entry: hit.entry))
                chunkBytes += entry.count * (entry.isOfIntegers ? 4 : 8)
            }
            sampleCount += piece.range.count
            if entry.kind.contains(.histograms) {
                histograms[hit.position].append(piece)
            } else {
                floats[hit.position].append(piece)
            }
        }
    }

    func load(_ block: Block, _ numbers: [Int]) throws(StorageError) -> [LoadedPage] {
        var found = numbers.map { cache?.page(block.pageRow($0)) }
        let missing = found.indices.filter { found[$0] == nil }
        try source.read(block, missing.map { block.pageRow(numbers[$0]) }) { (index, bytes) throws(StorageError) in
            let number = numbers[missing[index]]
            guard let page = LoadedPage(bytes, row: cache == nil ? nil : block.pageRow(number)) else {
                throw StorageError(.corrupt, "page \(number) of block \(block.id) is damaged")
            }
            cache?.add(page, block.pageRow(number))
            found[missing[index]] = page
        }
        return found.compactMap { $0 }
    }

    func loadTimelines(_ block: Block, _ numbers: [Int]) throws(StorageError) -> [Int: Wanted] {
        var found: [Int: Wanted] = [:]
        var missing: [Int] = []
        for number in numbers {
            if let timeline = cache?.timeline(block.timelineRow(number)) {
                found[number] = Wanted(timeline, start, end)
            } else {
                missing.append(number)
            }
        }
        try source.read(block, missing.map(block.timelineRow)) { (index, bytes) throws(StorageError) in
            let timeline = bytes.withUnsafeBufferPointer {
                Timeline.decode(UnsafeBufferPointer(rebasing: $0[..<($0.count - Page.padding)]))
            }
            guard let timeline else {
                throw StorageError(.corrupt, "timeline \(missing[index]) of block \(block.id) is damaged")
            }
            cache?.add(timeline, block.timelineRow(missing[index]))
            found[missing[index]] = Wanted(timeline, start, end)
        }
        return found
    }

    /// The piece without the deleted samples.
    func without(_ deleted: [Tombstone], _ piece: Piece, _ entry: Page.Entry) throws(StorageError) -> Piece? {
        let times = piece.timeline.times
        let kept = piece.range.filter { index in
            !deleted.contains { times[index] >= $0.start && times[index] <= $0.end }
        }
        if kept.count == piece.range.count { return piece }
        if kept.isEmpty { return nil }
        let lower = piece.range.lowerBound
        let timeline = Timeline(kept.map { times[$0] })
        let starts = try starts(piece)
        let left = starts.isEmpty ? [] : kept.map { starts[$0 - lower] }
        let values: Values
        if entry.kind.contains(.histograms) {
            let column = try histogramColumn(piece)
            values = .histograms(kept.map { column[$0 - lower] }, left)
        } else {
            var column = [Double](repeating: 0, count: piece.range.count)
            try column.withUnsafeMutableBufferPointer { (buffer) throws(StorageError) in
                if let base = buffer.baseAddress { try fill(base, piece) }
            }
            values = .column(kept.map { column[$0 - lower] }, left)
        }
        return Piece(timeline: timeline, range: 0..<kept.count, values: values)
    }
}

extension RandomAccessCollection where Index == Int {
    /// The first index whose element satisfies the predicate, given that all later ones do too.
    func partitioningIndex(where isUpper: (Element) -> Bool) -> Int {
        var low = startIndex
        var high = endIndex
        while low < high {
            let middle = (low + high) / 2
            if isUpper(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
