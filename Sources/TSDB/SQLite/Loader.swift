import CSQLite
import MetricModel

/// Reads a store back: series, blocks, the rest, and at last the journal.
enum Loader {
    /// What was found.
    struct Contents {
        var state: HeadState
        /// Rows in the page table that belong to no block, by block number.
        var orphans: [Int64] = []
        /// The last pair and series that are stored.
        var stored = NewSeriesRows.Mark()
        /// Up to where followers have dealt with what is stored.
        var cursors: [String: FeedCursor] = [:]
        /// What could not be read, in words.
        var problems: [String] = []
    }

    /// Reads everything but the samples in blocks. A damaged part is left out and told among the problems; in the tables that
    /// new rows build on, only where nothing is going to be written (`isRescue`).
    static func load(
        _ connection: Connection,
        options: StoreOptions,
        isRescue: Bool
    ) throws(StorageError) -> Contents {
        var contents = Contents(state: HeadState(options: options))
        func attempt(
            _ what: String,
            _ isNeeded: Bool,
            _ body: (Connection, inout Contents) throws(StorageError) -> Void
        ) throws(StorageError) {
            do throws(StorageError) {
                try body(connection, &contents)
            } catch {
                guard error.code == .corrupt, !isNeeded else { throw error }
                contents.problems.append("\(what) cannot be read in full: \(error.message)")
            }
        }
        try attempt("the labels of series", !isRescue) { (connection, contents) throws(StorageError) in
            try loadSeries(connection, &contents, isRescue: isRescue)
        }
        let index = IndexInTheMaking(contents.state.table)
        try attempt("the list of blocks", !isRescue, loadBlocks)
        try attempt("metadata, tombstones or exemplars", false, loadSmallThings)
        try attempt("the places of followers", false, loadCursors)
        keepNumbersOfBlocks(&contents)
        contents.state.finishLoading()
        try attempt("the journal", false, replay)
        // What was replayed stays apart from what comes: streams have new numbers now.
        contents.state.freeze()
        contents.state.table.finishRestoring(index.take())
        return contents
    }

    /// Samples of series that were lost are there still: their numbers are nobody else's.
    private static func keepNumbersOfBlocks(_ contents: inout Contents) {
        let last = contents.state.blocks.compactMap { $0.runs.last?.upperBound }.max()
        guard let last, last < .max - 1, contents.state.table.canFollow(last) else { return }
        contents.state.table.skip(to: last + 1)
        contents.stored.series = contents.state.table.next
    }

    private static func loadSeries(
        _ connection: Connection,
        _ contents: inout Contents,
        isRescue: Bool
    ) throws(StorageError) {
        let version = try connection.integer("PRAGMA user_version") ?? 0
        if version < Schema.groupVersion {
            contents.problems += try SeriesReading.single(connection, &contents.state.table)
        } else {
            contents.problems += try SeriesReading.groups(
                connection,
                &contents.state.table,
                isRescue: isRescue
            )
        }
        contents.stored.pairs = contents.state.table.pairs.count
        let isSound = try RowChecksum.condition("name, value", in: connection)
        let next = try connection.statement("SELECT value, \(isSound) FROM meta WHERE name = 'next_series'")
        defer { next.reset() }
        if try next.step() {
            let number = next.integer(0)
            guard next.integer(1) != 0, number > 0, number < Int64(UInt32.max) else {
                throw StorageError(.corrupt, "the number of the next series is damaged")
            }
            contents.state.table.skip(to: UInt32(number))
        }
        contents.stored.series = contents.state.table.next
    }

    private static func loadBlocks(_ connection: Connection, _ contents: inout Contents) throws(StorageError) {
        let isSound = try RowChecksum.condition(Schema.blockColumns, in: connection)
        let statement = try connection.statement(
            "SELECT \(Schema.blockColumns), directory, \(isSound) FROM block ORDER BY id"
        )
        defer { statement.reset() }
        var known = Set<Int64>()
        let problemsBefore = contents.problems.count
        while try statement.step() {
            let id = statement.integer(0)
            guard statement.integer(7) != 0 else {
                contents.problems.append("the row of block \(id) is damaged: its samples are lost")
                continue
            }
            known.insert(id)
            contents.state.nextBlock = max(contents.state.nextBlock, id + 1)
            guard let directory = Block.parseDirectory(statement.blob(6)) else {
                contents.problems.append(
                    "the directory of block \(id) is damaged: samples of \(statement.integer(2)) to \(statement.integer(3)) are lost"
                )
                continue
            }
            contents.state.blocks.append(
                Block(
                    id: id,
                    level: Int(statement.integer(1)),
                    minTime: statement.integer(2),
                    maxTime: statement.integer(3),
                    samples: statement.integer(4),
                    bytes: statement.integer(5),
                    runs: directory.runs,
                    pages: directory.pages,
                    timelineCount: directory.timelines
                )
            )
        }
        // One step for each block that has rows: finds those that were being written when the process ended. Where the list is
        // damaged, nobody knows whose they are, and they stay.
        let isWhole = contents.problems.count == problemsBefore
        var next: Int64 = 0
        while let row = try connection.integer("SELECT min(id) FROM page WHERE id >= ?", next) {
            let id = row >> 24
            if !known.contains(id), isWhole { contents.orphans.append(id) }
            contents.state.nextBlock = max(contents.state.nextBlock, id + 1)
            next = Block.rows(id).upperBound
        }
    }

