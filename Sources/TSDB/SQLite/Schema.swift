import CSQLite
import MetricModel

/// The tables of `stack.db`, by version (`PRAGMA user_version`). `docs/storage.md` says what they hold.
enum Schema {
    /// The version that this program writes.
    static let version: Int64 = 4
    /// The version from which on label pairs and series stand in groups.
    static let groupVersion: Int64 = 4
    /// Marks the file as one of ours (`PRAGMA application_id`, "PrmD").
    static let applicationID: Int64 = 0x5072_6d44

    /// One step for each version: from the one before to it.
    private static let migrations: [String] = [
        """
        CREATE TABLE label_pair (id INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL);
        CREATE TABLE series (id INTEGER PRIMARY KEY, pairs BLOB NOT NULL);
        CREATE TABLE journal (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
        CREATE TABLE block (
            id INTEGER PRIMARY KEY, level INTEGER NOT NULL, min_time INTEGER NOT NULL, max_time INTEGER NOT NULL,
            samples INTEGER NOT NULL, bytes INTEGER NOT NULL, directory BLOB NOT NULL
        );
        CREATE TABLE page (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
        CREATE TABLE tombstone (
            series INTEGER NOT NULL, start INTEGER NOT NULL, "end" INTEGER NOT NULL, before INTEGER NOT NULL
        );
        CREATE TABLE metadata (
            family TEXT PRIMARY KEY, type TEXT NOT NULL, help TEXT NOT NULL, unit TEXT NOT NULL
        ) WITHOUT ROWID;
        CREATE TABLE record (
            "table" TEXT NOT NULL, "key" BLOB NOT NULL, value BLOB NOT NULL, PRIMARY KEY ("table", "key")
        ) WITHOUT ROWID;
        CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
        """,
        """
        ALTER TABLE block ADD COLUMN checksum INTEGER;
        ALTER TABLE tombstone ADD COLUMN checksum INTEGER;
        ALTER TABLE metadata ADD COLUMN checksum INTEGER;
        ALTER TABLE record ADD COLUMN checksum INTEGER;
        ALTER TABLE meta ADD COLUMN checksum INTEGER;
        UPDATE block SET checksum = row_checksum(\(blockColumns));
        UPDATE tombstone SET checksum = row_checksum(\(tombstoneColumns));
        UPDATE metadata SET checksum = row_checksum(\(metadataColumns));
        UPDATE record SET checksum = row_checksum(\(recordColumns));
        UPDATE meta SET checksum = row_checksum(name, value);
        """,
        "CREATE TABLE outbox (id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, data BLOB NOT NULL);"
            + "CREATE INDEX outbox_epoch ON outbox (epoch);",
        """
        CREATE TABLE series_group (
            id INTEGER PRIMARY KEY, next_pair INTEGER NOT NULL, next_series INTEGER NOT NULL, pairs BLOB NOT NULL,
            series BLOB NOT NULL, checksum INTEGER NOT NULL
        );
        """,
    ]

    /// What the checksums of rows are made of; the directory of a block has its own.
    static let blockColumns = "id, level, min_time, max_time, samples, bytes"
    static let tombstoneColumns = #"series, start, "end", before"#
    static let metadataColumns = "family, type, help, unit"
    static let recordColumns = #""table", "key", value"#

    /// Brings the file to the current version. A new file gets its permanent settings first.
    /// - Parameter found: its version, 0 for a new one.
    /// - Returns: what of an older file could not be read and is lost, in words.
    @discardableResult
    static func migrate(_ connection: Connection, from found: Int64) throws(StorageError) -> [String] {
        if found == version { return [] }
        var problems: [String] = []
        if found == 0 {
            try connection.execute("PRAGMA page_size = 4096; PRAGMA auto_vacuum = INCREMENTAL")
        }
        try connection.transaction { () throws(StorageError) in
            for step in migrations[Int(found)...] { try connection.execute(step) }
            if found < groupVersion { problems = try groupSeries(connection) }
            try connection.execute("PRAGMA application_id = \(applicationID); PRAGMA user_version = \(version)")
        }
        return problems
    }

    /// Brings what formats up to 3 had in a row each into groups.
    private static func groupSeries(_ connection: Connection) throws(StorageError) -> [String] {
        var table = SeriesTable()
        let problems = try SeriesReading.single(connection, &table)
        try NewSeriesRows(table, after: NewSeriesRows.Mark())?.store(connection)
        try connection.execute("DROP TABLE label_pair; DROP TABLE series")
        return problems
    }

    /// The version of the file, 0 for a new one.
    static func check(_ connection: Connection, path: String) throws(StorageError) -> Int64 {
        let found = try connection.integer("PRAGMA user_version") ?? 0
        let application = try connection.integer("PRAGMA application_id") ?? 0
        let tables = try connection.integer("SELECT count(*) FROM sqlite_master") ?? 0
        if tables > 0, application != applicationID {
            throw StorageError(.corrupt, "\(path) is a database of another program: give another --storage.path")
        }
        if found > version {
            throw StorageError(
                .newerVersion,
                "\(path) has format \(found), and this program knows formats up to \(version): use a newer version"
            )
        }
        return found
    }
}
