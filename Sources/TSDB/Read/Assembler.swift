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
    }

    enum Values {
        /// An entry of a page; its values start at `offset` of the timeline.
        case chunk(page: Int, entry: Int)
        /// Values parallel to the range, and start timestamps or none.
        case column([Double], [Timestamp])
        case histograms([NativeHistogram], [Timestamp])
    }

    /// A timeline with the stretch of it that is wanted.
    final class Wanted {
        let timeline: Timeline
        let range: Range<Int>

        init(_ timeline: Timeline, _ start: Timestamp, _ end: Timestamp) {
            self.timeline = timeline
            let lower = timeline.lowerBound(start)
            let upper = end == .max ? timeline.times.count : timeline.lowerBound(end + 1)
            range = lower..<max(lower, upper)
        }
    }

    var series: [UInt32] = []
    var floats: [[Piece]] = []
    var histograms: [[Piece]] = []
    var pages: [LoadedPage] = []
    var sampleCount = 0
    /// Whether it is only asked which series have samples; ``isPresent`` then tells, or else their pieces.
    private var wantsPresenceOnly = false
    private var isPresent: [Bool] = []
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
        try gather(series, sampleLimit)
        return try build()
    }

    /// Which of the ascending series have a sample in the span. Decodes timelines only.
    mutating func presence(_ series: [UInt32]) throws(StorageError) -> [Bool] {
        isPresent = [Bool](repeating: false, count: series.count)
        wantsPresenceOnly = true
        defer { wantsPresenceOnly = false }
        try gather(series, 0)
        return series.indices.map { isPresent[$0] || !floats[$0].isEmpty || !histograms[$0].isEmpty }
    }

    /// Finds the pieces of each series.
    private mutating func gather(_ series: [UInt32], _ sampleLimit: Int) throws(StorageError) {
        self.series = series
        floats = [[Piece]](repeating: [], count: series.count)
        histograms = floats
        pages = []
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
            throw StorageError(.tooManySamples, "query would read more than \(limit) samples")
        }
        if isCancellable, Task.isCancelled { throw StorageError(.cancelled, "the query was cancelled") }
    }

    // MARK: - Blocks

    mutating func collect(_ block: Block) throws(StorageError) {
        let members = block.members(of: series)
        guard let firstMember = members.first else { return }
        var wantedPages: [Int] = []
        var member = 0
        var page = block.pages.partitioningIndex { $0.upperBound >= firstMember }
        while page < block.pages.count, member < members.count {
            while member < members.count, members[member] < block.pages[page].lowerBound { member += 1 }
            guard member < members.count else { break }
            if members[member] <= block.pages[page].upperBound { wantedPages.append(page) }
            page += 1
        }
        let firstPage = pages.count
        let loaded = try load(block, wantedPages)
        pages.append(contentsOf: loaded)
        // Which entries, and which timelines that are stored apart.
        var hits: [(position: Int, page: Int, entry: Int)] = []
        var sharedNumbers = Set<Int>()
        var lastShared = -1
        var position = 0
        for (index, page) in loaded.enumerated() {
            var number = 0
            while true {
                number = page.firstEntry(from: number, notBefore: position < series.count ? series[position] : .max)
                guard position < series.count, number < page.entries.count else { break }
                let found = page.entries[number].series
                while position < series.count, series[position] < found { position += 1 }
                guard position < series.count else { break }
                guard series[position] == found else { continue }
                hits.append((position, firstPage + index, number))
                // Neighbours mostly have a timeline in common.
                let timeline = page.entries[number].timeline
                if !page.entries[number].isLocalTimeline, timeline != lastShared {
                    sharedNumbers.insert(timeline)
                    lastShared = timeline
                }
                number += 1
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
                throw StorageError(.corrupt, "a page of block \(block.id) names a timeline that it does not have")
            }
            last = (entry.isLocalTimeline, entry.timeline, wanted)
            let range = wanted.range.clamped(to: entry.offset..<entry.offset + entry.count)
            if range.isEmpty { continue }
            if wantsPresenceOnly, capture.tombstones.isEmpty {
                isPresent[hit.position] = true
                continue
            }
            var piece = Piece(timeline: wanted.timeline, range: range, values: .chunk(page: hit.page, entry: hit.entry))
            if let deleted = capture.tombstones[entry.series]?.filter({ block.id < $0.before }), !deleted.isEmpty {
                guard let rest = try without(deleted, piece, entry) else { continue }
                piece = rest
            }
            sampleCount += piece.range.count
            if entry.kind.contains(.histograms) {
                histograms[hit.position].append(piece)
            } else {
                floats[hit.position].append(piece)
            }
        }
    }

    private func load(_ block: Block, _ numbers: [Int]) throws(StorageError) -> [LoadedPage] {
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

    private func loadTimelines(_ block: Block, _ numbers: [Int]) throws(StorageError) -> [Int: Wanted] {
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
        let values: Values
        if entry.kind.contains(.histograms) {
            let (column, starts) = try histogramColumn(piece)
            values = .histograms(kept.map { column[$0 - lower] }, starts.isEmpty ? [] : kept.map { starts[$0 - lower] })
        } else {
            var column = [Double](repeating: 0, count: piece.range.count)
            try column.withUnsafeMutableBufferPointer { (buffer) throws(StorageError) in
                if let base = buffer.baseAddress { try fill(base, piece) }
            }
            let starts = try starts(piece)
            values = .column(kept.map { column[$0 - lower] }, starts.isEmpty ? [] : kept.map { starts[$0 - lower] })
        }
        return Piece(timeline: timeline, range: 0..<kept.count, values: values)
    }
}

extension Array {
    /// The first index whose element satisfies the predicate, given that all later ones do too.
    func partitioningIndex(where isUpper: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if isUpper(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
