import ConfigTree
import MetricModel
import Rules
import Testing

/// What is wrong in rule files, in promtool's words.
@Suite(.timeLimit(.minutes(5))) struct RuleFileTests {
    static let mistakes: [(String, [String])] = [
        (#"{"groups": [{"rules": []}]}"#, ["0:0: Groupname must not be empty"]),
        (
            #"{"groups": [{"name": "a"}, {"name": "a"}]}"#,
            ["0:0: groupname: \"a\" is repeated in the same file"]
        ),
        (#"{"groups": [{"name": "a", "labels": {"__name__": "x"}}]}"#, ["invalid label name: __name__"]),
        (
            #"{"groups": [{"name": "a", "rules": [{"record": "r", "alert": "A", "expr": "up"}]}]}"#,
            ["1:1: 1:1: group \"a\", rule 1, \"A\": only one of 'record' and 'alert' must be set"]
        ),
        (
            #"{"groups": [{"name": "a", "rules": [{"expr": "up"}]}]}"#,
            ["0:0: 0:0: group \"a\", rule 1, \"\": one of 'record' or 'alert' must be set"]
        ),
        (
            #"{"groups": [{"name": "a", "rules": [{"record": "r"}]}]}"#,
            ["0:0: group \"a\", rule 1, \"r\": field 'expr' must be set in rule"]
        ),
        (
            #"{"groups": [{"name": "a", "rules": [{"record": "r{", "expr": "up", "for": "1m"}]}]}"#,
            [
                "1:1: group \"a\", rule 1, \"r{\": invalid field 'for' in recording rule",
                "1:1: group \"a\", rule 1, \"r{\": braces present in the recording rule name; should it be in expr?: r{",
            ]
        ),
        (
            #"{"groups": [{"name": "a", "rules": [{"alert": "A", "expr": "up", "labels": {"l": "{{ x }}"}}]}]}"#,
            ["group \"a\", rule 1, \"A\": label \"l\": template: __alert_A:1: function \"x\" not defined"]
        ),
        (
            #"{"groups": [{"name": "a", "rules": [{"alert": "A", "expr": "up", "labels": {"": "x"}}]}]}"#,
            ["group \"a\", rule 1, \"A\": invalid label name: "]
        ),
        (
            #"{"groups": [{"name": "a", "namespace": "x"}]}"#,
            ["yaml: unmarshal errors:\n  line 1: field namespace not found in type rulefmt.RuleGroup"]
        ),
    ]

    @Test(arguments: mistakes)
    func `every mistake has promtool's text`(_ json: String, _ messages: [String]) throws {
        let failure = #expect(throws: RuleFile.Failure.self) { try RuleScript.rules(json) }
        #expect(failure?.messages == messages.map { "rules.yml: \($0)" })
    }

    @Test func `what has null for a name is passed over`() throws {
        let text = "groups: [{name: g, ~: 3, rules: [{record: r, expr: up, labels: {~: a, b: c}}]}]"
        let node = try YAMLReader.parse(Array(text.utf8), file: "r.yml", dialect: .rules)
        let file = try RuleFile(reading: node, file: "r.yml")
        #expect(file.groups.first?.rules.first?.labels.map(\.name) == ["b"])
    }

    @Test(arguments: ["", "~", "null", "Null", "NULL"])
    func `a duration may be null in every form`(null: String) throws {
        let text = "groups: [{name: g, interval: \(null), rules: [{alert: A, expr: up, for: \(null)}]}]"
        let node = try YAMLReader.parse(Array(text.utf8), file: "r.yml", dialect: .rules)
        let file = try RuleFile(reading: node, file: "r.yml")
        #expect(file.groups.first?.rules.first?.holdDuration == 0)
    }

    @Test func `unknown fields may be passed over`() throws {
        let file = try RuleFile(
            reading: RuleScript.node(
                #"{"x": 1, "groups": [{"name": "a", "y": 1, "rules": [{"z": 1, "expr": "up", "record": "r"}]}]}"#
            ),
            file: "rules.yml",
            ignoresUnknownFields: true
        )
        #expect(file.groups.flatMap(\.rules).map(\.name) == ["r"])
        #expect(try RuleFile(reading: ConfigNode(.mapping([])), file: "rules.yml").ruleCount == 0)
    }

    @Test func `a group's labels are under those of a rule`() throws {
        let file = try RuleScript.rules(
            #"{"groups": [{"name": "a", "labels": {"x": "g", "y": "g"}, "rules": [{"record": "r", "expr": "up", "labels": {"x": "r"}}]}]}"#
        )
        #expect(file.groups[0].rules[0].labels == [Label(name: "x", value: "r"), Label(name: "y", value: "g")])
    }
}
