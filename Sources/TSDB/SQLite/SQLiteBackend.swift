import CSQLite
import MetricModel
import Synchronization

/// Keeps blocks, journal and all else in the database file.
final class SQLiteBackend: Backend {
    /// The database file.
    let path: String
    private let fileSystem: String?
    private let readers: Mutex<Readers>
    private let writing: Mutex<Writing>
    let cache: PageCache? = PageCache(limit: 12 << 20, columnLimit: 24 << 20)

    /// The file that is read.
    private let identity: FileIdentity?

    /// Who writes.
    private struct Writing {
        /// `nil` where the store is only read.
        var writer: Writer?
        /// Why nothing may be written, although there may be a writer: the rest of a damaged file is only read.
        var refusal: StorageError?
    }

    /// The connections for reading.
    private struct Readers {
        var idle: [Connection] = []
        /// Whether tables that make no sense are passed over.
        var isRescue: Bool
        /// Whether nobody writes to the file and it has no log.
        var isStill: Bool
        /// How many that believe so are being used.
        var stillInUse = 0
    }

    init(
        path: String,
        writer: Writer?,
        fileSystem: String? = nil,
        isRescue: Bool = false,
        isStill: Bool = false
    ) {
        self.path = path
        identity = FileIdentity(path)
        self.fileSystem = fileSystem
        writing = Mutex(Writing(writer: writer))
        readers = Mutex(Readers(isRescue: isRescue, isStill: isStill))
    }

    /// Who writes; `nil` where the store is only read.
    var writer: Writer? { writing.withLock { $0.writer } }

    /// Why nothing may be written; `nil` where nothing speaks against it.
    var refusal: StorageError? { writing.withLock { $0.refusal } }

    /// Nothing may be written from now on.
    func refuse(_ reason: StorageError) { writing.withLock { $0.refusal = reason } }

    /// From now on that one writes, where nobody did.
    func begin(_ writer: Writer) { writing.withLock { $0 = Writing(writer: writer) } }

    /// Whether the file is still the one that is read.
    var isInPlace: Bool { FileIdentity(path) == identity }

    /// Whoever reads from now on reckons with somebody who writes.
    /// - Returns: whether everybody does; whoever does not is done soon.
    func expectWriter() -> Bool {
        readers.withLock { readers in
            if readers.isStill { readers.idle = [] }
            readers.isStill = false
            readers.isRescue = false
            return readers.stillInUse == 0
        }
    }

    /// Runs `body` with a connection for reading.
    func read<Result>(_ body: (Connection) throws(StorageError) -> Result) throws(StorageError) -> Result {
        if let unreadable = writer?.unreadable { throw unreadable }
        let (idle, isStill, isRescue) = readers.withLock { readers in
            if readers.isStill { readers.stillInUse += 1 }
            return (readers.idle.popLast(), readers.isStill, readers.isRescue)
        }
        var opened = idle
        defer {
            readers.withLock { readers in
                if isStill { readers.stillInUse -= 1 }
                if let opened, isStill == readers.isStill { readers.idle.append(opened) }
            }
        }
        if let idle { return try body(idle) }
        let connection = try open(isStill: isStill, isRescue: isRescue)
        opened = connection
        return try body(connection)
    }

    private func open(isStill: Bool, isRescue: Bool) throws(StorageError) -> Connection {
        guard isInPlace else {
            throw StorageError(.readOnly, "\(path) was removed or replaced while the store was open")
        }
        let connection = try Connection(path: path, isWriter: false, isStill: isStill, fileSystem: fileSystem)
        if isRescue { try connection.execute("PRAGMA writable_schema = ON") }
        try connection.execute("PRAGMA mmap_size = 1073741824; PRAGMA cache_size = -512")
        return connection
    }

    /// Closes the connections for reading.
    func closeReaders() {
        readers.withLock { $0.idle = [] }
        cache?.clear()
    }

