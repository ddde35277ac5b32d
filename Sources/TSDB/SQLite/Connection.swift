import CSQLite
import MetricModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

/// One connection to the database file, used by one thread at a time (the pool and the writer see to that, hence unchecked).
final class Connection: @unchecked Sendable {
    /// SQLite's handle.
    let handle: OpaquePointer
    private let path: String
    private var statements: [String: OpaquePointer] = [:]
    private(set) var isClosed = false
    /// How many pages the log had after the last commit.
    private var logPages: Int32 = 0
    /// The same, where nobody has taken them yet.
    var newPages: Int32 { logPages }

    /// Opens the file; a writer creates it where it is not there.
    /// - Parameter isStill: whether nobody writes to the file and it has no log: then nothing is made beside it.
    init(path: String, isWriter: Bool, isStill: Bool = false, fileSystem: String? = nil) throws(StorageError) {
        self.path = path
        sqlite_outlives_cut_files()
        var opened: OpaquePointer?
        let flags =
            isWriter
            ? SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX
            : SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX
        let code =
            isStill
            ? sqlite3_open_v2(Self.stillURI(path), &opened, flags | SQLITE_OPEN_URI, fileSystem)
            : sqlite3_open_v2(path, &opened, flags, fileSystem)
        guard code == SQLITE_OK, let opened else {
            let system = opened.map { sqlite3_system_errno($0) } ?? 0
            let message = opened.map { String(cString: sqlite3_errmsg($0)) } ?? "out of memory"
            sqlite3_close_v2(opened)
            throw Connection.error(code, message, path, system)
        }
        handle = opened
        sqlite3_extended_result_codes(handle, 1)
        sqlite3_busy_timeout(handle, 10_000)
        guard RowChecksum.register(on: handle) == SQLITE_OK else { throw lastError() }
    }

    deinit { close() }

    private static func stillURI(_ path: String) -> String {
        var text = "file:"
        for character in path {
            switch character {
            case "%": text += "%25"
            case "?": text += "%3f"
            case "#": text += "%23"
            default: text.append(character)
            }
        }
        return text + "?immutable=1"
    }

    /// Closes the connection; nothing else may follow.
    func close() {
        if isClosed { return }
        isClosed = true
        for statement in statements.values { sqlite3_finalize(statement) }
        statements = [:]
        sqlite3_close_v2(handle)
    }

    /// What went wrong last.
    func lastError() -> StorageError {
        Connection.error(
            sqlite3_extended_errcode(handle),
            String(cString: sqlite3_errmsg(handle)),
            path,
            sqlite3_system_errno(handle)
        )
    }

    /// Whether SQLite has no room for the names of the files beside this one. It counts from the root on.
    private static func isTooLong(_ path: String) -> Bool {
        guard let system = sqlite3_vfs_find(nil) else { return false }
        return StoreFiles.rooted(path).utf8.count + "-journal".utf8.count > Int(system.pointee.mxPathname)
    }

    /// What may be wrong with a file whose pages are not what they should be. A disk that does not give them may be mended.
    static var damaged: String { coveredPages > 0 ? "is damaged or could not be read" : "is damaged" }

    /// What to do then.
    private static var remedy: String {
        let anew = "restore a snapshot, or move the file away to start anew"
        if coveredPages == 0 { return anew }
        return "where the disk is at fault, start again once it is mended; where the file was cut short, \(anew)"
    }

    static func error(_ code: Int32, _ message: String, _ path: String, _ system: Int32) -> StorageError {
        let place = system == 0 ? "" : ", system error \(system)"
        switch code & 0xff {
        case SQLITE_FULL:
            return StorageError(
                .diskFull,
                "no space left for \(path) (\(message)): free some space or lower the retention"
            )
        case SQLITE_READONLY, SQLITE_PERM:
            return StorageError(
                .readOnly,
                "\(path) cannot be written (\(message)): check the permissions of the folder and file"
            )
        case SQLITE_CANTOPEN where isTooLong(path):
            return StorageError(
                .readOnly,
                "\(path) cannot be opened: its path is longer than SQLite can have it, choose a shorter one"
            )
        case SQLITE_CANTOPEN where system == ENOSPC || system == EDQUOT:
            return StorageError(.diskFull, "no space left for \(path) (\(message)\(place))")
        case SQLITE_CANTOPEN:
            return StorageError(
                .readOnly,
                "\(path) cannot be opened (\(message)\(place)): check that the folder is there and may be written"
            )
        case SQLITE_CORRUPT, SQLITE_NOTADB:
            return StorageError(.corrupt, "\(path) \(damaged) (\(message)): \(remedy)")
        case SQLITE_BUSY, SQLITE_LOCKED:
            return StorageError(.locked, "\(path) is in use by another process (\(message))")
        default:
            // A write that the file system refuses, such as one beyond the file size limit, is an I/O error with its number.
            if code & 0xff == SQLITE_IOERR, system == ENOSPC || system == EFBIG || system == EDQUOT {
                return StorageError(.diskFull, "no space left for \(path) (\(message)\(place))")
            }
            return StorageError(.inputOutput, "\(path): \(message) (SQLite code \(code)\(place))")
        }
    }

