import Exposition
import Testing

@Suite("Linting the text format", .timeLimit(.minutes(5)))
struct TextLintTests {
    private func check(_ body: String) -> ExpositionLinter.Report { ExpositionLinter.check(Array(body.utf8)) }

    @Test(
        "The conventions of promtool, in its words",
        arguments: [
            ("# HELP a_total x\n# TYPE a_total counter\na_total 1\n", []),
            ("a 1\n", ["1 a no help text"]),
            ("# HELP a x\n# TYPE a counter\na 1\n", [#"1 a counter metrics should have "_total" suffix"#]),
            (
                "# HELP a_total x\n# TYPE a_total gauge\na_total 1\n",
                [#"1 a_total non-counter metrics should not have "_total" suffix"#]
            ),
            ("# HELP a_total x\na_total 1\n", []),
            (
                "# HELP a_millihours x\na_millihours 1\n",
                [#"1 a_millihours use base unit "seconds" instead of "millihours""#]
            ),
            ("# HELP a_ms x\na_ms 1\n", ["1 a_ms metric names should not contain abbreviated units"]),
            ("# HELP a:b x\na:b 1\n", ["1 a:b metric names should not contain ':'"]),
            (
                "# HELP aB x\naB{cD=\"1\"} 1\n",
                [
                    "1 aB metric names should be written in 'snake_case' not 'camelCase'",
                    "2 aB label names should be written in 'snake_case' not 'camelCase'",
                ]
            ),
            (
                "# HELP a_gauge x\n# TYPE a_gauge gauge\na_gauge 1\n",
                ["1 a_gauge metric name should not include type 'gauge'"]
            ),
            (
                "# HELP a_bucket x\n# TYPE a_bucket gauge\na_bucket{le=\"1\"} 1\n",
                [
                    #"1 a_bucket non-histogram metrics should not have "_bucket" suffix"#,
                    #"3 a_bucket non-histogram metrics should not have "le" label"#,
                ]
            ),
            (
                "# HELP a_count x\n# TYPE a_count gauge\na_count{quantile=\"1\"} 1\n",
                [
                    #"1 a_count non-histogram and non-summary metrics should not have "_count" suffix"#,
                    #"3 a_count non-summary metrics should not have "quantile" label"#,
                ]
            ),
            ("# HELP a x\na{b=\"1\"} 1\na{b=\"1\"} 2\n", ["2 a metric not unique"]),
        ] as [(String, [String])]
    )
    func conventions(body: String, expected: [String]) {
        let report = check(body)
        #expect(report.format == .text)
        #expect(report.findings.map { "\($0.line) \($0.metric) \($0.message)" } == expected)
        #expect(report.exitCode == (expected.isEmpty ? 0 : 3))
    }

    @Test("What cannot be read is one error with its place")
    func unreadable() {
        let report = check("# HELP a x\na{b=\"c\" 1\n")
        #expect(report.exitCode == 1)
        #expect(
            report.rendered(source: "file") == #"""
                file:2:9: error: text format parsing error in line 2: unexpected end of label value "c" [text-format]
                    → see the text format's description at https://prometheus.io/docs/instrumenting/exposition_formats/

                """#
        )
        #expect(check("a 1").findings.first?.message.hasSuffix("(the last line needs a line feed at its end)") == true)
    }

    @Test("The format is told by its end")
    func detection() {
        #expect(check("a 1\n# EOF\n").format == .openmetrics)
        #expect(check("# EOF").format == .openmetrics)
        #expect(check("# EOF\na 1\n").format == .text)
        #expect(check("").format == .text)
    }
}
