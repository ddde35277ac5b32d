import CSQLite
public import MetricModel

/// A value in an answer to SQL.
public enum SQLValue: Sendable, Hashable {
    /// No value; also what SQLite makes of a NaN.
    case null
    /// An integer.
    case integer(Int64)
    /// A number.
    case real(Double)
    /// Text.
    case text(String)
    /// Bytes.
    case blob([UInt8])
}

/// Reads a store with SQL, also while another process writes to it. Nothing can be changed.
///
/// Beside the tables of the file there is `samples(name, labels, ts, value)`: every float sample, with the labels as JSON, the
/// time in milliseconds, and a stale marker or NaN as NULL. `WHERE` conditions on `name` and `ts` choose what is read;
/// `samples('SELECTOR')` takes a PromQL selector. `series(id, pairs)` and `label_pair(id, name, value)` are what the groups of the
/// file hold. The function `series_labels(pairs)` gives the labels of a row of `series`.
public final class SQLSession {
    private let connection: Connection
    private let store: TimeSeriesDatabase
    private let table: SamplesTable
    private let labels: LabelTables
    /// What could not be read when the store was opened, in words.
    public let problems: [String]

    /// Opens the store at `path`.
    /// - Parameter selector: parses a PromQL selector for `samples('…')`.
    public static func open(
        path: String,
        clock: any StackClock,
        selector: (@Sendable (String) throws -> [LabelMatcher])? = nil
    ) async throws(StorageError) -> SQLSession {
        let store = try TimeSeriesDatabase.openForReading(path: path, clock: clock)
        return try SQLSession(path, store, try await store.problems(), selector)
    }

    private init(
        _ path: String,
        _ store: TimeSeriesDatabase,
        _ problems: [String],
        _ selector: (@Sendable (String) throws -> [LabelMatcher])?
    ) throws(StorageError) {
        self.store = store
        self.problems = problems
        connection = try Connection(path: path, isWriter: false)
        table = SamplesTable(engine: store.engine, selector: selector)
        try table.register(on: connection)
        labels = LabelTables(engine: store.engine)
        try labels.register(on: connection)
        // Even from a file that is only read a copy could be made into another one: that is attached then.
        sqlite3_set_authorizer(
            connection.handle,
            { _, action, _, _, _, _ in action == SQLITE_ATTACH ? SQLITE_DENY : SQLITE_OK },
            nil
        )
    }

    /// Runs one query: `header` is told the names of the columns, then `row` each row. A `row` that answers false ends it.
    /// - Throws: also where there is no statement, or a second one.
    public func run(
        _ sql: String,
        header: ([String]) -> Void,
        row: ([SQLValue]) -> Bool
    ) throws(StorageError) {
        let (first, others) = try sql.utf8CString.withUnsafeBufferPointer { (text) throws(StorageError) in
            var rest = text.baseAddress
            let first = try prepareFirst(of: &rest)
            var others = false
            if first != nil {
                do {
                    let second = try prepareFirst(of: &rest)
                    sqlite3_finalize(second)
                    others = second != nil
                } catch {
                    // Whatever it is, it is more than one statement.
                    others = true
                }
            }
            return (first, others)
        }
        guard let prepared = first else { throw StorageError(.unsupported, "no statement in the query") }
        defer { sqlite3_finalize(prepared) }
        if others {
            throw StorageError(.unsupported, "more than one statement in the query: give each to a call of its own")
        }
        let count = Int(sqlite3_column_count(prepared))
        header((0..<count).map { sqlite3_column_name(prepared, Int32($0)).map { String(cString: $0) } ?? "" })
        let statement = Statement(handle: prepared, connection: connection)
        while true {
            switch sqlite3_step(prepared) {
            case SQLITE_ROW: if !row((0..<count).map { SQLSession.value(statement, $0) }) { return }
            case SQLITE_DONE: return
            default: throw failure()
            }
        }
    }

    /// The first statement of a text, which is left with what follows it; `nil` where there is none in it.
    private func prepareFirst(of text: inout UnsafePointer<CChar>?) throws(StorageError) -> OpaquePointer? {
        var prepared: OpaquePointer?
        while let start = text, start.pointee != 0, prepared == nil {
            var rest: UnsafePointer<CChar>?
            guard sqlite3_prepare_v2(connection.handle, start, -1, &prepared, &rest) == SQLITE_OK else {
                throw failure()
            }
            text = rest
        }
        return prepared
    }

    /// An error in the query is the user's, not the store's: its message says it all.
    private func failure() -> StorageError {
        if [SQLITE_READONLY, SQLITE_AUTH].contains(sqlite3_extended_errcode(connection.handle) & 0xff) {
            return StorageError(.readOnly, "the database is only read: the query would change it, or another file")
        }
        let error = connection.lastError()
        guard error.code == .inputOutput else { return error }
        return StorageError(.unsupported, String(cString: sqlite3_errmsg(connection.handle)))
    }

    private static func value(_ statement: Statement, _ column: Int) -> SQLValue {
        switch sqlite3_column_type(statement.handle, Int32(column)) {
        case SQLITE_INTEGER: .integer(statement.integer(column))
        case SQLITE_FLOAT: .real(sqlite3_column_double(statement.handle, Int32(column)))
        case SQLITE_TEXT: .text(statement.text(column))
        case SQLITE_BLOB: .blob(Array(statement.blob(column)))
        default: .null
        }
    }
}