    /// Runs statements without results.
    func execute(_ sql: String) throws(StorageError) {
        guard sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK else { throw lastError() }
    }

    /// A prepared statement, ready to be bound and stepped. Kept for the next time.
    func statement(_ sql: String) throws(StorageError) -> Statement {
        if let known = statements[sql] {
            sqlite3_reset(known)
            sqlite3_clear_bindings(known)
            return Statement(handle: known, connection: self)
        }
        var prepared: OpaquePointer?
        guard sqlite3_prepare_v3(handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &prepared, nil) == SQLITE_OK,
            let prepared
        else {
            guard sqlite3_extended_errcode(handle) == SQLITE_ERROR else { throw lastError() }
            // The statement is right, so the tables are not what they were.
            throw StorageError(
                .corrupt,
                "\(path) \(Self.damaged): its tables are not as they were made (\(String(cString: sqlite3_errmsg(handle)))): "
                    + Self.remedy
            )
        }
        statements[sql] = prepared
        return Statement(handle: prepared, connection: self)
    }

    /// Runs a statement with integers bound, without results.
    func run(_ sql: String, _ integers: Int64...) throws(StorageError) {
        let statement = try statement(sql)
        for (index, integer) in integers.enumerated() { statement.bind(index + 1, integer) }
        _ = try statement.step()
        statement.reset()
    }

    /// The first column of the first row as an integer, `nil` where there is none.
    func integer(_ sql: String, _ integers: Int64...) throws(StorageError) -> Int64? {
        let statement = try statement(sql)
        defer { statement.reset() }
        for (index, integer) in integers.enumerated() { statement.bind(index + 1, integer) }
        return try statement.step() && !statement.isNull(0) ? statement.integer(0) : nil
    }

    // MARK: The log

    /// Counts the log's pages from now on; nobody brings them into the database then but ``checkpoint()``.
    func watchLog() {
        let own = Unmanaged.passUnretained(self).toOpaque()
        sqlite3_wal_hook(
            handle,
            { own, _, _, pages in
                if let own { Unmanaged<Connection>.fromOpaque(own).takeUnretainedValue().logPages = pages }
                return SQLITE_OK
            },
            own
        )
    }

    /// Whether the log has so many pages; they are not told of again before the next commit.
    func takePages(atLeast count: Int32) -> Bool {
        defer { logPages = 0 }
        return logPages >= count
    }

    /// How many bytes the database has once the whole log is in it.
    func wholeLength() throws(StorageError) -> Int64 {
        (try integer("PRAGMA page_count") ?? 0) * (try integer("PRAGMA page_size") ?? 0)
    }

    /// Brings the log into the database as far as readers allow. What fails is tried again after the next commit.
    /// - Returns: whether nothing is left in the log.
    func checkpoint() -> Bool {
        var (all, done) = (Int32(0), Int32(0))
        let code = sqlite3_wal_checkpoint_v2(handle, nil, SQLITE_CHECKPOINT_PASSIVE, &all, &done)
        return code == SQLITE_OK && all == done
    }

    /// How often, in all stores of the process, something that SQLite looked for in memory had been cut off.
    static var coveredPages: Int32 { sqlite_covered_pages().pointee }

    /// Whether a page of the log, or its head, begins at a place: where somebody cut it short before others were written there are zeros.
    /// `nil` where it cannot be read.
    func hasLogPage(at offset: Int64) -> Bool? {
        var word = UInt32(0)
        return switch sqlite_reads_log(handle, offset, &word, 4) {
        case SQLITE_OK: word != 0
        case _: nil
        }
    }

