import MetricModel

/// Reads label pairs and series back into a table. What is damaged is left out and told; where it cannot be known what is missing,
/// nothing may build on it, and the reading fails.
enum SeriesReading {
    /// Reads the rows of `series_group`.
    /// - Returns: what could not be read, in words.
    static func groups(_ connection: Connection, _ table: inout SeriesTable) throws(StorageError) -> [String] {
        var problems: [String] = []
        var reached = NewSeriesRows.Mark()
        let rows = try connection.statement(
            "SELECT next_pair, next_series, pairs, series, checksum IS row_checksum(next_pair, next_series) "
                + "FROM series_group ORDER BY id"
        )
        defer { rows.reset() }
        while try rows.step() {
            guard rows.integer(4) != 0, let next = mark(rows.integer(0), rows.integer(1), after: reached),
                table.canFollow(next.series)
            else { throw StorageError(.corrupt, "what comes after label pair \(reached.pairs) is damaged") }
            let pairs = SeriesGroup.pairs(rows.blob(2))
            if let pairs, pairs.pairs.isEmpty || pairs.first == reached.pairs,
                pairs.pairs.count == next.pairs - reached.pairs
            {
                for pair in pairs.pairs { table.restorePair(pair) }
            } else {
                table.losePairs(next.pairs - reached.pairs)
                problems.append(
                    "label pairs \(reached.pairs) to \(next.pairs - 1) are damaged: series that have them are left out"
                )
            }
            var lost = 0
            let isSound = SeriesGroup.forEachSeries(rows.blob(3)) { series, pairs in
                if !(reached.series..<next.series).contains(series) || !table.restore(series, pairs) { lost += 1 }
            }
            if !isSound {
                problems.append("series \(reached.series) to \(next.series - 1) are damaged and left out")
            } else if lost > 0 {
                problems.append("\(lost) of the series \(reached.series) to \(next.series - 1) are left out")
            }
            // Numbers are not used twice, whatever was lost.
            table.skip(to: next.series)
            reached = next
        }
        return problems
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
            guard !reader.isTruncated, id > 0, id < Int64(UInt32.max),
                table.restore(UInt32(id), numbers, checksum: checksum)
            else {
                problems.append("series \(id) is damaged and left out")
                // Its samples are there still: the number is nobody else's.
                if id > 0, id < Int64(UInt32.max) - 1, table.canFollow(UInt32(id)) { table.skip(to: UInt32(id) + 1) }
                continue
            }
        }
        return problems
    }
}
