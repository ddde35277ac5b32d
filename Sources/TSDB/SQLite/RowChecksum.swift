import CSQLite
import MetricModel

/// `row_checksum(…)`: a checksum of the values of a row, stored beside them, so that damaged bytes do not pass for values.
///
/// Pages, timelines, directories and journal rows have checksums in their blobs, and a series has one over its labels.
enum RowChecksum {
    /// Makes the function known to a connection.
    static func register(on handle: OpaquePointer) -> Int32 {
        sqlite3_create_function_v2(
            handle,
            "row_checksum",
            -1,
            SQLITE_UTF8 | SQLITE_DETERMINISTIC,
            nil,
            { context, count, arguments in
                var result: UInt64 = 0
                for index in 0..<Int(count) {
                    if let argument = arguments?[index] { result = Hash64.mix(result, RowChecksum.hash(argument)) }
                }
                sqlite3_result_int64(context, Int64(bitPattern: result))
            },
            nil,
            nil,
            nil
        )
    }

    private static func hash(_ value: OpaquePointer) -> UInt64 {
        let kind = sqlite3_value_type(value)
        switch kind {
        case SQLITE_INTEGER:
            return Hash64.mix(UInt64(kind), UInt64(bitPattern: sqlite3_value_int64(value)))
        case SQLITE_TEXT, SQLITE_BLOB:
            // The bytes of a text are asked for first, so that their number is that of UTF-8.
            let start = kind == SQLITE_TEXT ? UnsafeRawPointer(sqlite3_value_text(value)) : sqlite3_value_blob(value)
            let bytes = UnsafeBufferPointer(
                start: start?.assumingMemoryBound(to: UInt8.self),
                count: start == nil ? 0 : Int(sqlite3_value_bytes(value))
            )
            return Hash64.mix(UInt64(kind), Hash64.hash(bytes))
        default: return UInt64(kind)
        }
    }

    /// The SQL condition that a row agrees with its checksum. Rows of format 1 have none.
    static func condition(_ columns: String, in connection: Connection) throws(StorageError) -> String {
        let version = try connection.integer("PRAGMA user_version") ?? 0
        return version < 2 ? "1" : "checksum IS row_checksum(\(columns))"
    }
}
