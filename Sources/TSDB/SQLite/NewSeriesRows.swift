import MetricModel

/// The rows of label pairs and series that are to be stored.
struct NewSeriesRows: Sendable {
    /// Up to where they are stored: the number of pairs, and the number after the last series.
    struct Mark: Sendable, Equatable {
        var pairs = 0
        var series: UInt32 = 1
    }

    private var pairs: [(id: Int64, name: String, value: String)] = []
    private var series: [(id: Int64, bytes: [UInt8])] = []
    /// Up to where they are stored once these rows are.
    let next: Mark

    /// What the table has beyond the mark; `nil` for nothing.
    init?(_ table: borrowing SeriesTable, after last: Mark) {
        next = Mark(pairs: table.pairs.count, series: table.next)
        if next == last { return nil }
        for number in last.pairs..<next.pairs {
            let pair = UInt32(number)
            pairs.append((Int64(number), table.pairs.name(pair), table.pairs.value(pair)))
        }
        for number in last.series..<max(last.series, next.series) where table.contains(number) {
            var writer = ByteWriter()
            let checksum = table.checksum(number)
            for shift in stride(from: 0, to: 32, by: 8) { writer.byte(UInt8(truncatingIfNeeded: checksum >> shift)) }
            for pair in table.pairNumbers(number) { writer.varint(UInt64(pair)) }
            series.append((Int64(number), writer.bytes))
        }
    }

    /// Writes them.
    func store(_ connection: Connection) throws(StorageError) {
        let pairStatement = try connection.statement("INSERT INTO label_pair VALUES (?, ?, ?)")
        for pair in pairs {
            pairStatement.bind(1, pair.id)
            pairStatement.bind(2, pair.name)
            pairStatement.bind(3, pair.value)
            _ = try pairStatement.step()
            pairStatement.reset()
        }
        let seriesStatement = try connection.statement("INSERT INTO series VALUES (?, ?)")
        for entry in series {
            seriesStatement.bind(1, entry.id)
            _ = try seriesStatement.withBlob(2, entry.bytes, seriesStatement.step)
        }
    }
}
