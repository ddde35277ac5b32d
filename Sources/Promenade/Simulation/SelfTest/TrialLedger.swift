import MetricModel
import Synchronization

/// What a store has acknowledged, kept apart from it: the truth with which it is compared.
final class TrialLedger: Sendable {
    /// Samples of a series by time. Floats by their bits, histograms by a sum of theirs.
    typealias Series = [Timestamp: UInt64]

    struct Book {
        var taken: [Labels: Series] = [:]
        /// What was refused with an error: nobody knows whether it is there.
        var uncertain: [Labels: Series] = [:]
        /// How many appends failed.
        var failures = 0
    }

    private let book = Mutex(Book())

    var now: Book { book.withLock { $0 } }

    func clear() { book.withLock { $0 = Book() } }

    func note(_ labels: [SeriesRef: Labels], _ batch: SampleBatch, _ report: AppendReport?) {
        let refused = Set(report?.rejected.map(\.index) ?? [])
        let refusedHistograms = Set(report?.rejectedHistograms.map(\.index) ?? [])
        book.withLock { book in
            if report == nil { book.failures += 1 }
            func put(_ series: SeriesRef, _ time: Timestamp, _ bits: UInt64) {
                guard let labels = labels[series] else { return }
                if report == nil {
                    book.uncertain[labels, default: [:]][time] = bits
                } else {
                    book.taken[labels, default: [:]][time] = bits
                }
            }
            for index in batch.series.indices where !refused.contains(index) {
                let time = batch.timestamps.isEmpty ? batch.timestamp : batch.timestamps[index]
                put(batch.series[index], time, batch.values[index].bitPattern)
            }
            for (index, sample) in batch.histograms.enumerated() where !refusedHistograms.contains(index) {
                put(sample.series, sample.timestamp, Self.bits(sample.histogram))
            }
        }
    }

    static func bits(_ histogram: NativeHistogram) -> UInt64 {
        histogram.isStale ? 1 : histogram.count.bitPattern &* 31 &+ histogram.sum.bitPattern
    }

    /// What differs from what a store has; nothing where it has what it acknowledged and nothing else.
    /// - Parameter allowsUncertain: whether what it refused may be there.
    func differences(_ found: [SeriesColumns], allowsUncertain: Bool) -> [String] {
        let book = now
        var problems: [String] = []
        var rest = book.taken
        for columns in found {
            let expected = rest.removeValue(forKey: columns.labels) ?? [:]
            let uncertain = book.uncertain[columns.labels] ?? [:]
            var left = expected
            var samples = zip(columns.timestamps, columns.values).map { ($0, $1.bitPattern) }
            samples += zip(columns.histogramTimestamps, columns.histograms).map { ($0, Self.bits($1)) }
            for (time, bits) in samples {
                if let known = left.removeValue(forKey: time) {
                    if known != bits { problems.append("\(columns.labels) has another value at \(time)") }
                } else if !(allowsUncertain && uncertain[time] == bits) {
                    problems.append("\(columns.labels) has a sample at \(time) that nobody was told of")
                }
            }
            if !left.isEmpty {
                problems.append("\(columns.labels) has lost \(left.count) samples, as that at \(left.keys.min() ?? 0)")
            }
            let times = columns.timestamps
            if zip(times, times.dropFirst()).contains(where: { $0 >= $1 }) {
                problems.append("\(columns.labels): not in order")
            }
        }
        for (labels, series) in rest.sorted(by: { $0.key < $1.key }) where !series.isEmpty {
            problems.append("\(labels) is lost with \(series.count) samples")
        }
        return problems
    }
}

/// A store that writes down in a ledger what it takes.
final class LedgerStore: MetricStore, RecordStore, FrontReader {
    private let store: any MetricStore & RecordStore
    var base: any SampleReader { store }
    private let ledger: TrialLedger
    private let labels = Mutex<[SeriesRef: Labels]>([:])

    init(_ base: any MetricStore & RecordStore, _ ledger: TrialLedger) {
        store = base
        self.ledger = ledger
    }

    func openStream() async throws(StorageError) -> StreamRef { try await store.openStream() }

    func resolve(_ wanted: [Labels]) async throws(StorageError) -> [SeriesRef] {
        let found = try await store.resolve(wanted)
        labels.withLock { for (series, name) in zip(found, wanted) { $0[series] = name } }
        return found
    }

    func releaseSeries(_ series: [SeriesRef]) async { await store.releaseSeries(series) }

    func append(_ batch: SampleBatch) async throws(StorageError) -> AppendReport {
        let known = labels.withLock { $0 }
        do throws(StorageError) {
            let report = try await store.append(batch)
            ledger.note(known, batch, report)
            return report
        } catch {
            ledger.note(known, batch, nil)
            throw error
        }
    }

    func record(_ metadata: [(family: String, metadata: MetricMetadata)]) async throws(StorageError) {
        try await store.record(metadata)
    }
    func metadata() async throws(StorageError) -> [String: MetricMetadata] { try await store.metadata() }
    func delete(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) {
        try await store.delete(matcherSets, in: span)
    }
    func cleanTombstones() async throws(StorageError) { try await store.cleanTombstones() }
    func snapshot(toFile path: String) async throws(StorageError) { try await store.snapshot(toFile: path) }
    func statistics(limit: Int) async throws(StorageError) -> StorageStatistics {
        try await store.statistics(limit: limit)
    }
    func maintain(now: Timestamp) async throws(StorageError) { try await store.maintain(now: now) }
    func close() async throws(StorageError) { try await store.close() }

    func selection(_ request: SelectRequest) async throws(StorageError) -> any SeriesSelection {
        try await base.selection(request)
    }
    func apply(_ changes: [RecordChange]) async throws(StorageError) { try await store.apply(changes) }
    func apply(_ changes: [RecordChange], whenDone: @escaping @Sendable (StorageError?) -> Void) {
        store.apply(changes, whenDone: whenDone)
    }
    func records(in table: String) async throws(StorageError) -> [(key: [UInt8], value: [UInt8])] {
        try await store.records(in: table)
    }
}
