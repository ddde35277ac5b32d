import CSQLite
import Dispatch
import MetricModel
import Synchronization

/// A store's home in one SQLite file: opening, reading back, new series, records, the end.
final class FileMedium: StorageMedium {
    let engine: Engine
    let backend: SQLiteBackend
    let lock: FileLock?
    /// Whether it is written to once there is room, where it was opened for reading only.
    let awaitsRoom: Bool
    private let stored = Mutex(Stored())
    private let problemList = Mutex<[String]>([])
    /// Blocks that an end left unfinished, where their pages cannot be deleted yet.
    private let orphans = Mutex<[Int64]>([])
    /// Who is to write once nobody reads any more as if nobody wrote.
    let coming = Mutex<Writer?>(nil)

    /// Up to where series are stored, now and once the transaction that is being written is committed.
    private struct Stored {
        var mark = NewSeriesRows.Mark()
        var next = NewSeriesRows.Mark()
    }

    /// Opens the store at `path` (the database file), creating it where it is not there. Reading back what was stored goes
    /// on in the background; calls wait for it.
    ///
    /// A file that is damaged, or that cannot be written, is opened for reading: ``refusal`` says why, and so do ``problems()``. Where
    /// it is for want of room, it stays locked, to be written to once there is some.
    /// - Throws: ``StorageError/Code/locked`` where another process has it open for writing; where nothing can be read either,
    ///   what is wrong with the file.
    static func open(_ path: String, _ options: StoreOptions, _ clock: any StackClock) throws(StorageError)
        -> FileMedium
    {
        let path = StoreFiles.resolved(path)
        try StoreFiles.check(path)
        let lock: FileLock
        do throws(StorageError) {
            lock = try FileLock(path: path + ".lock")
        } catch {
            return try openForReading(path, options, clock, instead: error)
        }
        let isNew = !StoreFiles.isThere(path)
        let damage = LogCheck.damage(path)
        do throws(StorageError) {
            StoreFiles.close(path)
            try lock.hold(path)
            let (writer, lost) = try openWriter(path, options)
            let backend = SQLiteBackend(path: path, writer: writer, fileSystem: options.fileSystem)
            let store = FileMedium(options, clock, backend, lock)
            store.startLoading(logDamage: damage, lost: lost)
            return store
        } catch {
            // What was made just now and has nothing in it is not left behind.
            if isNew { for suffix in ["", "-wal", "-shm", "-journal"] { SnapshotFile.discard(path + suffix) } }
            guard error.code == .diskFull, !isNew else {
                lock.withdraw()
                return try openForReading(path, options, clock, instead: error)
            }
            do throws(StorageError) {
                return try openForReading(path, options, clock, instead: error, (lock, damage))
            } catch {
                lock.withdraw()
                throw error
            }
        }
    }

    /// Opens for reading what cannot be written to.
    /// - Parameter kept: the lock, where it is to be written to later on, and what was lost of the log.
    private static func openForReading(
        _ path: String,
        _ options: StoreOptions,
        _ clock: any StackClock,
        instead error: StorageError,
        _ kept: (lock: FileLock, damage: String?)? = nil
    ) throws(StorageError) -> FileMedium {
        switch error.code {
        case .corrupt, .diskFull, .readOnly, .inputOutput: break
        case .locked, .newerVersion, .tooManySamples, .cancelled, .unsupported: throw error
        }
        guard fileSize(path) > 0 else { throw error }
        if let store = try? openForReading(path, options, clock, refusal: error, kept) { return store }
        // What readers of a log share is a file, which cannot be made here. Without a log nobody needs it.
        guard fileSize(path + "-wal") == 0,
            let store = try? openForReading(path, options, clock, refusal: error, isStill: true, kept)
        else { throw error }
        return store
    }

