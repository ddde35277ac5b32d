public import MetricModel

/// A sample that a rule writes.
public struct RuleSample: Sendable {
    /// The series.
    public var labels: Labels
    /// The time.
    public var timestamp: Timestamp
    /// The value; does not count where there is a histogram.
    public var value: Double
    private var boxed: BoxedHistogram
    /// A native histogram.
    public var histogram: NativeHistogram? {
        get { boxed.histogram }
        set { boxed = BoxedHistogram(newValue) }
    }

    /// A sample.
    public init(labels: Labels, timestamp: Timestamp, value: Double, histogram: NativeHistogram? = nil) {
        self.labels = labels
        self.timestamp = timestamp
        self.value = value
        boxed = BoxedHistogram(histogram)
    }

    /// Whether there is a native histogram.
    var hasHistogram: Bool { boxed.isThere }

    /// Why the sample cannot be written where its series has another one at that time, in Prometheus's words: these have no
    /// figures for the time 0 and for histograms.
    func duplicateReason(beside columns: SeriesColumns) -> String {
        let text = AppendReport.Rejection.duplicate.description
        if timestamp == 0 || hasHistogram { return text }
        let existing: String
        if columns.histogramTimestamps.contains(timestamp) {
            existing = "existing is a histogram"
        } else if let index = columns.timestamps.lastIndex(of: timestamp) {
            existing = "existing \(GoNumber.text(columns.values[index], .shortest))"
        } else {
            return text
        }
        return "\(text) \(timestamp); overrides not allowed: \(existing), new value \(GoNumber.text(value, .shortest))"
    }
}

/// The kinds of `RuleFailure`.
public enum RuleFailureCode: String, Sendable, Hashable {
    /// The query failed.
    case query
    /// The query's answer is neither a vector nor a scalar.
    case resultType
    /// Two elements would be one series or one alert.
    case duplicateLabels
    /// More series or alerts than the group allows.
    case limit
    /// The samples could not be written.
    case storage
}

/// Why a rule could not be evaluated.
public typealias RuleFailure = CodedError<RuleFailureCode>

/// An element of a rule's answer.
public struct RuleElement: Sendable {
    /// The labels.
    public var labels: Labels
    /// The value; 0 where there is a histogram.
    public var value: Double
    private var boxed: BoxedHistogram
    /// A native histogram.
    public var histogram: NativeHistogram? {
        get { boxed.histogram }
        set { boxed = BoxedHistogram(newValue) }
    }

    /// An element.
    public init(labels: Labels, value: Double, histogram: NativeHistogram? = nil) {
        self.labels = labels
        self.value = value
        boxed = BoxedHistogram(histogram)
    }
}

/// A histogram that most samples do not have: what is copied with each of them stays small.
private enum BoxedHistogram: Sendable {
    case none
    indirect case some(NativeHistogram)

    init(_ histogram: NativeHistogram?) { self = histogram.map(BoxedHistogram.some) ?? .none }

    var histogram: NativeHistogram? {
        switch self {
        case .none: nil
        case .some(let histogram): histogram
        }
    }

    var isThere: Bool {
        switch self {
        case .none: false
        case .some: true
        }
    }
}
