import MetricModel
import TSDB
import Testing
import Web

/// What OpenTelemetry's clients send, and what is remembered of it, has bounds.
@Suite(.timeLimit(.minutes(5))) struct OTLPReceiptsTests {
    private let server: PrometheusServer

    init() {
        let clock = ManualClock(now: 1_700_000_000_000)
        var settings = PrometheusSettings()
        settings.isOTLPEnabled = true
        settings.otlpDelta = .addedUp
        server = PrometheusServer.still(TimeSeriesDatabase.inMemory(clock: clock), clock: clock, settings: settings)
    }

    private func send(_ body: String, agent: String = "") async -> (status: Int, body: String) {
        let headers = WebHeaders([("Content-Type", "application/json"), ("User-Agent", agent)])
        return await ask(
            WebRequest(
                method: .post,
                target: "/api/v1/otlp/v1/metrics",
                headers: headers,
                body: Array(body.utf8)
            )
        )
    }

    private func ask(_ request: WebRequest) async -> (status: Int, body: String) {
        let response = await server.makeRouter().respond(to: request)
        guard case .bytes(let bytes) = response.body else { return (response.status, "stream") }
        return (response.status, String(decoding: bytes, as: UTF8.self))
    }

    private var received: String {
        get async {
            await ask(WebRequest(method: .get, target: "/api/v1/otlp/received", headers: WebHeaders())).body
        }
    }

    private func request(_ metrics: [String]) -> String {
        let parts = metrics.map { #"{"name":"\#($0)","description":"\#($0)","gauge":{"dataPoints":[{"asInt":"1"}]}}"# }
        return #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[\#(parts.joined(separator: ","))]}]}]}"#
    }

    @Test func `of long texts the beginnings are remembered`() async {
        let long = String(repeating: "y", count: 1 << 20)
        #expect(await send(request(["a", long]), agent: long).status == 200)
        let told = await received
        #expect(told.contains(#""name":"a""#) && told.contains(#""name":"yyyy"#))
        #expect(told.utf8.count < 10_000)
    }

    private func delta(_ name: String, _ value: Int, at seconds: Int) -> String {
        let point = #"{"asInt":"\#(value)","timeUnixNano":"\#(seconds)000000000"}"#
        return #"{"name":"\#(name)","sum":{"aggregationTemporality":1,"isMonotonic":true,"dataPoints":[\#(point)]}}"#
    }

    @Test func `points that count from the one before count once, however often they are sent`() async {
        let base = 1_700_000_000
        func body(_ metrics: String...) -> String {
            #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[\#(metrics.joined(separator: ","))]}]}]}"#
        }
        #expect(await send(body(delta("good", 1, at: base))).status == 200)
        // The other one is too far ahead of the clock, and none is taken.
        let refused = body(delta("good", 2, at: base + 1), delta("early", 1, at: base + 100_000))
        for _ in 0..<3 { #expect(await send(refused).status == 400) }
        #expect(await send(body(delta("good", 2, at: base + 1))).status == 200)
        // Its answer was lost: it is sent again, and counts already.
        #expect(await send(body(delta("good", 2, at: base + 1))).status == 200)
        #expect(await send(body(delta("good", 4, at: base + 2))).status == 200)
        let query = WebRequest(
            method: .get,
            target: "/api/v1/query?query=good_total%5B1m%5D&time=\(base + 2)",
            headers: WebHeaders()
        )
        let told = await ask(query).body
        #expect(told.contains(#"[[1700000000,"1"],[1700000001,"3"],[1700000002,"7"]]"#), "\(told)")
    }

    @Test func `of many texts the last are remembered`() async {
        let word = String(repeating: "y", count: 200)
        for round in 0..<60 {
            // Each with a megabyte of names, helps and what is odd about them.
            let metrics = (0..<1000).map { #"{"name":"\#(word)\#(round)_\#($0)","gauge":{}}"# }
            let body = #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[\#(metrics.joined(separator: ","))]}]}]}"#
            #expect(await send(body).status == 200)
        }
        let told = await received
        #expect(told.contains("y59_999") && !told.contains("y0_0"))
        #expect(told.utf8.count < 48 << 20)
    }

    @Test func `a body of very many values is refused before it is read`() async {
        let answer = await send(#"{"a":["# + String(repeating: "0,", count: 4_000_000) + "0]}")
        #expect(answer.status == 400)
        #expect(answer.body.contains("more than 4000000 values and names of fields"))
    }

    @Test func `buckets and attributes have an end in JSON, too`() async {
        func body(_ counts: Int, _ attributes: Int) -> String {
            let counts = Array(repeating: "0", count: counts).joined(separator: ",")
            let attributes = (0..<attributes).map { #"{"key":"k\#($0)"}"# }.joined(separator: ",")
            let point = #"{"positive":{"bucketCounts":[\#(counts)]},"attributes":[\#(attributes)]}"#
            let metric = #"{"name":"h","exponentialHistogram":{"aggregationTemporality":2,"dataPoints":[\#(point)]}}"#
            return #"{"resourceMetrics":[{"scopeMetrics":[{"metrics":[\#(metric)]}]}]}"#
        }
        #expect(await send(body(10, 10)).status == 200)
        #expect(await send(body(100_001, 10)).body.contains("field bucketCounts: not at most 100000 numbers"))
        #expect(await send(body(10, 1001)).body.contains("field attributes: not at most 1000 entries"))
    }
}