    /// Opens a file that this process has locked for writing.
    /// - Returns: who writes, and what of an older file could not be read and is lost, in words.
    static func openWriter(
        _ path: String,
        _ options: StoreOptions
    ) throws(StorageError) -> (writer: Writer, lost: [String]) {
        let hasNoLog = fileSize(path + "-wal") == 0
        let connection = try Connection(path: path, isWriter: true, fileSystem: options.fileSystem)
        // A new file waits for the disk once, when it is whole, and not after each of the steps that make it.
        let version = try Schema.check(connection, path: path)
        if version == 0 { try connection.execute("PRAGMA synchronous = OFF") }
        let lost = try Schema.migrate(connection, from: version)
        let isDurable = options.durability == .device
        try connection.execute(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = \(isDurable ? "FULL" : "NORMAL");"
                + "PRAGMA cache_size = -4096; PRAGMA journal_size_limit = 4194304"
        )
        if hasNoLog || version == 0 { try bringToDisk(connection, isNew: version == 0, path) }
        // Makes the log, so that its removal is noticed from the first change on, and a want of room for it now.
        do throws(StorageError) {
            try connection.execute("BEGIN IMMEDIATE; COMMIT")
        } catch {
            if error.code == .diskFull { throw error }
        }
        return (Writer(connection, path: path, isDurable: isDurable), lost)
    }

    /// Has a file on the disk before anything is added to it: whoever made it may have been ended before that.
    private static func bringToDisk(_ connection: Connection, isNew: Bool, _ path: String) throws(StorageError) {
        do {
            try connection.sync()
        } catch {
            // The system may take for stored what the disk refused, and the next start would believe it.
            if isNew {
                connection.close()
                SnapshotFile.discard(path)
            }
            throw error
        }
    }

    /// Opens the store at `path` for reading, also while another process writes to it. Shows what was there at this moment.
    static func openForReading(
        _ path: String,
        _ options: StoreOptions,
        _ clock: any StackClock
    ) throws(StorageError) -> FileMedium {
        try StoreFiles.check(path)
        return try openForReading(path, options, clock, refusal: nil)
    }

    private static func openForReading(
        _ path: String,
        _ options: StoreOptions,
        _ clock: any StackClock,
        refusal: StorageError?,
        isStill: Bool = false,
        _ kept: (lock: FileLock, damage: String?)? = nil
    ) throws(StorageError) -> FileMedium {
        let backend = SQLiteBackend(
            path: path,
            writer: nil,
            fileSystem: options.fileSystem,
            isRescue: refusal != nil,
            isStill: isStill
        )
        var isCurrent = false
        try backend.read { (connection) throws(StorageError) in
            isCurrent = try Schema.check(connection, path: path) == Schema.version
            // A file without tables, as a full disk leaves of a new one, has nothing to be read.
            if let refusal, try connection.integer("SELECT count(*) FROM sqlite_master") == 0 { throw refusal }
        }
        // What an older file becomes when it is written to is not what was read of it.
        let awaitsRoom = kept != nil && isCurrent
        if let refusal { backend.refuse(readsOnly(refusal, awaitsRoom: awaitsRoom)) }
        let store = FileMedium(options, clock, backend, kept?.lock, awaitsRoom: awaitsRoom)
        store.startLoading(logDamage: kept?.damage)
        return store
    }

    private init(
        _ options: StoreOptions,
        _ clock: any StackClock,
        _ backend: SQLiteBackend,
        _ lock: FileLock?,
        awaitsRoom: Bool = false
    ) {
        self.backend = backend
        self.lock = lock
        self.awaitsRoom = awaitsRoom
        engine = Engine(options: options, clock: clock, backend: backend)
    }

    private static func readsOnly(_ reason: StorageError, awaitsRoom: Bool = false) -> StorageError {
        let remedy =
            if reason.code != .diskFull { "" } else if awaitsRoom { "; it is written to once there is room" } else {
                "; start anew once there is room"
            }
        return StorageError(reason.code, "the store was opened for reading only, for \(reason.message)\(remedy)")
    }

    /// Why nothing can be written until the program is started anew, or there is room; `nil` where it can.
    var refusal: StorageError? { backend.refusal ?? backend.writer?.loss }

    /// Why the last change could not be stored; `nil` where it was.
    var writeFailure: StorageError? { backend.writer?.failure }

    /// What could not be read when the store was opened, in words.
    var problems: [String] { problemList.withLock { $0 } }

    // MARK: - Opening

