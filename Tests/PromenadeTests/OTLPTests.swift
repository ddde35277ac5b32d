import AsyncHTTPClient
import Foundation
import MetricModel
import NIOCore
import NIOHTTP1
import Promenade
import PromenadeTesting
import Testing

/// OpenTelemetry's metrics, by HTTP into a stack.
@Suite(.timeLimit(.minutes(5))) struct OTLPTests {
    private static func request(_ name: String, value: Int, at time: Timestamp, temporality: Int = 2) -> String {
        """
        {"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"shop"}},
        {"key":"host.name","value":{"stringValue":"h"}}]},"scopeMetrics":[{"metrics":[{"name":"\(name)","unit":"s",
        "sum":{"aggregationTemporality":\(temporality),"isMonotonic":true,"dataPoints":[{"asInt":"\(value)",
        "timeUnixNano":"\(time)000000","attributes":[{"key":"http.method","value":{"stringValue":"GET"}}]}]}}]}]}]}
        """
    }

    private static func post(_ url: String, _ body: String) async throws -> (Int, String) {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.headers.add(name: "Content-Type", value: "application/json")
        request.body = .bytes(Array(body.utf8))
        let response = try await HTTPClient.shared.execute(request, timeout: .seconds(60))
        let bytes = try await response.body.collect(upTo: 1 << 20)
        return (Int(response.status.code), String(decoding: bytes.readableBytesView, as: UTF8.self))
    }

    @Test func `a fixture takes them where SDKs send them`() async throws {
        try await withStack { stack in
            let now = stack.stack.clock.now
            let sent = try await Self.post(stack.otlpURL + "/v1/metrics", Self.request("cpu.time", value: 7, at: now))
            #expect(sent.0 == 200)
            #expect(sent.1.isEmpty)
            let query =
                #"cpu_time_seconds_total{http_method="GET",job="shop"} * on (job) group_left (host_name) target_info"#
            let value = try await stack.value(query, at: now)
            #expect(value == 7)
            let traces = try await Self.post(stack.otlpURL + "/v1/traces", "{}")
            #expect(traces.0 == 404)
        }
    }

    @Test func `a request is taken as a whole or not at all, and what became of it is told`() async throws {
        try await withStack { stack in
            let now = stack.stack.clock.now
            let url = stack.url + "/api/v1/otlp/v1/metrics"
            let first = try await Self.post(url, Self.request("a", value: 1, at: now))
            #expect(first.0 == 200)
            let late = try await Self.post(url, Self.request("a", value: 1, at: now - 1000))
            #expect(late.0 == 400)
            // The sample and that of target_info.
            #expect(late.1 == "out of order sample\nout of order sample\n")
            let delta = try await Self.post(url, Self.request("b", value: 1, at: now, temporality: 1))
            #expect(delta.0 == 500)
            #expect(delta.1 == "invalid temporality and type combination for metric \"b\"\n")
            let broken = try await Self.post(url, "{")
            #expect(broken.0 == 400)
            let count = try await stack.value("count({job=\"shop\"})", at: now)
            #expect(count == 2)
            let response = try await HTTPClient.shared.execute(
                HTTPClientRequest(url: stack.url + "/api/v1/otlp/received"),
                timeout: .seconds(60)
            )
            let told = String(decoding: try await response.body.collect(upTo: 1 << 20).readableBytesView, as: UTF8.self)
            #expect(told.contains(#""family":"a_seconds_total","type":"counter","samples":1,"verdict":"taken""#))
            #expect(told.contains(#""verdict":"refused","error":"invalid temporality"#))
        }
    }

    @Test func `points that count from the one before add up where that is wanted`() async throws {
        try await withStack(flags: ["--enable-feature=otlp-deltatocumulative"]) { stack in
            let now = stack.stack.clock.now
            let url = stack.url + "/api/v1/otlp/v1/metrics"
            for (step, value) in [3, 4].enumerated() {
                let body = Self.request("d", value: value, at: now - 2000 + Int64(step) * 1000, temporality: 1)
                let answer = try await Self.post(url, body)
                #expect(answer.0 == 200)
            }
            let total = try await stack.value("d_seconds_total", at: now)
            #expect(total == 7)
        }
    }
}
