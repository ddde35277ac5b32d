import CoreMetrics
import MetricModel
import PrometheusClient
import Testing

@Suite(.timeLimit(.minutes(5))) struct BridgeTests {
    @Test func `what swift-metrics reports arrives under names that Prometheus accepts`() throws {
        let registry = CollectorRegistry()
        let factory = PrometheusMetricsFactory(registry: registry, buckets: [0.1])
        factory.makeCounter(label: "http.requests", dimensions: [("status-code", "200")]).increment(by: 2)
        factory.makeCounter(label: "http.requests", dimensions: [("status-code", "200")]).increment(by: 1)
        factory.makeTimer(label: "work", dimensions: []).recordNanoseconds(50_000_000)
        factory.makeMeter(label: "queue", dimensions: []).set(7 as Double)
        let families = try registry.gather()
        #expect(families.map(\.name) == ["http_requests_total", "queue", "work_seconds"])
        #expect(
            families[0].metrics == [.init(labels: [Label(name: "status_code", value: "200")], value: .counter(3))]
        )
        #expect(families[1].metrics.map(\.value) == [.gauge(7)])
        guard case .histogram(let histogram) = families[2].metrics[0].value else { return #expect(Bool(false)) }
        #expect(histogram.buckets.map(\.cumulativeCount) == [1, 1])
        #expect(histogram.sum == 0.05)
    }

    @Test func `a name that is taken by another kind is counted and does not crash`() {
        let factory = PrometheusMetricsFactory(registry: CollectorRegistry())
        factory.makeMeter(label: "x", dimensions: []).set(1 as Double)
        factory.makeRecorder(label: "x", dimensions: [], aggregate: true).record(1 as Double)
        #expect(factory.refused == 1)
    }
}
