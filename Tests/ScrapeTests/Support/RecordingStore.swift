import MetricModel
import Synchronization

/// A store that remembers what it was given, for looking at in tests.
final class RecordingStore: MetricStore {
    struct Sample: Hashable, CustomStringConvertible {
        var time: Timestamp
        var value: Double
        var description: String { SpecialValue.isStale(value) ? "stale@\(time)" : "\(value)@\(time)" }
        static func == (left: Self, right: Self) -> Bool {
            left.time == right.time && left.value.bitPattern == right.value.bitPattern
        }
    }

    struct State {
        var labels: [Labels] = []
        var references: [Labels: SeriesRef] = [:]
        var samples: [Labels: [Sample]] = [:]
        var histograms: [Labels: [NativeHistogram]] = [:]
        var exemplars: [Labels: [Exemplar]] = [:]
        var metadata: [String: MetricMetadata] = [:]
        var batches: [SampleBatch] = []
        var resolved = 0
        var released: [SeriesRef] = []
        var streams: UInt32 = 0
        var failure: StorageError?
    }

    let state = Mutex(State())

    /// Samples of a series, by its labels as text: `up{instance="a", job="b"}`.
    func samples(_ series: String) -> [Sample] {
        state.withLock { state in state.samples.first { Self.text($0.key) == series }?.value ?? [] }
    }

    /// The names and labels of all series with samples, without the scraper's own.
    var series: [String] {
        state.withLock { $0.samples.keys.map(Self.text) }
            .filter { !$0.hasPrefix("up{") && !$0.hasPrefix("scrape_") }.sorted()
    }

    var allSeries: [String] { state.withLock { $0.samples.keys.map(Self.text) }.sorted() }

    /// The last value of a series of the scraper's own, whatever its labels.
    func last(_ name: String) -> Double? {
        state.withLock { state in state.samples.first { $0.key.name == name }?.value.last?.value }
    }

    static func text(_ labels: Labels) -> String {
        let inner = labels.filter { $0.name != "__name__" }.map { "\($0.name)=\(GoText.quoted($0.value))" }
        return labels.name + "{" + inner.joined(separator: ",") + "}"
    }

    func openStream() async throws(StorageError) -> StreamRef {
        state.withLock { state in
            state.streams += 1
            return StreamRef(rawValue: state.streams)
        }
    }

    func resolve(_ labels: [Labels]) async throws(StorageError) -> [SeriesRef] {
        state.withLock { state in
            state.resolved += labels.count
            return labels.map { labels in
                if let known = state.references[labels] { return known }
                let series = SeriesRef(rawValue: UInt32(state.labels.count))
                state.labels.append(labels)
                state.references[labels] = series
                return series
            }
        }
    }

    func releaseSeries(_ series: [SeriesRef]) async { state.withLock { $0.released += series } }

    func append(_ batch: SampleBatch) async throws(StorageError) -> AppendReport {
        let result = state.withLock { state -> Result<AppendReport, StorageError> in
            if let failure = state.failure { return .failure(failure) }
            var report = AppendReport()
            state.batches.append(batch)
            for (index, series) in batch.series.enumerated() {
                let labels = state.labels[Int(series.rawValue)]
                let time = batch.timestamps.isEmpty ? batch.timestamp : batch.timestamps[index]
                let sample = Sample(time: time, value: batch.values[index])
                if let last = state.samples[labels]?.last, last.time >= time {
                    if last != sample {
                        report.rejected.append((index, last.time == time ? .duplicate : .outOfOrder))
                    }
                    continue
                }
                state.samples[labels, default: []].append(sample)
                report.appended += 1
            }
            for sample in batch.histograms {
                state.histograms[state.labels[Int(sample.series.rawValue)], default: []].append(sample.histogram)
            }
            for item in batch.exemplars {
                state.exemplars[state.labels[Int(item.series.rawValue)], default: []].append(item.exemplar)
            }
            return .success(report)
        }
        return try result.get()
    }

    func record(_ metadata: [(family: String, metadata: MetricMetadata)]) async throws(StorageError) {
        let failure = state.withLock { state in
            if state.failure == nil { for (family, what) in metadata { state.metadata[family] = what } }
            return state.failure
        }
        if let failure { throw failure }
    }

    func metadata() async throws(StorageError) -> [String: MetricMetadata] { state.withLock { $0.metadata } }

    func delete(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) {}
    func cleanTombstones() async throws(StorageError) {}
    func snapshot(toFile path: String) async throws(StorageError) {}
    func statistics(limit: Int) async throws(StorageError) -> StorageStatistics { StorageStatistics() }
    func maintain(now: Timestamp) async throws(StorageError) {}
    func close() async throws(StorageError) {}
    func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] { [] }
    func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> LabelSets
    { [] }
    func labelNames(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> [String]
    { [] }
    func labelValues(_ name: String, _ matcherSets: [[LabelMatcher]], in span: TimeSpan)
        async throws(StorageError) -> [String]
    { [] }
    func exemplars(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> [SeriesExemplars]
    { [] }
}
