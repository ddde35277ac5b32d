public import MetricModel
import RuleTemplates

/// One alert of a rule: a set of labels that its expression found.
public struct Alert: Sendable, Hashable {
    /// How far an alert is.
    public enum State: Int, Sendable, Hashable, Comparable {
        /// Resolved, or never found.
        case inactive
        /// Found, but not for long enough.
        case pending
        /// Found for long enough.
        case firing

        /// Prometheus's word.
        public var name: String {
            switch self {
            case .inactive: "inactive"
            case .pending: "pending"
            case .firing: "firing"
            }
        }

        /// By urgency.
        public static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// How far it is.
    public var state: State
    /// Its labels, templates expanded, `alertname` among them.
    public var labels: Labels
    /// Its annotations, templates expanded, sorted by name.
    public var annotations: [Label]
    /// The value that was found last.
    public var value: Double
    /// Since when it is found without a gap, in nanoseconds since 1970.
    public var activeAt: Int64
    /// When it began to fire; `nil` while it does not.
    public var firedAt: Int64?
    /// When it was not found any more after it had fired.
    public var resolvedAt: Int64?
    /// When it was last told to somebody.
    public var lastSentAt: Int64?
    /// Until when what was told holds.
    public var validUntil: Int64?
    /// Since when it goes on firing without being found.
    public var keepFiringSince: Int64?
    /// What its templates asked in the last evaluation, and what they were answered.
    public var queries: [TemplateQuery] = []
    /// The evaluation that found it last, as its rule counts them.
    var round = 0

    /// A query of a template.
    public struct TemplateQuery: Sendable, Hashable {
        /// The expression.
        public var text: String
        /// How many series it found.
        public var count = 0
        /// The first of them, with their values; histograms as NaN.
        public var first: [Sample] = []
        /// Why there is no answer.
        public var error: String?

        /// A series with its value.
        public struct Sample: Sendable, Hashable {
            /// The series.
            public var labels: Labels
            /// Its value.
            public var value: Double
        }

        /// So many series are kept.
        static let most = 5

        init(_ text: String, _ answer: TemplateAnswers.Answer) {
            self.text = text
            switch answer {
            case .failure(let message): error = message
            case .samples(let samples):
                count = samples.count
                first = samples.prefix(Self.most).map {
                    Sample(labels: $0.labels, value: $0.histogram == nil ? $0.value : .nan)
                }
            }
        }
    }
}

/// For how long alerts of a rule were pending and did not fire.
public struct PendingSpan: Sendable, Hashable {
    /// The alert that went last.
    public var labels: Labels
    /// When it was found first, in nanoseconds since 1970.
    public var from: Int64
    /// When it was found last.
    public var to: Int64
    /// How many alerts went before they fired.
    public var times = 1
    /// The longest time between the first and the last evaluation that found one of them, in nanoseconds.
    public var longest: Int64
}

/// An alert that became another state.
public struct AlertChange: Sendable, Hashable {
    /// Its labels, `alertname` among them.
    public var labels: Labels
    /// What it is now; inactive for one that is not found any more.
    public var state: Alert.State
}

/// An alert as somebody is told of it.
public struct AlertNotice: Sendable, Hashable {
    /// The labels, `alertname` among them.
    public var labels: Labels
    /// The annotations.
    public var annotations: [Label]
    /// When it began to fire, in nanoseconds since 1970.
    public var startsAt: Int64
    /// When it was resolved, or until when it holds.
    public var endsAt: Int64
    /// Whether it is resolved.
    public var isResolved: Bool
    /// Whether it was told before.
    public var isRepeated: Bool
    /// The rule's expression.
    public var expression: String
    /// The group and the rule from which it comes.
    public var group: String

    /// A notice.
    public init(
        labels: Labels,
        annotations: [Label],
        startsAt: Int64,
        endsAt: Int64,
        isResolved: Bool = false,
        isRepeated: Bool = false,
        expression: String,
        group: String
    ) {
        self.labels = labels
        self.annotations = annotations
        self.startsAt = startsAt
        self.endsAt = endsAt
        self.isResolved = isResolved
        self.isRepeated = isRepeated
        self.expression = expression
        self.group = group
    }
}
