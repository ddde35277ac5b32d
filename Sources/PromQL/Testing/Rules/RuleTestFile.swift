public import ConfigTree
public import MetricModel

/// A file of unit tests as promtool reads them (`promtool test rules`), as far as it is about expressions.
public struct RuleTestFile: Sendable, Hashable {
    /// Series and what queries over them answer.
    public struct Group: Sendable, Hashable {
        /// The group's name; made up where it has none.
        public var name: String
        /// Where the group stands in the file.
        public var line: Int
        /// The time between two values of a series, in milliseconds.
        public var interval: Int64
        /// The series, each as a metric and values in expanding notation.
        public var series: [InputSeries]
        /// The queries.
        public var expressions: [ExpressionTest]
        /// The time of the first value.
        public var start: Timestamp
    }

    /// A series with its values, as it is written.
    public struct InputSeries: Sendable, Hashable {
        /// The metric.
        public var series: String
        /// The values.
        public var values: String
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

    /// How often rules would be evaluated, in milliseconds; also the step of subqueries that give none.
    public var evaluationInterval: Int64
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
    /// - Throws: ``ConfigError`` with everything that is wrong. Files that need rules are refused.
    public init(reading node: ConfigNode, file: String) throws(ConfigError) {
        let problems = ConfigProblems(file: file)
        let section = ConfigSection(node, type: "main.unitTestFile", path: "", problems: problems)
        let later = "recording and alerting rules cannot be tested yet, only expressions"
        section.refuse("rule_files", because: later)
        _ = section.strings("group_eval_order")
        comparesFuzzily = section.bool("fuzzy_compare") ?? false
        let interval = section.duration("evaluation_interval")?.milliseconds ?? 0
        evaluationInterval = interval == 0 ? 60_000 : interval
        groups = []
        for (index, test) in section.sections("tests", type: "main.testGroup").enumerated() {
            guard let test else { continue }
            test.refuse("alert_rule_test", because: later)
            groups.append(Group(reading: test, index: index, evaluationInterval: evaluationInterval))
        }
        section.finish()
        try problems.throwIfAny()
    }
}

extension RuleTestFile.Group {
    fileprivate init(reading section: ConfigSection, index: Int, evaluationInterval: Int64) {
        let given = section.string("name") ?? ""
        name = given.isEmpty ? "unnamed#\(index)" : given
        line = section.node.line
        let step = section.duration("interval")?.milliseconds ?? 0
        interval = step == 0 ? evaluationInterval : step
        _ = section.stringMap("external_labels", type: "labels.Labels")
        _ = section.string("external_url")
        start = 0
        if let text = section.string("start_timestamp"), !text.isEmpty {
            if let time = TestTime.milliseconds(text) {
                start = time
            } else {
                section.fail("cannot parse \(GoText.quoted(text)) to a valid timestamp", at: "start_timestamp")
            }
        }
        series = []
        for item in section.sections("input_series", type: "main.series") {
            guard let item else { continue }
            series.append(.init(series: item.string("series") ?? "", values: item.string("values") ?? ""))
            item.finish()
        }
        expressions = []
        for item in section.sections("promql_expr_test", type: "main.promqlTestCase") {
            guard let item else { continue }
            expressions.append(RuleTestFile.ExpressionTest(reading: item))
        }
        section.finish()
    }
}

extension RuleTestFile.ExpressionTest {
    fileprivate init(reading section: ConfigSection) {
        expression = section.string("expr") ?? ""
        time = section.duration("eval_time")?.milliseconds ?? 0
        samples = []
        for item in section.sections("exp_samples", type: "main.sample") {
            guard let item else { continue }
            let sample = RuleTestFile.Sample(
                labels: item.string("labels") ?? "",
                value: item.double("value") ?? 0,
                histogram: item.string("histogram") ?? ""
            )
            samples.append(sample)
            item.finish()
        }
        section.finish()
    }
}
