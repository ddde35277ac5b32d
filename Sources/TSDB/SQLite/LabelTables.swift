import CSQLite
import MetricModel
import Synchronization

/// The virtual tables `series(id, pairs)` and `label_pair(id, name, value)` over the engine: the file holds both in groups.
///
/// SQLite calls through C functions; what belongs to them is held by unmanaged references in the structures that it passes.
final class LabelTables: Sendable {
    private let engine: Engine

    init(engine: Engine) { self.engine = engine }

    /// Makes the tables known to a connection; this has to live as long as that. Tables of an older file come before them.
    func register(on connection: Connection) throws(StorageError) {
        let context = Unmanaged.passUnretained(self).toOpaque()
        for (name, module) in [("series", Self.series), ("label_pair", Self.pairs)] {
            guard sqlite3_create_module_v2(connection.handle, name, module, context, nil) == SQLITE_OK else {
                throw connection.lastError()
            }
        }
    }

    /// What one connected table holds: SQLite's part first.
    private struct Connected {
        var base = sqlite3_vtab()
        var tables: Unmanaged<LabelTables>
        var isSeries: Bool
    }

    /// What one cursor holds: SQLite's part first.
    private struct Opened {
        var base = sqlite3_vtab_cursor()
        var tables: Unmanaged<LabelTables>
        var isSeries: Bool
        var next: UInt32 = 0
        var end: UInt32 = 0
    }

    // SQLite only reads the tables of functions, which stay for ever.
    nonisolated(unsafe) private static let series = module { database, context, _, _, table, _ in
        LabelTables.connect(database, context, table, isSeries: true)
    }
    nonisolated(unsafe) private static let pairs = module { database, context, _, _, table, _ in
        LabelTables.connect(database, context, table, isSeries: false)
    }

