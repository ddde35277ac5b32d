import Foundation
import MetricModel
import PromQL
import Testing

/// The runner of the PromQL test language, tested with scripts that pass and scripts that do not.
@Suite(.timeLimit(.minutes(5))) struct RunnerTests {
    private static let runner = PromQLTestRunner(clock: ManualClock())

    /// The failures of a script, as `line: first line of the message`.
    private static func failures(_ script: String) async -> [String] {
        await runner.run(script: script, name: "script").failures.map { test in
            "\(test.line): \((test.failure ?? "").prefix { $0 != "\n" })"
        }
    }

    static let data = """
        load 1m
            up{job="a"} 1 2 _ 4
            up{job="b"} 10x3
            hist {{count:4 sum:8 buckets:[1 3]}}x3
            mixed 1 {{count:1}} 2 {{count:1}}

        """

    static let failing: [(script: String, failures: [String])] = [
        ("eval instant at 1m up\n  up{job=\"a\"} 2\n  up{job=\"b\"} 10", []),
        ("eval instant at 1m up\n  up{job=\"b\"} 10", [#"7: unexpected metric up{job="a"} in result, has value 2"#]),
        (
            "eval instant at 1m up{job='a'}\n  up{job=\"a\"} 3",
            [#"7: expected 3 for up{job="a"} but got 2"#]
        ),
        (
            "eval instant at 1m up{job='a'}\n  up{job=\"a\"} 2\n  down 1",
            ["7: expected metric down not found"]
        ),
        ("eval instant at 1m up{job='a'}\n  up{job=\"a\"} 2.000001", []),
        (
            "eval instant at 1m sort_desc(up)\n  expect ordered\n  up{job=\"a\"} 2\n  up{job=\"b\"} 10",
            [#"7: expected metric up{job="b"} at position 2 but was at 1"#]
        ),
        ("eval_ordered instant at 1m sort_desc(up)\n  up{job=\"b\"} 10\n  up{job=\"a\"} 2", []),
        ("eval instant at 1m 1 + 1\n  2", []),
        ("eval instant at 1m 1 + 1\n  3", ["7: expected scalar 3 but got 2"]),
        ("eval instant at 1m 1 + 1\n  {} 2", ["7: expected vector or matrix result, but got scalar 2"]),
        ("eval instant at 1m up{job='a'}\n  2", ["7: expected scalar result, but got vector"]),
        ("eval instant at 1m 'text'\n  expect string `text`", []),
        ("eval instant at 1m 'text'\n  expect string \"other\"", [#"7: expected string "other" but got "text""#]),
        ("eval range from 0 to 3m step 1m up{job='a'}\n  up{job=\"a\"} 1 2 2 4", []),
        (
            "eval range from 0 to 3m step 1m up{job='a'}\n  up{job=\"a\"} 1 2 3 4",
            [#"7: expected value at t=120000 for up{job="a"} to be 3, but got 2"#]
        ),
        (
            "eval range from 0 to 2m step 1m up{job='a'}\n  up{job=\"a\"} 1 2 2 4",
            [#"7: expected 4 points for up{job="a"}, but query time range cannot return this many points"#]
        ),
        (
            "eval range from 0 to 3m step 1m up{job='a'}\n  up{job=\"a\"} 1 2 _ 4",
            [#"7: expected 3 points for up{job="a"}, but got 4"#]
        ),
        ("eval instant at 3m up{job='a'}[4m]\n  expect range vector from 0 to 3m step 1m\n  up{job=\"a\"} 1 2 _ 4", []),
        ("eval instant at 1m hist\n  hist {{count:4 sum:8 buckets:[1 3] counter_reset_hint:not_reset}}", []),
        (
            "eval instant at 0 hist\n  hist {{count:4 sum:8 buckets:[1 3] counter_reset_hint:reset}}",
            [
                "7: expected {{count:4 sum:8 counter_reset_hint:reset buckets:[1 3]}} for hist but got {{count:4 sum:8 buckets:[1 3]}}"
            ]
        ),
        (
            "eval instant at 1m hist\n  hist 4",
            ["7: expected 4 for hist but got {{count:4 sum:8 counter_reset_hint:not_reset buckets:[1 3]}}"]
        ),
        ("eval range from 0 to 3m step 1m mixed\n  mixed 1 {{count:1}} 2 {{count:1}}", []),
        ("eval instant at 1m label_replace(up, '', '', '', '')\n  expect fail", []),
        ("eval_fail instant at 1m label_replace(up, '', '', '', '')", []),
        (
            "eval_fail instant at 1m label_replace(up, '', '', '', '')\n  expected_fail_message wrong",
            [
                #"7: expected error matching message "wrong", but got: invalid destination label name in label_replace(): "#
            ]
        ),
        ("eval instant at 1m label_replace(up, '', '', '', '')\n  expect fail regex: ^invalid .*", []),
        ("eval instant at 1m up\n  expect fail", ["7: expected error evaluating query but got none"]),
        (
            "eval instant at 1m label_replace(up, '', '', '', '')",
            ["7: error evaluating query: invalid destination label name in label_replace(): "]
        ),
        ("eval instant at 1m quantile(2, up)\n  expect warn\n  {} +Inf", []),
        (
            "eval instant at 1m quantile(2, up)\n  expect no_warn\n  {} +Inf",
            ["7: unexpected warn annotations:"]
        ),
        ("eval instant at 1m sum(up)\n  expect warn\n  {} 12", ["7: expected warn annotations but none were found"]),
        (
            "eval instant at 1m quantile(2, up)\n  expect warn msg: nothing\n  {} +Inf",
            [#"7: expected warn annotation matching message "nothing", found:"#]
        ),
        ("eval_info instant at 1m rate(up[2m])\n  {job=\"a\"} 0.016666666666666666\n  {job=\"b\"} 0", []),
    ]

    @Test("Evaluations are checked", arguments: failing)
    func evaluations(_ script: String, _ failures: [String]) async {
        #expect(await Self.failures(Self.data + "\n" + script) == failures)
    }

    static let unreadable: [(script: String, failures: [String])] = [
        ("lod 5m", [#"1: invalid command "lod 5m""#]),
        ("load 5", [#"1: invalid step definition "5": not a valid duration string: "5""#]),
        (
            "load 1m\n  up 1 x",
            [#"2: 2:6: parse error: unexpected "x""#]
        ),
        ("load 1m\n  up@st 1s", ["2: @st line has no following sample line"]),
        ("load 1m\n  up@st 1s\n  down 1", ["2: @st metric does not match the following sample line metric"]),
        ("load 1m\n  up@st 1sx2\n  up 1", ["2: @st line has 3 values but sample line has 1"]),
        (
            "load 1m\n  up@st 1z\n  up 1",
            [
                #"2: invalid @st sequence: invalid ST item "1z": invalid duration "1z": unknown unit "z" in duration "1z""#
            ]
        ),
        (
            "eval instant up",
            [
                "1: invalid evaluation command. Must be either 'eval[_fail|_warn|_ordered] instant [at <offset:duration>] <query>' or 'eval[_fail|_warn] range from <from> to <to> step <step> <query>'"
            ]
        ),
        ("eval instant at x up", [#"1: invalid timestamp definition "x": not a valid duration string: "x""#]),
        ("eval instant at 5m sum(", ["1: 1:24: parse error: unclosed left parenthesis"]),
        (
            "\neval range from 5m to 1m step 1m up",
            ["2: invalid test definition, end timestamp (1m) is before start timestamp (5m)"]
        ),
        (
            "eval instant at 5m up\n  up 1 2",
            [
                "2: expecting multiple values in instant evaluation not allowed. consider using 'expect range vector' directive to enable a range vector result for an instant query"
            ]
        ),
        (
            "eval instant at 5m up\n  expect warning",
            ["2: invalid expect statement, must match `expect <type> <match_type>: <string>` format"]
        ),
        (
            "eval instant at 5m up\n  expect warn\n  expect no_warn",
            ["3: invalid expect lines, warn and no_warn cannot be used together"]
        ),
        (
            "eval instant at 5m up\n  expect string x",
            ["2: expected string literal not valid - check that the string is correctly quoted"]
        ),
        ("lod\n\nlaod\n# comment\n\nclear", [#"1: invalid command "lod""#, #"3: invalid command "laod""#]),
    ]

    @Test("What cannot be read is told with its line", arguments: unreadable)
    func mistakes(_ script: String, _ failures: [String]) async {
        #expect(await Self.failures(script) == failures)
        let lint = PromQLTestRunner.lint(script: script, name: "script").failures
        #expect(lint.map { "\($0.line): \($0.failure ?? "")" } == failures)
    }

    @Test("Reports are texts and JUnit XML") func reports() async {
        let script =
            "eval instant at 0 1 < bool 2\n  0\n\neval instant at 0 vector(1)\n  {a=\"b\"} 1\n\neval instant at 0 2\n  2"
        let report = await Self.runner.run(script: script, name: "dir/a&b.test")
        #expect(
            report.text == """
                dir/a&b.test:1: eval instant at 0 1 < bool 2
                    expected scalar 0 but got 1
                dir/a&b.test:4: eval instant at 0 vector(1)
                    unexpected metric {} in result, has value 1
                    - {a="b"} 1
                    + {} 1
                FAILED dir/a&b.test: 1 of 3 passed

                """
        )
        #expect(
            [report].junit == """
                <?xml version="1.0" encoding="UTF-8"?>
                <testsuites tests="3" failures="2" errors="0" skipped="0" time="0.000000">
                  <testsuite name="dir/a&amp;b.test" tests="3" failures="2" errors="0" skipped="0" time="0.000000">
                    <testcase name="line 1: eval instant at 0 1 &lt; bool 2" classname="dir/a&amp;b.test" time="0.000000">
                      <failure message="expected scalar 0 but got 1">expected scalar 0 but got 1</failure>
                    </testcase>
                    <testcase name="line 4: eval instant at 0 vector(1)" classname="dir/a&amp;b.test" time="0.000000">
                      <failure message="unexpected metric {} in result, has value 1">unexpected metric {} in result, has value 1&#10;- {a=&quot;b&quot;} 1&#10;+ {} 1</failure>
                    </testcase>
                    <testcase name="line 7: eval instant at 0 2" classname="dir/a&amp;b.test" time="0.000000"/>
                  </testsuite>
                </testsuites>

                """
        )
    }

    /// The project's own scripts, which lie beside this file.
    static let scripts: [String] = {
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .appendingPathComponent("Scripts")
        let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
        return (files ?? []).filter { $0.hasSuffix(".test") }.sorted().map { folder.appendingPathComponent($0).path }
    }()

    @Test("The project's own scripts pass", arguments: scripts) func script(_ path: String) async throws {
        let script = try String(contentsOfFile: path, encoding: .utf8)
        let report = await Self.runner.run(script: script, name: URL(fileURLWithPath: path).lastPathComponent)
        #expect(report.passed, Comment(rawValue: report.text))
        #expect(!report.cases.isEmpty)
    }

    @Test("There are scripts") func scriptsExist() { #expect(Self.scripts.count >= 4) }
}
