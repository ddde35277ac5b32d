import MetricModel

/// Decoding the values of pieces.
extension Assembler {
    func hasStarts(_ piece: Piece) -> Bool {
        switch piece.values {
        case .chunk(let page, let entry): !pages[page].entries[entry].starts.isEmpty
        case .column(_, let starts), .histograms(_, let starts): !starts.isEmpty
        case .slot: false
        }
    }

    func starts(_ piece: Piece) throws(StorageError) -> [Timestamp] {
        switch piece.values {
        case .column(_, let starts), .histograms(_, let starts): return starts
        case .slot: return []
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

    /// When what pieces have started to count, one after the other; empty where none of them knows.
    func starts(of pieces: [Piece]) throws(StorageError) -> [Timestamp] {
        var all: [Timestamp] = []
        guard pieces.contains(where: hasStarts) else { return all }
        for piece in pieces {
            let own = try starts(piece)
            all.append(contentsOf: own.isEmpty ? [Timestamp](repeating: 0, count: piece.range.count) : own)
        }
        return all
    }

    /// All the values of a chunk, from the cache or kept there from now on; `nil` where queries of this size are not to fill it.
    func cachedColumn(_ page: Int, _ number: Int) throws(StorageError) -> KeptColumn? {
        guard keepsColumns, let cache, let row = pages[page].row else { return nil }
        if let known = cache.column(row, number) { return known }
        let entry = pages[page].entries[number]
        var failure: StorageError?
        let values = [Double](unsafeUninitializedCapacity: entry.count) { buffer, count in
            guard let base = buffer.baseAddress else { return }
            do throws(StorageError) {
                try decode(base, page, number, within: 0..<entry.count)
                count = entry.count
            } catch { failure = error }
        }
        if let failure { throw failure }
        cache.add(values, row, number)
        return .doubles(values)
    }

    /// Writes the piece's values to `target`.
    func fill(_ target: UnsafeMutablePointer<Double>, _ piece: Piece) throws(StorageError) {
        switch piece.values {
        case .column(let values, _):
            values.withUnsafeBufferPointer { buffer in
                if let base = buffer.baseAddress { target.initialize(from: base, count: buffer.count) }
            }
        case .slot(let rows, let slot): rows.fill(target, from: slot)
        case .histograms: break
        case .chunk(let page, let number):
            let entry = pages[page].entries[number]
            let lower = piece.range.lowerBound - entry.offset
            let upper = piece.range.upperBound - entry.offset
            if let known = try cachedColumn(page, number) {
                return known.fill(target, lower..<upper)
            }
            try decode(target, page, number, within: lower..<upper)
        }
    }

    /// Decodes the values from `lower` to `upper` of a chunk to `target`.
    func decode(
        _ target: UnsafeMutablePointer<Double>,
        _ page: Int,
        _ number: Int,
        within range: Range<Int>
    ) throws(StorageError) {
        let entry = pages[page].entries[number]
        let (lower, upper) = (range.lowerBound, range.upperBound)
        if entry.reference > 0 {
            return try decodeReferring(target, page, entry, other: number - entry.reference, within: range)
        }
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

    /// Writes the values of an entry that is given as differences from another one.
    private func decodeReferring(
        _ target: UnsafeMutablePointer<Double>,
        _ page: Int,
        _ entry: Page.Entry,
        other: Int,
        within range: Range<Int>
    ) throws(StorageError) {
        let (lower, upper) = (range.lowerBound, range.upperBound)
        let otherEntry = pages[page].entries[other]
        guard otherEntry.count == entry.count, otherEntry.offset == entry.offset else { throw Assembler.damaged(entry) }
        if let whole = try cachedColumn(page, other) {
            whole.fill(target, range)
        } else if let known = decoded.find(page, other, range) {
            known.withUnsafeBufferPointer { buffer in
                if let base = buffer.baseAddress { target.initialize(from: base, count: buffer.count) }
            }
        } else {
            try decode(target, page, other, within: range)
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

    func histogramColumn(_ piece: Piece) throws(StorageError) -> [NativeHistogram] {
        switch piece.values {
        case .histograms(let column, _): return column
        case .column, .slot: return []
        case .chunk(let page, let number):
            let entry = pages[page].entries[number]
            let all = pages[page].bytes.withUnsafeBufferPointer {
                HistogramCodec.decode(UnsafeBufferPointer(rebasing: $0[entry.values]), count: entry.count)
            }
            guard let all else { throw Assembler.damaged(entry) }
            return Array(all[piece.range.lowerBound - entry.offset..<piece.range.upperBound - entry.offset])
        }
    }

    func fillHistograms(
        _ columns: inout SeriesColumns,
        _ pieces: [Piece],
        _ shared: inout SharedTimes
    ) throws(StorageError) {
        let parts = try arranged(pieces, &shared) { pieces throws(StorageError) in
            var column: [NativeHistogram] = []
            for piece in pieces { column.append(contentsOf: try histogramColumn(piece)) }
            return column
        }
        (columns.histogramTimestamps, columns.histograms, columns.histogramStartTimestamps) = parts
    }

    static func damaged(_ entry: Page.Entry) -> StorageError {
        StorageError(.corrupt, "a chunk of series \(entry.series) is damaged")
    }
}