    func read(
        _ block: Block,
        _ rows: [Int64],
        _ body: (Int, [UInt8]) throws(StorageError) -> Void
    ) throws(StorageError) {
        if rows.isEmpty { return }
        try read { (connection) throws(StorageError) in
            let statement = try connection.statement("SELECT data FROM page WHERE id = ?")
            defer { statement.reset() }
            for (index, row) in rows.enumerated() {
                statement.reset()
                statement.bind(1, row)
                guard try statement.step() else {
                    throw StorageError(.corrupt, "row \(row) of block \(block.id) is missing in \(path)")
                }
                guard let bytes = Page.open(statement.blob(0)) else {
                    throw StorageError(
                        .corrupt,
                        "row \(row) of block \(block.id) in \(path) \(Connection.damaged) (checksum): samples of \(block.minTime) to \(block.maxTime) are affected"
                    )
                }
                try body(index, bytes)
            }
        }
    }

    /// The writer.
    func writable() throws(StorageError) -> Writer {
        let (writer, refusal) = writing.withLock { ($0.writer, $0.refusal) }
        if let refusal { throw refusal }
        guard let writer else { throw StorageError(.readOnly, "\(path) was opened for reading only") }
        return writer
    }

    func journal(
        isHere: Bool,
        _ judge: @escaping @Sendable () throws(StorageError) -> JournalRow?
    ) async throws(StorageError) {
        try await writable().run(isHere: isHere) { (connection) throws(StorageError) in
            guard let row = try judge() else { return }
            let statement = try connection.statement("INSERT INTO journal (id, data) VALUES (?, ?)")
            statement.bind(1, row.number)
            _ = try statement.withBlob(2, Page.seal(row.bytes), statement.step)
        }
    }

    func record(
        _ metadata: [(family: String, metadata: MetricMetadata)],
        without gone: [String],
        then apply: @escaping @Sendable () -> Void
    ) async throws(StorageError) {
        try await writable().run(
            { (connection) throws(StorageError) in
                for family in gone {
                    let statement = try connection.statement("DELETE FROM metadata WHERE family = ?")
                    statement.bind(1, family)
                    _ = try statement.step()
                    statement.reset()
                }
                try SQLiteBackend.insert(metadata, connection)
            },
            then: apply
        )
    }

    func forget(
        _ choose: @escaping @Sendable () -> (series: [UInt32], next: UInt32),
        then apply: @escaping @Sendable ([UInt32]) -> Void
    ) async throws(StorageError) {
        let chosen = Mutex<[UInt32]>([])
        // In a transaction of its own: no batch may be judged between the choice and the forgetting.
        try await writable().run(
            isAlone: true,
            { (connection) throws(StorageError) in
                let (series, next) = choose()
                try NewSeriesRows.remove(series, connection)
                try SQLiteBackend.save(nextSeries: next, connection)
                chosen.withLock { $0 = series }
            },
            then: { apply(chosen.withLock { $0 }) }
        )
    }

    func between(_ body: @escaping @Sendable () -> Void) async throws(StorageError) {
        try await writable().outside { _ in .success(body()) }
    }

    private static func save(nextSeries: UInt32, _ connection: Connection) throws(StorageError) {
        try connection.run(
            "INSERT OR REPLACE INTO meta VALUES ('next_series', ?1, row_checksum('next_series', ?1))",
            Int64(nextSeries)
        )
    }

    private static func insert(_ rows: [(row: Int64, bytes: [UInt8])], _ connection: Connection) throws(StorageError) {
        let statement = try connection.statement("INSERT OR REPLACE INTO page (id, data) VALUES (?, ?)")
        for entry in rows {
            statement.bind(1, entry.row)
            _ = try statement.withBlob(2, entry.bytes, statement.step)
        }
    }

    /// Writes metadata of metric families.
    static func insert(
        _ metadata: [(family: String, metadata: MetricMetadata)],
        _ connection: Connection
    ) throws(StorageError) {
        let statement = try connection.statement(
            "INSERT OR REPLACE INTO metadata VALUES (?1, ?2, ?3, ?4, row_checksum(?1, ?2, ?3, ?4))"
        )
        for entry in metadata {
            statement.bind(1, entry.family)
            statement.bind(2, entry.metadata.type.rawValue)
            statement.bind(3, entry.metadata.help)
            statement.bind(4, entry.metadata.unit)
            _ = try statement.step()
            statement.reset()
        }
    }

