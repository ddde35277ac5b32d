import ConfigTree
import MetricModel
import PromQL
import Rules
import Testing

/// Unit tests of expressions in promtool's format.
@Suite(.timeLimit(.minutes(5))) struct ExpressionTestTests {
    /// A small way to write a tree: `key: value` pairs.
    private static func map(_ pairs: KeyValuePairs<String, ConfigNode>) -> ConfigNode {
        ConfigNode(.mapping(pairs.map { .init(key: text($0.key), value: $0.value) }))
    }

    private static func list(_ items: ConfigNode...) -> ConfigNode { ConfigNode(.sequence(items)) }

    private static func text(_ text: String) -> ConfigNode { ConfigNode(.scalar(.init(text))) }

    private static func group(_ expression: String, _ time: String, _ samples: ConfigNode) -> ConfigNode {
        map([
            "name": text("group"), "interval": text("1m"),
            "input_series": list(
                map(["series": text("up{job=\"a\"}"), "values": text("0+1x10")]),
                map(["series": text("h"), "values": text("{{count:3 sum:2 buckets:[3]}}x10")])
            ),
            "promql_expr_test": list(
                map(["expr": text(expression), "eval_time": text(time), "exp_samples": samples])
            ),
        ])
    }

    private static func sample(_ labels: String, _ value: String) -> ConfigNode {
        map(["labels": text(labels), "value": text(value)])
    }

    private static func failure(_ group: ConfigNode, _ more: KeyValuePairs<String, ConfigNode> = [:]) async throws
        -> String?
    {
        var entries: [ConfigNode.Entry] = [.init(key: text("tests"), value: list(group))]
        entries += more.map { .init(key: text($0.key), value: $0.value) }
        let file = try RuleTestFile(reading: ConfigNode(.mapping(entries)), file: "tests.yml")
        let results = await RuleTestRunner(clock: ManualClock()).run(file, rules: { .success([]) })
        #expect(results.map(\.name) == ["group"])
        return results[0].failures.isEmpty ? nil : results[0].failures.joined(separator: "\n")
    }

    @Test("A beginning for which there are no nanoseconds is told") func beginnings() throws {
        func problem(_ start: String) throws -> String? {
            let node = try RuleScript.node(#"{"tests": [{"start_timestamp": "\#(start)"}]}"#)
            do throws(ConfigError) {
                _ = try RuleTestFile(reading: node, file: "tests.yml")
                return nil
            } catch {
                return error.description
            }
        }
        #expect(try problem("9223372036854774")?.contains("is not between the years 1700 and 2200") == true)
        #expect(try problem("-9223372036854774")?.contains("is not between the years 1700 and 2200") == true)
        #expect(try problem("2026-01-05T09:00:00Z") == nil)
    }

    @Test("Samples are compared with what a query answers") func comparison() async throws {
        #expect(try await Self.failure(Self.group("up", "5m", Self.list(Self.sample("up{job=\"a\"}", "5")))) == nil)
        #expect(try await Self.failure(Self.group("1 + 1", "5m", Self.list(Self.sample("{}", "2")))) == nil)
        #expect(try await Self.failure(Self.group("up > 100", "5m", Self.list())) == nil)
        #expect(
            try await Self.failure(Self.group("up * 1.5", "5m", Self.list(Self.sample("{job=\"a\"}", "7"))))
                == "    expr: \"up * 1.5\", time: 5m,\n        exp: {job=\"a\"} 7E+00\n        got: {job=\"a\"} 7.5E+00"
        )
        #expect(
            try await Self.failure(Self.group("up", "90s", Self.list()))
                == "    expr: \"up\", time: 1m30s,\n        exp: nil\n        got: {__name__=\"up\", job=\"a\"} 1E+00"
        )
    }

    @Test("The dump has what a query would find, so that nothing marks the end of a series") func dump() async throws {
        let test = #"""
            {"tests": [{"input_series": [{"series": "up", "values": "1 stale 2"}],
              "alert_rule_test": [{"eval_time": "2m", "alertname": "Off"}]}]}
            """#
        let rules = try RuleScript.rules(
            #"{"groups": [{"name": "g", "rules": [{"alert": "Off", "expr": "up == 1", "for": "9m"}]}]}"#
        )
        let file = try RuleTestFile(reading: RuleScript.node(test), file: "tests.yml")
        let results = await RuleTestRunner(clock: ManualClock()).run(file, rules: { .success([rules]) }, dumps: true)
        #expect(
            results.map(\.dump) == [
                "DEBUG: Dump of all data (input_series and rules) at 2m1s:\n{__name__=\"up\"} =>\n2 @[120000]\n"
            ]
        )
    }

    @Test("Histograms are compared as they are written") func histograms() async throws {
        func histogram(_ text: String) -> ConfigNode {
            Self.list(Self.map(["labels": Self.text("{}"), "histogram": Self.text(text)]))
        }
        let right = histogram("{{sum:4 count:6 buckets:[6] counter_reset_hint:not_reset}}")
        #expect(try await Self.failure(Self.group("h * 2", "5m", right)) == nil)
        #expect(
            try await Self.failure(Self.group("h * 2", "5m", histogram("1")))
                == "    expr: \"h * 2\", time: 5m, err: labels \"{}\": expected histogram, got 1.000000"
        )
    }

    @Test("Mistakes in queries and labels are told") func mistakes() async throws {
        #expect(
            try await Self.failure(Self.group("sum(", "5m", Self.list()))
                == "    expr: \"sum(\", time: 5m, err: 1:5: parse error: unclosed left parenthesis"
        )
        #expect(
            try await Self.failure(Self.group("up[5m]", "5m", Self.list()))
                == "    expr: \"up[5m]\", time: 5m, err: rule result is not a vector or scalar"
        )
        #expect(
            try await Self.failure(Self.group("up", "5m", Self.list(Self.sample("{a}", "1"))))
                == "    expr: \"up\", time: 5m, err: labels \"{a}\": 1:3: parse error: unexpected \"}\" in label set, expected \"=\""
        )
    }

    @Test("The same sample may be written twice, another value may not") func twice() async throws {
        func failures(_ first: String, _ second: String) async throws -> [String] {
            try await RuleScript.failures(
                #"{"groups": [{"name": "g", "rules": [{"record": "r", "expr": "\#(first)"}, "#
                    + #"{"record": "r", "expr": "\#(second)"}]}]}"#,
                """
                {"tests": [{"interval": "1m",
                    "input_series": [{"series": "up", "values": "_ 1 1"},
                        {"series": "h", "values": "{{count:3 sum:2 buckets:[3]}}x2"}],
                    "promql_expr_test": [{"expr": "vector(1)", "eval_time": "1m",
                        "exp_samples": [{"labels": "{}", "value": 1}]}]}]}
                """
            )
        }
        #expect(try await failures("h", "last_over_time(h[5m])") == [])
        #expect(try await failures("up", "up") == [])
        let text = "duplicate sample for timestamp 60000; overrides not allowed: existing 1, new value 2"
        #expect(try await failures("up", "up * 2").contains { $0.contains(text) })
        let other = "duplicate sample for timestamp 60000; overrides not allowed: existing is a histogram, new value 1"
        #expect(try await failures("h", "vector(1)").contains { $0.contains("duplicate sample for timestamp") })
        #expect(try await failures("h offset 1m", "up offset 0s").contains { $0.contains(other) })
    }

    @Test("A histogram that contradicts itself is not written") func contradiction() async throws {
        let failures = try await RuleScript.failures(
            #"{"groups": [{"name": "g", "rules": [{"record": "r", "expr": "h * -1"}]}]}"#,
            """
            {"tests": [{"interval": "1m",
                "input_series": [{"series": "h", "values": "_ {{count:3 sum:2 buckets:[3]}}"}],
                "promql_expr_test": [{"expr": "vector(1)", "eval_time": "1m",
                    "exp_samples": [{"labels": "{}", "value": 1}]}]}]}
            """
        )
        #expect(
            failures == [
                "    rule: r, time: 1m0s, err: observation count is  -3: histogram's observation count is negative"
            ]
        )
    }

    @Test("An item that is empty is one, and mistakes come in the order of the file") func readings() throws {
        let file = try RuleTestFile(
            reading: RuleScript.node(#"{"tests": [{"promql_expr_test": [{"expr": "up", "exp_samples": [null]}]}]}"#),
            file: "t.yml"
        )
        #expect(file.groups.first?.expressions.first?.samples.count == 1)
        let wrong = Array("foo: 1\ntests:\n- bar: 2\n- alert_rule_test: x\n".utf8)
        let failure = #expect(throws: ConfigError.self) {
            try RuleTestFile(reading: try YAMLReader.parse(wrong, file: "t.yml"), file: "t.yml")
        }
        #expect(failure?.problems.map(\.line) == [1, 3, 4])
        #expect(failure?.problems.last?.message.contains("into []main.alertTestCase") == true)
    }

    @Test("Values may differ by the last bit where that is allowed") func fuzzy() async throws {
        let group = Self.group("vector(0.1 + 0.2)", "0", Self.list(Self.sample("{}", "0.3")))
        #expect(try await Self.failure(group) != nil)
        #expect(try await Self.failure(group, ["fuzzy_compare": Self.text("true")]) == nil)
    }

    @Test("Samples after the last evaluation are not there yet") func cut() async throws {
        let samples = Self.list(Self.sample("{}", "6"))
        let group = Self.group("count(up offset -3m) * 0 + max(max_over_time(up[3m] offset -3m))", "5m", samples)
        // At the last evaluation, after 4 minutes, only the values up to then were there.
        let failure = try await Self.failure(group, ["evaluation_interval": Self.text("2m")])
        #expect(failure?.contains("got: nil") == true)
    }

    static let times: [(String, Timestamp?)] = [
        ("1700000000", 1_700_000_000_000), ("1.5", 1500), ("2024-02-29T12:00:00Z", 1_709_208_000_000),
        ("2024-02-29T12:00:00.25+01:30", 1_709_202_600_250), ("1969-12-31T23:59:59Z", -1000),
        ("2023-02-29T12:00:00Z", nil), ("yesterday", nil), ("2024-02-29", nil),
    ]

    @Test("A group starts where it says", arguments: times) func start(_ text: String, _ time: Timestamp?) {
        let group = Self.map(["start_timestamp": Self.text(text)])
        let file = try? RuleTestFile(reading: Self.map(["tests": Self.list(group)]), file: "tests.yml")
        #expect(file?.groups.first?.start == time)
    }

    @Test("What is unknown is refused") func refusals() {
        func problems(_ node: ConfigNode) -> [String] {
            do throws(ConfigError) {
                _ = try RuleTestFile(reading: node, file: "tests.yml")
                return []
            } catch {
                return error.problems.map(\.message)
            }
        }
        #expect(
            problems(Self.map(["tests": Self.list(Self.map(["intervall": Self.text("1m")]))]))
                == ["field intervall not found in type main.testGroup"]
        )
    }
}
