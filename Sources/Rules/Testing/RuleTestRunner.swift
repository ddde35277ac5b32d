public import MetricModel
public import PromQL
import RuleTemplates

/// Runs unit tests of rules as promtool does.
public struct RuleTestRunner: Sendable {
    /// One group of tests and what came of it.
    public struct Result: Sendable {
        /// The group's name.
        public var name: String
        /// Where it stands in the file.
        public var line: Int
        /// What was wrong, each in promtool's form.
        public var failures: [String]
        /// How long it took, in nanoseconds.
        public var duration: Int64
        /// All samples at the end, as promtool's `--debug` shows them.
        public var dump: String

        /// How long it took, as Go prints it.
        public var took: String { TemplateTime.durationText(duration) }
    }

    private let options: PromQLEngine.Options
    private let clock: any StackClock
    /// How failures of alert tests are told.
    private let style: FailureStyle

    /// How failures of alert tests are told.
    public enum FailureStyle: Sendable, Hashable {
        /// What was expected and what came, as promtool does.
        case plain
        /// And for each alert that did not come what the nearest one has otherwise.
        case nearMisses
        /// The difference in colours, as promtool does with `--diff`.
        case diff
    }

    /// A runner.
    /// - Parameters:
    ///   - parser: what of the language is switched on.
    ///   - style: how failures of alert tests are told.
    public init(
        parser: ParserOptions = ParserOptions(),
        clock: any StackClock = SystemClock(),
        style: FailureStyle = .plain
    ) {
        var options = PromQLTestRunner.engineOptions
        options.parser = parser
        options.delaysNameRemoval = false
        options.usesStartTimestamps = false
        self.options = options
        self.clock = clock
        self.style = style
    }

    /// Runs a file's tests.
    /// - Parameters:
    ///   - file: the tests.
    ///   - load: reads the rules of ``RuleTestFile/ruleFiles``; what is wrong with them fails each group.
    ///   - dumps: whether all samples are told.
    ///   - isChosen: whether to run the group of that name.
    @concurrent
    public func run(
        _ file: RuleTestFile,
        rules load: @Sendable () -> Swift.Result<[RuleFile], RuleFile.Failure>,
        dumps: Bool = false,
        isChosen: @Sendable (String) -> Bool = { _ in true }
    ) async -> [Result] {
        var results: [Result] = []
        for group in file.groups where isChosen(group.name) {
            let started = clock.steadyNanoseconds
            var dump = ""
            let failures: [String]
            switch load() {
            case .failure(let failure): failures = failure.messages
            case .success(let files):
                var run = RuleTestRun(group, file, options, clock, style)
                failures = await run.failures(of: files)
                if dumps, run.isComplete { dump = await run.dump() }
            }
            results.append(
                Result(
                    name: group.title,
                    line: group.line,
                    failures: failures,
                    duration: clock.steadyNanoseconds - started,
                    dump: dump
                )
            )
        }
        return results
    }
}

/// The run of one group of tests.
struct RuleTestRun {
    private let test: RuleTestFile.Group
    private let file: RuleTestFile
    private let store = RuleTestStore()
    private let engine: PromQLEngine
    private let clock: any StackClock
    private let parser: PromQLParser
    private let style: RuleTestRunner.FailureStyle
    private var groups: [RuleGroupState] = []
    private var failures: [String] = []
    /// Whether it came to its end, whatever failed.
    private(set) var isComplete = false

    init(
        _ test: RuleTestFile.Group,
        _ file: RuleTestFile,
        _ options: PromQLEngine.Options,
        _ clock: any StackClock,
        _ style: RuleTestRunner.FailureStyle
    ) {
        self.test = test
        self.file = file
        self.clock = clock
        self.style = style
        var options = options
        options.defaultSubqueryInterval = file.evaluationInterval
        engine = PromQLEngine(options: options, clock: clock)
        parser = PromQLParser(options: options.parser)
    }

