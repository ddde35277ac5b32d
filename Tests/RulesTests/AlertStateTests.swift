import MetricModel
import Rules
import Testing

/// What alerts do from one evaluation to the next, and what is written of them.
@Suite(.timeLimit(.minutes(5))) struct AlertStateTests {
    /// Expects one alert `A` in a state at each time, or none.
    private static func test(_ values: String, _ states: [(String, String)], more: String = "") -> String {
        let alerts = ["pending", "firing", "resolved"].flatMap { state in
            states.map { time, expected in
                let list = state == expected ? #"[{"exp_labels": {}}]"# : "[]"
                return #"{"eval_time": "\#(time)", "alertname": "A", "state": "\#(state)", "exp_alerts": \#(list)}"#
            }
        }
        return """
            {"evaluation_interval": "30s", "tests": [{"interval": "30s",
             "input_series": [{"series": "x", "values": "\(values)"}],
             "alert_rule_test": [\(alerts.joined(separator: ", "))]\(more)}]}
            """
    }

    private static func rule(_ fields: String) -> String {
        #"{"groups": [{"name": "g", "rules": [{"alert": "A", "expr": "x > 0", \#(fields)}]}]}"#
    }

    static let courses: [(String, String, [(String, String)])] = [
        // The example of the documentation: found from 0 to 90 s.
        (
            #""for": "1m", "keep_firing_for": "1m""#, "1 1 1 1 0x60",
            [
                ("0s", "pending"), ("30s", "pending"), ("60s", "firing"), ("90s", "firing"), ("120s", "firing"),
                ("150s", "firing"), ("180s", "resolved"), ("1080s", "resolved"), ("1110s", "none"),
            ]
        ),
        (#""for": "0s""#, "1 0 1", [("0s", "firing"), ("30s", "resolved"), ("60s", "firing")]),
        (
            #""for": "1m""#, "1 1 0 1 1 1",
            [("30s", "pending"), ("60s", "none"), ("120s", "pending"), ("150s", "firing")]
        ),
        (#""for": "15s""#, "1 1", [("0s", "pending"), ("30s", "firing")]),
    ]

    @Test(arguments: courses)
    func `an alert's course`(_ fields: String, _ values: String, _ states: [(String, String)]) async throws {
        #expect(try await RuleScript.failures(Self.rule(fields), Self.test(values, states)) == [])
    }

    @Test func `a template of a group's label that cannot be read shows why`() async throws {
        let rules =
            #"{"groups": [{"name": "g", "labels": {"team": "{{ $x }}"}, "rules": [{"alert": "A", "expr": "x > 0"}]}]}"#
        let text =
            #"<error expanding template: error parsing template __alert_A: template: __alert_A:1: undefined variable \"$x\">"#
        let test = """
            {"tests": [{"interval": "1m", "input_series": [{"series": "x", "values": "1"}], "alert_rule_test": [
             {"eval_time": "0s", "alertname": "A", "exp_alerts": [{"exp_labels": {"team": "\(text)"}}]}]}]}
            """
        #expect(try await RuleScript.failures(rules, test) == [])
    }

    private static func query(_ expression: String, _ time: String, _ samples: [(String, Double)]) -> String {
        let list = samples.map { #"{"labels": "\#($0.0.replacing("\"", with: "'"))", "value": \#($0.1)}"# }
        return
            #"{"expr": "\#(expression)", "eval_time": "\#(time)", "exp_samples": [\#(list.joined(separator: ", "))]}"#
    }

    @Test func `ALERTS and ALERTS_FOR_STATE end and change with the alert`() async throws {
        let queries = [
            Self.query("ALERTS", "30s", [("ALERTS{alertname='A', alertstate='pending'}", 1)]),
            Self.query("ALERTS", "60s", [("ALERTS{alertname='A', alertstate='firing'}", 1)]),
            Self.query("ALERTS_FOR_STATE", "60s", [("ALERTS_FOR_STATE{alertname='A'}", 0)]),
            Self.query("{alertname='A'}", "90s", []),
        ]
        let more = #", "promql_expr_test": [\#(queries.joined(separator: ", "))]"#
        #expect(
            try await RuleScript.failures(Self.rule(#""for": "1m""#), Self.test("1 1 1 0 0", [], more: more)) == []
        )
    }

    @Test func `who is told when`() async throws {
        let states = ["0s": false, "30s": false, "60s": true, "90s": false, "120s": false, "150s": true, "210s": true]
        let alerts = states.map { time, isTold in
            #"{"eval_time": "\#(time)", "alertname": "A", "state": "notified", "exp_alerts": \#(isTold ? "[{}]" : "[]")}"#
        }
        let test = """
            {"evaluation_interval": "30s", "tests": [{"interval": "30s",
             "input_series": [{"series": "x", "values": "1x6 0x10"}], "alert_rule_test": [\(alerts.joined(separator: ","))]}]}
            """
        // Firing at 60 s, told again when more than a minute has passed, resolved at 210 s.
        #expect(try await RuleScript.failures(Self.rule(#""for": "1m""#), test) == [])
    }

    @Test func `rules of a group see what those before them found, and an empty label removes one`() async throws {
        let rules = """
            {"groups": [{"name": "g", "rules": [
             {"record": "a", "expr": "x + 1", "labels": {"job": "", "new": "l"}}, {"record": "b", "expr": "a + 1"},
             {"alert": "B", "expr": "b > 2", "labels": {"job": "{{ $value }}"}},
             {"record": "n", "expr": "count(ALERTS)"}]}]}
            """
        let queries = [
            Self.query("b", "60s", [("b{new='l'}", 3)]), Self.query("n", "60s", [("n", 1)]),
            Self.query("ALERTS", "60s", [("ALERTS{alertname='B', alertstate='firing', new='l', job='3'}", 1)]),
        ]
        let test = """
            {"evaluation_interval": "30s", "tests": [{"interval": "30s",
             "input_series": [{"series": "x{job='j'}", "values": "1x6"}], "promql_expr_test": [\(queries.joined(separator: ","))]}]}
            """
        #expect(try await RuleScript.failures(rules, test) == [])
    }

    static let wrong: [(String, String)] = [
        (
            #""record": "r", "expr": "x", "labels": {"a": ""}"#,
            "vector contains metrics with the same labelset after applying rule labels"
        ),
        (
            #""alert": "r", "expr": "x", "labels": {"a": ""}"#,
            "vector contains metrics with the same labelset after applying alert labels"
        ),
        (#""record": "r", "expr": "x[5m]""#, "rule result is not a vector or scalar"),
        (#""record": "r", "expr": "'text'""#, "rule result is not a vector or scalar"),
    ]

    @Test(arguments: wrong)
    func `what a rule cannot be evaluated for`(_ rule: String, _ reason: String) async throws {
        let test = """
            {"tests": [{"input_series": [{"series": "x{a='1'}", "values": "1x5"}, {"series": "x{a='2'}", "values": "1x5"}],
             "promql_expr_test": [\(Self.query("x", "0s", []))]}]}
            """
        let failures = try await RuleScript.failures(#"{"groups": [{"name": "g", "rules": [{\#(rule)}]}]}"#, test)
        #expect(failures == ["    rule: r, time: 0s, err: \(reason)"])
    }

    @Test func `limits`() async throws {
        let test = """
            {"tests": [{"input_series": [{"series": "x{a='1'}", "values": "1x5"}, {"series": "x{a='2'}", "values": "1x5"}],
             "promql_expr_test": [\(Self.query("x", "0s", []))]}]}
            """
        for (rule, what) in [(#""record""#, "series"), (#""alert""#, "alerts")] {
            let rules = #"{"groups": [{"name": "g", "limit": 1, "rules": [{\#(rule): "r", "expr": "x"}]}]}"#
            #expect(
                try await RuleScript.failures(rules, test)
                    == ["    rule: r, time: 0s, err: exceeded limit of 1 with 2 \(what)"]
            )
        }
    }
}
