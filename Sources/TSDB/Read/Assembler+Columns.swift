import MetricModel

/// Putting pieces together into columns.
extension Assembler {
    /// Remembers columns of timestamps by the stretches that they are made of, so that series share them.
    struct SharedTimes {
        var known: [UInt64: [(key: [(ObjectIdentifier, Range<Int>)], times: [Timestamp])]] = [:]
        /// The column of the series before: neighbours mostly are scraped together.
        private var lastTimeline: Timeline?
        private var lastRange = 0..<0
        private var lastTimes: [Timestamp] = []
        /// The same of series in two pieces.
        private var lastPair: (first: Timeline, firstRange: Range<Int>, second: Timeline, secondRange: Range<Int>)?
        private var lastPairTimes: [Timestamp] = []

        mutating func times(_ piece: Piece) -> [Timestamp] {
            if lastTimeline === piece.timeline, lastRange == piece.range { return lastTimes }
            (lastTimes, lastTimeline, lastRange) = (times([piece]), piece.timeline, piece.range)
            return lastTimes
        }

        mutating func times(_ first: Piece, _ second: Piece) -> [Timestamp] {
            if let last = lastPair, last.first === first.timeline, last.firstRange == first.range,
                last.second === second.timeline, last.secondRange == second.range
            {
                return lastPairTimes
            }
            lastPairTimes = times([first, second])
            lastPair = (first.timeline, first.range, second.timeline, second.range)
            return lastPairTimes
        }

