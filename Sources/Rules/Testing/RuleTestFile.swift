public import ConfigTree
public import MetricModel
import PromQL

/// A file of unit tests as promtool reads them (`promtool test rules`).
public struct RuleTestFile: Sendable, Hashable {
    /// Series, and what rules and queries make of them.
    public struct Group: Sendable, Hashable {
        /// The group's name; empty where it has none.
        public var name: String
        /// Where it stands among the tests, from 0.
        public var index: Int
        /// Where the group stands in the file.
        public var line: Int
        /// The time between two values of a series, in milliseconds.
        public var interval: Int64
        /// The series, each as a metric and values in expanding notation.
        public var series: [InputSeries]
        /// The alerts that are expected.
        public var alerts: [AlertTest]
        /// The queries.
        public var expressions: [ExpressionTest]
        /// The time of the first value.
        public var start: Timestamp
        /// The external labels that templates see.
        public var externalLabels: Labels
        /// The external URL that templates see.
        public var externalURL: String

        /// The name by which reports call it.
        public var title: String { name.isEmpty ? "unnamed#\(index)" : name }
    }

    /// A series with its values, as it is written.
    public struct InputSeries: Sendable, Hashable {
        /// The metric.
        public var series: String
        /// The values.
        public var values: String
    }

    /// The alerts of a name that are expected at a time.
    public struct AlertTest: Sendable, Hashable {
        /// When they are looked at, in milliseconds from the group's start.
        public var time: Int64
        /// The rule's name.
        public var name: String
        /// The alerts.
        public var alerts: [ExpectedAlert]
        /// Which alerts are looked at. Not in promtool, where it is always those that fire.
        public var state: ExpectedState
        /// Whether labels and annotations that are not mentioned do not count. Not in promtool.
        public var isPartial: Bool
    }

    /// How far an expected alert is.
    public enum ExpectedState: String, Sendable, Hashable {
        /// It fires.
        case firing
        /// It was found, but not for long enough.
        case pending
        /// It fired within the last fifteen minutes.
        case resolved
        /// Somebody is told of it in that evaluation.
        case notified
    }

    /// An expected alert.
    public struct ExpectedAlert: Sendable, Hashable {
        /// The labels, without `alertname`.
        public var labels: [String: String]
        /// The annotations.
        public var annotations: [String: String]
    }

    /// A query and what it answers.
    public struct ExpressionTest: Sendable, Hashable {
        /// The query.
        public var expression: String
        /// When it is evaluated, in milliseconds from the group's start.
        public var time: Int64
        /// What it answers.
        public var samples: [Sample]
    }

    /// An expected sample.
    public struct Sample: Sendable, Hashable {
        /// The metric, as it is written.
        public var labels: String
        /// The value; does not count where there is a histogram.
        public var value: Double
        /// The histogram, as it is written; empty for none.
        public var histogram: String
    }

    /// The rule files, as patterns.
    public var ruleFiles: [String]
    /// How often rules are evaluated, in milliseconds; also the step of subqueries that give none.
    public var evaluationInterval: Int64
    /// The order of groups; those that are not here come first.
    public var groupOrder: [String]
    /// Whether values may differ by the last bit.
    public var comparesFuzzily: Bool
    /// The groups.
    public var groups: [Group]
}

extension RuleTestFile {
    /// Reads a file.
    /// - Parameters:
    ///   - node: the file's contents.
    ///   - file: its name, for messages.
    ///   - isExtended: whether `state` and `partial` of alert tests are read, which promtool does not know.
    /// - Throws: ``ConfigError`` with everything that is wrong.
    public init(reading node: ConfigNode, file: String, isExtended: Bool = false) throws(ConfigError) {
        let problems = ConfigProblems(file: file)
        let root = ConfigSection(node, type: "main.unitTestFile", path: "", problems: problems)
        ruleFiles = root.strings("rule_files") ?? []
        groupOrder = root.strings("group_eval_order") ?? []
        comparesFuzzily = root.bool("fuzzy_compare") ?? false
        let interval = root.duration("evaluation_interval")?.milliseconds ?? 0
        evaluationInterval = interval == 0 ? 60_000 : interval
        groups = []
        for (index, test) in root.sections("tests", type: "main.testGroup", ofValues: true).enumerated() {
            guard let test else { continue }
            groups.append(Group(test, index: index, evaluationInterval, isExtended: isExtended))
        }
        root.finish()
        do throws(ConfigError) {
            try problems.throwIfAny()
        } catch {
            // In the order of the file, as they are met there; those of one line stay as they are.
            var ordered = error
            ordered.problems = error.problems.enumerated()
                .sorted { ($0.element.line ?? 0, $0.offset) < ($1.element.line ?? 0, $1.offset) }
                .map(\.element)
            throw ordered
        }
    }
}