    mutating func failures(of files: [RuleFile], names: [String] = []) async -> [String] {
        var series: [SeriesDescription] = []
        for (index, input) in test.series.enumerated() {
            do throws(ParseError) {
                series.append(try PromQLParser(options: .all).parseSeriesDescription("\(input.series) \(input.values)"))
            } catch {
                let mistake =
                    error.mistakes.first.map { String(error.text(of: $0).drop { $0 != ":" }.dropFirst()) } ?? ""
                return ["\(index + 2):\(mistake)"]
            }
        }
        let order = Dictionary(file.groupOrder.enumerated().map { ($0.element, $0.offset) }, uniquingKeysWith: { $1 })
        groups = files.enumerated().flatMap { index, file in
            file.groups.map { group in
                RuleGroupState(group.definition(file: "\(index)", interval: test.interval), isRestored: true)
            }
        }.enumerated().sorted { left, right in
            let (first, second) = (order[left.element.definition.name] ?? 0, order[right.element.definition.name] ?? 0)
            return first == second ? left.offset < right.offset : first < second
        }.map(\.element)
        for alert in test.alerts where alert.name.isEmpty {
            let place = test.name.isEmpty ? "" : " (in TestGroup \(test.name))"
            let time = PrometheusDuration(milliseconds: alert.time)
            return ["an item under alert_rule_test misses required attribute alertname at eval_time \(time)\(place)"]
        }
        if await evaluate(series) {
            await checkExpressions()
            isComplete = true
        }
        return failures
    }

    /// Evaluates the rules at all times and checks alerts; `false` where a rule failed.
    private mutating func evaluate(_ series: [SeriesDescription]) async -> Bool {
        var environment = RuleEnvironment(engine: engine, reader: store, sink: store, clock: clock)
        environment.surroundings = RuleSurroundings(
            externalLabels: test.externalLabels,
            externalURL: test.externalURL,
            pathPrefix: nil
        )
        let last = max(test.alerts.map(\.time).max() ?? 0, test.expressions.map(\.time).max() ?? 0)
        var loaded = 0
        for elapsed in stride(from: Int64(0), through: last, by: Int(file.evaluationInterval)) {
            let time = test.start + elapsed
            load(series, &loaded, until: elapsed)
            var mistakes: [String] = []
            var notices: [AlertNotice] = []
            for index in groups.indices {
                let outcome = await groups[index].evaluate(at: RuleTime.nanoseconds(milliseconds: time), environment)
                notices += outcome.notices
                for rule in groups[index].rules where rule.health == .err {
                    let text = TemplateTime.durationText(RuleTime.nanoseconds(milliseconds: time))
                    mistakes.append("    rule: \(rule.definition.name), time: \(text), err: \(rule.lastError)")
                }
            }
            failures += mistakes
            if !mistakes.isEmpty { return false }
            let due = test.alerts.filter { elapsed <= $0.time && $0.time < elapsed + file.evaluationInterval }
            let times: Set<Int64> = Set(due.map { $0.time })
            for time in times.sorted() {
                for alert in due where alert.time == time { check(alert, notices) }
            }
        }
        return true
    }

    /// Brings in the values of the series up to a time.
    private func load(_ series: [SeriesDescription], _ loaded: inout Int, until elapsed: Int64) {
        var samples: [RuleSample] = []
        while Int64(loaded) * test.interval <= elapsed {
            let time = test.start + Int64(loaded) * test.interval
            for description in series where loaded < description.values.count {
                switch description.values[loaded] {
                case .omitted: break
                case .float(let value):
                    samples.append(RuleSample(labels: description.labels, timestamp: time, value: value))
                case .histogram(let histogram, _):
                    samples.append(
                        RuleSample(labels: description.labels, timestamp: time, value: 0, histogram: histogram)
                    )
                }
            }
            loaded += 1
        }
        store.append(samples)
    }

    // MARK: Alerts

