public import MetricModel
public import PromQL

/// A rule as a rule file has it, the labels of its group merged in.
public struct RuleDefinition: Sendable, Hashable {
    /// What a rule does.
    public enum Kind: String, Sendable, Hashable {
        /// It writes what its expression finds under a new name.
        case recording
        /// It watches whether its expression finds something.
        case alerting
    }

    /// What it does.
    public var kind: Kind
    /// The name of the new series, or of the alert.
    public var name: String
    /// The expression, read.
    public var expression: Expr
    /// For how long an alert has to be found before it fires, in milliseconds.
    public var holdDuration: Int64 = 0
    /// For how long an alert goes on firing when it is not found any more, in milliseconds.
    public var keepFiringFor: Int64 = 0
    /// The labels that are added, templates for alerts; an empty one removes a label. Sorted by name.
    public var labels: [Label] = []
    /// The annotations of an alert, templates. Sorted by name.
    public var annotations: [Label] = []
    /// Where the rule stands in its file.
    public var line: Int = 1

    /// A rule.
    public init(_ kind: Kind, name: String, expression: Expr) {
        self.kind = kind
        self.name = name
        self.expression = expression
    }

    /// The expression as Prometheus prints it.
    public var query: String { "\(expression)" }

    /// Whether both do the same, wherever they stand.
    public func isSame(as other: Self) -> Bool {
        var copy = other
        copy.line = line
        // Positions in the text are part of an expression.
        copy.expression = expression
        return self == copy && query == other.query
    }

    /// By which the state of a rule is found again after a reload.
    var identity: String { name + Labels(labels).description }
}

/// A group of rules, which are evaluated one after the other.
public struct RuleGroupDefinition: Sendable, Hashable {
    /// The file.
    public var file: String
    /// The group's name.
    public var name: String
    /// The time between two evaluations, in milliseconds.
    public var interval: Int64
    /// How far behind the time of an evaluation its queries look, in milliseconds.
    public var queryOffset: Int64 = 0
    /// The most series or alerts of one rule; 0 for no limit.
    public var limit: Int = 0
    /// The rules, in the order of the file.
    public var rules: [RuleDefinition] = []

    /// A group.
    public init(file: String, name: String, interval: Int64) {
        self.file = file
        self.name = name
        self.interval = interval
    }

    /// The name by which metrics and reloads know the group: `FILE;NAME`.
    public var key: String { "\(file);\(name)" }

    /// Whether a running group may go on as it is.
    public func isSame(as other: Self) -> Bool {
        file == other.file && name == other.name && interval == other.interval && queryOffset == other.queryOffset
            && limit == other.limit && rules.count == other.rules.count
            && zip(rules, other.rules).allSatisfy { $0.isSame(as: $1) }
    }
}
