public import MetricModel
import Synchronization

/// A time series database: in memory, or in one SQLite file. It is one type with two factories; whoever holds one need not know where
/// the samples are.
///
/// What ``append(_:)`` and ``apply(_:)`` acknowledged survives, in a file, the end of the process at any moment; with
/// ``StoreOptions/Durability/device`` also a power cut. In memory it goes with the process.
public final class TimeSeriesDatabase: MetricStore, RecordStore {
    let engine: Engine
    /// Where the samples are at home.
    let medium: any StorageMedium

    init(_ engine: Engine, on medium: any StorageMedium) {
        self.engine = engine
        self.medium = medium
    }

    /// An empty database that keeps everything in memory, compressed, and forgets it with the process.
    public static func inMemory(options: StoreOptions = StoreOptions(), clock: any StackClock) -> TimeSeriesDatabase {
        let engine = Engine(options: options, clock: clock, backend: nil)
        return TimeSeriesDatabase(engine, on: MemoryMedium(engine))
    }

    /// Opens the database file at `path`, creating it where it is not there. Reading back what was stored goes on in the
    /// background; calls wait for it.
    ///
    /// A file that is damaged, or that cannot be written, is opened for reading: ``refusal`` says why, and so do ``problems()``. Where it
    /// is for want of room, ``maintain(now:)`` tries to write to it again.
    /// - Throws: ``StorageError/Code/locked`` where another process has it open for writing; where nothing can be read either,
    ///   what is wrong with the file.
    public static func open(
        path: String,
        options: StoreOptions = StoreOptions(),
        clock: any StackClock
    ) throws(StorageError) -> TimeSeriesDatabase {
        let file = try FileMedium.open(path, options, clock)
        return TimeSeriesDatabase(file.engine, on: file)
    }

    /// Opens the database file at `path` for reading, also while another process writes to it. Shows what was there at this moment.
    public static func openForReading(
        path: String,
        options: StoreOptions = StoreOptions(),
        clock: any StackClock
    ) throws(StorageError) -> TimeSeriesDatabase {
        let file = try FileMedium.openForReading(path, options, clock)
        return TimeSeriesDatabase(file.engine, on: file)
    }

    /// Lets the file grow to so many pages of 4 KiB only, for tests of what happens then.
    package func limitPages(_ count: Int) async throws(StorageError) { try await medium.limitPages(count) }

    /// Why nothing can be written until the program is started anew, or (``StorageError/Code/diskFull``) there is room; `nil` where it can.
    public var refusal: StorageError? { medium.refusal }

    /// Why the last change could not be stored, as on a full disk; `nil` where it was.
    public var writeFailure: StorageError? { medium.writeFailure }

    /// What could not be read when the database was opened, in words.
    public func problems() async throws(StorageError) -> [String] {
        try await engine.loaded.pass()
        return medium.problems
    }

    // MARK: - Writing

    /// A new name for a source of batches.
    public func openStream() async throws(StorageError) -> StreamRef { try await engine.openStream() }

    /// The references of series, creating those that are not known.
    public func resolve(_ labels: [Labels]) async throws(StorageError) -> [SeriesRef] {
        try medium.checkWritable()
        return try await engine.resolve(labels)
    }

    /// Nothing to do: series are forgotten once they have no samples.
    public func releaseSeries(_ series: [SeriesRef]) async {}

    /// Takes a batch.
    public func append(_ batch: SampleBatch) async throws(StorageError) -> AppendReport {
        try medium.checkWritable()
        return try await engine.append(batch)
    }

    /// Remembers metadata of metric families.
    public func record(_ metadata: [(family: String, metadata: MetricMetadata)]) async throws(StorageError) {
        try medium.checkWritable()
        try await engine.record(metadata)
    }

    /// All remembered metadata by family.
    public func metadata() async throws(StorageError) -> [String: MetricMetadata] { try await engine.metadata() }