    /// Goes through a table with a checksum in each row, and four columns beside it.
    private static func forEachRow(
        of table: String,
        _ columns: String,
        _ connection: Connection,
        _ body: (_ row: Statement, _ isSound: Bool) -> Void
    ) throws(StorageError) {
        let sound = try RowChecksum.condition(columns, in: connection)
        let rows = try connection.statement("SELECT \(columns), \(sound) FROM \(table)")
        defer { rows.reset() }
        while try rows.step() { body(rows, rows.integer(4) != 0) }
    }

    private static func loadSmallThings(_ connection: Connection, _ contents: inout Contents) throws(StorageError) {
        try forEachRow(of: "tombstone", Schema.tombstoneColumns, connection) { row, isSound in
            guard isSound else {
                contents.problems.append("a tombstone is damaged and left out: deleted samples may be there again")
                return
            }
            let series = UInt32(truncatingIfNeeded: row.integer(0))
            contents.state.tombstones[series, default: []].append(
                Tombstone(series: series, start: row.integer(1), end: row.integer(2), before: row.integer(3))
            )
            contents.state.nextBlock = max(contents.state.nextBlock, row.integer(3))
        }
        try forEachRow(of: "metadata", Schema.metadataColumns, connection) { row, isSound in
            guard isSound else {
                contents.problems.append("the metadata of \(row.text(0)) is damaged and left out")
                return
            }
            contents.state.metadata[row.text(0)] = MetricMetadata(
                type: MetricType(rawValue: row.text(1)) ?? .unknown,
                help: row.text(2),
                unit: row.text(3)
            )
        }
        let soundMeta = try RowChecksum.condition("name, value", in: connection)
        let exemplars = try connection.statement("SELECT value, \(soundMeta) FROM meta WHERE name = 'exemplars'")
        defer { exemplars.reset() }
        if try exemplars.step() {
            var reader = ByteReader(exemplars.blob(0))
            let read = exemplars.integer(1) != 0 ? JournalCodec.decodeExemplars(&reader) : nil
            if read == nil { contents.problems.append("the exemplars are damaged and left out") }
            for (series, exemplar) in read ?? [] {
                contents.state.exemplars.add(series, exemplar, window: .max / 2)
            }
        }
        try checkRecords(connection, &contents)
    }

    private static func loadCursors(_ connection: Connection, _ contents: inout Contents) throws(StorageError) {
        let soundMeta = try RowChecksum.condition("name, value", in: connection)
        contents.state.journalRow =
            try connection.integer("SELECT value FROM meta WHERE name = 'journal_row' AND \(soundMeta)") ?? 0
        // A file of an older version that is only read has no such table.
        if try connection.integer("PRAGMA user_version") ?? 0 >= 3 {
            let newest = try connection.integer("SELECT max(id) FROM outbox") ?? 0
            contents.state.journalRow = max(contents.state.journalRow, newest)
        }
        let isSound = try RowChecksum.condition(Schema.recordColumns, in: connection)
        let records = try connection.statement(
            "SELECT \"key\", value FROM record WHERE \"table\" = ? AND \(isSound)"
        )
        defer { records.reset() }
        records.bind(1, FeedFollowers.table)
        while try records.step() {
            let name = String(decoding: records.blob(0), as: UTF8.self)
            contents.cursors[name] = FeedCursor(record: Array(records.blob(1)))
        }
    }

    private static func checkRecords(_ connection: Connection, _ contents: inout Contents) throws(StorageError) {
        let isSound = try RowChecksum.condition(Schema.recordColumns, in: connection)
        let records = try connection.statement(
            "SELECT \"table\", count(*) FROM record WHERE NOT (\(isSound)) GROUP BY 1"
        )
        defer { records.reset() }
        while try records.step() {
            contents.problems.append(
                "\(records.integer(1)) record(s) of the table \(records.text(0)) are damaged and left out"
            )
        }
    }

    private static func replay(_ connection: Connection, _ contents: inout Contents) throws(StorageError) {
        let rows = try connection.statement("SELECT id, data FROM journal ORDER BY id")
        defer { rows.reset() }
        var memory: [UInt32: JournalCodec.StreamMemory] = [:]
        while try rows.step() {
            contents.state.journalRow = max(contents.state.journalRow, rows.integer(0))
            let parts = Page.body(rows.blob(1)).flatMap { JournalCodec.read($0, &memory) }
            guard let parts else {
                // Rows that build on this one cannot be read either, up to the next full row of each stream.
                memory = [:]
                contents.problems.append("row \(rows.integer(0)) of the journal is damaged and left out")
                continue
            }
            for part in parts { contents.state.replay(part.batch) }
        }
    }
}
