/// The store's name for a series; stays the same as long as the process runs.
public struct SeriesRef: RawRepresentable, Hashable, Sendable {
    /// The number.
    public var rawValue: UInt32
    /// The reference with that number.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// The store's name for a source whose batches look alike, one after the other: a scrape target, a remote writer.
public struct StreamRef: RawRepresentable, Hashable, Sendable {
    /// The number.
    public var rawValue: UInt32
    /// The reference with that number.
    @inlinable public init(rawValue: UInt32) { self.rawValue = rawValue }
}

/// What one scrape, push or import step brings: many samples in parallel columns.
///
/// A source that sends the same series in the same order each time (and passes its ``stream``) is stored cheapest.
public struct SampleBatch: Sendable {
    /// What becomes of a batch of which something cannot be taken.
    public enum Acceptance: Sendable, Hashable {
        /// The rest is taken.
        case each
        /// Nothing is taken where a sample does not fit to what was stored before; see ``AppendReport/isRefused``.
        case whole
        /// Nothing is taken at all: the report says what would not fit.
        case trial
    }

    /// What becomes of it where something of it cannot be taken.
    public var acceptance = Acceptance.each
    /// Whether samples that are older than the newest of their series are refused even where the store has a window for such.
    public var refusesLate = false
    /// Whether that is so of stale markers only: a scraper's say what is so from now on, and say nothing of what was before.
    public var refusesLateMarkers = false
    /// Whether it may be written on the thread that hands it over, as that can wait for a file.
    public var isStoredHere = false
    /// Whose batch it is; `nil` for a single one.
    public var stream: StreamRef?
    /// The time of all the float samples, unless ``timestamps`` says otherwise.
    public var timestamp: Timestamp
    /// The series of each float sample.
    public var series: [SeriesRef] = []
    /// The value of each float sample, parallel to ``series``.
    public var values: [Double] = []
    /// The time of each float sample, parallel to ``series``; empty where all have ``timestamp``.
    public var timestamps: [Timestamp] = []
    /// When each sample's counter started (created timestamp), parallel to ``series``, 0 for unknown; empty where none is known.
    public var startTimestamps: [Timestamp] = []
    /// Native histogram samples.
    public var histograms: [HistogramSample] = []
    /// Exemplars.
    public var exemplars: [SeriesExemplar] = []

    /// An empty batch at a time.
    public init(stream: StreamRef? = nil, timestamp: Timestamp) {
        self.stream = stream
        self.timestamp = timestamp
    }

    /// A native histogram of a series.
    public struct HistogramSample: Sendable {
        /// The series.
        public var series: SeriesRef
        /// Its time.
        public var timestamp: Timestamp
        /// When it started to count; 0 for unknown.
        public var startTimestamp: Timestamp
        /// The histogram.
        public var histogram: NativeHistogram
        /// A histogram sample.
        public init(series: SeriesRef, timestamp: Timestamp, startTimestamp: Timestamp = 0, histogram: NativeHistogram)
        {
            self.series = series
            self.timestamp = timestamp
            self.startTimestamp = startTimestamp
            self.histogram = histogram
        }
    }

    /// An exemplar of a series.
    public struct SeriesExemplar: Sendable {
        /// The series.
        public var series: SeriesRef
        /// The exemplar; one without a time takes the batch's.
        public var exemplar: Exemplar
        /// An exemplar of a series.
        public init(series: SeriesRef, exemplar: Exemplar) {
            self.series = series
            self.exemplar = exemplar
        }
    }
}

/// What became of a batch.
public struct AppendReport: Sendable {
    /// Why a sample was not taken, as Prometheus distinguishes it.
    public enum Rejection: Sendable, Hashable, CustomStringConvertible {
        /// Older than the newest sample of its series, and out-of-order samples are not accepted.
        case outOfOrder
        /// Out of order and older than the out-of-order window.
        case tooOld
        /// The series has another value at that time.
        case duplicate
        /// Outside what the store accepts at all.
        case outOfBounds
        /// The series is not known (any more).
        case unknownSeries
        /// A native histogram that contradicts itself; Prometheus's message.
        case invalidHistogram(String)

        /// Prometheus's words.
        public var description: String {
            switch self {
            case .outOfOrder: "out of order sample"
            case .tooOld: "too old sample"
            case .duplicate: "duplicate sample for timestamp"
            case .outOfBounds: "out of bounds"
            case .unknownSeries: "unknown series"
            case .invalidHistogram(let message): message
            }
        }
    }

    /// Whether nothing was taken, because the batch was to be taken as a whole, or not at all.
    public var isRefused = false
    /// How many samples (floats and histograms) were taken.
    public var appended = 0
    /// The float samples that were not, by position in the batch.
    public var rejected: [(index: Int, reason: Rejection)] = []
    /// The histograms that were not, by position in the batch.
    public var rejectedHistograms: [(index: Int, reason: Rejection)] = []
    /// How many exemplars were not taken.
    public var rejectedExemplars = 0

    /// A report of nothing.
    public init() {}
}
