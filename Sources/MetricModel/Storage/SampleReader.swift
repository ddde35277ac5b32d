/// A request for whole columns of samples.
public struct SelectRequest: Sendable {
    /// All of them have to match.
    public var matchers: [LabelMatcher]
    /// The earliest time wanted, inclusive.
    public var start: Timestamp
    /// The latest time wanted, inclusive.
    public var end: Timestamp
    /// Whether the answer has to be sorted by labels.
    public var isSorted: Bool
    /// The most samples that may be read; one more is ``StorageError/Code/tooManySamples``. 0 for no limit.
    public var sampleLimit: Int
    /// Whether of each series nothing but the newest sample of the span is looked at. A store that answers more is not wrong.
    public var needsOnlyNewest: Bool

    /// A request.
    public init(
        matchers: [LabelMatcher],
        start: Timestamp,
        end: Timestamp,
        isSorted: Bool = false,
        sampleLimit: Int = 0,
        needsOnlyNewest: Bool = false
    ) {
        self.matchers = matchers
        self.start = start
        self.end = end
        self.isSorted = isSorted
        self.sampleLimit = sampleLimit
        self.needsOnlyNewest = needsOnlyNewest
    }

    /// Refuses what was found where it is more than ``sampleLimit``: for readers that cannot tell before.
    package func checkLimit(of found: [SeriesColumns]) throws(StorageError) {
        if sampleLimit == 0 { return }
        let count = found.reduce(0) { $0 + $1.timestamps.count + $1.histogramTimestamps.count }
        if count > sampleLimit { throw .tooManySamples(limit: sampleLimit) }
    }
}

/// One series of an answer: its samples as columns, by rising time. Stale markers are among the values.
///
/// Series of one target share their column of timestamps (the same array buffer), so it costs nothing to hand it over.
public struct SeriesColumns: Sendable {
    /// The labels.
    public var labels: Labels
    /// The times of the float samples.
    public var timestamps: [Timestamp]
    /// The float values, parallel to ``timestamps``.
    public var values: [Double]
    /// When each float sample's counter started, parallel to ``timestamps``, 0 for unknown; empty where none is known.
    @inlinable public var startTimestamps: [Timestamp] {
        get { rare.isEmpty ? [] : rare[0].startTimestamps }
        set {
            if newValue.isEmpty, rare.isEmpty { return }
            makeRare()
            rare[0].startTimestamps = newValue
        }
        _modify {
            makeRare()
            yield &rare[0].startTimestamps
        }
    }
    /// The times of the histogram samples.
    @inlinable public var histogramTimestamps: [Timestamp] {
        get { rare.isEmpty ? [] : rare[0].histogramTimestamps }
        set {
            if newValue.isEmpty, rare.isEmpty { return }
            makeRare()
            rare[0].histogramTimestamps = newValue
        }
        _modify {
            makeRare()
            yield &rare[0].histogramTimestamps
        }
    }
    /// The histograms, parallel to ``histogramTimestamps``.
    @inlinable public var histograms: [NativeHistogram] {
        get { rare.isEmpty ? [] : rare[0].histograms }
        set {
            if newValue.isEmpty, rare.isEmpty { return }
            makeRare()
            rare[0].histograms = newValue
        }
        _modify {
            makeRare()
            yield &rare[0].histograms
        }
    }
    /// When each histogram started to count, parallel to ``histogramTimestamps``; empty where none is known.
    @inlinable public var histogramStartTimestamps: [Timestamp] {
        get { rare.isEmpty ? [] : rare[0].histogramStartTimestamps }
        set {
            if newValue.isEmpty, rare.isEmpty { return }
            makeRare()
            rare[0].histogramStartTimestamps = newValue
        }
        _modify {
            makeRare()
            yield &rare[0].histogramStartTimestamps
        }
    }

    /// The columns that few series have.
    @usableFromInline struct Rare: Sendable {
        @usableFromInline var startTimestamps: [Timestamp] = []
        @usableFromInline var histogramTimestamps: [Timestamp] = []
        @usableFromInline var histograms: [NativeHistogram] = []
        @usableFromInline var histogramStartTimestamps: [Timestamp] = []

        @usableFromInline init() {}
    }

    /// One, or none where all of it would be empty: what is copied with each series stays small.
    @usableFromInline var rare: [Rare] = []

    @inlinable mutating func makeRare() {
        if rare.isEmpty { rare = [Rare()] }
    }

    /// Whether there are neither histograms nor times at which counters started.
    @inlinable public var hasFloatsOnly: Bool { rare.isEmpty }

