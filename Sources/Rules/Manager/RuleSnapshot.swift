import MetricModel

/// A group of rules as it is now.
public struct RuleGroupSnapshot: Sendable {
    /// A rule as it is now.
    public struct Rule: Sendable {
        /// The rule, as it is written.
        public var definition: RuleDefinition
        /// Whether it works.
        public var health: RuleGroupState.Health
        /// Why its last evaluation failed; empty where it did not.
        public var lastError: String
        /// How long the last evaluation took, in seconds.
        public var evaluationTime: Double
        /// When it began, in nanoseconds since 1970; `nil` before the first.
        public var lastEvaluation: Int64?
        /// The most urgent state of its alerts.
        public var state: Alert.State
        /// Its alerts by their labels, with those that are resolved.
        fileprivate var active: [Labels: Alert]
        /// How many alerts there are, those that are resolved left out.
        public var alertCount: Int
        /// When the first evaluation since the start began, in nanoseconds since 1970; `nil` before it.
        public var firstEvaluation: Int64?
        /// Alerts that follow each other so fast that none stays.
        public var unsteady: AlertSuccession?
        /// Pending alerts that did not fire; `nil` where there was none.
        public var lastPending: PendingSpan?

        /// Its alerts, those that are resolved left out, sorted by labels: made when they are asked for.
        public var alerts: [Alert] { present.sorted { $0.labels < $1.labels } }

        private var present: [Alert] { active.values.filter { $0.resolvedAt == nil } }

        /// The first of its alerts; of many not all are sorted.
        public func alerts(first count: Int) -> [Alert] {
            if alertCount <= count { return alerts }
            var first: [Alert] = []
            var bound: Labels?
            for alert in present {
                if let bound, bound < alert.labels { continue }
                first.append(alert)
                if first.count < 2 * count + 64 { continue }
                first.sort { $0.labels < $1.labels }
                first.removeLast(first.count - count)
                bound = first.last?.labels
            }
            return Array(first.sorted { $0.labels < $1.labels }.prefix(count))
        }
    }

    /// The group, as it is written.
    public var definition: RuleGroupDefinition
    /// Its rules.
    public var rules: [Rule]
    /// How long the last evaluation took, in seconds.
    public var evaluationTime: Double
    /// When it began, in nanoseconds since 1970; `nil` before the first.
    public var lastEvaluation: Int64?
    /// How long its rules took together, in seconds.
    public var ruleTime: Double
    /// How many samples the last evaluation found.
    public var samples: Int
    /// Evaluations, those that did not take place, rules that were evaluated and those that failed.
    public var counts: (iterations: Int, missed: Int, evaluations: Int, failures: Int)
    /// How long looking for alerts of before the start took, in seconds.
    public var restoreTime: Double
    /// Templates that were expanded, and those that failed.
    public var expansions: (all: Int, failed: Int)
}

extension RuleGroupState {
    /// The group as it is now.
    public var snapshot: RuleGroupSnapshot {
        RuleGroupSnapshot(
            definition: definition,
            rules: rules.map { rule in
                RuleGroupSnapshot.Rule(
                    definition: rule.definition,
                    health: rule.health,
                    lastError: rule.lastError,
                    evaluationTime: rule.duration,
                    lastEvaluation: rule.evaluatedAt,
                    state: rule.alert?.state ?? .inactive,
                    active: rule.alert?.active ?? [:],
                    alertCount: rule.alert?.active.values.count { $0.resolvedAt == nil } ?? 0,
                    firstEvaluation: rule.firstEvaluatedAt,
                    unsteady: rule.alert?.unsteady,
                    lastPending: rule.alert?.lastPending
                )
            },
            evaluationTime: duration,
            lastEvaluation: evaluatedAt,
            ruleTime: rules.reduce(0) { $0 + $1.duration },
            samples: samples,
            counts: counts,
            restoreTime: restoreTime,
            expansions: expansions
        )
    }

    /// Templates that were expanded, and those that failed.
    var expansions: (all: Int, failed: Int) {
        (
            rules.reduce(0) { $0 + ($1.alert?.expansions ?? 0) },
            rules.reduce(0) { $0 + ($1.alert?.failedExpansions ?? 0) }
        )
    }
}