extension RuleTestFile.Group {
    /// When a test can begin, in milliseconds since 1970: nanoseconds are counted from the year 1677 to the year 2262.
    private static let starts: ClosedRange<Timestamp> = -8_520_336_000_000...7_258_118_400_000

    fileprivate init(_ section: ConfigSection, index: Int, _ evaluationInterval: Int64, isExtended: Bool) {
        name = section.string("name") ?? ""
        self.index = index
        line = section.node.line
        let step = section.duration("interval")?.milliseconds ?? 0
        interval = step == 0 ? evaluationInterval : step
        externalLabels = Labels(
            (section.stringMap("external_labels", type: "labels.Labels") ?? []).map {
                Label(name: $0.key, value: $0.value)
            }
        )
        externalURL = section.string("external_url") ?? ""
        start = 0
        if let text = section.string("start_timestamp"), !text.isEmpty {
            if let time = TestTime.milliseconds(text), Self.starts.contains(time) {
                start = time
            } else if TestTime.milliseconds(text) != nil {
                section.fail("\(GoText.quoted(text)) is not between the years 1700 and 2200", at: "start_timestamp")
            } else {
                section.fail("cannot parse \(GoText.quoted(text)) to a valid timestamp", at: "start_timestamp")
            }
        }
        series = []
        for item in section.sections("input_series", type: "main.series", ofValues: true) {
            guard let item else { continue }
            series.append(.init(series: item.string("series") ?? "", values: item.string("values") ?? ""))
            item.finish()
        }
        alerts = []
        for item in section.sections("alert_rule_test", type: "main.alertTestCase", ofValues: true) {
            guard let item else {
                // One without a name, which is told of when it is run.
                alerts.append(.init(time: 0, name: "", alerts: [], state: .firing, isPartial: false))
                continue
            }
            alerts.append(RuleTestFile.AlertTest(item, isExtended: isExtended))
        }
        expressions = []
        for item in section.sections("promql_expr_test", type: "main.promqlTestCase", ofValues: true) {
            guard let item else { continue }
            expressions.append(RuleTestFile.ExpressionTest(item))
        }
        section.finish()
    }
}

extension RuleTestFile.AlertTest {
    fileprivate init(_ section: ConfigSection, isExtended: Bool) {
        time = section.duration("eval_time")?.milliseconds ?? 0
        name = section.string("alertname") ?? ""
        alerts = []
        state = .firing
        isPartial = false
        for item in section.sections("exp_alerts", type: "main.alert", ofValues: true) {
            guard let item else {
                alerts.append(RuleTestFile.ExpectedAlert(labels: [:], annotations: [:]))
                continue
            }
            func map(_ name: String) -> [String: String] {
                Dictionary(
                    (item.stringMap(name, type: "map[string]string") ?? []).map { ($0.key, $0.value) },
                    uniquingKeysWith: { $1 }
                )
            }
            alerts.append(RuleTestFile.ExpectedAlert(labels: map("exp_labels"), annotations: map("exp_annotations")))
            item.finish()
        }
        if isExtended {
            if let text = section.string("state") {
                if let state = RuleTestFile.ExpectedState(rawValue: text) {
                    self.state = state
                } else {
                    section.fail(
                        "state has to be firing, pending, resolved or notified, not \(GoText.quoted(text))",
                        at: "state"
                    )
                }
            }
            isPartial = section.bool("partial") ?? false
        }
        section.finish()
    }
}

extension RuleTestFile.ExpressionTest {
    fileprivate init(_ section: ConfigSection) {
        expression = section.string("expr") ?? ""
        time = section.duration("eval_time")?.milliseconds ?? 0
        samples = []
        for item in section.sections("exp_samples", type: "main.sample", ofValues: true) {
            guard let item else {
                samples.append(RuleTestFile.Sample(labels: "", value: 0, histogram: ""))
                continue
            }
            samples.append(
                RuleTestFile.Sample(
                    labels: item.string("labels") ?? "",
                    value: item.double("value") ?? 0,
                    histogram: item.string("histogram") ?? ""
                )
            )
            item.finish()
        }
        section.finish()
    }
}
