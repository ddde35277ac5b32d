import Dispatch
import CSQLite
public import MetricModel
import Synchronization

/// A store in one SQLite file.
///
/// What ``append(_:)`` and ``apply(_:)`` acknowledged survives the end of the process at any moment; with
/// ``StoreOptions/Durability/device`` also a power cut.
public final class SQLiteStore: MetricStore, RecordStore {
    let engine: Engine
    private let backend: SQLiteBackend
    private let lock: FileLock?
    private let stored = Mutex(Stored())
    private let problemList = Mutex<[String]>([])

    /// Up to where series are stored, now and once the transaction that is being written is committed.
    private struct Stored {
        var mark = SeriesRows.Mark()
        var next = SeriesRows.Mark()
    }

    /// Opens the store at `path` (the database file), creating it where it is not there. Reading back what was stored goes
    /// on in the background; calls wait for it.
    ///
    /// A file that is damaged, or that cannot be written, is opened for reading: ``refusal`` says why, and so do ``problems()``.
    /// - Throws: ``StorageError/Code/locked`` where another process has it open for writing; where nothing can be read either,
    ///   what is wrong with the file.
    public static func open(
        path: String,
        options: StoreOptions = StoreOptions(),
        clock: any StackClock
    ) throws(StorageError) -> SQLiteStore {
        try StoreFiles.check(path)
        do {
            return try openForWriting(path, options, clock)
        } catch {
            switch error.code {
            case .corrupt, .diskFull, .readOnly, .inputOutput: break
            case .locked, .newerVersion, .tooManySamples, .cancelled, .unsupported: throw error
            }
            guard fileSize(path) > 0, let store = try? openForReading(path, options, clock, refusal: error) else {
                throw error
            }
            return store
        }
    }

    private static func openForWriting(
        _ path: String,
        _ options: StoreOptions,
        _ clock: any StackClock
    ) throws(StorageError) -> SQLiteStore {
        let lock = try FileLock(path: path + ".lock")
        do {
            return try openForWriting(path, options, clock, lock)
        } catch {
            lock.withdraw()
            throw error
        }
    }

