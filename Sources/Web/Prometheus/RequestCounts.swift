import MetricModel
import Synchronization

/// Counts requests by handler and status, and sums up how long they took.
final class RequestCounts: Sendable {
    private struct Key: Hashable {
        var handler: String
        var status: Int
    }

    private struct Time {
        var count: UInt64 = 0
        var seconds = 0.0
        var buckets = [UInt64](repeating: 0, count: RequestCounts.bounds.count)
    }

    private struct State {
        var counts: [Key: UInt64] = [:]
        var times: [String: Time] = [:]
    }

    private static let bounds: [Double] = [0.1, 0.2, 0.4, 1, 3, 8, 20, 60, 120]

    /// The counts.
    private let state = Mutex(State())

    func record(handler: String, status: Int, nanoseconds: Int64) {
        let seconds = Double(nanoseconds) / 1e9
        state.withLock { state in
            state.counts[Key(handler: handler, status: status), default: 0] += 1
            var time = state.times[handler] ?? Time()
            time.count += 1
            time.seconds += seconds
            if let bucket = Self.bounds.firstIndex(where: { seconds <= $0 }) { time.buckets[bucket] += 1 }
            state.times[handler] = time
        }
    }

    /// `prometheus_http_requests_total` and `prometheus_http_request_duration_seconds`.
    var families: [MetricFamily] {
        let state = state.withLock { $0 }
        let counts = state.counts.sorted { ($0.key.handler, $0.key.status) < ($1.key.handler, $1.key.status) }
        let times = state.times.sorted { $0.key < $1.key }
        return [
            MetricFamily(
                name: "prometheus_http_request_duration_seconds",
                help: "Histogram of latencies for HTTP requests.",
                type: .histogram,
                metrics: times.map { handler, time in
                    var total: UInt64 = 0
                    let buckets = zip(Self.bounds, time.buckets).map { bound, count in
                        total += count
                        return MetricFamily.Histogram.Bucket(upperBound: bound, cumulativeCount: Double(total))
                    }
                    return MetricFamily.Metric(
                        labels: [Label(name: "handler", value: handler)],
                        value: .histogram(
                            MetricFamily.Histogram(buckets: buckets, sum: time.seconds, count: Double(time.count))
                        )
                    )
                }
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