    private func startLoading(logDamage: String?, lost: [String] = []) {
        DispatchQueue.global(qos: .userInitiated).async { [self] in
            do throws(StorageError) {
                try loadWhatIsSound()
                note(logDamage, lost)
                engine.settleTime(engine.clock.now)
                engine.loaded.open()
                engine.closeAfterReplay()
                if let writer = backend.writer { buryOrphans(writer) }
            } catch {
                engine.loaded.open(error)
            }
        }
    }

    /// From now on that one writes, where nobody did: it finds what was read, and nothing has been staged since.
    func begin(_ writer: Writer) {
        if let refusal = backend.refusal { problemList.withLock { list in list.removeAll { $0 == refusal.message } } }
        setHooks(writer)
        backend.begin(writer)
        buryOrphans(writer)
        engine.closeAfterReplay()
    }

    /// Deletes the pages of blocks that were not finished.
    private func buryOrphans(_ writer: Writer) {
        let orphans = orphans.withLock { orphans in
            defer { orphans = [] }
            return orphans
        }
        if orphans.isEmpty { return }
        writer.start { (connection) throws(StorageError) in
            for id in orphans {
                let rows = Block.rows(id)
                try connection.run("DELETE FROM page WHERE id >= ? AND id < ?", rows.lowerBound, rows.upperBound)
            }
        }
    }

    private func loadWhatIsSound() throws(StorageError) {
        do throws(StorageError) {
            try load(isRescue: lock == nil)
        } catch {
            guard error.code == .corrupt, lock != nil else { throw error }
            // What is sound can be read; what is new could not be told from what is lost.
            backend.refuse(FileMedium.readsOnly(error))
            try load(isRescue: true)
            orphans.withLock { $0 = [] }
        }
    }

    /// Tells what the loading came to beside what it tells itself.
    private func note(_ logDamage: String?, _ lost: [String]) {
        var more = lost
        if let refusal = backend.refusal { more.append(refusal.message) }
        if let logDamage {
            let newest = engine.state.withLock { $0.maxTime }
            let span = newest == .min ? "" : " between the sample of \(newest) (milliseconds since 1970) and the end"
            more.append("\(logDamage); what was stored\(span) may be missing")
        }
        if !more.isEmpty { problemList.withLock { $0 += more } }
    }

    private func load(isRescue: Bool) throws(StorageError) {
        var contents: Loader.Contents?
        let backend = backend
        try backend.read { (connection) throws(StorageError) in
            // One snapshot for all of it.
            try connection.execute("BEGIN")
            defer { sqlite3_exec(connection.handle, "COMMIT", nil, nil, nil) }
            contents = try Loader.load(connection, options: engine.options, isRescue: isRescue)
        }
        guard let contents else { return }
        stored.withLock { $0 = Stored(mark: contents.stored, next: contents.stored) }
        problemList.withLock { $0 = contents.problems }
        for (name, cursor) in contents.cursors { engine.followers.set(name, cursor) }
        let state = contents.state
        engine.state.withLock { $0 = state }
        orphans.withLock { $0 = contents.orphans }
        if let writer = backend.writer { setHooks(writer) }
    }

    private func setHooks(_ writer: Writer) {
        writer.setHooks(
            Writer.Hooks(
                begin: { [weak self] (connection) throws(StorageError) in try self?.storeNewSeries(connection) },
                commit: { [weak self] in self?.committed() },
                rollback: { [weak self] in self?.engine.takeBackStaged() }
            )
        )
    }

    /// Writes the pairs and series that are not stored yet; they have to be there before a journal row names them.
    private func storeNewSeries(_ connection: Connection) throws(StorageError) {
        let last = stored.withLock { last in
            last.next = last.mark
            return last.mark
        }
        guard let rows = engine.state.withLock({ NewSeriesRows($0.table, after: last) }) else { return }
        try rows.store(connection)
        stored.withLock { $0.next = rows.next }
    }

    private func committed() {
        stored.withLock { $0.mark = $0.next }
        engine.commitStaged()
    }

    func writable() throws(StorageError) -> Writer { try backend.writable() }

    func checkWritable() throws(StorageError) { _ = try backend.writable() }
}
