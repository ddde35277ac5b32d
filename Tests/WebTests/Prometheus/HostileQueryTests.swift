import MetricModel
import PromQL
import TSDB
import Testing
import Web

/// Queries and selectors that are short to send, and would take or answer far more.
@Suite(.timeLimit(.minutes(5))) struct HostileQueryTests {
    private static func server(
        more: Int = 0,
        _ change: (inout PromQLEngine.Options) -> Void = { _ in }
    ) async throws -> PrometheusServer {
        let clock = ManualClock(now: APITests.now)
        let store = TimeSeriesDatabase.inMemory(clock: clock)
        var batch = SampleBatch(timestamp: APITests.now)
        batch.series = try await store.resolve(
            [["__name__": "m", "a": "x"]] + (0..<more).map { ["__name__": "more", "a": "\($0)"] }
        )
        batch.values = batch.series.map { _ in 1 }
        _ = try await store.append(batch)
        var options = PromQLEngine.Options()
        change(&options)
        var settings = PrometheusSettings()
        settings.isAdminEnabled = true
        return PrometheusServer.still(store, clock: clock, options: options, settings: settings)
    }

    private static func ask(
        _ server: PrometheusServer,
        _ method: WebRequest.Method,
        _ path: String,
        _ name: String,
        _ text: String
    ) async throws -> (status: Int, body: [UInt8]) {
        let escaped = text.utf8.map { byte -> String in
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count < 2 ? "0" : "") + digits
        }
        let target = "\(path)?\(name)=\(escaped.joined())"
        let found = await server.makeRouter().respond(to: WebRequest(method: method, target: target))
        return (found.status, try await found.wholeBody())
    }

    private static func levels(_ name: String, _ count: Int, _ inner: String) -> String {
        String(repeating: name + "(", count: count) + inner + String(repeating: ")", count: count)
    }

    @Test(arguments: [
        levels("abs", 500, "m{a!=\"\(String(repeating: "ü", count: 50_000))\"}"),
        [String](repeating: "m{a!=\"\(String(repeating: "y", count: 1000))\"}", count: 100).joined(separator: "+"),
    ])
    func `an explanation does not repeat the query for each of its parts`(_ query: String) async throws {
        let answer = try await Self.ask(try await Self.server(), .get, "/api/v1/explain", "query", query)
        #expect(answer.status == 200)
        #expect(answer.body.count < 2 << 20)
        #expect(String(decoding: answer.body, as: UTF8.self).contains("…"))
        #expect(!String(decoding: answer.body, as: UTF8.self).contains("\u{FFFD}"))
    }

    @Test func `an explanation counts as held`() async throws {
        let server = try await Self.server { $0.maximumBytes = 256 << 10 }
        let query = Self.levels("abs", 400, "m")
        let answer = try await Self.ask(server, .get, "/api/v1/explain", "query", query)
        #expect(String(decoding: answer.body, as: UTF8.self).contains("query processing would hold more than 256KiB"))
        #expect(try await Self.ask(server, .get, "/api/v1/explain", "query", "abs(m)").status == 200)
    }

    @Test func `a formatted query has a greatest length`() async throws {
        let many = "label_join(m,\"a\",\"b\"" + String(repeating: ",\"c\"", count: 20_000) + ")"
        let answer = try await Self.ask(
            try await Self.server(),
            .get,
            "/api/v1/format_query",
            "query",
            Self.levels("sum", 900, many)
        )
        #expect(answer.status == 422)
        #expect(String(decoding: answer.body, as: UTF8.self).contains("would be longer than 16MiB"))
    }

    @Test(arguments: [(256 << 10, 503), (64 << 20, 200)]) func `what is federated counts as held`(
        _ bytes: Int,
        _ status: Int
    ) async throws {
        let server = try await Self.server(more: 5000) { $0.maximumBytes = bytes }
        #expect(try await Self.ask(server, .get, "/federate", "match[]", "{a=~\".+\"}").status == status)
    }

    @Test func `the tree of a query counts as held`() async throws {
        let server = try await Self.server { $0.maximumBytes = 1 << 20 }
        let query = "label_join(m,\"a\",\"b\"" + String(repeating: ",\"c\"", count: 2000) + ")"
        #expect(try await Self.ask(server, .get, "/api/v1/format_query", "query", query).status == 200)
        #expect(try await Self.ask(server, .get, "/api/v1/parse_query", "query", query).status == 422)
        #expect(try await Self.ask(server, .get, "/api/v1/parse_query", "query", "m").status == 200)
    }

    /// Who reads a selector or an expression.
    static let readers: [(WebRequest.Method, String, String)] = [
        (.get, "/api/v1/rules", "match[]"), (.get, "/api/v1/series", "match[]"), (.get, "/api/v1/labels", "match[]"),
        (.get, "/api/v1/label/a/values", "match[]"), (.get, "/api/v1/query", "query"),
        (.get, "/api/v1/query_exemplars", "query"), (.get, "/api/v1/format_query", "query"),
        (.get, "/api/v1/parse_query", "query"), (.get, "/api/v1/explain", "query"), (.get, "/federate", "match[]"),
        (.get, "/api/v1/targets/metadata", "match_target"),
        (.post, "/api/v1/admin/tsdb/delete_series", "match[]"),
    ]

    @Test(arguments: readers)
    func `whoever reads what a client sends has a deadline`(
        _ method: WebRequest.Method,
        _ path: String,
        _ name: String
    ) async throws {
        let selector = #"m{a=~"(?i)[\\pL\\pN]+"}"#
        // Over before it begins.
        let late = try await Self.server { $0.timeout = 0 }
        #expect(try await Self.ask(late, method, path, name, selector).status == 503)
        let small = try await Self.server { $0.maximumBytes = 4 << 10 }
        let refused = try await Self.ask(small, method, path, name, selector)
        #expect(refused.status == (path == "/federate" ? 503 : 422), "\(String(decoding: refused.body, as: UTF8.self))")
        let usual = try await Self.ask(try await Self.server(), method, path, name, selector)
        #expect([200, 204].contains(usual.status), "\(String(decoding: usual.body, as: UTF8.self))")
    }
}
