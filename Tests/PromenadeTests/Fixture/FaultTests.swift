import MetricModel
import PromenadeTesting
import Scrape
import Testing

/// The table of faults in `docs/fixture.md`: each ends in the series and the error that are promised there.
@Suite(.timeLimit(.minutes(5))) struct FaultTests {
    static let url = "http://localhost:0/metrics"
    static let exposition = """
        # TYPE rows counter
        rows_total 42
        # TYPE depth gauge
        depth 7

        """

    /// What a fault comes to: the error, and the value of `depth` afterwards.
    struct Row: Sendable, CustomTestStringConvertible {
        var fault: Fault
        var error = ""
        var depth: Double?
        var duration = 0.0
        var testDescription: String { "\(fault.kind)" }
    }

    @Test(arguments: [
        Row(fault: .latency(.seconds(3)), depth: 7, duration: 3),
        Row(
            fault: .latency(.seconds(30)),
            error: "Get \"\(url)\": context deadline exceeded",
            duration: 10
        ),
        Row(fault: .status(503), error: "server returned HTTP status 503 Service Unavailable"),
        Row(fault: .status(204), error: "server returned HTTP status 204 No Content"),
        Row(fault: .truncated, error: "unexpected EOF"),
        Row(
            fault: .body("depth"),
            error: "expected value after metric, got \"\\n\" (\"INVALID\") while parsing: \"depth\\n\""
        ),
        Row(fault: .body("")),
        Row(fault: .body("depth 8\n"), depth: 8),
        Row(
            fault: .contentType("text/html"),
            error:
                "received unsupported Content-Type \"text/html\" and no fallback_scrape_protocol specified for target"
        ),
        Row(
            fault: .contentType(""),
            error:
                "non-compliant scrape target sending blank Content-Type and no fallback_scrape_protocol specified for target"
        ),
        Row(
            fault: .contentType("application/openmetrics-text; version=1.0.0"),
            error: "data does not end with # EOF",
            // What was read before the error is not stored, but it does not go stale either, as with Prometheus.
            depth: 7
        ),
        Row(fault: .refused, error: "Get \"\(url)\": dial tcp localhost:0: connect: connection refused"),
        Row(fault: .closed, error: "Get \"\(url)\": EOF"),
        Row(fault: .resetCounters, depth: 7),
    ])
    func `a fault of a target ends in these series and this error`(_ row: Row) async throws {
        try await withStack(config: "global: {scrape_interval: 15s}") { stack in
            try await stack.add(ScriptedTarget(Self.exposition), job: "app")
            await stack.advance(by: .seconds(15))
            try await stack.expect("up{job=\"app\"} == 1", "depth == 7")
            stack.fault(row.fault, job: "app")
            await stack.advance(by: .seconds(15))
            #expect(stack.lastScrapeError(job: "app") == row.error)
            #expect(try await stack.value("up") == (row.error.isEmpty ? 1 : 0))
            #expect(try await stack.value("depth") == row.depth)
            #expect(try await stack.value("scrape_duration_seconds") == row.duration)
            if !row.error.isEmpty {
                await #expect {
                    try await stack.expect("up{job=\"app\"} == 1")
                } throws: { "\($0)".contains("scrape failed: app \(Self.url): \(row.error)") }
            }
            stack.fault(nil, job: "app")
            await stack.advance(by: .seconds(15))
            #expect(try await stack.value("up") == 1)
            #expect(try await stack.value("depth") == 7)
        }
    }

    @Test func `counters that begin anew are seen by increase and resets`() async throws {
        try await withStack(config: "global: {scrape_interval: 15s}") { stack in
            let app = ScriptedTarget(
                "# TYPE rows counter\nrows_total{db=\"x y\"} 100\n# TYPE h histogram\nh_bucket{le=\"+Inf\"} 5\nh_sum 2.5\nh_count 5\n"
            )
            try await stack.add(app, job: "app")
            await stack.advance(by: .seconds(30))
            stack.fault(.resetCounters, job: "app")
            await stack.advance(by: .seconds(15))
            try await stack.expect("rows_total == 0", "h_count == 0", "h_sum == 0", "h_bucket == 0")
            app.body = "# TYPE rows counter\nrows_total{db=\"x y\"} 103\nnew 4\n"
            await stack.advance(by: .seconds(15))
            try await stack.expect("rows_total == 3", "resets(rows_total[2m]) == 1", "new == 4")
            #expect(try await stack.value("changes(rows_total[2m])") == 2)
        }
    }

    @Test func `a target that flaps is up and down by turns, and a fault can pass by itself`() async throws {
        try await withStack(config: "global: {scrape_interval: 10s}") { stack in
            try await stack.add(ScriptedTarget(Self.exposition), job: "app")
            stack.fault(.flapping(good: 2, bad: 1), job: "app")
            var seen: [Double?] = []
            for _ in 0..<6 {
                await stack.advance(by: .seconds(10))
                seen.append(try await stack.value("up"))
            }
            #expect(seen == [1, 1, 0, 1, 1, 0])
            stack.fault(.status(500).times(2), job: "app", instance: "localhost:0")
            seen = []
            for _ in 0..<3 {
                await stack.advance(by: .seconds(10))
                seen.append(try await stack.value("up"))
            }
            #expect(seen == [0, 0, 1])
        }
    }

    @Test(arguments: [
        (Fault.status(503), "HTTP status 503: Service Unavailable"),
        (.refused, "the connection was closed without an answer"),
        (.closed, "the connection was closed without an answer"),
    ])
    func `a fault of pushes refuses them, and says so`(_ fault: Fault, _ error: String) async throws {
        try await withStack { stack in
            stack.faultPushes(fault.times(1))
            await #expect {
                try await stack.push("rows 1\n", job: "nightly", grouping: ["db": "a/b"])
            } throws: { "\($0)" == error }
            await stack.scrape(job: "pushgateway")
            await #expect {
                try await stack.expect("rows")
            } throws: { "\($0)".contains("push refused: ") && "\($0)".contains("injected fault: ") }
            try await stack.push("rows 2\n", job: "nightly", grouping: ["db": "a/b"])
            await stack.scrape(job: "pushgateway")
            try await stack.expect("rows{job=\"nightly\",db=\"a/b\"} == 2")
            try await stack.deletePush(job: "nightly", grouping: ["db": "a/b"])
            await stack.scrape(job: "pushgateway")
            #expect(try await stack.value("rows") == nil)
        }
    }
}