    /// A series with its columns.
    public init(
        labels: Labels,
        timestamps: [Timestamp] = [],
        values: [Double] = [],
        startTimestamps: [Timestamp] = [],
        histogramTimestamps: [Timestamp] = [],
        histograms: [NativeHistogram] = [],
        histogramStartTimestamps: [Timestamp] = []
    ) {
        self.labels = labels
        self.timestamps = timestamps
        self.values = values
        self.startTimestamps = startTimestamps
        self.histogramTimestamps = histogramTimestamps
        self.histograms = histograms
        self.histogramStartTimestamps = histogramStartTimestamps
    }
}

/// Exemplars of one series, by rising time; each has a timestamp.
public struct SeriesExemplars: Sendable {
    /// The series.
    public var labels: Labels
    /// Its exemplars.
    public var exemplars: [Exemplar]
    /// Exemplars of a series.
    public init(labels: Labels, exemplars: [Exemplar]) {
        self.labels = labels
        self.exemplars = exemplars
    }
}

/// The reading half of the storage contract; all that the query engine knows of a store.
///
/// Answers are consistent: a batch is seen whole or not at all. Calls stop early where their task is cancelled.
/// An empty list of matchers, or one in which every matcher matches the empty value, selects all series.
public protocol SampleReader: Sendable {
    /// Series with samples in the requested span, each once; those without a sample there are left out.
    func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns]
    /// The same series, to be read a few at a time. Not sorted.
    func selection(_ request: SelectRequest) async throws(StorageError) -> any SeriesSelection
    /// Label sets that have samples in the span and satisfy all the matchers of at least one list; each once. Those of
    /// several lists are sorted, those of one come in the order in which they were created, as from the head of Prometheus.
    func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> LabelSets
    /// Names of the labels of such series, sorted. No list: of all series.
    func labelNames(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> [String]
    /// Values of a label of such series, sorted. No list: of all series.
    func labelValues(_ name: String, _ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> [String]
    /// Exemplars in the span of such series, sorted by labels.
    func exemplars(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [SeriesExemplars]
    /// The same for one query: what does not come is noted in it.
    func forQuery() -> any SampleReader
    /// What did not come, in words; empty where all is there, and where nobody else was asked.
    var shortfalls: [String] { get }
}

extension SampleReader {
    /// A store of one's own brings all or fails.
    public func forQuery() -> any SampleReader { self }
    /// A store of one's own brings all or fails.
    public var shortfalls: [String] { [] }

    /// Reads everything at once.
    public func selection(_ request: SelectRequest) async throws(StorageError) -> any SeriesSelection {
        HeldSelection(series: try await select(request))
    }

    /// Asks for the series.
    public func labelNames(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [String] {
        let found = try await series(matcherSets.isEmpty ? [[]] : matcherSets, in: span)
        return Set(found.flatMap { $0.map(\.name) }).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// Asks for the series.
    public func labelValues(_ name: String, _ matcherSets: [[LabelMatcher]], in span: TimeSpan)
        async throws(StorageError) -> [String]
    {
        let found = try await series(matcherSets.isEmpty ? [[]] : matcherSets, in: span)
        return Set(found.compactMap { $0[name] }).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
    }

    /// None: not every reader keeps exemplars.
    public func exemplars(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
        -> [SeriesExemplars]
    { [] }
}

/// What a request selects, seen at one moment and read a few series at a time, so that not all of it has to be held at once.
public protocol SeriesSelection: Sendable {
    /// How many series there may be.
    var count: Int { get }
    /// The series at these positions with their samples; those without a sample in the span are left out. Several tasks may read
    /// at the same time.
    func read(_ positions: Range<Int>) throws(StorageError) -> [SeriesColumns]
    /// The same where nothing but the newest sample of each series is looked at (see ``SelectRequest/needsOnlyNewest``).
    func newest(_ positions: Range<Int>) throws(StorageError) -> NewestSamples
}

extension SeriesSelection {
    /// What ``read(_:)`` answers.
    public func newest(_ positions: Range<Int>) throws(StorageError) -> NewestSamples {
        .columns(try read(positions))
    }
}

/// The newest samples of series; those without a sample are left out.
public enum NewestSamples: Sendable {
    /// Where there are floats only: the labels, and parallel to them times and values. A column for each series would cost more
    /// than finding its sample.
    case floats([Labels], times: [Timestamp], values: [Double])
    /// As whole answers have them.
    case columns([SeriesColumns])
}

/// Series that were read already.
package struct HeldSelection: SeriesSelection {
    private let series: [SeriesColumns]

    package init(series: [SeriesColumns]) { self.series = series }

    package var count: Int { series.count }
    package func read(_ positions: Range<Int>) throws(StorageError) -> [SeriesColumns] { Array(series[positions]) }
}