    /// Deletes samples of matching series in the span.
    @concurrent
    public func delete(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) {
        try medium.checkWritable()
        try await engine.delete(matcherSets, in: span)
    }

    /// Gives back the space of what was deleted.
    @concurrent
    public func cleanTombstones() async throws(StorageError) {
        try medium.checkWritable()
        try await engine.cleanTombstones()
    }

    /// Closes and merges blocks and applies retention, as far as due; before that, what was opened for reading because there was no
    /// room is opened for writing, where there is some.
    @concurrent
    public func maintain(now: Timestamp) async throws(StorageError) {
        try await medium.takeUpWriting()
        try medium.checkWritable()
        try await engine.maintain(now: now)
    }

    /// Whether the clock is ahead of what was stored and has not stood by it long enough for retention to go by it.
    package var doubtsClock: Bool { engine.doubtsClock }

    /// The time of the newest sample; `nil` where there is none.
    package var newestSample: Timestamp? { engine.state.withLock { $0.maxTime == .min ? nil : $0.maxTime } }

    /// Writes out what is pending and closes.
    @concurrent
    public func close() async throws(StorageError) { try await medium.close() }

    /// An importer of old samples that holds at most about so many of them in memory.
    public func importer(bufferedSamples: Int = 2_000_000) throws(StorageError) -> Importer {
        try medium.checkWritable()
        return Importer(engine: engine, limit: bufferedSamples)
    }

    // MARK: - Records

    /// Applies record changes in one transaction.
    public func apply(_ changes: [RecordChange]) async throws(StorageError) { try await medium.apply(changes) }

    /// Applies record changes in one transaction, and tells on the writer's thread, so that no other has to be woken.
    public func apply(_ changes: [RecordChange], whenDone: @escaping @Sendable (StorageError?) -> Void) {
        medium.apply(changes, whenDone: whenDone)
    }

    /// All records of a table, by key. Damaged ones are left out; ``problems()`` names those found at the start.
    public func records(in table: String) async throws(StorageError) -> [(key: [UInt8], value: [UInt8])] {
        try await medium.records(in: table)
    }
}

// MARK: - Reading

extension TimeSeriesDatabase {
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
    public func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets {
        try await engine.series(matcherSets, in: span)
    }

    /// Names of labels of matching series, sorted.
    @concurrent
    public func labelNames(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [String] {
        try await engine.labelNames(matcherSets, in: span)
    }

    /// Values of a label of matching series, sorted.
    @concurrent
    public func labelValues(_ name: String, _ matcherSets: [[LabelMatcher]], in span: TimeSpan)
        async throws(StorageError) -> [String]
    {
        try await engine.labelValues(name, matcherSets, in: span)
    }

    /// Exemplars of matching series in the span.
    @concurrent
    public func exemplars(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> [SeriesExemplars]
    {
        try await engine.exemplars(matcherSets, in: span)
    }

    /// A cursor over series that satisfy all the matchers of at least one list (all series for no list), sorted by labels.
    public func cursor(_ matcherSets: [[LabelMatcher]] = [], in span: TimeSpan = .ever)
        async throws(StorageError) -> SeriesCursor
    {
        try await engine.loaded.pass()
        return try engine.cursor(matcherSets, in: span)
    }

    /// What takes how much space. Reads everything; `progress` is told the share that is done.
    @concurrent
    public func report(
        progress: @Sendable (Double) -> Void = { _ in }
    ) async throws(StorageError) -> StorageReport {
        try await engine.loaded.pass()
        return try engine.report(progress)
    }

    /// Figures about what is stored.
    public func statistics(limit: Int) async throws(StorageError) -> StorageStatistics {
        var figures = try await engine.statistics(limit: limit)
        figures.failedWrites = medium.failedWrites
        return figures
    }

    /// Writes a consistent copy as one file, which a database can be opened from.
    @concurrent
    public func snapshot(toFile path: String) async throws(StorageError) { try await medium.snapshot(toFile: path) }
}
