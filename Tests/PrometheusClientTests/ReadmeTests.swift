import Exposition
import PrometheusClient
import Testing

/// The example of the README, as it stands there.
@Suite(.timeLimit(.minutes(5))) struct ReadmeTests {
    @Test func `the example of instrumenting a server`() throws {
        let registry = CollectorRegistry()
        let requests = MetricVector<Counter>("http_requests_total", help: "Requests by status.", labelNames: ["code"])
        let duration = Histogram("http_request_duration_seconds", help: "Duration of requests.")
        try registry.register(requests, duration, ProcessCollector())

        // In the handler of a request:
        requests.labels("200").increment()
        duration.observe(0.042)

        // In the handler of GET /metrics:
        let format = ExpositionFormat.negotiate(accept: "text/plain")
        let body = FamilyEncoder.encode(try registry.gather(), as: format)

        let text = String(decoding: body, as: UTF8.self)
        #expect(format.contentType.hasPrefix("text/plain; version=0.0.4"))
        #expect(text.contains("# TYPE http_requests_total counter\nhttp_requests_total{code=\"200\"} 1\n"))
        #expect(text.contains("http_request_duration_seconds_bucket{le=\"0.05\"} 1\n"))
        #expect(text.contains("http_request_duration_seconds_sum 0.042\n"))
    }
}