        mutating func times(_ unjoined: [Piece]) -> [Timestamp] {
            // Chunks that follow each other in one timeline count as one stretch of it.
            var pieces = unjoined[..<min(1, unjoined.count)]
            for piece in unjoined.dropFirst() {
                let last = pieces[pieces.endIndex - 1]
                if last.timeline === piece.timeline, last.range.upperBound == piece.range.lowerBound {
                    pieces[pieces.endIndex - 1].range = last.range.lowerBound..<piece.range.upperBound
                } else {
                    pieces.append(piece)
                }
            }
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

    mutating func build() throws(StorageError) -> [SeriesColumns] {
        keepsColumns = decidesToKeepColumns()
        var result: [SeriesColumns] = []
        result.reserveCapacity(series.count)
        var shared = SharedTimes()
        for position in series.indices {
            var columns = SeriesColumns(labels: Labels())
            switch floats[position].count {
            case 0: break
            case 1:
                // Taken out, so that its values change hands and are not shared for a moment.
                if let only = floats[position].takeFirst() { try fillFloats(&columns, only, &shared) }
            case 2:
                if let first = floats[position].takeFirst(), let second = floats[position].takeSecond() {
                    if first.lastTime < second.firstTime {
                        try fillFloats(&columns, first, second, &shared)
                    } else if second.lastTime < first.firstTime {
                        try fillFloats(&columns, second, first, &shared)
                    } else {
                        try fillFloats(&columns, [first, second], &shared)
                    }
                }
            default:
                try fillFloats(&columns, floats[position].all, &shared)
                floats[position] = PieceList()
            }
            if !histograms[position].isEmpty {
                try fillHistograms(&columns, histograms[position].all, &shared)
                histograms[position] = PieceList()
            }
            if position & 255 == 255 { try check(0) }
            result.append(columns)
        }
        return result
    }

    /// Whether the chunks that the query touches are worth keeping: all of them fit into the cache, so that it does not push out
    /// what it has just put in, and most were asked for before.
    private func decidesToKeepColumns() -> Bool {
        guard let cache, let first = chunks.first, let last = chunks.last else { return false }
        guard chunkBytes * parts <= cache.columnLimit else { return false }
        // What is kept already was wanted before.
        return (cache.holds(first) && cache.holds(last)) || cache.wants(chunks)
    }

    /// Sorts the pieces by time; whether they do not overlap.
    static func arrange(_ pieces: inout [Piece]) -> Bool {
        if pieces.count == 1 { return true }
        var isSorted = true
        for index in 1..<pieces.count where pieces[index].firstTime <= pieces[index - 1].lastTime { isSorted = false }
        if isSorted { return true }
        let order = pieces.indices.sorted { (pieces[$0].firstTime, $0) < (pieces[$1].firstTime, $1) }
        let sorted = order.map { pieces[$0] }
        for index in 1..<sorted.count where sorted[index].firstTime <= sorted[index - 1].lastTime { return false }
        pieces = sorted
        return true
    }

    /// The columns of a series that is in one piece.
    private func fillFloats(
        _ columns: inout SeriesColumns,
        _ given: consuming Piece,
        _ shared: inout SharedTimes
    ) throws(StorageError) {
        let piece = given
        columns.timestamps = shared.times(piece)
        switch piece.values {
        case .histograms: return
        case .column(let values, let starts):
            columns.values = values
            columns.startTimestamps = starts
        case .slot(let rows, let slot): columns.values = rows.column(slot)
        case .chunk(let page, let number):
            let isWhole = piece.range.count == pages[page].entries[number].count
            if isWhole, let whole = try cachedColumn(page, number) {
                columns.values = whole.values
            } else {
                columns.values = try values(of: [piece], count: piece.range.count)
            }
            columns.startTimestamps = try starts(piece)
        }
    }

    /// The columns of a series that is in two pieces, one after the other: mostly of a block, and of the head.
    private func fillFloats(
        _ columns: inout SeriesColumns,
        _ first: Piece,
        _ second: Piece,
        _ shared: inout SharedTimes
    ) throws(StorageError) {
        columns.timestamps = shared.times(first, second)
        let firstCount = first.range.count
        let (values, place) = Self.column(firstCount + second.range.count)
        guard let base = place else { return }
        try fill(base, first)
        try fill(base + firstCount, second)
        columns.values = values
        if !keepsColumns, refersTo(first) || refersTo(second) { remember([first, second], values) }
        if hasStarts(first) || hasStarts(second) { columns.startTimestamps = try starts(of: [first, second]) }
    }

    /// A column to be filled, and where. A closure that fills it would hold a copy of all that it needs, which costs more than
    /// filling a short one.
    private static func column(_ count: Int) -> (values: [Double], base: UnsafeMutablePointer<Double>?) {
        var base: UnsafeMutablePointer<Double>?
        let values = [Double](unsafeUninitializedCapacity: count) { buffer, filled in
            base = buffer.baseAddress
            filled = count
        }
        // The array's own storage, which stays where it is as long as nobody else has the array.
        return (values, base)
    }

    /// Whether other chunks are given as differences from the piece's.
    private func refersTo(_ piece: Piece) -> Bool {
        guard case .chunk(let page, let entry) = piece.values else { return false }
        return pages[page].isReferredTo(entry)
    }

    /// The values of pieces, one after the other.
    private func values(of pieces: [Piece], count total: Int) throws(StorageError) -> [Double] {
        var failure: StorageError?
        let values = [Double](unsafeUninitializedCapacity: total) { buffer, count in
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
        if !keepsColumns { remember(pieces, values) }
        return values
    }

    private func fillFloats(
        _ columns: inout SeriesColumns,
        _ pieces: [Piece],
        _ shared: inout SharedTimes
    ) throws(StorageError) {
        let parts = try arranged(pieces, &shared) { pieces throws(StorageError) in
            try values(of: pieces, count: pieces.reduce(0) { $0 + $1.range.count })
        }
        (columns.timestamps, columns.values, columns.startTimestamps) = parts
    }

    /// Times, values and start times of pieces in any order.
    func arranged<Value>(
        _ unsorted: [Piece],
        _ shared: inout SharedTimes,
        _ read: ([Piece]) throws(StorageError) -> [Value]
    ) throws(StorageError) -> ([Timestamp], [Value], [Timestamp]) {
        var pieces = unsorted
        let isDisjoint = Assembler.arrange(&pieces)
        let values = try read(pieces)
        return Assembler.inOrder(pieces, isDisjoint: isDisjoint, values, starts: try starts(of: pieces), &shared)
    }

    /// Times, values and start times of pieces. Where pieces overlap, sorted by time; of those at the same time, the one that was
    /// stored first.
    static func inOrder<Value>(
        _ pieces: [Piece],
        isDisjoint: Bool,
        _ values: [Value],
        starts: [Timestamp],
        _ shared: inout SharedTimes
    ) -> ([Timestamp], [Value], [Timestamp]) {
        if isDisjoint { return (shared.times(pieces), values, starts) }
        let times = pieces.flatMap { $0.timeline.times[$0.range] }
        let order = mergeOrder(times)
        return (order.map { times[$0] }, order.map { values[$0] }, starts.isEmpty ? [] : order.map { starts[$0] })
    }

    /// Keeps decoded values for an entry that may refer to them.
    func remember(_ pieces: [Piece], _ values: [Double]) {
        var filled = 0
        for piece in pieces {
            if case .chunk(let page, let entry) = piece.values, pages[page].isReferredTo(entry) {
                let isWhole = pieces.count == 1
                let offset = pages[page].entries[entry].offset
                decoded.add(
                    page,
                    entry,
                    piece.range.lowerBound - offset..<piece.range.upperBound - offset,
                    isWhole ? values : Array(values[filled..<filled + piece.range.count])
                )
            }
            filled += piece.range.count
        }
    }

    static func mergeOrder(_ times: [Timestamp]) -> [Int] {
        let order = times.indices.sorted { (times[$0], $0) < (times[$1], $1) }
        var unique: [Int] = []
        unique.reserveCapacity(order.count)
        for index in order {
            if let last = unique.last, times[last] == times[index] { continue }
            unique.append(index)
        }
        return unique
    }
}
