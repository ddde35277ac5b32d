import Foundation
import MetricModel
import PromQL
import Promenade
import TSDB
import Testing

/// What `promenade sql` prints.
@Suite(.timeLimit(.minutes(5))) struct SQLPrinterTests {
    private func printed(_ sql: String, _ format: SQLPrinter.Format, _ session: SQLSession) throws -> String {
        var output: [UInt8] = []
        var printer = SQLPrinter(format: format) { bytes in
            output += bytes
            return true
        }
        try session.run(sql, header: { printer.header($0) }, row: { printer.row($0) })
        printer.finish()
        return String(decoding: output, as: UTF8.self)
    }

    @Test func `a store that is open for writing, in each form`() async throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "sql-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let time: Timestamp = 1_700_000_000_000
        let store = try TimeSeriesDatabase.open(path: folder + "/stack.db", clock: ManualClock(now: time))
        let series = try await store.resolve([
            ["__name__": "up", "job": "demo"], ["__name__": "up", "job": "a,\"b\"\n"], ["__name__": "rest"],
        ])
        var batch = SampleBatch(timestamp: time)
        batch.series = series
        batch.values = [1, 0.5, .infinity]
        _ = try await store.append(batch)
        let session = try await SQLSession.open(path: folder + "/stack.db", clock: ManualClock(now: time)) { selector in
            try PromQLParser().parseSelector(selector)
        }
        let all = "SELECT labels ->> 'job' AS job, value, ts FROM samples ORDER BY 2"
        let expected: [(String, SQLPrinter.Format, String)] = [
            (
                all, .csv,
                "job,value,ts\n\"a,\"\"b\"\"\n\",0.5,1700000000000\ndemo,1,1700000000000\n,+Inf,1700000000000\n"
            ),
            (
                all, .json,
                #"""
                [
                {"job":"a,\"b\"\n","value":0.5,"ts":1700000000000},
                {"job":"demo","value":1,"ts":1700000000000},
                {"job":null,"value":"+Inf","ts":1700000000000}
                ]

                """#
            ),
            (
                "SELECT name, count(*) AS n, x'01ff' FROM samples('up{job=\"demo\"}')", .table,
                "name  n  x'01ff'\n----  -  -------\nup    1  01ff\n"
            ),
            ("SELECT 1 AS a, 2 AS a", .json, "[\n{\"a\":1,\"a:2\":2}\n]\n"),
            ("SELECT value FROM samples WHERE name = 'none'", .json, "[]\n"),
            ("SELECT value FROM samples WHERE name = 'none'", .table, "value\n-----\n"),
        ]
        for (sql, format, text) in expected {
            #expect(try printed(sql, format, session) == text, "\(sql) as \(format)")
        }
        let table = try printed(all, .table, session).split(separator: "\n", omittingEmptySubsequences: false)
        #expect(
            table == [
                "job      value             ts", "-------  -----  -------------", "a,\"b\"\\n    0.5  1700000000000",
                "demo         1  1700000000000", "NULL      +Inf  1700000000000", "",
            ]
        )
        for (sql, part) in [
            ("SELECT other FROM samples", "no such column: other"), ("DELETE FROM series", "only read"),
            ("SELECT 1 FROM samples('up{')", "parse error"),
        ] {
            do {
                _ = try printed(sql, .csv, session)
                Issue.record("accepted: \(sql)")
            } catch let error as StorageError {
                #expect(error.message.contains(part), "\(error.message)")
            }
        }
        try await store.close()
    }
}
