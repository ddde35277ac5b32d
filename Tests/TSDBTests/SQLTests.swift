import Foundation
import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// Reading a store with SQL while it is being written.
@Suite(.timeLimit(.minutes(5))) struct SQLTests {
    private static func query(_ session: SQLSession, _ sql: String) throws -> [[SQLValue]] {
        var rows: [[SQLValue]] = []
        try session.run(sql, header: { _ in }) { row in
            rows.append(row)
            return true
        }
        return rows
    }

    @Test func oneStatementIsRunAndAnotherOneIsTold() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let store = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
            let session = try await SQLSession.open(path: path, clock: ManualClock())
            for text in [
                "SELECT 1", " ;; SELECT 1;", "SELECT 1; -- and no more\n",
                "/* one */ SELECT 1 /* and that is it */ ;;\n",
            ] {
                #expect(try Self.query(session, text) == [[.integer(1)]], "\(text)")
            }
            for (text, problem) in [
                ("SELECT 1; SELECT 2", "more than one statement"), ("SELECT 1; nonsense", "more than one statement"),
                ("", "no statement"), (" ; -- nothing", "no statement"), ("nonsense; SELECT 1", "syntax error"),
            ] {
                var message = ""
                do throws(StorageError) {
                    try session.run(text, header: { _ in message = "a header" }, row: { _ in true })
                } catch {
                    message += error.message
                }
                #expect(message.contains(problem) && !message.contains("a header"), "\(text): \(message)")
            }
            try await store.close()
        }
    }

    @Test func samplesCanBeQueriedByNameLabelsAndTime() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let store = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
            let stream = try await store.openStream()
            for (name, job) in [("a", "x"), ("a", "y\"z"), ("b", "x")] {
                let points = (0..<100).map { (base + Int64($0) * 1000, Double($0)) }
                try await store.put(["__name__": name, "job": job], points, stream: stream)
            }
            try await store.put(["__name__": "s"], [(base, SpecialValue.stale)])
            try await store.maintain(now: base + 86_400_000)
            try await store.put(["__name__": "a", "job": "x"], [(base + 100_000, 100)], stream: stream)
            let session = try await SQLSession.open(path: path, clock: ManualClock()) { text in
                [LabelMatcher("job", equals: text)]
            }
            let cases: [(String, [[SQLValue]])] = [
                ("SELECT count(*) FROM samples", [[.integer(302)]]),
                ("SELECT count(*), sum(value) FROM samples WHERE name = 'a'", [[.integer(201), .real(10000)]]),
                (
                    "SELECT labels, ts, value FROM samples WHERE name = 'a' AND ts > \(base + 99_000)",
                    [[.text("{\"job\":\"x\"}"), .integer(base + 100_000), .real(100)]]
                ),
                (
                    "SELECT ts FROM samples WHERE name = 'b' AND ts BETWEEN \(base + 1000) AND \(base + 2000).5 ORDER BY ts",
                    [[.integer(base + 1000)], [.integer(base + 2000)]]
                ),
                (
                    "SELECT labels ->> 'job' FROM samples WHERE ts = \(base + 5000) AND name = 'a' ORDER BY 1",
                    [[.text("x")], [.text("y\"z")]]
                ),
                (
                    "SELECT name, count(*) FROM samples('x') GROUP BY 1 ORDER BY 1",
                    [[.text("a"), .integer(101)], [.text("b"), .integer(100)]]
                ),
                ("SELECT count(*) FROM samples WHERE labels MATCH 'x' AND name = 'a'", [[.integer(101)]]),
                ("SELECT count(*) FROM samples WHERE labels MATCH 'x' AND ts < \(base + 2000)", [[.integer(4)]]),
                ("SELECT DISTINCT name FROM samples WHERE name IN ('b', 's', 'none')", [[.text("b")], [.text("s")]]),
                ("SELECT DISTINCT name FROM samples WHERE name GLOB '[ab]*' ORDER BY 1", [[.text("a")], [.text("b")]]),
                ("SELECT count(*) FROM samples WHERE name GLOB '?*' AND name GLOB 'b'", [[.integer(100)]]),
                ("SELECT value FROM samples WHERE name = 's'", [[.null]]),
                ("SELECT count(*) FROM samples WHERE name = 'none'", [[.integer(0)]]),
                (
                    "SELECT series_labels(pairs) FROM series ORDER BY id LIMIT 1",
                    [[.text("{\"__name__\":\"a\",\"job\":\"x\"}")]]
                ),
                (
                    "SELECT count(*) FROM samples p JOIN samples q ON p.name = q.name AND p.ts = q.ts AND p.name = 'b'",
                    [[.integer(100)]]
                ),
            ]
            for (sql, expected) in cases { #expect(try Self.query(session, sql) == expected, "\(sql)") }
            for sql in [
                "DELETE FROM series", "SELECT nothing FROM samples", "", "INSERT INTO samples VALUES ('a', '', 1, 1)",
            ] {
                #expect(throws: StorageError.self, "\(sql)") { _ = try Self.query(session, sql) }
            }
            // What SQLite is asked while it only reads is told by its number, whatever its words are.
            let copy = folder + "/copy.db"
            for sql in ["DELETE FROM series", "VACUUM INTO '\(copy)'", "ATTACH '\(copy)' AS other"] {
                let refused = #expect(throws: StorageError.self, "\(sql)") { try Self.query(session, sql) }
                let words = "the database is only read: the query would change it, or another file"
                #expect(refused == StorageError(.readOnly, words))
            }
            // Nothing is changed where it is only said what would be done.
            for sql in ["EXPLAIN DELETE FROM series", "PRAGMA journal_mode", "PRAGMA table_info(page)"] {
                #expect(try !Self.query(session, sql).isEmpty, "\(sql)")
            }
            #expect(!FileManager.default.fileExists(atPath: copy))
            let report = try await store.report()
            #expect(report.blockSamples == 301 && report.headSamples == 1 && report.series == 4)
            #expect(report.metrics.first?.name == "a" && report.codecs.reduce(0) { $0 + $1.samples } == 301)
            var cursor = try await store.cursor(in: TimeSpan(start: base + 98_000, end: .max))
            var names: [String] = []
            while let batch = try cursor.next() { names.append(contentsOf: batch.map(\.labels.name)) }
            #expect(names == ["a", "a", "b"])
            try await store.close()
        }
    }
}
