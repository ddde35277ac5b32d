import Foundation
import MetricModel
import PromenadeTesting
import Synchronization
import Testing

/// What a real Prometheus answered to thousands of queries and requests, answered again.
@Suite(.serialized, .timeLimit(.minutes(5))) struct QueryReplayTests {
    /// A request and the answer to it.
    struct Row: Decodable, Sendable {
        var method: String?
        var target: String
        /// The query in it, where there is one.
        var query: String?
        var headers: [String: String]?
        var form: String?
        var status: Int
        /// The headers of the answer.
        var answer: [String: String]?
        var body: String

        var expression: String {
            if let query { return query }
            let items = URLComponents(string: target.replacing("+", with: "%20"))?.queryItems
            return items?.first { $0.name == "query" }?.value ?? ""
        }
    }

    private struct DataRow: Decodable, Sendable {
        var samples: Data?
        var exemplars: Data?
    }

    /// The least numbers that are recorded.
    @Test(arguments: [("queries-1", 2_500), ("queries-2", 2_500), ("api", 1_000)])
    func replay(_ name: String, _ least: Int) async throws {
        let recording = try Recording<Row>(name)
        #expect(recording.rows.count >= least)
        let known = try Differences.known.get()
        // Prometheus's answers may be read by the pages of every origin.
        let flags =
            (recording.header.flags ?? []) + ["--web.enable-remote-write-receiver", "--web.cors.origin=.*"]
        // The clock stands after the data, so that nothing of them is ahead of it.
        let clock = ManualClock(now: 1_700_010_000_000)
        try await withStack(config: "scrape_configs: []", flags: flags, clock: clock) { stack in
            try await Self.load(recording.header.data ?? "", into: stack)
            let report = Report(of: "\(recording.header.program) with \(recording.header.data ?? "no data")")
            let half = recording.rows.count / 2
            await withTaskGroup(of: Void.self) { group in
                for rows in [recording.rows[..<half], recording.rows[half...]] {
                    group.addTask { await Self.ask(rows, of: stack.url, known, report) }
                }
            }
            report.finish(count: recording.rows.count)
        }
    }

    private static func ask(_ rows: ArraySlice<Row>, of url: String, _ known: Differences, _ report: Report) async {
        let comparison = AnswerComparison(known: known)
        let client = WireClient(url: url)
        let address = String(url.drop { !$0.isNumber }.prefix { $0 != "/" })
        for row in rows where known.isCompared(query: row.expression) {
            do {
                let answer = try await client.ask(
                    row.method ?? "GET",
                    row.target,
                    headers: row.headers ?? [:],
                    body: Array((row.form ?? "").utf8)
                )
                report.isIdentical(row.body == answer.text)
                var found: [String] = []
                if answer.status != row.status { found.append("status: \(row.status) / \(answer.status)") }
                let hasPage = !known.isCompared(page: row.status)
                found += headerDifferences(row.answer, answer.headers, known, address).filter {
                    !hasPage || !$0.hasPrefix("Content-Type")
                }
                let body = answer.text.replacing(address, with: "ADDRESS")
                let difference = comparison.difference(want: row.body, got: body, query: row.expression)
                if let difference, !hasPage { found.append(difference) }
                if !found.isEmpty { report.add(Self.request(row), found) }
            } catch {
                report.add(Self.request(row), ["no answer: \(error)"])
            }
        }
        try? await client.close()
    }

    private static func request(_ row: Row) -> String {
        "\(row.method ?? "GET") \(row.target) \(row.form ?? "") \(row.headers ?? [:])\n    \(row.expression)"
    }

    private static func headerDifferences(
        _ want: [String: String]?,
        _ got: [String: String],
        _ known: Differences,
        _ address: String
    ) -> [String] {
        guard let want else { return [] }
        let names = [
            "Content-Type", "Allow", "Location", "Content-Encoding", "Vary", "Access-Control-Allow-Origin",
            "Access-Control-Allow-Methods", "Access-Control-Allow-Headers", "Access-Control-Expose-Headers",
            "X-Content-Type-Options", "Cache-Control",
        ]
        return names.filter { known.isCompared(header: $0) }.compactMap { name in
            var value = got[name.lowercased()] ?? ""
            // DELETE of series is gone on main, and that answers vary with their encoding is told there.
            if name == "Allow" { value = value.replacing("DELETE, ", with: "") }
            if name == "Vary" { value = value.contains("Origin") ? "Origin" : "" }
            value = value.replacing(address, with: "ADDRESS")
            return value == want[name] ?? "" ? nil : "\(name): \(want[name] ?? "nothing") / \(value)"
        }
    }

    /// Fills a stack with a data set, as agents would.
    private static func load(_ name: String, into stack: TestStack) async throws {
        let client = WireClient(url: stack.url)
        let headers = [
            "Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        ]
        for row in try Recording<DataRow>(name).rows {
            let body = SnappyBlock.literals(Array(row.samples ?? row.exemplars ?? Data()))
            let answer = try await client.ask("POST", "/api/v1/write", headers: headers, body: body)
            // Exemplars that are out of order are refused one by one, as they were when the answers were recorded.
            let isTaken = answer.status < 300 || row.exemplars != nil && answer.status == 400
            #expect(isTaken, "\(answer.status) \(answer.text)")
        }
        try await client.close()
    }
}

/// A block of Snappy that holds its bytes as they are.
private enum SnappyBlock {
    static func literals(_ bytes: [UInt8]) -> [UInt8] {
        var output: [UInt8] = []
        var length = UInt32(bytes.count)
        while length >= 0x80 {
            output.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        output.append(UInt8(length))
        for start in stride(from: 0, to: bytes.count, by: 1 << 16) {
            let piece = bytes[start..<min(start + 1 << 16, bytes.count)]
            output += [61 << 2, UInt8(truncatingIfNeeded: piece.count - 1), UInt8((piece.count - 1) >> 8)]
            output += piece
        }
        return output
    }
}
