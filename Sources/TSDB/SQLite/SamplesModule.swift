import CSQLite
import MetricModel
import Synchronization

/// The functions that SQLite calls for ``SamplesTable``.
enum SamplesModule {
    private typealias Connected = SamplesTable.Connected
    private typealias Opened = SamplesTable.Opened

    /// The table of functions. SQLite only reads it.
    nonisolated(unsafe) static var module: sqlite3_module = {
        var module = sqlite3_module()
        module.iVersion = 0
        module.xConnect = { connect($0, $1, $4, $5) }
        module.xBestIndex = { bestIndex($0, $1) }
        module.xDisconnect = { disconnect($0) }
        module.xOpen = { open($0, $1) }
        module.xClose = { close($0) }
        module.xFilter = { filter($0, $2, $3, $4) }
        module.xNext = { cursor in
            attempt(cursor) { try $0.advance() }
        }
        module.xEof = { scan($0)?.isAtEnd ?? true ? 1 : 0 }
        module.xColumn = { cursor, context, number in
            guard let column = SamplesTable.Column(rawValue: number) else { return SQLITE_ERROR }
            scan(cursor)?.column(column, context)
            return SQLITE_OK
        }
        module.xRowid = { cursor, row in
            row?.pointee = scan(cursor)?.row ?? 0
            return SQLITE_OK
        }
        return module
    }()

    /// Gives text as a result.
    static func result(_ context: OpaquePointer?, _ text: String) {
        var text = text
        text.withUTF8 { bytes in
            bytes.withMemoryRebound(to: CChar.self) {
                sqlite3_result_text(
                    context,
                    $0.baseAddress,
                    Int32(bytes.count),
                    unsafeBitCast(-1, to: sqlite3_destructor_type.self)
                )
            }
        }
    }

    private static func connect(
        _ database: OpaquePointer?,
        _ context: UnsafeMutableRawPointer?,
        _ table: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab>?>?,
        _ message: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
    ) -> Int32 {
        guard let context else { return SQLITE_ERROR }
        let code = sqlite3_declare_vtab(
            database,
            "CREATE TABLE samples (name TEXT, labels TEXT, ts INTEGER, value REAL, selector TEXT HIDDEN)"
        )
        guard code == SQLITE_OK else { return code }
        let connected = UnsafeMutablePointer<Connected>.allocate(capacity: 1)
        connected.initialize(to: Connected(table: Unmanaged<SamplesTable>.fromOpaque(context)))
        table?.pointee = UnsafeMutableRawPointer(connected).assumingMemoryBound(to: sqlite3_vtab.self)
        return SQLITE_OK
    }

    private static func disconnect(_ table: UnsafeMutablePointer<sqlite3_vtab>?) -> Int32 {
        table.map { UnsafeMutableRawPointer($0).assumingMemoryBound(to: Connected.self).deallocate() }
        return SQLITE_OK
    }

