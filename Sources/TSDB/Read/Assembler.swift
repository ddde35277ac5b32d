import MetricModel

/// Where the rows of blocks come from.
protocol PageSource: Sendable {
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
    private let capture: Capture
    private let source: any PageSource
    private let start: Timestamp
    private let end: Timestamp

    /// A stretch of a timeline and where the values for it are.
    private struct Piece {
        var timeline: Timeline
        var range: Range<Int>
        var values: Values
    }

    private enum Values {
        /// An entry of a page; its values start at `offset` of the timeline.
        case chunk(page: Int, entry: Int)
        /// Values parallel to the range, and start timestamps or none.
        case column([Double], [Timestamp])
        case histograms([NativeHistogram], [Timestamp])
    }

    /// A timeline with the stretch of it that is wanted.
    private final class Wanted {
        let timeline: Timeline
        let range: Range<Int>

        init(_ timeline: Timeline, _ start: Timestamp, _ end: Timestamp) {
            self.timeline = timeline
            let lower = timeline.lowerBound(start)
            let upper = end == .max ? timeline.times.count : timeline.lowerBound(end + 1)
            range = lower..<max(lower, upper)
        }
    }

    private var series: [UInt32] = []
    private var floats: [[Piece]] = []
    private var histograms: [[Piece]] = []
    private var pages: [LoadedPage] = []
    private var sampleCount = 0
    /// What was decoded last: entries that refer to it come next.
    private let decoded = Decoded()

    /// The entries decoded last.
    private final class Decoded {
        private var kept: [(page: Int, entry: Int, range: Range<Int>, values: [Double])] = []

        func add(_ page: Int, _ entry: Int, _ range: Range<Int>, _ values: [Double]) {
            if kept.count == 4 { kept.removeFirst() }
            kept.append((page, entry, range, values))
        }

        func find(_ page: Int, _ entry: Int, _ range: Range<Int>) -> [Double]? {
            kept.first { $0.page == page && $0.entry == entry && $0.range == range }?.values
        }
    }

    /// Reads the span (inclusive) from what was captured.
    init(_ capture: Capture, source: any PageSource, start: Timestamp, end: Timestamp) {
        self.capture = capture
        self.source = source
        self.start = start
        self.end = end
    }

    /// The columns of the ascending series, in their order; those without a sample have empty columns.
    mutating func run(
        _ series: [UInt32],
        sampleLimit: Int = 0
    ) throws(StorageError) -> [SeriesColumns] {
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
        return try build()
    }

    private func check(_ limit: Int) throws(StorageError) {
        if limit > 0, sampleCount > limit {
            throw StorageError(.tooManySamples, "query would read more than \(limit) samples")
        }
        if Task.isCancelled { throw StorageError(.cancelled, "the query was cancelled") }
    }

    // MARK: - Blocks

