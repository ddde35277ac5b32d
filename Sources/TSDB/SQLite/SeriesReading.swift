import MetricModel

/// Reads label pairs and series back into a table. What is damaged is left out and told; where it cannot be known what is missing,
/// nothing may build on it, and the reading fails.
enum SeriesReading {
    /// Reads the rows of `series_group`.
    /// - Parameter isRescue: whether nothing is going to build on it, so that rows count by what they say themselves.
    /// - Returns: what could not be read, in words.
    static func groups(
        _ connection: Connection,
        _ table: inout SeriesTable,
        isRescue: Bool
    ) throws(StorageError) -> [String] {
        var problems: [String] = []
        var reached = NewSeriesRows.Mark()
        // No series takes less than a byte.
        let bytes = try connection.integer("SELECT sum(length(series)) FROM series_group") ?? 0
        let last = try connection.integer("SELECT max(next_series) FROM series_group") ?? 0
        let count = Int(min(bytes, max(0, last)))
        let rows = try connection.statement(
            "SELECT next_pair, next_series, pairs, series, checksum IS row_checksum(next_pair, next_series) "
                + "FROM series_group ORDER BY id"
        )
        defer { rows.reset() }
        while try rows.step() {
            let pairs = SeriesGroup.pairs(rows.blob(2))
            var next = NewSeriesRows.Mark(pairs: pairs.map { $0.first + $0.pairs.count } ?? 0, series: UInt32.max - 1)
            if rows.integer(4) != 0, let known = mark(rows.integer(0), rows.integer(1), after: reached),
                table.canFollow(known.series)
            {
                next = known
            } else {
                let problem = "what comes after label pair \(reached.pairs) is damaged"
                guard isRescue else { throw StorageError(.corrupt, problem) }
                problems.append(problem)
                next.pairs = max(reached.pairs, min(next.pairs, reached.pairs + Int(lostPairs)))
            }
            problems += restore(pairs, from: reached.pairs, to: next.pairs, &table)
            var lost = 0
            let isSound = SeriesGroup.forEachSeries(rows.blob(3)) { series, pairs in
                if !(reached.series..<next.series).contains(series) || !table.restore(series, pairs) { lost += 1 }
            }
            if next.series == UInt32.max - 1 { next.series = max(reached.series, table.next) }
            if !isSound {
                problems.append("series \(reached.series) to \(next.series - 1) are damaged and left out")
            } else if lost > 0 {
                problems.append("\(lost) of the series \(reached.series) to \(next.series - 1) are left out")
            }
            if reached.series == 1, count > table.aliveCount, table.aliveCount > 0 {
                // Others have about as many labels as the first ones.
                let each = table.members.count / table.aliveCount + 1
                table.reserve(series: count - table.aliveCount, pairsOfEach: each)
            }
            // Numbers are not used twice, whatever was lost.
            table.skip(to: next.series)
            reached = next
        }
        return problems
    }

    /// Takes the pairs of a row, with those before it that are missing.
    private static func restore(
        _ pairs: (first: Int, pairs: [SeriesGroup.Pair])?,
        from reached: Int,
        to next: Int,
        _ table: inout SeriesTable
    ) -> [String] {
        let first = pairs.map { $0.pairs.isEmpty ? reached : $0.first } ?? next
        guard let pairs, first >= reached, first + pairs.pairs.count == next else {
            table.losePairs(next - reached)
            return ["label pairs \(reached) to \(next - 1) are damaged: series that have them are left out"]
        }
        table.losePairs(first - reached)
        for pair in pairs.pairs { table.restorePair(pair) }
        if first == reached { return [] }
        return ["label pairs \(reached) to \(first - 1) are missing: series that have them are left out"]
    }

    /// No file has lost so many pairs at once; what says so is damaged.
    private static let lostPairs: Int64 = 1 << 22

    private static func mark(_ pairs: Int64, _ series: Int64, after last: NewSeriesRows.Mark) -> NewSeriesRows.Mark? {
        guard pairs >= last.pairs, pairs < Int64(last.pairs) + lostPairs, series >= last.series,
            series < Int64(UInt32.max)
        else { return nil }
        return NewSeriesRows.Mark(pairs: Int(pairs), series: UInt32(series))
    }

    /// Reads the tables of formats up to 3, in which each pair and each series had a row.
    /// - Returns: what could not be read, in words.
    static func single(_ connection: Connection, _ table: inout SeriesTable) throws(StorageError) -> [String] {
        var problems: [String] = []
        // Pairs have no gaps: their numbers are their positions.
        let pairs = try connection.statement("SELECT id, name, value FROM label_pair ORDER BY id")
        defer { pairs.reset() }
        while try pairs.step() {
            guard pairs.integer(0) == Int64(table.pairs.count) else {
                throw StorageError(.corrupt, "label pair \(table.pairs.count) is missing")
            }
            table.restorePair(pairs.text(1), pairs.text(2))
        }
        let series = try connection.statement("SELECT id, pairs FROM series ORDER BY id")
        defer { series.reset() }
        var numbers: [UInt32] = []
        while try series.step() {
            let bytes = series.blob(1)
            var reader = ByteReader(bytes)
            numbers.removeAll(keepingCapacity: true)
            var checksum: UInt32 = 0
            for shift in stride(from: UInt32(0), to: 32, by: 8) { checksum |= UInt32(reader.byte()) << shift }
            while reader.remaining > 0 { numbers.append(UInt32(truncatingIfNeeded: reader.varint())) }
            let id = series.integer(0)
            let isSound = numbers.withUnsafeBufferPointer { numbers in
                !reader.isTruncated && id > 0 && id < Int64(UInt32.max)
                    && table.restore(UInt32(id), numbers, checksum: checksum)
            }
            guard isSound else {
                problems.append("series \(id) is damaged and left out")
                // Its samples are there still: the number is nobody else's.
                if id > 0, id < Int64(UInt32.max) - 1, table.canFollow(UInt32(id)) { table.skip(to: UInt32(id) + 1) }
                continue
            }
        }
        return problems
    }
}
