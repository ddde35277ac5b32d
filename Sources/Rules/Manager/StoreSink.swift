public import MetricModel
import Synchronization

/// Writes what rules find into a store.
public final class StoreSink: RuleSink {
    /// More references than that are not kept.
    private static let greatestCount = 1_000_000

    private struct Group {
        var stream: StreamRef
        var references: [Labels: SeriesRef] = [:]
    }

    private let store: any MetricStore
    /// The streams and references of groups.
    private let groups = Mutex<[String: Group]>([:])

    /// A sink for a store.
    public init(_ store: any MetricStore) { self.store = store }

    /// Writes samples as one batch.
    public func write(
        _ samples: [RuleSample],
        group name: String
    ) async throws(RuleFailure) -> [(index: Int, reason: String)] {
        do throws(StorageError) {
            var group: Group
            if let known = groups.withLock({ $0.removeValue(forKey: name) }) {
                group = known
            } else {
                group = Group(stream: try await store.openStream())
            }
            if group.references.count > Self.greatestCount { group.references = [:] }
            let missing = samples.lazy.map(\.labels).filter { group.references[$0] == nil }
            let unknown = Array(missing)
            if !unknown.isEmpty {
                for (labels, reference) in zip(unknown, try await store.resolve(unknown)) {
                    group.references[labels] = reference
                }
            }
            let report = try await append(samples, &group)
            let kept = group
            groups.withLock { $0[name] = kept }
            return report
        } catch {
            throw RuleFailure(.storage, error.message)
        }
    }

    private func append(
        _ samples: [RuleSample],
        _ group: inout Group
    ) async throws(StorageError) -> [(index: Int, reason: String)] {
        guard let first = samples.first else { return [] }
        var batch = SampleBatch(stream: group.stream, timestamp: first.timestamp)
        var floats: [Int] = []
        var histograms: [Int] = []
        for (index, sample) in samples.enumerated() {
            guard let reference = group.references[sample.labels] else { continue }
            if let histogram = sample.histogram {
                batch.histograms.append(
                    .init(series: reference, timestamp: sample.timestamp, histogram: histogram)
                )
                histograms.append(index)
            } else {
                batch.series.append(reference)
                batch.values.append(sample.value)
                floats.append(index)
            }
        }
        let report = try await store.append(batch)
        var rejected: [(index: Int, reason: String)] = []
        for (positions, items) in [(floats, report.rejected), (histograms, report.rejectedHistograms)] {
            for item in items {
                if item.reason == .unknownSeries { group.references[samples[positions[item.index]].labels] = nil }
                rejected.append((positions[item.index], Self.text(item.reason)))
            }
        }
        // A series that ended is not written again soon.
        for sample in samples where sample.histogram == nil && SpecialValue.isStale(sample.value) {
            group.references[sample.labels] = nil
        }
        return rejected.sorted { $0.index < $1.index }
    }

    /// Prometheus's words.
    private static func text(_ reason: AppendReport.Rejection) -> String {
        switch reason {
        case .outOfOrder: "out of order sample"
        case .tooOld: "too old sample"
        case .duplicate: "duplicate sample for timestamp"
        case .outOfBounds: "out of bounds"
        case .unknownSeries: "unknown series"
        case .invalidHistogram(let message): message
        }
    }
}
