/// The storage contract: what a place for samples has to do. Every store passes the same conformance suite.
public protocol MetricStore: SampleReader {
    /// A new name for a source of batches.
    func openStream() async throws(StorageError) -> StreamRef
    /// The references of series, creating those that are not known. A reference stays valid until ``releaseSeries(_:)``.
    func resolve(_ labels: [Labels]) async throws(StorageError) -> [SeriesRef]
    /// Tells the store that the caller will not use these references again without resolving them anew.
    func releaseSeries(_ series: [SeriesRef]) async
    /// Takes a batch. When the call returns, the samples can be selected and survive a kill of the process.
    ///
    /// A sample that repeats the newest one (same time, same bits) is taken silently. Whatever is not taken is reported, and
    /// the rest is taken all the same.
    func append(_ batch: SampleBatch) async throws(StorageError) -> AppendReport
    /// Remembers what an exposition said about metric families; what is there already is overwritten.
    func record(_ metadata: [(family: String, metadata: MetricMetadata)]) async throws(StorageError)
    /// All remembered metadata by family.
    func metadata() async throws(StorageError) -> [String: MetricMetadata]
    /// Deletes the samples in the span (inclusive) of series that satisfy all the matchers of at least one list.
    func delete(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
    /// Gives back the space of what was deleted.
    func cleanTombstones() async throws(StorageError)
    /// Writes a consistent copy of the whole store to a new file.
    func snapshot(toFile path: String) async throws(StorageError)
    /// Figures about what is stored.
    func statistics(limit: Int) async throws(StorageError) -> StorageStatistics
    /// Applies retention, closes and merges blocks: whatever is due at `now`. Called now and then.
    func maintain(now: Timestamp) async throws(StorageError)
    /// Writes out what is pending and closes. No call may follow.
    func close() async throws(StorageError)
}

/// A record that is set, or, where the value is `nil`, removed.
public typealias RecordChange = (table: String, key: [UInt8], value: [UInt8]?)

/// Small records kept in the same file as the samples, by table and key: a Pushgateway's groups, a page's settings.
public protocol RecordStore: Sendable {
    /// Applies changes in one transaction: a value sets the record, `nil` removes it. Durable when the call returns.
    func apply(_ changes: [RecordChange]) async throws(StorageError)
    /// The same for callers who are not to wait: `whenDone` is called once, perhaps before this returns, with what went wrong.
    func apply(_ changes: [RecordChange], whenDone: @escaping @Sendable (StorageError?) -> Void)
    /// All records of a table, by key.
    func records(in table: String) async throws(StorageError) -> [(key: [UInt8], value: [UInt8])]
}

extension RecordStore {
    /// In a task of its own.
    public func apply(_ changes: [RecordChange], whenDone: @escaping @Sendable (StorageError?) -> Void) {
        applyInTask(changes, whenDone: whenDone)
    }

    /// Waits for the changes in a task of its own, and tells then.
    package func applyInTask(_ changes: [RecordChange], whenDone: @escaping @Sendable (StorageError?) -> Void) {
        Task {
            do throws(StorageError) {
                try await apply(changes)
                whenDone(nil)
            } catch {
                whenDone(error)
            }
        }
    }
}

/// Figures about a store, as `/api/v1/status/tsdb` shows them.
public struct StorageStatistics: Sendable {
    /// A name and how often it occurs.
    public struct Count: Sendable, Hashable {
        /// The name.
        public var name: String
        /// How often.
        public var value: Int
        /// A name and its count.
        public init(name: String, value: Int) {
            self.name = name
            self.value = value
        }
    }

    /// Series with recent samples.
    public var activeSeries = 0
    /// All known series.
    public var totalSeries = 0
    /// Different label pairs.
    public var labelPairs = 0
    /// Chunks in memory.
    public var chunks = 0
    /// Samples taken since the start.
    public var samplesAppended: UInt64 = 0
    /// Samples not taken since the start: out of order, too old, duplicate.
    public var outOfOrderSamples: UInt64 = 0
    /// Samples refused for being too old.
    public var tooOldSamples: UInt64 = 0
    /// Samples refused as duplicates.
    public var duplicateSamples: UInt64 = 0
    /// Writes that failed since the start.
    public var failedWrites: UInt64 = 0
    /// The earliest sample; `nil` in an empty store.
    public var minTime: Timestamp?
    /// The latest sample.
    public var maxTime: Timestamp?
    /// Bytes on disk, 0 in memory.
    public var bytesOnDisk: Int64 = 0
    /// Metric names with the most series.
    public var seriesByMetricName: [Count] = []
    /// Label names with the most values.
    public var valuesByLabelName: [Count] = []
    /// Label names with the most bytes of values.
    public var bytesByLabelName: [Count] = []
    /// Label pairs (`name=value`) with the most series.
    public var seriesByLabelPair: [Count] = []

    /// Figures of nothing.
    public init() {}
}