    private mutating func check(_ expectation: RuleTestFile.AlertTest, _ notices: [AlertNotice]) {
        let rules = groups.flatMap(\.rules).filter { $0.alert != nil && $0.definition.name == expectation.name }
        var got: [SeenAlert] = []
        var others: [(alert: SeenAlert, state: String)] = []
        switch expectation.state {
        case .firing, .pending, .resolved:
            let wanted: Alert.State =
                switch expectation.state {
                case .firing, .notified: .firing
                case .pending: .pending
                case .resolved: .inactive
                }
            for alert in rules.flatMap({ Array($0.alert?.active.values ?? [:].values) }) {
                let seen = SeenAlert(labels: Array(alert.labels), annotations: alert.annotations)
                if alert.state == wanted { got.append(seen) } else { others.append((seen, alert.state.name)) }
            }
        case .notified:
            for notice in notices where notice.labels["alertname"] == expectation.name {
                got.append(SeenAlert(labels: Array(notice.labels), annotations: notice.annotations))
            }
        }
        var expected = expectation.alerts.map { alert in
            var labels = alert.labels
            labels["alertname"] = expectation.name
            return SeenAlert(labels: SeenAlert.sorted(labels), annotations: SeenAlert.sorted(alert.annotations))
        }
        got.sort(by: SeenAlert.stands(_:before:))
        expected.sort(by: SeenAlert.stands(_:before:))
        if expectation.isPartial ? Self.isCovered(expected, got) : expected == got { return }
        let name = test.name.isEmpty ? "" : "    name: \(test.name),\n"
        let time = PrometheusDuration(milliseconds: expectation.time)
        let state = style == .nearMisses ? "state: \(expectation.state.rawValue), " : ""
        var text = "\(name)    alertname: \(expectation.name), \(state)time: \(time), \n"
        switch style {
        case .plain: text += Self.listing(expected, got)
        case .nearMisses:
            text += Self.listing(expected, got)
            text += Self.nearMisses(expected, got, others, isPartial: expectation.isPartial)
            if rules.isEmpty { text += unknownRule(expectation.name) }
        case .diff: text += "        diff: " + Self.indented(Self.difference(expected, got), "            ")
        }
        failures.append(text)
    }

    private static func listing(_ expected: [SeenAlert], _ got: [SeenAlert]) -> String {
        "        exp:\(list(expected)), \n        got:\(list(got))"
    }

    /// An empty list stands as one alert without anything, as in promtool.
    private static func difference(_ expected: [SeenAlert], _ got: [SeenAlert]) -> String {
        func node(_ alerts: [SeenAlert]) -> ColoredDiff.Node {
            .list(
                (alerts.isEmpty ? [SeenAlert(labels: [], annotations: [])] : alerts).map { alert in
                    .map([
                        ("Annotations", ColoredDiff.Node(alert.annotations)),
                        ("Labels", ColoredDiff.Node(alert.labels)),
                    ])
                }
            )
        }
        return ColoredDiff.text(expected: node(expected), actual: node(got))
    }

    /// Whether every expected alert has one of its own that has all it asks for, and none is left.
    private static func isCovered(_ expected: [SeenAlert], _ got: [SeenAlert]) -> Bool {
        if expected.count != got.count { return false }
        // Augmenting paths: whom each alert was given to.
        var owners = [Int?](repeating: nil, count: got.count)
        func place(_ index: Int, _ visited: inout Set<Int>) -> Bool {
            for candidate in got.indices where got[candidate].covers(expected[index]) {
                guard visited.insert(candidate).inserted else { continue }
                if let owner = owners[candidate], !place(owner, &visited) { continue }
                owners[candidate] = index
                return true
            }
            return false
        }
        return expected.indices.allSatisfy { index in
            var visited: Set<Int> = []
            return place(index, &visited)
        }
    }

    /// That no rule has the name that was asked for, and which there are.
    private func unknownRule(_ name: String) -> String {
        let names = Set(groups.flatMap(\.rules).filter { $0.alert != nil }.map(\.definition.name)).sorted()
        let there = names.isEmpty ? "there are none" : "there are \(names.prefix(5).joined(separator: ", "))"
        return "\n        no alerting rule is called \(GoText.quoted(name)); \(there)\(names.count > 5 ? ", …" : "")"
    }

    /// Lines behind the first are indented.
    private static func indented(_ text: String, _ indent: String) -> String {
        text.replacing("\n", with: "\n" + indent)
    }

    private static func list(_ alerts: [SeenAlert]) -> String {
        if alerts.isEmpty { return "[]" }
        let items = alerts.enumerated().map { "\($0.offset):" + indented("\n" + $0.element.text, "  ") }
        return indented("[\n" + items.joined(separator: ",\n") + "\n]", "            ")
    }

    // MARK: Expressions

    private struct Sample {
        var labels: Labels
        var value = 0.0
        /// As tests write it; empty for none.
        var histogram = ""
    }

