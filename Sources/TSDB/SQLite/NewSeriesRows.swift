import MetricModel

/// The rows of label pairs and series that are to be stored.
struct NewSeriesRows: Sendable {
    /// Up to where they are stored: the number of pairs, and the number after the last series.
    struct Mark: Sendable, Equatable {
        var pairs = 0
        var series: UInt32 = 1
    }

    /// A row of `series_group`.
    private struct Row {
        /// Up to where pairs and series are stored with it.
        var mark: Mark
        var pairs: [UInt8]
        var series: [UInt8]
    }

    private var rows: [Row] = []
    /// Up to where they are stored once these rows are.
    let next: Mark

    /// What the table has beyond the mark; `nil` for nothing.
    init?(_ table: borrowing SeriesTable, after last: Mark) {
        next = Mark(pairs: table.pairs.count, series: max(last.series, table.next))
        if next == last { return nil }
        var mark = last
        while mark != next {
            // Pairs first, for series are made of them.
            let pairs =
                mark.pairs..<table.pairs.end(from: mark.pairs, most: SeriesGroup.size, bytes: SeriesGroup.pairBytes)
            mark.pairs = pairs.upperBound
            var writer = SeriesGroup.SeriesWriter()
            if mark.pairs == next.pairs {
                let end = min(next.series, mark.series + UInt32(SeriesGroup.size))
                for series in mark.series..<end where table.contains(series) {
                    writer.add(series, table.pairNumbers(series))
                }
                mark.series = end
            }
            rows.append(Row(mark: mark, pairs: SeriesGroup.encode(pairs, of: table.pairs), series: writer.finish()))
        }
    }

    /// Writes them.
    func store(_ connection: Connection) throws(StorageError) {
        let statement = try connection.statement(
            "INSERT INTO series_group (next_pair, next_series, pairs, series, checksum) "
                + "VALUES (?1, ?2, ?3, ?4, row_checksum(?1, ?2))"
        )
        for row in rows {
            statement.bind(1, Int64(row.mark.pairs))
            statement.bind(2, Int64(row.mark.series))
            statement.bind(3, row.pairs)
            _ = try statement.withBlob(4, row.series, statement.step)
        }
    }

    /// Leaves out forgotten series, given in rising order, from the rows that they are in.
    static func remove(_ series: [UInt32], _ connection: Connection) throws(StorageError) {
        var position = 0
        var affected: [(id: Int64, gone: ArraySlice<UInt32>)] = []
        let rows = try connection.statement("SELECT id, next_series FROM series_group ORDER BY id")
        defer { rows.reset() }
        while position < series.count, try rows.step() {
            let start = position
            while position < series.count, Int64(series[position]) < rows.integer(1) { position += 1 }
            if start < position { affected.append((rows.integer(0), series[start..<position])) }
        }
        rows.reset()
        let read = try connection.statement("SELECT series, length(pairs) FROM series_group WHERE id = ?")
        defer { read.reset() }
        for (id, gone) in affected {
            read.reset()
            read.bind(1, id)
            guard try read.step() else { continue }
            var writer = SeriesGroup.SeriesWriter()
            var next = gone.startIndex
            let isSound = SeriesGroup.forEachSeries(read.blob(0)) { number, pairs in
                while next < gone.endIndex, gone[next] < number { next += 1 }
                if next < gone.endIndex, gone[next] == number { return }
                writer.add(number, pairs)
            }
            // What is damaged is left out at each start anyway.
            guard isSound else { continue }
            let rest = writer.finish()
            let hasPairs = read.integer(1) > 0
            read.reset()
            if rest.isEmpty, !hasPairs {
                try connection.run("DELETE FROM series_group WHERE id = ?", id)
            } else {
                let update = try connection.statement("UPDATE series_group SET series = ?2 WHERE id = ?1")
                update.bind(1, id)
                _ = try update.withBlob(2, rest, update.step)
            }
        }
    }
}