    private static func module(
        _ connect:
            @convention(c) (
                OpaquePointer?, UnsafeMutableRawPointer?, Int32, UnsafePointer<UnsafePointer<CChar>?>?,
                UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab>?>?,
                UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
            ) -> Int32
    ) -> UnsafeMutablePointer<sqlite3_module> {
        var module = sqlite3_module()
        module.xConnect = connect
        module.xBestIndex = { LabelTables.plan($0, $1) }
        module.xDisconnect = { table in
            table.map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: Connected.self).deallocate() }
            return SQLITE_OK
        }
        module.xOpen = { LabelTables.open($0, $1) }
        module.xClose = { cursor in
            LabelTables.opened(cursor)?.deallocate()
            return SQLITE_OK
        }
        module.xFilter = { cursor, plan, _, _, values in
            LabelTables.start(cursor, only: plan == LabelTables.one ? values?.pointee : nil)
        }
        module.xNext = { cursor in
            LabelTables.opened(cursor)?.pointee.next += 1
            return LabelTables.settle(cursor)
        }
        module.xEof = { LabelTables.opened($0).map { $0.pointee.next >= $0.pointee.end ? 1 : 0 } ?? 1 }
        module.xColumn = { LabelTables.column($0, $1, $2) }
        module.xRowid = { cursor, row in
            row?.pointee = Int64(LabelTables.opened(cursor)?.pointee.next ?? 0)
            return SQLITE_OK
        }
        // Whoever writes is told that the file is only read.
        module.xUpdate = { _, _, _, _ in SQLITE_READONLY }
        let kept = UnsafeMutablePointer<sqlite3_module>.allocate(capacity: 1)
        kept.initialize(to: module)
        return kept
    }

    private static func connect(
        _ database: OpaquePointer?,
        _ context: UnsafeMutableRawPointer?,
        _ table: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab>?>?,
        isSeries: Bool
    ) -> Int32 {
        guard let context else { return SQLITE_ERROR }
        let columns = isSeries ? "id INTEGER, pairs BLOB" : "id INTEGER, name TEXT, value TEXT"
        let code = sqlite3_declare_vtab(database, "CREATE TABLE labels (\(columns))")
        guard code == SQLITE_OK else { return code }
        let connected = UnsafeMutablePointer<Connected>.allocate(capacity: 1)
        connected.initialize(to: Connected(tables: Unmanaged<LabelTables>.fromOpaque(context), isSeries: isSeries))
        table?.pointee = UnsafeMutableRawPointer(connected).assumingMemoryBound(to: sqlite3_vtab.self)
        return SQLITE_OK
    }

    /// The plan that looks for one number; the other one looks at all.
    private static let one: Int32 = 1

    private static func plan(
        _ table: UnsafeMutablePointer<sqlite3_vtab>?,
        _ info: UnsafeMutablePointer<sqlite3_index_info>?
    ) -> Int32 {
        guard let table, let info else { return SQLITE_ERROR }
        let connected = UnsafeMutableRawPointer(table).assumingMemoryBound(to: Connected.self).pointee
        let count = connected.tables.takeUnretainedValue().engine.state.withLock { state in
            connected.isSeries ? Int(state.table.next - state.table.first) : state.table.pairs.count
        }
        info.pointee.estimatedCost = Double(count)
        info.pointee.estimatedRows = Int64(count)
        for index in 0..<Int(info.pointee.nConstraint) {
            let constraint = info.pointee.aConstraint[index]
            // The row's own number (-1) is the same one.
            guard constraint.usable != 0, constraint.iColumn <= 0, Int32(constraint.op) == SQLITE_INDEX_CONSTRAINT_EQ
            else { continue }
            // SQLite still compares, by its own rules for texts and fractions.
            info.pointee.aConstraintUsage[index].argvIndex = 1
            info.pointee.idxNum = one
            info.pointee.idxFlags = SQLITE_INDEX_SCAN_UNIQUE
            info.pointee.estimatedCost = 1
            info.pointee.estimatedRows = 1
            break
        }
        return SQLITE_OK
    }

    private static func open(
        _ table: UnsafeMutablePointer<sqlite3_vtab>?,
        _ cursor: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab_cursor>?>?
    ) -> Int32 {
        guard let table else { return SQLITE_ERROR }
        let connected = UnsafeMutableRawPointer(table).assumingMemoryBound(to: Connected.self).pointee
        let opened = UnsafeMutablePointer<Opened>.allocate(capacity: 1)
        opened.initialize(to: Opened(tables: connected.tables, isSeries: connected.isSeries))
        cursor?.pointee = UnsafeMutableRawPointer(opened).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
        return SQLITE_OK
    }

    private static func opened(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> UnsafeMutablePointer<Opened>? {
        cursor.map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: Opened.self) }
    }

    private static func start(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?, only value: OpaquePointer?) -> Int32
    {
        guard let opened = opened(cursor) else { return SQLITE_ERROR }
        let isSeries = opened.pointee.isSeries
        (opened.pointee.next, opened.pointee.end) = opened.pointee.tables.takeUnretainedValue().engine.state.withLock {
            isSeries ? ($0.table.first, $0.table.next) : (0, UInt32($0.table.pairs.count))
        }
        if let value {
            let known = opened.pointee.next..<opened.pointee.end
            guard let number = number(value), known.contains(number) else {
                opened.pointee.next = opened.pointee.end
                return SQLITE_OK
            }
            (opened.pointee.next, opened.pointee.end) = (number, number + 1)
        }
        return settle(cursor)
    }

    /// The number that is looked for; `nil` where it cannot be one.
    private static func number(_ value: OpaquePointer) -> UInt32? {
        switch sqlite3_value_numeric_type(value) {
        case SQLITE_INTEGER: UInt32(exactly: sqlite3_value_int64(value))
        case SQLITE_FLOAT: UInt32(exactly: sqlite3_value_double(value))
        default: nil
        }
    }

    /// Goes on to the next one that is known.
    private static func settle(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> Int32 {
        guard let opened = opened(cursor) else { return SQLITE_ERROR }
        let (isSeries, end, start) = (opened.pointee.isSeries, opened.pointee.end, opened.pointee.next)
        opened.pointee.next = opened.pointee.tables.takeUnretainedValue().engine.state.withLock { state in
            var next = start
            while next < end, !(isSeries ? state.table.contains(next) : state.table.pairs.isKnown(next)) { next += 1 }
            return next
        }
        return SQLITE_OK
    }

    private static func column(
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?,
        _ context: OpaquePointer?,
        _ number: Int32
    ) -> Int32 {
        guard let opened = opened(cursor) else { return SQLITE_ERROR }
        let (isSeries, row) = (opened.pointee.isSeries, opened.pointee.next)
        let engine = opened.pointee.tables.takeUnretainedValue().engine
        if number == 0 {
            sqlite3_result_int64(context, Int64(row))
        } else if isSeries {
            let bytes = engine.state.withLock { $0.table.pairBytes(row) }
            bytes.withUnsafeBytes {
                sqlite3_result_blob(
                    context,
                    $0.baseAddress,
                    Int32($0.count),
                    unsafeBitCast(-1, to: sqlite3_destructor_type.self)
                )
            }
        } else {
            let text = engine.state.withLock { number == 1 ? $0.table.pairs.name(row) : $0.table.pairs.value(row) }
            SamplesModule.result(context, text)
        }
        return SQLITE_OK
    }
}

extension SeriesTable {
    /// Four bytes of checksum over the labels, then the numbers of the pairs as varints, in order of names.
    fileprivate func pairBytes(_ series: UInt32) -> [UInt8] {
        var writer = ByteWriter()
        let checksum = checksum(series)
        for shift in stride(from: 0, to: 32, by: 8) { writer.byte(UInt8(truncatingIfNeeded: checksum >> shift)) }
        for pair in pairNumbers(series) { writer.varint(UInt64(pair)) }
        return writer.bytes
    }
}