    /// Brings what was written to the file without waiting for the disk onto it.
    func sync() throws(StorageError) {
        errno = 0
        let code = sqlite_syncs_file(handle)
        let system = errno
        if code != SQLITE_OK { throw Connection.error(code, String(cString: sqlite3_errstr(code)), path, system) }
    }

    /// Closing the connection leaves the log as it is.
    func leaveLog() { sqlite_leaves_log(handle) }

    /// Runs `body` in a transaction of that kind; undoes it where it fails.
    func transaction(_ kind: String = "IMMEDIATE", _ body: () throws(StorageError) -> Void) throws(StorageError) {
        try run("BEGIN " + kind)
        do {
            try body()
            try run("COMMIT")
        } catch {
            sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
            throw error
        }
    }
}

/// A prepared statement of a connection. Columns count from 0, parameters from 1.
struct Statement {
    let handle: OpaquePointer
    let connection: Connection

    /// Whether there is a row.
    func step() throws(StorageError) -> Bool {
        switch sqlite3_step(handle) {
        case SQLITE_ROW: return true
        case SQLITE_DONE: return false
        default:
            let failure = connection.lastError()
            sqlite3_reset(handle)
            throw failure
        }
    }

    /// Lets go of the row and of its read lock.
    func reset() { sqlite3_reset(handle) }

    func bind(_ index: Int, _ value: Int64) { sqlite3_bind_int64(handle, Int32(index), value) }

    func bind(_ index: Int, _ text: String) {
        var text = text
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) { characters in
                // SQLite copies the text before the call returns.
                _ = sqlite3_bind_text64(
                    handle,
                    Int32(index),
                    characters.baseAddress,
                    UInt64(bytes.count),
                    Statement.transient,
                    UInt8(SQLITE_UTF8)
                )
            }
        }
        if text.isEmpty { sqlite3_bind_text(handle, Int32(index), "", 0, nil) }
    }

    /// Binds bytes without a copy: runs `body` (a step) while they stay in place.
    func withBlob<Result>(
        _ index: Int,
        _ bytes: [UInt8],
        _ body: () throws(StorageError) -> Result
    ) throws(StorageError) -> Result {
        try bytes.withUnsafeBufferPointer { (buffer) throws(StorageError) -> Result in
            if let base = buffer.baseAddress {
                sqlite3_bind_blob64(handle, Int32(index), base, UInt64(buffer.count), nil)
            } else {
                sqlite3_bind_zeroblob(handle, Int32(index), 0)
            }
            defer { sqlite3_bind_null(handle, Int32(index)) }
            defer { sqlite3_reset(handle) }
            return try body()
        }
    }

    /// Binds bytes, copied.
    func bind(_ index: Int, _ bytes: [UInt8]) {
        bytes.withUnsafeBytes { buffer in
            if let base = buffer.baseAddress {
                _ = sqlite3_bind_blob64(handle, Int32(index), base, UInt64(buffer.count), Statement.transient)
            } else {
                sqlite3_bind_zeroblob(handle, Int32(index), 0)
            }
        }
    }

    /// Tells SQLite to copy what is bound.
    private static var transient: sqlite3_destructor_type { unsafeBitCast(-1, to: sqlite3_destructor_type.self) }

    func integer(_ column: Int) -> Int64 { sqlite3_column_int64(handle, Int32(column)) }

    func isNull(_ column: Int) -> Bool { sqlite3_column_type(handle, Int32(column)) == SQLITE_NULL }

    func text(_ column: Int) -> String {
        guard let bytes = sqlite3_column_text(handle, Int32(column)) else { return "" }
        let count = Int(sqlite3_column_bytes(handle, Int32(column)))
        return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }

    /// The bytes of a column, valid until the next step.
    func blob(_ column: Int) -> UnsafeBufferPointer<UInt8> {
        guard let base = sqlite3_column_blob(handle, Int32(column)) else {
            return UnsafeBufferPointer(start: nil, count: 0)
        }
        return UnsafeBufferPointer(
            start: base.assumingMemoryBound(to: UInt8.self),
            count: Int(sqlite3_column_bytes(handle, Int32(column)))
        )
    }
}