    /// Writes and removes records.
    static func insert(
        _ changes: [(table: String, key: [UInt8], value: [UInt8]?)],
        _ connection: Connection
    ) throws(StorageError) {
        for change in changes {
            if let value = change.value {
                let statement = try connection.statement(
                    "INSERT OR REPLACE INTO record VALUES (?1, ?2, ?3, row_checksum(?1, ?2, ?3))"
                )
                statement.bind(1, change.table)
                statement.bind(2, change.key)
                _ = try statement.withBlob(3, value, statement.step)
            } else {
                let statement = try connection.statement("DELETE FROM record WHERE \"table\" = ? AND \"key\" = ?")
                statement.bind(1, change.table)
                _ = try statement.withBlob(2, change.key, statement.step)
            }
        }
    }

    func store(_ rows: [(row: Int64, bytes: [UInt8])]) async throws(StorageError) {
        try await writable().run { (connection) throws(StorageError) in
            try SQLiteBackend.insert(rows, connection)
        }
    }

    func commit(_ change: BlockChange) async throws(StorageError) {
        try await writable().run { (connection) throws(StorageError) in
            try SQLiteBackend.insert(change.rows, connection)
            if let block = change.added {
                let statement = try connection.statement(
                    "INSERT INTO block VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, row_checksum(?1, ?2, ?3, ?4, ?5, ?6))"
                )
                statement.bind(1, block.id)
                statement.bind(2, Int64(block.level))
                statement.bind(3, block.minTime)
                statement.bind(4, block.maxTime)
                statement.bind(5, block.samples)
                statement.bind(6, block.bytes)
                _ = try statement.withBlob(7, block.directory, statement.step)
            }
            for id in change.removed { try connection.run("DELETE FROM block WHERE id = ?", id) }
            if let last = change.journalUpTo {
                try self.moveJournal(
                    upTo: last,
                    floor: change.feedFloor,
                    limit: change.outboxLimit,
                    connection
                )
            }
            if let tombstones = change.tombstones {
                try connection.run("DELETE FROM tombstone")
                for entry in tombstones {
                    try connection.run(
                        "INSERT INTO tombstone VALUES (?1, ?2, ?3, ?4, row_checksum(?1, ?2, ?3, ?4))",
                        Int64(entry.series),
                        entry.start,
                        entry.end,
                        entry.before
                    )
                }
            }
            if let exemplars = change.exemplars {
                let statement = try connection.statement(
                    "INSERT OR REPLACE INTO meta VALUES ('exemplars', ?1, row_checksum('exemplars', ?1))"
                )
                _ = try statement.withBlob(1, exemplars, statement.step)
            }
            if let next = change.nextSeries { try SQLiteBackend.save(nextSeries: next, connection) }
        }
    }

    func deleteRows(ofBlocks ids: [Int64]) async throws(StorageError) {
        try await writable().run { (connection) throws(StorageError) in
            for id in ids {
                let rows = Block.rows(id)
                try connection.run("DELETE FROM page WHERE id >= ? AND id < ?", rows.lowerBound, rows.upperBound)
            }
        }
    }

    func size() -> Int64 { fileSize(path) + fileSize(path + "-wal") }

    func shrink(fully: Bool) async throws(StorageError) {
        try await writable().outside(isShrinking: true) { connection in
            do throws(StorageError) {
                let free = try connection.integer("PRAGMA freelist_count") ?? 0
                let all = try connection.integer("PRAGMA page_count") ?? 0
                if fully, free > 0 || fileSize(self.path + "-wal") > 1 << 20 {
                    try SQLiteBackend.vacuum(connection, pages: free)
                    try connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                } else if free > 2048, free > all / 8 {
                    try SQLiteBackend.vacuum(connection, pages: min(free, 4096))
                }
                return .success(())
            } catch { return .failure(error) }
        }
    }

    /// Gives back up to so many free pages; the statement has to be stepped to its end.
    static func vacuum(_ connection: Connection, pages: Int64) throws(StorageError) {
        if pages > 0 { try connection.execute("PRAGMA incremental_vacuum(\(pages))") }
    }
}
