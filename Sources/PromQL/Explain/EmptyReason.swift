public import MetricModel

/// Why an expression answered nothing, and what would help.
public struct EmptyReason: Sendable {
    /// The kinds of reason.
    public enum Kind: String, Sendable {
        /// Nothing has the metric's name.
        case noMetric = "no-metric"
        /// No series of the metric has the label.
        case noLabel = "no-label"
        /// No series of the metric has the label with such a value.
        case noValue = "no-value"
        /// Each matcher fits some series, but none fits all of them.
        case noCombination = "no-combination"
        /// The newest sample is older than the selector looks back.
        case tooOld = "too-old"
        /// The series has ended: its target said so or vanished.
        case ended
        /// The series began later.
        case notYet = "not-yet"
        /// A function that compares samples had one only.
        case oneSample = "one-sample"
        /// No series of one side has a partner on the other.
        case noMatch = "no-match"
        /// No value satisfies the comparison.
        case filtered
        /// `unless` took all away.
        case removed
        /// `absent` answers nothing, as the series is there.
        case present
        /// A quantile of series without buckets.
        case noBuckets = "no-buckets"
        /// No step of a subquery falls on a value.
        case noStep = "no-step"
        /// None of these.
        case unknown
    }

    /// What might help.
    public struct Suggestion: Sendable, Hashable {
        /// What it is.
        public var label: String
        /// The expression to try; `nil` for the same.
        public var expression: String?
        /// The time to look at; `nil` for the same.
        public var time: Timestamp?
        /// Whether to look at the present.
        public var looksAtNow = false
    }

    /// The kind.
    public var kind: Kind
    /// In one sentence.
    public var title: String
    /// More about it.
    public var details: [String] = []
    /// What might help.
    public var suggestions: [Suggestion] = []
    /// Where the part stands with which it began.
    public var position: PositionRange
}