    private mutating func checkExpressions() async {
        for test in test.expressions {
            let time = PrometheusDuration(milliseconds: test.time)
            let place = "    expr: \(GoText.quoted(test.expression)), time: \(time),"
            do throws(RuleFailure) {
                let actual = try await actual(test)
                let expected = try expected(test)
                if !isSame(expected, actual) {
                    failures.append("\(place)\n        exp: \(Self.text(expected))\n        got: \(Self.text(actual))")
                }
            } catch {
                failures.append("\(place) err: \(error.message)")
            }
        }
    }

    private func expected(_ test: RuleTestFile.ExpressionTest) throws(RuleFailure) -> [Sample] {
        var samples: [Sample] = []
        for sample in test.samples {
            do {
                var result = Sample(labels: try parser.parseMetric(sample.labels), value: sample.value)
                if !sample.histogram.isEmpty {
                    let values = try parser.parseSeriesDescription("{} " + sample.histogram).values
                    result.histogram = try Self.single(values).testDescription
                }
                samples.append(result)
            } catch {
                throw RuleFailure(.query, "labels \(GoText.quoted(sample.labels)): \(error)")
            }
        }
        return samples.sorted { $0.labels < $1.labels }
    }

    private static func single(_ values: [SequenceValue]) throws(RuleFailure) -> NativeHistogram {
        if values.count != 1 { throw RuleFailure(.query, "expected 1 value, got \(values.count)") }
        switch values[0] {
        case .histogram(let histogram, _): return histogram
        case .float(let value): throw RuleFailure(.query, "expected histogram, got \(value.sixDecimals)")
        case .omitted: throw RuleFailure(.query, "expected histogram, got _")
        }
    }

    private func actual(_ test: RuleTestFile.ExpressionTest) async throws(RuleFailure) -> [Sample] {
        let result: QueryResult
        do throws(PromQLError) {
            result = try await engine.instant(query: test.expression, at: self.test.start + test.time, reader: store)
        } catch {
            throw RuleFailure(.query, error.message)
        }
        return try RuleEnvironment.elements(result).map { element in
            Sample(labels: element.labels, value: element.value, histogram: element.histogram?.testDescription ?? "")
        }.sorted { $0.labels < $1.labels }
    }

    /// Whether the samples are the same; NaN is never the same as anything, as in promtool.
    private func isSame(_ expected: [Sample], _ actual: [Sample]) -> Bool {
        expected.count == actual.count
            && zip(expected, actual).allSatisfy { left, right in
                let isNear =
                    file.comparesFuzzily
                    && (left.value.nextUp == right.value || left.value.nextDown == right.value)
                let isSameValue = !left.histogram.isEmpty || left.value == right.value || isNear
                return left.labels == right.labels && left.histogram == right.histogram && isSameValue
            }
    }

    private static func text(_ samples: [Sample]) -> String {
        if samples.isEmpty { return "nil" }
        return samples.map { sample in
            "\(sample.labels) \(sample.histogram.isEmpty ? sample.value.shortestScientific : sample.histogram)"
        }.joined(separator: ", ")
    }

    // MARK: Dump

    /// All samples up to the last time that is looked at.
    func dump() async -> String {
        let last = max(test.alerts.map(\.time).max() ?? 0, test.expressions.map(\.time).max() ?? 0)
        let end = (last + 1000) / 1000 * 1000
        // The first moment is left out, as by a range that is open on the left.
        let request = SelectRequest(matchers: [], start: test.start + 1, end: test.start + end, isSorted: true)
        let text =
            "DEBUG: Dump of all data (input_series and rules) at \(TemplateTime.durationText(RuleTime.nanoseconds(milliseconds: end))):\n"
        var series = ""
        for columns in (try? await store.select(request)) ?? [] {
            var samples = ""
            // As a query would find them: where a series ends there is no sample.
            for (time, value) in zip(columns.timestamps, columns.values) where !SpecialValue.isStale(value) {
                samples += "\(GoNumber.text(value, .json)) @[\(time)]\n"
            }
            for (time, histogram) in zip(columns.histogramTimestamps, columns.histograms) where !histogram.isStale {
                samples += "\(histogram) @[\(time)]\n"
            }
            if !samples.isEmpty { series += "\(columns.labels) =>\n" + samples }
        }
        return text + (series.isEmpty ? "\n" : series)
    }
}
