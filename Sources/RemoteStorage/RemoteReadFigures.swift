import MetricModel

/// What is counted of questions to one server.
struct RemoteReadFigures: Sendable {
    /// A kind of answer: its form and its status.
    struct Answer: Hashable {
        var form: String
        var status: String
    }

    var running = 0
    private(set) var answers: [Answer: Int] = [:]
    /// How long answers took, by form: seconds in all, how many, how many in each bucket.
    private var durations: [String: (seconds: Double, count: Int, buckets: [Int])] = [:]
    private static let bounds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 25, 60]

    mutating func count(_ form: String, _ status: String, seconds: Double?) {
        answers[Answer(form: form, status: status), default: 0] += 1
        guard let seconds else { return }
        var known = durations[form] ?? (0, 0, Self.bounds.map { _ in 0 })
        known.seconds += seconds
        known.count += 1
        if let index = Self.bounds.firstIndex(where: { seconds <= $0 }) { known.buckets[index] += 1 }
        durations[form] = known
    }

    /// The figures of all servers, under Prometheus's names.
    static func families(_ all: [(name: String, url: String, figures: RemoteReadFigures)]) -> [MetricFamily] {
        guard !all.isEmpty else { return [] }
        var totals: [MetricFamily.Metric] = []
        var running: [MetricFamily.Metric] = []
        var durations: [MetricFamily.Metric] = []
        for (name, url, figures) in all {
            let labels = [Label(name: "remote_name", value: name), Label(name: "url", value: url)]
            running.append(.init(labels: labels, value: .gauge(Double(figures.running))))
            let sorted = figures.answers.sorted { ($0.key.form, $0.key.status) < ($1.key.form, $1.key.status) }
            for (answer, count) in sorted {
                totals.append(
                    .init(
                        labels: [
                            Label(name: "code", value: answer.status), labels[0],
                            Label(name: "response_type", value: answer.form), labels[1],
                        ],
                        value: .counter(Double(count))
                    )
                )
            }
            for (form, told) in figures.durations.sorted(by: { $0.key < $1.key }) {
                var total = 0
                var buckets: [MetricFamily.Histogram.Bucket] = []
                for (bound, count) in zip(bounds, told.buckets) {
                    total += count
                    buckets.append(.init(upperBound: bound, cumulativeCount: Double(total)))
                }
                buckets.append(.init(upperBound: .infinity, cumulativeCount: Double(told.count)))
                durations.append(
                    .init(
                        labels: [labels[0], Label(name: "response_type", value: form), labels[1]],
                        value: .histogram(.init(buckets: buckets, sum: told.seconds, count: Double(told.count)))
                    )
                )
            }
        }
        return [
            MetricFamily(
                name: "prometheus_remote_read_client_queries",
                help: "The number of in-flight remote read queries.",
                type: .gauge,
                metrics: running
            ),
            MetricFamily(
                name: "prometheus_remote_read_client_queries_total",
                help: "The total number of remote read queries.",
                type: .counter,
                metrics: totals
            ),
            MetricFamily(
                name: "prometheus_remote_read_client_request_duration_seconds",
                help:
                    "Histogram of the latency for remote read requests. Note that for streamed responses this is only the duration "
                    + "of the initial call and does not include the processing of the stream.",
                type: .histogram,
                metrics: durations
            ),
        ].filter { !$0.metrics.isEmpty }
    }
}
