import MetricModel

/// Series held as columns, for tests.
struct MemoryReader: SampleReader {
    var series: [SeriesColumns] = []

    /// Adds a series with one value per interval from time zero.
    mutating func add(_ labels: Labels, every interval: Int64 = 15_000, from start: Timestamp = 0, _ values: [Double]) {
        let times = values.indices.map { start + Int64($0) * interval }
        series.append(SeriesColumns(labels: labels, timestamps: times, values: values))
    }

    func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        series.compactMap { columns in
            guard request.matchers.allSatisfy({ $0.matches(columns.labels) }) else { return nil }
            var result = SeriesColumns(labels: columns.labels)
            for (index, time) in columns.timestamps.enumerated() where time >= request.start && time <= request.end {
                result.timestamps.append(time)
                result.values.append(columns.values[index])
            }
            for (index, time) in columns.histogramTimestamps.enumerated()
            where time >= request.start && time <= request.end {
                result.histogramTimestamps.append(time)
                result.histograms.append(columns.histograms[index])
            }
            return result.timestamps.isEmpty && result.histogramTimestamps.isEmpty ? nil : result
        }
    }

    func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> LabelSets
    { LabelSets(labels(matcherSets).sorted()) }

    private func labels(_ sets: [[LabelMatcher]]) -> [Labels] {
        series.map(\.labels).filter { labels in
            sets.isEmpty || sets.contains { $0.allSatisfy { $0.matches(labels) } }
        }
    }

    func labelNames(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> [String]
    { Set(labels(matcherSets).flatMap { $0.map(\.name) }).sorted() }

    func labelValues(_ name: String, _ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> [String]
    { Set(labels(matcherSets).compactMap { $0[name] }).sorted() }

    func exemplars(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [SeriesExemplars] {
        []
    }
}
