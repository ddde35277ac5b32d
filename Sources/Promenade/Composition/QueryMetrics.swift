import MetricModel
import PromQL
import PrometheusClient

/// How long the parts of queries take, by the names that Prometheus gives these figures.
final class QueryMetrics: Sendable {
    private let summaries: MetricVector<Summary>
    private let histograms: MetricVector<Histogram>
    private let slices: [QuerySlice: (summary: Summary, histogram: Histogram)]

    init(clock: any StackClock) {
        let summaries = MetricVector<Summary>(
            "prometheus_engine_query_duration_seconds",
            help: "Query timings",
            labelNames: ["slice"],
            objectives: Summary.Objectives([0.5: 0.05, 0.9: 0.01, 0.99: 0.001]),
            clock: clock
        )
        let histograms = MetricVector<Histogram>(
            "prometheus_engine_query_duration_histogram_seconds",
            help: "The duration of various parts of PromQL query execution.",
            labelNames: ["slice"],
            buckets: [0.01, 0.1, 1, 10]
        )
        self.summaries = summaries
        self.histograms = histograms
        slices = Dictionary(
            uniqueKeysWithValues: QuerySlice.allCases.map {
                ($0, (summaries.labels($0.rawValue), histograms.labels($0.rawValue)))
            }
        )
    }

    func observe(_ slice: QuerySlice, seconds: Double) {
        guard let known = slices[slice] else { return }
        known.summary.observe(seconds)
        known.histogram.observe(seconds)
    }

    var families: [MetricFamily] { summaries.collect() + histograms.collect() }
}
