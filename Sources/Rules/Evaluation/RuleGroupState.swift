import MetricModel
import PromQL

/// What a group of rules remembers from one evaluation to the next.
public struct RuleGroupState: Sendable {
    /// Whether a rule works.
    public enum Health: String, Sendable, Hashable {
        /// It has not been evaluated.
        case unknown
        /// Its last evaluation worked.
        case ok
        /// Its last evaluation failed.
        case err
    }

    /// One rule.
    struct Rule: Sendable {
        let definition: RuleDefinition
        /// The alerts; `nil` for a recording rule.
        var alert: AlertRule?
        var health = Health.unknown
        var lastError = ""
        /// How long the last evaluation took, in seconds.
        var duration = 0.0
        /// When it began, in nanoseconds since 1970.
        var evaluatedAt: Int64?
        /// When the first one began.
        var firstEvaluatedAt: Int64?
        /// The series of the last evaluation.
        var series: Set<Labels> = []
        /// What a recording rule found last.
        var memory = RecordingRule.Memory()
        /// Its expression, ready to be evaluated.
        let query: InstantQuery
        /// What its expression reads.
        let reads: [RuleReading]

        init(_ definition: RuleDefinition, isRestored: Bool) {
            self.definition = definition
            switch definition.kind {
            case .alerting: alert = AlertRule(definition, isRestored: isRestored)
            case .recording: alert = nil
            }
            query = InstantQuery(definition.expression)
            reads = RuleReading.all(of: definition)
        }
    }

    /// The group, as it is written.
    public let definition: RuleGroupDefinition
    var rules: [Rule]
    /// Which of the rules read nothing that earlier ones write.
    let isIndependent: [Bool]
    /// Series of rules that are gone.
    var staleSeries: [Labels] = []
    /// When the last evaluation began, in nanoseconds since 1970.
    var evaluatedAt: Int64?
    /// How long it took, in seconds.
    var duration = 0.0
    /// How many samples it found.
    var samples = 0
    /// How long looking for alerts of before the start took, in seconds.
    var restoreTime = 0.0
    /// Evaluations, those that did not take place, rules evaluated and rules that failed.
    var counts = (iterations: 0, missed: 0, evaluations: 0, failures: 0)

    /// A group that has not been evaluated yet.
    /// - Parameter isRestored: whether there are no alerts of before the start to look for.
    public init(_ definition: RuleGroupDefinition, isRestored: Bool) {
        self.definition = definition
        rules = definition.rules.map { Rule($0, isRestored: isRestored) }
        isIndependent = Self.independence(of: rules)
    }

    /// A group that takes over what another one remembers, rule by rule of the same name and labels.
    public init(_ definition: RuleGroupDefinition, after old: RuleGroupState) {
        self.init(definition, isRestored: true)
        (evaluatedAt, duration, counts) = (old.evaluatedAt, old.duration, old.counts)
        staleSeries = old.staleSeries
        var known: [String: [Int]] = [:]
        for (index, rule) in old.rules.enumerated() { known[rule.definition.identity, default: []].append(index) }
        for index in rules.indices {
            let identity = rules[index].definition.identity
            guard let first = known[identity]?.first else { continue }
            known[identity]?.removeFirst()
            rules[index].series = old.rules[first].series
            rules[index].firstEvaluatedAt = old.rules[first].firstEvaluatedAt
            if let alerts = old.rules[first].alert { rules[index].alert?.takeOver(alerts) }
        }
        // In the order of the old rules: what is written has to be the same in each run.
        for index in known.values.joined().sorted() { staleSeries += old.rules[index].series.sorted() }
    }

    /// All series that the group wrote last.
    var allSeries: [Labels] { rules.flatMap { $0.series.sorted() } + staleSeries }
}

/// What a selector reads, so that writing can wait until somebody would see it.
enum RuleReading: Sendable {
    case everything
    /// Series of one name.
    case name(String)
    /// Series whose names meet conditions.
    case names([LabelMatcher])

    private init(_ selector: [LabelMatcher]) {
        let matchers = selector.filter { $0.name == Labels.metricName }
        if matchers.isEmpty {
            self = .everything
        } else if matchers.count == 1, matchers[0].operation == .equal {
            self = .name(matchers[0].value)
        } else {
            self = .names(matchers)
        }
    }

    /// What a rule's expression and the queries in its templates read.
    static func all(of definition: RuleDefinition) -> [RuleReading] {
        var result: [RuleReading] = []
        definition.expression.walk { (expression: Expr, _: [Expr]) -> Bool in
            if case .vectorSelector(let selector) = expression { result.append(RuleReading(selector.matchers)) }
            if case .call(let call) = expression, call.function.name == .info { result.append(.everything) }
            return true
        }
        let texts = definition.labels + definition.annotations
        if definition.kind == .alerting, texts.contains(where: { $0.value.contains("query") }) {
            result.append(.everything)
        }
        return result
    }

    /// Whether it could find one of these series.
    func reads(anyOf names: Set<String>) -> Bool {
        if names.isEmpty { return false }
        switch self {
        case .everything: return true
        case .name(let name): return names.contains(name)
        case .names(let matchers): return names.contains { name in matchers.allSatisfy { $0.matches(name) } }
        }
    }
}