    /// Chooses the conditions that are handed to `filter`: one letter each, in the order of the arguments.
    private static func bestIndex(
        _ table: UnsafeMutablePointer<sqlite3_vtab>?,
        _ info: UnsafeMutablePointer<sqlite3_index_info>?
    ) -> Int32 {
        guard let info else { return SQLITE_ERROR }
        var plan: [CChar] = []
        var cost = 1e9
        for index in 0..<Int(info.pointee.nConstraint) {
            let constraint = info.pointee.aConstraint[index]
            guard let column = SamplesTable.Column(rawValue: constraint.iColumn) else { continue }
            let operation = Int32(constraint.op)
            let letter: Character
            switch (column, operation) {
            case (.name, SQLITE_INDEX_CONSTRAINT_EQ): letter = "n"
            case (.name, SQLITE_INDEX_CONSTRAINT_GLOB): letter = "*"
            case (.selector, SQLITE_INDEX_CONSTRAINT_EQ), (.labels, SQLITE_INDEX_CONSTRAINT_MATCH): letter = "s"
            case (.time, SQLITE_INDEX_CONSTRAINT_EQ): letter = "="
            case (.time, SQLITE_INDEX_CONSTRAINT_GT): letter = ">"
            case (.time, SQLITE_INDEX_CONSTRAINT_GE): letter = "g"
            case (.time, SQLITE_INDEX_CONSTRAINT_LT): letter = "<"
            case (.time, SQLITE_INDEX_CONSTRAINT_LE): letter = "l"
            default: continue
            }
            if constraint.usable == 0 {
                // Without its argument the table would give something else.
                if letter == "s" { return SQLITE_CONSTRAINT }
                continue
            }
            plan.append(CChar(letter.asciiValue ?? 0))
            info.pointee.aConstraintUsage[index].argvIndex = Int32(plan.count)
            // SQLite checks the others once more; the conditions on time are handed over rounded.
            info.pointee.aConstraintUsage[index].omit = letter == "s" ? 1 : 0
            cost /= "ns".contains(letter) ? 100 : 10
        }
        plan.append(0)
        guard let copy = sqlite3_malloc(Int32(plan.count)) else { return SQLITE_NOMEM }
        plan.withUnsafeBytes { copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: plan.count) }
        info.pointee.idxStr = copy.assumingMemoryBound(to: CChar.self)
        info.pointee.needToFreeIdxStr = 1
        info.pointee.estimatedCost = cost
        info.pointee.estimatedRows = Int64(cost)
        return SQLITE_OK
    }

    private static func open(
        _ table: UnsafeMutablePointer<sqlite3_vtab>?,
        _ cursor: UnsafeMutablePointer<UnsafeMutablePointer<sqlite3_vtab_cursor>?>?
    ) -> Int32 {
        guard let table else { return SQLITE_ERROR }
        let connected = UnsafeMutableRawPointer(table).assumingMemoryBound(to: Connected.self)
        let scan = SamplesScan(connected.pointee.table.takeUnretainedValue())
        let opened = UnsafeMutablePointer<Opened>.allocate(capacity: 1)
        opened.initialize(to: Opened(scan: Unmanaged.passRetained(scan)))
        cursor?.pointee = UnsafeMutableRawPointer(opened).assumingMemoryBound(to: sqlite3_vtab_cursor.self)
        return SQLITE_OK
    }

    private static func close(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> Int32 {
        guard let cursor else { return SQLITE_OK }
        let opened = UnsafeMutableRawPointer(cursor).assumingMemoryBound(to: Opened.self)
        opened.pointee.scan.release()
        opened.deallocate()
        return SQLITE_OK
    }

    private static func scan(_ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?) -> SamplesScan? {
        cursor.map {
            UnsafeMutableRawPointer($0).assumingMemoryBound(to: Opened.self).pointee.scan.takeUnretainedValue()
        }
    }

    /// Runs `body`; an error becomes the message of the statement.
    private static func attempt(
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?,
        _ body: (SamplesScan) throws -> Void
    ) -> Int32 {
        guard let cursor, let scan = scan(cursor) else { return SQLITE_ERROR }
        do {
            try body(scan)
            return SQLITE_OK
        } catch {
            let text = Array("\(error)".utf8) + [0]
            if let copy = sqlite3_malloc(Int32(text.count)), let table = cursor.pointee.pVtab {
                text.withUnsafeBytes {
                    copy.copyMemory(from: $0.baseAddress ?? UnsafeRawPointer(copy), byteCount: text.count)
                }
                sqlite3_free(table.pointee.zErrMsg)
                table.pointee.zErrMsg = copy.assumingMemoryBound(to: CChar.self)
            }
            return SQLITE_ERROR
        }
    }

    private static func filter(
        _ cursor: UnsafeMutablePointer<sqlite3_vtab_cursor>?,
        _ plan: UnsafePointer<CChar>?,
        _ count: Int32,
        _ arguments: UnsafeMutablePointer<OpaquePointer?>?
    ) -> Int32 {
        attempt(cursor) { scan in
            var matchers: [LabelMatcher] = []
            var first = Timestamp.min
            var last = Timestamp.max
            for index in 0..<Int(count) {
                guard let argument = arguments?[index], let letter = plan?[index] else { continue }
                let text = { sqlite3_value_text(argument).map { String(cString: $0) } ?? "" }
                switch Character(UnicodeScalar(UInt8(bitPattern: letter))) {
                case "n": matchers.append(LabelMatcher(Labels.metricName, equals: text()))
                case "*": if let matcher = LabelMatcher.metricName(glob: text()) { matchers.append(matcher) }
                case "s": matchers.append(contentsOf: try scan.matchers(text()))
                case ">", "g": first = max(first, bound(argument, .down))
                case "<", "l": last = min(last, bound(argument, .up))
                default:
                    first = max(first, bound(argument, .down))
                    last = min(last, bound(argument, .up))
                }
            }
            try scan.start(matchers, first, last)
        }
    }

    /// A bound on the time, rounded so that nothing is lost; a text or nothing is no bound.
    private static func bound(_ argument: OpaquePointer, _ rule: FloatingPointRoundingRule) -> Timestamp {
        let none = rule == .down ? Timestamp.min : Timestamp.max
        switch sqlite3_value_type(argument) {
        case SQLITE_INTEGER: return sqlite3_value_int64(argument)
        case SQLITE_FLOAT: return Timestamp(exactly: sqlite3_value_double(argument).rounded(rule)) ?? none
        default: return none
        }
    }
}

extension LabelMatcher {
    /// The matcher of a metric name for `name GLOB 'PATTERN'`; `nil` for patterns with sets of characters.
    static func metricName(glob pattern: String) -> LabelMatcher? {
        if pattern.contains("[") { return nil }
        let regex = pattern.map { character -> String in
            switch character {
            case "*": "(?s:.*)"
            case "?": "(?s:.)"
            default: #"\.+()|{}^$]"#.contains(character) ? "\\\(character)" : String(character)
            }
        }
        return try? LabelMatcher(Labels.metricName, .matches, regex.joined())
    }
}

extension Engine {
    /// The labels of stored pair numbers (with their checksum before them) as JSON, the name among them.
    func labelsJSON(ofPairs bytes: UnsafeBufferPointer<UInt8>) -> String? {
        guard bytes.count >= 4 else { return nil }
        var reader = ByteReader(UnsafeBufferPointer(rebasing: bytes[4...]))
        var pairs: [UInt32] = []
        while reader.remaining > 0 { pairs.append(UInt32(truncatingIfNeeded: reader.varint())) }
        let labels = state.withLock { state -> [Label]? in
            guard pairs.allSatisfy(state.table.pairs.isKnown) else { return nil }
            return pairs.map { Label(name: state.table.pairs.name($0), value: state.table.pairs.value($0)) }
        }
        guard let labels else { return nil }
        return Labels(labels).jsonObject(withName: true)
    }
}
