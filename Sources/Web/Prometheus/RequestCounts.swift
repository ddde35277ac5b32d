import MetricModel
import Synchronization

/// Counts requests by handler and status, and sums up how long they took.
final class RequestCounts: Sendable {
    private struct Key: Hashable {
        var handler: String
        var status: Int
    }

    /// Observations in buckets.
    private struct Distribution {
        let bounds: [Double]
        var count: UInt64 = 0
        var sum = 0.0
        var buckets: [UInt64]

        init(_ bounds: [Double]) {
            self.bounds = bounds
            buckets = [UInt64](repeating: 0, count: bounds.count)
        }

        mutating func observe(_ value: Double) {
            count += 1
            sum += value
            if let bucket = bounds.firstIndex(where: { value <= $0 }) { buckets[bucket] += 1 }
        }

        var histogram: MetricFamily.Value {
            var total: UInt64 = 0
            let buckets = zip(bounds, buckets).map { bound, count in
                total += count
                return MetricFamily.Histogram.Bucket(upperBound: bound, cumulativeCount: Double(total))
            }
            return .histogram(MetricFamily.Histogram(buckets: buckets, sum: sum, count: Double(count)))
        }
    }

    private struct State {
        var counts: [Key: UInt64] = [:]
        var times: [String: Distribution] = [:]
        var sizes: [String: Distribution] = [:]
    }

    private static let seconds: [Double] = [0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120]
    private static let bytes: [Double] = [100, 1000, 10_000, 1e5, 1e6, 1e7, 1e8, 1e9]

    /// The counts.
    private let state = Mutex(State())

    func record(handler: String, status: Int, nanoseconds: Int64, bytes: Int) {
        state.withLock { state in
            state.counts[Key(handler: handler, status: status), default: 0] += 1
            state.times[handler, default: Distribution(Self.seconds)].observe(Double(nanoseconds) / 1e9)
            state.sizes[handler, default: Distribution(Self.bytes)].observe(Double(bytes))
        }
    }

    private static func histograms(_ name: String, _ help: String, _ values: [String: Distribution]) -> MetricFamily {
        MetricFamily(
            name: name,
            help: help,
            type: .histogram,
            metrics: values.sorted { $0.key < $1.key }.map { handler, values in
                MetricFamily.Metric(labels: [Label(name: "handler", value: handler)], value: values.histogram)
            }
        )
    }

    /// `prometheus_http_*`, and what a Go server counts of its scrapes.
    var families: [MetricFamily] {
        let state = state.withLock { $0 }
        let counts = state.counts.sorted { ($0.key.handler, $0.key.status) < ($1.key.handler, $1.key.status) }
        let scrapes = ["200", "500", "503"].map { code in
            MetricFamily.Metric(
                labels: [Label(name: "code", value: code)],
                value: .counter(Double(state.counts[Key(handler: "/metrics", status: Int(code) ?? 0)] ?? 0))
            )
        }
        return [
            Self.histograms(
                "prometheus_http_request_duration_seconds",
                "Histogram of latencies for HTTP requests.",
                state.times
            ),
            Self.histograms(
                "prometheus_http_response_size_bytes",
                "Histogram of response size for HTTP requests.",
                state.sizes
            ),
            MetricFamily(
                name: "promhttp_metric_handler_requests_total",
                help: "Total number of scrapes by HTTP status code.",
                type: .counter,
                metrics: scrapes
            ),
            MetricFamily(
                name: "promhttp_metric_handler_requests_in_flight",
                help: "Current number of scrapes being served.",
                type: .gauge,
                // Nobody else asks for this but the scrape that is being served.
                metrics: [MetricFamily.Metric(value: .gauge(1))]
            ),
            MetricFamily(
                name: "prometheus_http_requests_total",
                help: "Counter of HTTP requests.",
                type: .counter,
                metrics: counts.map { key, count in
                    MetricFamily.Metric(
                        labels: [
                            Label(name: "code", value: "\(key.status)"), Label(name: "handler", value: key.handler),
                        ],
                        value: .counter(Double(count))
                    )
                }
            ),
        ]
    }
}