    private static func openForWriting(
        _ path: String,
        _ options: StoreOptions,
        _ clock: any StackClock,
        _ lock: FileLock
    ) throws(StorageError) -> SQLiteStore {
        let damage = LogCheck.damage(path)
        StoreFiles.close(path)
        let connection = try Connection(path: path, isWriter: true, fileSystem: options.fileSystem)
        try Schema.migrate(connection, path: path)
        let isDurable = options.durability == .device
        try connection.execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = \(isDurable ? "FULL" : "NORMAL");"
                + "PRAGMA wal_autocheckpoint = 1000; PRAGMA cache_size = -4096; PRAGMA journal_size_limit = 4194304"
        )
        let writer = Writer(connection, path: path)
        let backend = SQLiteBackend(path: path, writer: writer, fileSystem: options.fileSystem)
        let store = SQLiteStore(options, clock, backend, lock)
        store.startLoading(logDamage: damage)
        return store
    }

    /// Opens the store at `path` for reading, also while another process writes to it. Shows what was there at this moment.
    public static func openForReading(
        path: String,
        options: StoreOptions = StoreOptions(),
        clock: any StackClock
    ) throws(StorageError) -> SQLiteStore {
        try StoreFiles.check(path)
        return try openForReading(path, options, clock, refusal: nil)
    }

    private static func openForReading(
        _ path: String,
        _ options: StoreOptions,
        _ clock: any StackClock,
        refusal: StorageError?
    ) throws(StorageError) -> SQLiteStore {
        let backend = SQLiteBackend(path: path, writer: nil, fileSystem: options.fileSystem, isRescue: refusal != nil)
        try backend.read { (connection) throws(StorageError) in
            _ = try Schema.check(connection, path: path)
        }
        backend.refusal.withLock { $0 = refusal.map(SQLiteStore.readsOnly) }
        let store = SQLiteStore(options, clock, backend, nil)
        store.startLoading(logDamage: nil)
        return store
    }

    private init(_ options: StoreOptions, _ clock: any StackClock, _ backend: SQLiteBackend, _ lock: FileLock?) {
        self.backend = backend
        self.lock = lock
        engine = Engine(options: options, clock: clock, backend: backend)
    }

    /// Lets the file grow to so many pages of 4 KiB only, for tests of what happens then.
    package func limitPages(_ count: Int) async throws(StorageError) {
        try await writable().outside { connection in
            do throws(StorageError) {
                return .success(try connection.execute("PRAGMA max_page_count = \(count)"))
            } catch {
                return .failure(error)
            }
        }
    }

    private static func readsOnly(_ reason: StorageError) -> StorageError {
        StorageError(reason.code, "the store was opened for reading only, for \(reason.message)")
    }

    /// Why nothing can be written until the program is started anew; `nil` where it can.
    public var refusal: StorageError? { backend.refusal.withLock { $0 } ?? backend.writer?.loss }

    /// Why the last change could not be stored, as on a full disk; `nil` where it was.
    public var writeFailure: StorageError? { backend.writer?.failure }

    /// What could not be read when the store was opened, in words.
    public func problems() async throws(StorageError) -> [String] {
        try await engine.loaded.pass()
        return problemList.withLock { $0 }
    }

    // MARK: - Opening

    private func startLoading(logDamage: String?) {
        DispatchQueue.global(qos: .userInitiated).async { [self] in
            do throws(StorageError) {
                let orphans = try loadWhatIsSound()
                note(logDamage)
                engine.loaded.open()
                engine.closeAfterReplay()
                if !orphans.isEmpty, let writer = backend.writer {
                    writer.start { (connection) throws(StorageError) in
                        for id in orphans {
                            let rows = Block.rows(id)
                            try connection.run(
                                "DELETE FROM page WHERE id >= ? AND id < ?",
                                rows.lowerBound,
                                rows.upperBound
                            )
                        }
                    }
                }
            } catch {
                engine.loaded.open(error)
            }
        }
    }

    private func loadWhatIsSound() throws(StorageError) -> [Int64] {
        do throws(StorageError) {
            return try load(isRescue: backend.writer == nil)
        } catch {
            guard error.code == .corrupt, backend.writer != nil else { throw error }
            // What is sound can be read; what is new could not be told from what is lost.
            backend.refusal.withLock { $0 = SQLiteStore.readsOnly(error) }
            _ = try load(isRescue: true)
            return []
        }
    }

    /// Tells what the loading came to beside what it tells itself.
    private func note(_ logDamage: String?) {
        var more: [String] = []
        if let refusal = backend.refusal.withLock({ $0 }) { more.append(refusal.message) }
        if let logDamage {
            let newest = engine.state.withLock { $0.maxTime }
            let span = newest == .min ? "" : " between the sample of \(newest) (milliseconds since 1970) and the end"
            more.append("\(logDamage); what was stored\(span) may be missing")
        }
        if !more.isEmpty { problemList.withLock { $0 += more } }
    }

    private func load(isRescue: Bool) throws(StorageError) -> [Int64] {
        var contents: Loader.Contents?
        let backend = backend
        try backend.read { (connection) throws(StorageError) in
            // One snapshot for all of it.
            try connection.execute("BEGIN")
            defer { sqlite3_exec(connection.handle, "COMMIT", nil, nil, nil) }
            contents = try Loader.load(connection, options: engine.options, isRescue: isRescue)
        }
        guard let contents else { return [] }
        stored.withLock { $0 = Stored(mark: contents.stored, next: contents.stored) }
        problemList.withLock { $0 = contents.problems }
        let state = contents.state
        engine.state.withLock { $0 = state }
        backend.writer?.setHooks(
            Writer.Hooks(
                begin: { [weak self] (connection) throws(StorageError) in try self?.storeNewSeries(connection) },
                commit: { [weak self] in self?.committed() },
                rollback: { [weak self] in self?.engine.takeBackStaged() }
            )
        )
        return contents.orphans
    }

    /// Writes the pairs and series that are not stored yet; they have to be there before a journal row names them.
    private func storeNewSeries(_ connection: Connection) throws(StorageError) {
        let last = stored.withLock { last in
            last.next = last.mark
            return last.mark
        }
        guard let rows = engine.state.withLock({ SeriesRows($0.table, after: last) }) else { return }
        try rows.store(connection)
        stored.withLock { $0.next = rows.next }
    }

    private func committed() {
        stored.withLock { $0.mark = $0.next }
        engine.commitStaged()
    }

    private func writable() throws(StorageError) -> Writer { try backend.writable() }

    // MARK: - Writing

    /// A new name for a source of batches.
    public func openStream() async throws(StorageError) -> StreamRef { try await engine.openStream() }

    /// The references of series, creating those that are not known.
    public func resolve(_ labels: [Labels]) async throws(StorageError) -> [SeriesRef] {
        _ = try writable()
        return try await engine.resolve(labels)
    }

    /// Nothing to do: series are forgotten once they have no samples.
    public func releaseSeries(_ series: [SeriesRef]) async {}

    /// Takes a batch.
    public func append(_ batch: SampleBatch) async throws(StorageError) -> AppendReport {
        _ = try writable()
        return try await engine.append(batch)
    }

    /// Remembers metadata of metric families.
    public func record(_ metadata: [(family: String, metadata: MetricMetadata)]) async throws(StorageError) {
        _ = try writable()
        try await engine.record(metadata)
    }

    /// All remembered metadata by family.
    public func metadata() async throws(StorageError) -> [String: MetricMetadata] { try await engine.metadata() }

    /// Deletes samples of matching series in the span.
    @concurrent
    public func delete(
        _ matcherSets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) {
        _ = try writable()
        try await engine.delete(matcherSets, start: start, end: end)
    }

    /// Gives back the space of what was deleted.
    @concurrent
    public func cleanTombstones() async throws(StorageError) {
        _ = try writable()
        try await engine.cleanTombstones()
    }

    /// Closes and merges blocks and applies retention, as far as due.
    @concurrent
    public func maintain(now: Timestamp) async throws(StorageError) {
        _ = try writable()
        try await engine.maintain(now: now)
    }

    /// Writes out what is pending and closes.
    @concurrent
    public func close() async throws(StorageError) {
        guard let writer = backend.writer, refusal == nil else {
            try await engine.shutDown(closesHead: false)
            backend.closeReaders()
            lock?.release()
            return
        }
        var failure: StorageError?
        do { try await engine.shutDown(closesHead: true) } catch { failure = error }
        backend.closeReaders()
        try await writer.outside { connection in
            // The file ends without a WAL, so that the folder holds just the data.
            sqlite3_exec(connection.handle, "PRAGMA incremental_vacuum", nil, nil, nil)
            sqlite3_exec(connection.handle, "PRAGMA wal_checkpoint(TRUNCATE)", nil, nil, nil)
            connection.close()
            return .success(())
        }
        lock?.release()
        if let failure { throw failure }
    }

    /// An importer of old samples that holds at most about so many of them in memory.
    public func importer(bufferedSamples: Int = 2_000_000) throws(StorageError) -> Importer {
        _ = try writable()
        return Importer(engine: engine, limit: bufferedSamples)
    }

    // MARK: - Reading

    /// Series with samples in the span, as whole columns.
    @concurrent
    public func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        try await engine.select(request)
    }

    /// The same, to be read a few series at a time.
    @concurrent
    public func selection(_ request: SelectRequest) async throws(StorageError) -> any SeriesSelection {
        try await engine.selection(request)
    }

    /// Label sets with samples in the span.
    @concurrent
    public func series(
        _ matcherSets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> LabelSets {
        try await engine.series(matcherSets, start: start, end: end)
    }

    /// Names of labels of matching series, sorted.
    @concurrent
    public func labelNames(
        _ matcherSets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [String] {
        try await engine.labelNames(matcherSets, start: start, end: end)
    }

    /// Values of a label of matching series, sorted.
    @concurrent
    public func labelValues(
        _ name: String,
        _ matcherSets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [String] {
        try await engine.labelValues(name, matcherSets, start: start, end: end)
    }

    /// Exemplars of matching series in the span.
    @concurrent
    public func exemplars(
        _ matcherSets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [SeriesExemplars] {
        try await engine.exemplars(matcherSets, start: start, end: end)
    }

    /// A cursor over series that satisfy all the matchers of at least one list (all series for no list), sorted by labels.
    public func cursor(
        _ matcherSets: [[LabelMatcher]] = [],
        start: Timestamp = .min,
        end: Timestamp = .max
    ) async throws(StorageError) -> SeriesCursor {
        try await engine.loaded.pass()
        return engine.cursor(matcherSets, start: start, end: end)
    }

    /// What takes how much space. Reads everything; `progress` is told the share that is done.
    @concurrent
    public func report(
        progress: @Sendable (Double) -> Void = { _ in }
    ) async throws(StorageError) -> StorageReport {
        try await engine.loaded.pass()
        return try engine.report(progress)
    }

    /// Figures about what is stored.
    public func statistics(limit: Int) async throws(StorageError) -> StorageStatistics {
        var figures = try await engine.statistics(limit: limit)
        figures.failedWrites = backend.writer?.failureCount ?? 0
        return figures
    }

    /// Writes a consistent copy as one file.
    @concurrent
    public func snapshot(toFile path: String) async throws(StorageError) {
        try await engine.loaded.pass()
        guard fileSize(path) == 0 else {
            throw StorageError(.inputOutput, "\(path) is there already: a snapshot needs a new file")
        }
        StoreFiles.close(path)
        try backend.read { (connection) throws(StorageError) in
            let statement = try connection.statement("VACUUM INTO ?")
            statement.bind(1, path)
            _ = try statement.step()
            statement.reset()
        }
    }

    // MARK: - Records

    /// Applies record changes in one transaction.
    public func apply(_ changes: [RecordChange]) async throws(StorageError) {
        try await engine.loaded.pass()
        try await writable().run { (connection) throws(StorageError) in try SQLiteBackend.insert(changes, connection) }
    }

    /// Applies record changes in one transaction, and tells on the writer's thread, so that no other has to be woken.
    public func apply(_ changes: [RecordChange], whenDone: @escaping @Sendable (StorageError?) -> Void) {
        guard let outcome = engine.loaded.outcome else {
            Task {
                do throws(StorageError) {
                    try await apply(changes)
                    whenDone(nil)
                } catch {
                    whenDone(error)
                }
            }
            return
        }
        if let outcome { return whenDone(outcome) }
        do throws(StorageError) {
            try writable().start(whenDone) { (connection) throws(StorageError) in
                try SQLiteBackend.insert(changes, connection)
            }
        } catch {
            whenDone(error)
        }
    }

    /// All records of a table, by key. Damaged ones are left out; ``problems()`` names those found at the start.
    public func records(in table: String) async throws(StorageError) -> [(key: [UInt8], value: [UInt8])] {
        try await engine.loaded.pass()
        return try backend.read { (connection) throws(StorageError) in
            let isSound = try RowChecksum.condition(Schema.recordColumns, in: connection)
            let statement = try connection.statement(
                "SELECT \"key\", value FROM record WHERE \"table\" = ? AND \(isSound) ORDER BY 1"
            )
            defer { statement.reset() }
            statement.bind(1, table)
            var records: [(key: [UInt8], value: [UInt8])] = []
            while try statement.step() { records.append((Array(statement.blob(0)), Array(statement.blob(1)))) }
            return records
        }
    }
}
