public import MetricModel
import Synchronization

/// A store that keeps everything in memory, compressed, and forgets it with the process.
public final class MemoryStore: MetricStore, RecordStore {
    private let engine: Engine
    private let records = Mutex<[String: [[UInt8]: [UInt8]]]>([:])

    /// An empty store.
    public init(options: StoreOptions = StoreOptions(), clock: any StackClock) {
        engine = Engine(options: options, clock: clock, backend: nil)
    }

    /// A new name for a source of batches.
    public func openStream() async throws(StorageError) -> StreamRef { try await engine.openStream() }

    /// The references of series, creating those that are not known.
    public func resolve(_ labels: [Labels]) async throws(StorageError) -> [SeriesRef] {
        try await engine.resolve(labels)
    }

    /// Nothing to do: series are forgotten once they have no samples.
    public func releaseSeries(_ series: [SeriesRef]) async {}

    /// Takes a batch.
    public func append(_ batch: SampleBatch) async throws(StorageError) -> AppendReport {
        try await engine.append(batch)
    }

    /// An importer of old samples that holds at most about so many of them uncompressed.
    public func importer(bufferedSamples: Int = 2_000_000) -> Importer {
        Importer(engine: engine, limit: bufferedSamples)
    }

    /// Series with samples in the span, as whole columns.
    @concurrent
    public func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        try await engine.select(request)
    }

    /// The same, to be read a few series at a time.
    @concurrent
    public func selection(_ request: SelectRequest) async throws(StorageError) -> any SeriesSelection {
        try await engine.selection(request)
    }

    /// Label sets with samples in the span.
    @concurrent
    public func series(
        _ matcherSets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> LabelSets {
        try await engine.series(matcherSets, start: start, end: end)
    }

    /// Names of labels of matching series, sorted.
    @concurrent
    public func labelNames(
        _ matcherSets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [String] {
        try await engine.labelNames(matcherSets, start: start, end: end)
    }

    /// Values of a label of matching series, sorted.
    @concurrent
    public func labelValues(
        _ name: String,
        _ matcherSets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [String] {
        try await engine.labelValues(name, matcherSets, start: start, end: end)
    }

    /// Exemplars of matching series in the span.
    @concurrent
    public func exemplars(
        _ matcherSets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> [SeriesExemplars] {
        try await engine.exemplars(matcherSets, start: start, end: end)
    }

    /// Remembers metadata of metric families.
    public func record(_ metadata: [(family: String, metadata: MetricMetadata)]) async throws(StorageError) {
        try await engine.record(metadata)
    }

    /// All remembered metadata by family.
    public func metadata() async throws(StorageError) -> [String: MetricMetadata] { try await engine.metadata() }

    /// Deletes samples of matching series in the span.
    @concurrent
    public func delete(
        _ matcherSets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) {
        try await engine.delete(matcherSets, start: start, end: end)
    }

    /// Gives back the space of what was deleted.
    @concurrent
    public func cleanTombstones() async throws(StorageError) { try await engine.cleanTombstones() }

    /// Writes a consistent copy as one file, which a store in a file can be opened from.
    @concurrent
    public func snapshot(toFile path: String) async throws(StorageError) {
        let state = try await engine.closedState()
        let records = records.withLock { $0 }
        let changes = records.flatMap { table, entries in
            entries.map { (table: table, key: $0.key, value: Optional($0.value)) }
        }
        try await SnapshotFile.write(state, changes, to: path)
    }

    /// Figures about what is stored.
    public func statistics(limit: Int) async throws(StorageError) -> StorageStatistics {
        try await engine.statistics(limit: limit)
    }

    /// Closes and merges blocks and applies retention, as far as due.
    @concurrent
    public func maintain(now: Timestamp) async throws(StorageError) { try await engine.maintain(now: now) }

    /// Writes out what is pending and closes.
    public func close() async throws(StorageError) { try await engine.shutDown(closesHead: false) }

    /// Applies record changes in one transaction.
    public func apply(_ changes: [RecordChange]) async throws(StorageError) { set(changes) }

    /// Applies record changes in one transaction.
    public func apply(_ changes: [RecordChange], whenDone: @escaping @Sendable (StorageError?) -> Void) {
        set(changes)
        whenDone(nil)
    }

    private func set(_ changes: [RecordChange]) {
        records.withLock { records in
            for change in changes { records[change.table, default: [:]][change.key] = change.value }
        }
    }

    /// All records of a table, by key.
    public func records(in table: String) async throws(StorageError) -> [(key: [UInt8], value: [UInt8])] {
        records.withLock { $0[table] ?? [:] }.map { (key: $0.key, value: $0.value) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }
}
