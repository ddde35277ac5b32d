import MetricModel
import PrometheusClient
import Rules
import Synchronization

/// The figures of rules, under Prometheus's names.
final class RuleMetrics: Sendable {
    private let ruleDuration: Summary
    private let ruleDurations: Histogram
    private let groupDuration: Summary
    private let groupDurations: Histogram
    /// Templates that were expanded since the start, those of groups that are gone among them.
    private let expansions = Mutex<(all: Int, failed: Int)>((0, 0))

    init(clock: any StackClock) {
        ruleDuration = Summary(
            "prometheus_rule_evaluation_duration_seconds",
            help: "The duration for a rule to execute.",
            objectives: Summary.Objectives([0.5: 0.05, 0.9: 0.01, 0.99: 0.001]),
            clock: clock
        )
        ruleDurations = Histogram(
            "prometheus_rule_evaluation_duration_histogram_seconds",
            help: "The duration for a rule to execute.",
            buckets: [0.01, 0.1, 1, 10]
        )
        groupDuration = Summary(
            "prometheus_rule_group_duration_seconds",
            help: "The duration of rule group evaluations.",
            objectives: Summary.Objectives([0.01: 0.001, 0.05: 0.005, 0.5: 0.05, 0.9: 0.01, 0.99: 0.001]),
            clock: clock
        )
        groupDurations = Histogram(
            "prometheus_rule_group_duration_histogram_seconds",
            help: "The duration of rule group evaluations.",
            buckets: [0.01, 0.1, 1, 10]
        )
    }

    func observe(_ report: RuleEvaluationReport) {
        for seconds in report.ruleDurations {
            ruleDuration.observe(seconds)
            ruleDurations.observe(seconds)
        }
        groupDuration.observe(report.duration)
        groupDurations.observe(report.duration)
        expansions.withLock { expansions in
            expansions.all += report.expansions.all
            expansions.failed += report.expansions.failed
        }
    }

    /// The figures of groups as they are now.
    func families(_ groups: [RuleGroupSnapshot]) -> [MetricFamily] {
        func family(
            _ name: String,
            _ help: String,
            _ type: MetricType,
            _ value: (RuleGroupSnapshot) -> Double
        ) -> MetricFamily {
            MetricFamily(
                name: name,
                help: help,
                type: type,
                metrics: groups.map { group in
                    let label = Label(name: "rule_group", value: group.definition.key)
                    let number = value(group)
                    return MetricFamily.Metric(
                        labels: [label],
                        value: type == .counter ? .counter(number) : .gauge(number)
                    )
                }
            )
        }
        let own = [
            family("prometheus_rule_evaluations_total", "The total number of rule evaluations.", .counter) {
                Double($0.counts.evaluations)
            },
            family(
                "prometheus_rule_evaluation_failures_total",
                "The total number of rule evaluation failures.",
                .counter
            ) { Double($0.counts.failures) },
            family("prometheus_rule_group_interval_seconds", "The interval of a rule group.", .gauge) {
                Double($0.definition.interval) / 1000
            },
            family(
                "prometheus_rule_group_iterations_missed_total",
                "The total number of rule group evaluations missed due to slow rule group evaluation.",
                .counter
            ) { Double($0.counts.missed) },
            family(
                "prometheus_rule_group_iterations_total",
                "The total number of scheduled rule group evaluations, whether executed or missed.",
                .counter
            ) { Double($0.counts.iterations) },
            family(
                "prometheus_rule_group_last_duration_seconds",
                "The duration of the last rule group evaluation.",
                .gauge
            ) { $0.evaluationTime },
            family(
                "prometheus_rule_group_last_rule_duration_sum_seconds",
                "The sum of time in seconds it took to evaluate each rule in the group regardless of concurrency. "
                    + "This should be higher than the group duration if rules are evaluated concurrently.",
                .gauge
            ) { $0.ruleTime },
            family(
                "prometheus_rule_group_last_evaluation_timestamp_seconds",
                "The timestamp of the last rule group evaluation in seconds.",
                .gauge
            ) { Double($0.lastEvaluation ?? 0) / 1e9 },
            family(
                "prometheus_rule_group_last_restore_duration_seconds",
                "The duration of the last alert rules alerts restoration using the `ALERTS_FOR_STATE` series.",
                .gauge
            ) { $0.restoreTime },
            family("prometheus_rule_group_rules", "The number of rules.", .gauge) { Double($0.rules.count) },
            family(
                "prometheus_rule_group_last_evaluation_samples",
                "The number of samples returned during the last rule group evaluation.",
                .gauge
            ) { Double($0.samples) },
        ].filter { !$0.metrics.isEmpty }
        let (all, failed) = expansions.withLock { $0 }
        return ruleDuration.collect() + ruleDurations.collect() + groupDuration.collect() + groupDurations.collect()
            + own + [
                StackMetrics.counter(
                    "prometheus_template_text_expansions_total",
                    "The total number of template text expansions.",
                    Double(all)
                ),
                StackMetrics.counter(
                    "prometheus_template_text_expansion_failures_total",
                    "The total number of template text expansion failures.",
                    Double(failed)
                ),
            ]
    }
}
