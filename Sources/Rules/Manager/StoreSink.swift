public import MetricModel
import Synchronization

/// Writes what rules find into a store.
public final class StoreSink: RuleSink {
    /// More references than that are not kept.
    private static let greatestCount = 1_000_000

    private struct Group {
        var stream: StreamRef
        var references: [Labels: SeriesRef] = [:]
        /// Whole writes that came before, by their first series: most are the same again.
        var writes: [Labels: Write] = [:]
    }

    private struct Write {
        var labels: [Labels]
        var references: [SeriesRef]

        func isAgain(_ samples: [RuleSample]) -> Bool {
            samples.count == labels.count && zip(samples, labels).allSatisfy { $0.labels == $1 }
        }
    }

    /// More writes than that are not remembered.
    private static let greatestWrites = 64

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
            // Taken out, so that it is changed in its place.
            if let known = groups.withLock({ $0.removeValue(forKey: name) }) {
                group = known
            } else {
                group = Group(stream: try await store.openStream())
            }
            defer {
                let kept = group
                groups.withLock { $0[name] = kept }
            }
            let references = try await references(of: samples, &group)
            return try await append(samples, references, &group)
        } catch {
            throw RuleFailure(.storage, error.message)
        }
    }

    /// Forgets the stream and the references of a group that is gone.
    public func forget(group name: String) { groups.withLock { $0[name] = nil } }

    private func references(
        of samples: [RuleSample],
        _ group: inout Group
    ) async throws(StorageError) -> [SeriesRef] {
        guard let first = samples.first?.labels else { return [] }
        if let known = group.writes[first], known.isAgain(samples) { return known.references }
        if group.references.count > Self.greatestCount { group.references = [:] }
        var missing: [Labels] = []
        for sample in samples where group.references[sample.labels] == nil { missing.append(sample.labels) }
        if !missing.isEmpty {
            for (labels, reference) in zip(missing, try await store.resolve(missing)) {
                group.references[labels] = reference
            }
        }
        let references = samples.compactMap { group.references[$0.labels] }
        if group.writes.count >= Self.greatestWrites { group.writes = [:] }
        group.writes[first] = Write(labels: samples.map(\.labels), references: references)
        return references
    }

    private func append(
        _ samples: [RuleSample],
        _ references: [SeriesRef],
        _ group: inout Group
    ) async throws(StorageError) -> [(index: Int, reason: String)] {
        guard let first = samples.first else { return [] }
        var batch = SampleBatch(stream: group.stream, timestamp: first.timestamp)
        // As in Prometheus: rules do not rewrite the past.
        batch.refusesLate = true
        var floats: [Int] = []
        var histograms: [Int] = []
        batch.series.reserveCapacity(samples.count)
        batch.values.reserveCapacity(samples.count)
        for (index, (sample, reference)) in zip(samples, references).enumerated() {
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
                if item.reason == .unknownSeries {
                    group.references[samples[positions[item.index]].labels] = nil
                    group.writes = [:]
                }
                let sample = samples[positions[item.index]]
                let reason =
                    item.reason == .duplicate ? try await duplicateReason(of: sample) : item.reason.description
                rejected.append((positions[item.index], reason))
            }
        }
        // A series that ended is not written again soon.
        for sample in samples where !sample.hasHistogram && SpecialValue.isStale(sample.value) {
            group.references[sample.labels] = nil
            group.writes[first.labels] = nil
        }
        return rejected.sorted { $0.index < $1.index }
    }

    /// Why a sample was not taken beside the one that is there, which the store does not tell.
    private func duplicateReason(of sample: RuleSample) async throws(StorageError) -> String {
        let request = SelectRequest(
            matchers: sample.labels.map { LabelMatcher($0.name, equals: $0.value) },
            start: sample.timestamp,
            end: sample.timestamp
        )
        let there = try await store.select(request).first { $0.labels == sample.labels }
        return there.map(sample.duplicateReason) ?? AppendReport.Rejection.duplicate.description
    }
}