    private mutating func collect(_ block: Block) throws(StorageError) {
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
        var loaded: [LoadedPage] = []
        try source.read(block, wantedPages.map(block.pageRow)) { (index, bytes) throws(StorageError) in
            guard let page = LoadedPage(bytes) else {
                throw StorageError(.corrupt, "page \(wantedPages[index]) of block \(block.id) is damaged")
            }
            loaded.append(page)
        }
        pages.append(contentsOf: loaded)
        // Which entries, and which timelines that are stored apart.
        var hits: [(position: Int, page: Int, entry: Int)] = []
        var sharedNumbers = Set<Int>()
        var position = 0
        for (index, page) in loaded.enumerated() {
            for (number, entry) in page.entries.enumerated() {
                while position < series.count, series[position] < entry.series { position += 1 }
                guard position < series.count else { break }
                guard series[position] == entry.series else { continue }
                hits.append((position, firstPage + index, number))
                if !entry.isLocalTimeline { sharedNumbers.insert(entry.timeline) }
            }
        }
        var shared: [Int: Wanted] = [:]
        let numbers = sharedNumbers.sorted()
        let (start, end) = (start, end)
        try source.read(block, numbers.map(block.timelineRow)) { (index, bytes) throws(StorageError) in
            let timeline = bytes.withUnsafeBufferPointer {
                Timeline.decode(UnsafeBufferPointer(rebasing: $0[..<($0.count - Page.padding)]))
            }
            guard let timeline else {
                throw StorageError(.corrupt, "timeline \(numbers[index]) of block \(block.id) is damaged")
            }
            shared[numbers[index]] = Wanted(timeline, start, end)
        }
        var local: [Int: Wanted] = [:]
        var localPage = -1
        for hit in hits {
            let entry = pages[hit.page].entries[hit.entry]
            if hit.page != localPage {
                local = [:]
                localPage = hit.page
            }
            var wanted: Wanted? = entry.isLocalTimeline ? local[entry.timeline] : shared[entry.timeline]
            if wanted == nil, entry.isLocalTimeline, let timeline = pages[hit.page].localTimeline(entry.timeline) {
                wanted = Wanted(timeline, start, end)
                local[entry.timeline] = wanted
            }
            guard let wanted, entry.offset + entry.count <= wanted.timeline.times.count else {
                throw StorageError(.corrupt, "a page of block \(block.id) names a timeline that it does not have")
            }
            let range = wanted.range.clamped(to: entry.offset..<entry.offset + entry.count)
            if range.isEmpty { continue }
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

    /// The piece without the deleted samples.
    private func without(_ deleted: [Tombstone], _ piece: Piece, _ entry: Page.Entry) throws(StorageError) -> Piece? {
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

    // MARK: - Head

    private mutating func collect(_ segment: HeadSegment) {
        segment.groupByStream(series) { stream, members in
            let rows = segment.streams[stream]
            let timeline = Wanted(Timeline(rows.times), start, end)
            guard !timeline.range.isEmpty else { return }
            let wanted = timeline.range
            var pointers: [UnsafeBufferPointer<Double>] = []
            pointers.reserveCapacity(wanted.count)
            // The rows are held by `segment` for as long as the pointers are used.
            for row in wanted { pointers.append(rows.rows[row].withUnsafeBufferPointer { $0 }) }
            for (position, slot) in members {
                var present = 0
                let values = [Double](unsafeUninitializedCapacity: wanted.count) { buffer, count in
                    for pointer in pointers where slot < pointer.count {
                        let value = pointer[slot]
                        if value.bitPattern != HeadSegment.absentBits {
                            buffer[present] = value
                            present += 1
                        }
                    }
                    count = present
                }
                if present == 0 { continue }
                sampleCount += present
                if present == wanted.count {
                    let starts = HeadSegment.starts(rows, wanted, slot)
                    floats[position].append(
                        Piece(timeline: timeline.timeline, range: wanted, values: .column(values, starts))
                    )
                } else {
                    let kept = wanted.filter { row in
                        slot < rows.rows[row].count && rows.rows[row][slot].bitPattern != HeadSegment.absentBits
                    }
                    let own =
                        kept.count == wanted.upperBound - kept[0]
                        ? nil : Timeline(kept.map { rows.times[$0] })
                    let starts = kept.map { HeadSegment.starts(rows, $0..<$0 + 1, slot).first ?? 0 }
                    floats[position].append(
                        Piece(
                            timeline: own ?? timeline.timeline,
                            range: own == nil ? kept[0]..<wanted.upperBound : 0..<kept.count,
                            values: .column(values, starts.contains { $0 != 0 } ? starts : [])
                        )
                    )
                }
            }
            withExtendedLifetime(rows) {}
        }
        if segment.own.isEmpty { return }
        for (position, number) in series.enumerated() {
            guard let own = segment.own[number] else { continue }
            if !own.times.isEmpty {
                let wanted = Wanted(Timeline(own.times), start, end)
                if !wanted.range.isEmpty {
                    sampleCount += wanted.range.count
                    floats[position].append(
                        Piece(
                            timeline: wanted.timeline,
                            range: wanted.range,
                            values: .column(
                                Array(own.values[wanted.range]),
                                own.starts.isEmpty ? [] : Array(own.starts[wanted.range])
                            )
                        )
                    )
                }
            }
            if !own.histogramTimes.isEmpty {
                let wanted = Wanted(Timeline(own.histogramTimes), start, end)
                if !wanted.range.isEmpty {
                    sampleCount += wanted.range.count
                    histograms[position].append(
                        Piece(
                            timeline: wanted.timeline,
                            range: wanted.range,
                            values: .histograms(
                                Array(own.histograms[wanted.range]),
                                own.histogramStarts.isEmpty ? [] : Array(own.histogramStarts[wanted.range])
                            )
                        )
                    )
                }
            }
        }
    }

    // MARK: - Columns

    /// Remembers columns of timestamps by the stretches that they are made of, so that series share them.
    private struct SharedTimes {
        private var known: [UInt64: [(key: [(ObjectIdentifier, Range<Int>)], times: [Timestamp])]] = [:]

        mutating func times(_ pieces: [Piece]) -> [Timestamp] {
            if pieces.count == 1, pieces[0].range.count == pieces[0].timeline.times.count {
                return pieces[0].timeline.times
            }
            var hash: UInt64 = 0
            for piece in pieces {
                hash = Hash64.mix(hash, UInt64(UInt(bitPattern: ObjectIdentifier(piece.timeline).hashValue)))
                hash = Hash64.mix(hash, UInt64(piece.range.lowerBound) << 32 | UInt64(piece.range.upperBound))
            }
            for entry in known[hash] ?? [] where entry.key.count == pieces.count {
                if zip(entry.key, pieces).allSatisfy({ $0.0 == ObjectIdentifier($1.timeline) && $0.1 == $1.range }) {
                    return entry.times
                }
            }
            var times: [Timestamp] = []
            times.reserveCapacity(pieces.reduce(0) { $0 + $1.range.count })
            for piece in pieces { times.append(contentsOf: piece.timeline.times[piece.range]) }
            known[hash, default: []].append((pieces.map { (ObjectIdentifier($0.timeline), $0.range) }, times))
            return times
        }
    }

    private mutating func build() throws(StorageError) -> [SeriesColumns] {
        var result: [SeriesColumns] = []
        result.reserveCapacity(series.count)
        var shared = SharedTimes()
        for position in series.indices {
            var columns = SeriesColumns(labels: Labels())
            if !floats[position].isEmpty {
                try fillFloats(&columns, floats[position], &shared)
                floats[position] = []
            }
            if !histograms[position].isEmpty {
                try fillHistograms(&columns, histograms[position], &shared)
                histograms[position] = []
            }
            if position & 255 == 255 { try check(0) }
            result.append(columns)
        }
        return result
    }

    /// Sorts the pieces by time; whether they do not overlap.
    private static func arrange(_ pieces: inout [Piece]) -> Bool {
        if pieces.count == 1 { return true }
        func first(_ piece: Piece) -> Timestamp { piece.timeline.times[piece.range.lowerBound] }
        func last(_ piece: Piece) -> Timestamp { piece.timeline.times[piece.range.upperBound - 1] }
        var isSorted = true
        for index in 1..<pieces.count where first(pieces[index]) <= last(pieces[index - 1]) { isSorted = false }
        if isSorted { return true }
        let order = pieces.indices.sorted { (first(pieces[$0]), $0) < (first(pieces[$1]), $1) }
        let sorted = order.map { pieces[$0] }
        for index in 1..<sorted.count where first(sorted[index]) <= last(sorted[index - 1]) { return false }
        pieces = sorted
        return true
    }

    private func fillFloats(
        _ columns: inout SeriesColumns,
        _ unsorted: [Piece],
        _ shared: inout SharedTimes
    ) throws(StorageError) {
        var pieces = unsorted
        let isDisjoint = Assembler.arrange(&pieces)
        let total = pieces.reduce(0) { $0 + $1.range.count }
        var values: [Double]
        if pieces.count == 1, case .column(let column, _) = pieces[0].values {
            values = column
        } else {
            var failure: StorageError?
            values = [Double](unsafeUninitializedCapacity: total) { buffer, count in
                guard let base = buffer.baseAddress else { return }
                var filled = 0
                do throws(StorageError) {
                    for piece in pieces {
                        try fill(base + filled, piece)
                        filled += piece.range.count
                    }
                } catch { failure = error }
                count = filled
            }
            if let failure { throw failure }
            remember(pieces, values)
        }
        var starts: [Timestamp] = []
        if pieces.contains(where: hasStarts) {
            for piece in pieces {
                let own = try self.starts(piece)
                starts.append(contentsOf: own.isEmpty ? [Timestamp](repeating: 0, count: piece.range.count) : own)
            }
        }
        if isDisjoint {
            columns.timestamps = shared.times(pieces)
            columns.values = values
            columns.startTimestamps = starts
            return
        }
        // Overlapping: sorted by time; of those at the same time, the one that was stored first.
        let times = pieces.flatMap { $0.timeline.times[$0.range] }
        let order = Assembler.mergeOrder(times)
        columns.timestamps = order.map { times[$0] }
        columns.values = order.map { values[$0] }
        columns.startTimestamps = starts.isEmpty ? [] : order.map { starts[$0] }
    }

    /// Keeps decoded values for an entry that may refer to them.
    private func remember(_ pieces: [Piece], _ values: [Double]) {
        var filled = 0
        for piece in pieces {
            if case .chunk(let page, let entry) = piece.values {
                let isWhole = pieces.count == 1
                decoded.add(
                    page,
                    entry,
                    piece.range,
                    isWhole ? values : Array(values[filled..<filled + piece.range.count])
                )
            }
            filled += piece.range.count
        }
    }

    private static func mergeOrder(_ times: [Timestamp]) -> [Int] {
        let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
        var unique: [Int] = []
        unique.reserveCapacity(order.count)
        for index in order {
            if let last = unique.last, times[last] == times[index] { continue }
            unique.append(index)
        }
        return unique
    }

    private func hasStarts(_ piece: Piece) -> Bool {
        switch piece.values {
        case .chunk(let page, let entry): !pages[page].entries[entry].starts.isEmpty
        case .column(_, let starts), .histograms(_, let starts): !starts.isEmpty
        }
    }

    private func starts(_ piece: Piece) throws(StorageError) -> [Timestamp] {
        switch piece.values {
        case .column(_, let starts), .histograms(_, let starts): return starts
        case .chunk(let page, let number):
            let entry = pages[page].entries[number]
            if entry.starts.isEmpty { return [] }
            var all = [Timestamp](repeating: 0, count: entry.count)
            let isSound = pages[page].bytes.withUnsafeBufferPointer { bytes in
                all.withUnsafeMutableBufferPointer { buffer in
                    guard let base = buffer.baseAddress else { return false }
                    return IntegerCodec.decode(
                        UnsafeBufferPointer(rebasing: bytes[entry.starts]),
                        total: entry.count,
                        count: entry.count,
                        into: base
                    )
                }
            }
            guard isSound else { throw Assembler.damaged(entry) }
            return Array(all[piece.range.lowerBound - entry.offset..<piece.range.upperBound - entry.offset])
        }
    }

    /// Writes the piece's values to `target`.
    private func fill(_ target: UnsafeMutablePointer<Double>, _ piece: Piece) throws(StorageError) {
        switch piece.values {
        case .column(let values, _):
            values.withUnsafeBufferPointer { buffer in
                if let base = buffer.baseAddress { target.initialize(from: base, count: buffer.count) }
            }
        case .histograms: break
        case .chunk(let page, let number):
            let entry = pages[page].entries[number]
            let lower = piece.range.lowerBound - entry.offset
            let upper = piece.range.upperBound - entry.offset
            if entry.reference > 0 { return try fill(target, piece, page, number, lower, upper) }
            let isSound = pages[page].bytes.withUnsafeBufferPointer { bytes in
                let coded = UnsafeBufferPointer(rebasing: bytes[entry.values])
                if lower == 0 {
                    return ValueCodec.decode(coded, total: entry.count, count: upper, into: target)
                }
                return withUnsafeTemporaryAllocation(of: Double.self, capacity: upper) { scratch in
                    guard let base = scratch.baseAddress,
                        ValueCodec.decode(coded, total: entry.count, count: upper, into: base)
                    else { return false }
                    target.initialize(from: base + lower, count: upper - lower)
                    return true
                }
            }
            guard isSound else { throw Assembler.damaged(entry) }
        }
    }

    /// Writes the values of an entry that is given as differences from another one.
    private func fill(
        _ target: UnsafeMutablePointer<Double>,
        _ piece: Piece,
        _ page: Int,
        _ number: Int,
        _ lower: Int,
        _ upper: Int
    ) throws(StorageError) {
        let entry = pages[page].entries[number]
        let other = number - entry.reference
        let otherEntry = pages[page].entries[other]
        guard otherEntry.count == entry.count, otherEntry.offset == entry.offset else { throw Assembler.damaged(entry) }
        if let known = decoded.find(page, other, piece.range) {
            known.withUnsafeBufferPointer { buffer in
                if let base = buffer.baseAddress { target.initialize(from: base, count: buffer.count) }
            }
        } else {
            var base = piece
            base.values = .chunk(page: page, entry: other)
            try fill(target, base)
        }
        let isSound = pages[page].bytes.withUnsafeBufferPointer { bytes in
            withUnsafeTemporaryAllocation(of: Int64.self, capacity: upper) { differences in
                guard let base = differences.baseAddress,
                    IntegerCodec.decode(
                        UnsafeBufferPointer(rebasing: bytes[entry.values]),
                        total: entry.count,
                        count: upper,
                        into: base
                    )
                else { return false }
                RelatedCodec.add(base + lower, to: target, count: upper - lower)
                return true
            }
        }
        guard isSound else { throw Assembler.damaged(entry) }
    }

    private func histogramColumn(
        _ piece: Piece
    ) throws(StorageError) -> (column: [NativeHistogram], starts: [Timestamp]) {
        switch piece.values {
        case .histograms(let column, let starts): return (column, starts)
        case .column: return ([], [])
        case .chunk(let page, let number):
            let entry = pages[page].entries[number]
            let all = pages[page].bytes.withUnsafeBufferPointer {
                HistogramCodec.decode(UnsafeBufferPointer(rebasing: $0[entry.values]), count: entry.count)
            }
            guard let all else { throw Assembler.damaged(entry) }
            let range = piece.range.lowerBound - entry.offset..<piece.range.upperBound - entry.offset
            return (Array(all[range]), try starts(piece))
        }
    }

    private func fillHistograms(
        _ columns: inout SeriesColumns,
        _ unsorted: [Piece],
        _ shared: inout SharedTimes
    ) throws(StorageError) {
        var pieces = unsorted
        let isDisjoint = Assembler.arrange(&pieces)
        let hasStarts = pieces.contains(where: hasStarts)
        var column: [NativeHistogram] = []
        var starts: [Timestamp] = []
        for piece in pieces {
            let own = try histogramColumn(piece)
            column.append(contentsOf: own.column)
            if hasStarts {
                starts.append(
                    contentsOf: own.starts.isEmpty ? [Timestamp](repeating: 0, count: piece.range.count) : own.starts
                )
            }
        }
        if isDisjoint {
            columns.histogramTimestamps = shared.times(pieces)
            columns.histograms = column
            columns.histogramStartTimestamps = starts
            return
        }
        let times = pieces.flatMap { $0.timeline.times[$0.range] }
        let order = Assembler.mergeOrder(times)
        columns.histogramTimestamps = order.map { times[$0] }
        columns.histograms = order.map { column[$0] }
        columns.histogramStartTimestamps = starts.isEmpty ? [] : order.map { starts[$0] }
    }

    private static func damaged(_ entry: Page.Entry) -> StorageError {
        StorageError(.corrupt, "a chunk of series \(entry.series) is damaged")
    }
}

extension HeadSegment {
    /// The start timestamps of a slot for the rows; empty where none is known.
    static func starts(_ rows: StreamRows, _ range: Range<Int>, _ slot: Int) -> [Timestamp] {
        if rows.starts.isEmpty { return [] }
        let starts = range.map { row in slot < rows.starts[row].count ? rows.starts[row][slot] : 0 }
        return starts.contains { $0 != 0 } ? starts : []
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
