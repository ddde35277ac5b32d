import MetricModel
import TSDB

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension FuzzTarget {
    /// A file of its own, beside which a write-ahead log can lie.
    private static func withDatabasePath(_ body: (String) -> Void) {
        var template = Array("/tmp/promenade-fuzz-XXXXXX".utf8CString)
        let folder = template.withUnsafeMutableBufferPointer { buffer in
            buffer.baseAddress.flatMap { mkdtemp($0) }.map { String(cString: $0) }
        }
        guard let folder else { return }
        body(folder + "/stack.db")
        unlink(folder + "/stack.db-wal")
        rmdir(folder)
    }

    static let store: [FuzzTarget] = [
        // Two rows, so that the second can build on the first: a byte says how long that is.
        FuzzTarget(surviving: "journal") { body in
            guard let first = body.first else { return }
            let rows = body.dropFirst()
            _ = StoredBytes.journal([Array(rows.prefix(Int(first))), Array(rows.dropFirst(Int(first)))])
        },
        FuzzTarget(surviving: "block") { body in _ = StoredBytes.page(body, limit: 1 << 16) },
        FuzzTarget("group") { body in StoredBytes.group(body) },
        FuzzTarget(surviving: "log") { body in
            withDatabasePath { path in
                guard let file = fopen(path + "-wal", "w") else { return }
                fwrite(body, 1, body.count, file)
                fclose(file)
                _ = StoredBytes.logDamage(ofDatabase: path)
            }
        },
    ]
}
