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

    @Test(
        "histograms and summaries whose lines do not go together",
        arguments: [
            ("h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n", []),
            (
                "h_bucket{le=\"1\"} 5\nh_bucket{le=\"2\"} 3\nh_bucket{le=\"+Inf\"} 5\nh_sum 3\nh_count 5\n",
                ["bucket-cumulative: the bucket le=\"2\" counts 3, less than the 5 of le=\"1\""]
            ),
            (
                "h_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 4\n",
                ["histogram-count: _count is 4, but the +Inf bucket counts 2"]
            ),
            ("h_bucket{le=\"1\"} 1\nh_sum 3\nh_count 1\n", ["bucket-infinity: the +Inf bucket is missing"]),
            ("h_sum 3\nh_count 1\n", ["bucket-infinity: the +Inf bucket is missing"]),
            (
                "h_bucket{le=\"2\"} 1\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
                ["bucket-order: the bucket le=\"1\" comes after le=\"2\""]
            ),
            (
                "h_bucket{le=\"1\"} 1\nh_bucket{le=\"1.0\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
                ["bucket-order: the bucket le=\"1\" comes after le=\"1\""]
            ),
            (
                "h_bucket{le=\"+Inf\"} 2\nh_bucket{le=\"1\"} 1\nh_sum 3\nh_count 2\n",
                ["bucket-order: the bucket le=\"1\" comes after le=\"+Inf\""]
            ),
            (
                "h_bucket 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 3\nh_count 2\n",
                ["bucket-label: a bucket has no le label, or one that is NaN"]
            ), ("h_bucket{le=\"+Inf\"} 2\nh_count 2\n", ["histogram-sum: _count is there, but _sum is not"]),
            ("h_bucket{le=\"+Inf\"} 2\nh_sum 2\n", ["histogram-count: _sum is there, but _count is not"]),
            (
                "h_bucket{a=\"1\",le=\"+Inf\"} 2\nh_sum{a=\"1\"} 1\nh_count{a=\"1\"} 2\nh_bucket{a=\"2\",le=\"+Inf\"} 2\n"
                    + "h_sum{a=\"2\"} 1\nh_count{a=\"2\"} 3\n",
                ["histogram-count: _count is 3, but the +Inf bucket counts 2"]
            ),
            ("s{quantile=\"0.5\"} 1\ns_sum 1\ns_count 2\n", []), ("s_sum 1\ns_count 2\n", []),
            (
                "s{quantile=\"1.5\"} 1\ns{quantile=\"-1\"} 1\ns_sum 1\ns_count 2\n",
                [
                    "quantile-label: the quantile 1.5 is not between 0 and 1",
                    "quantile-label: the quantile -1 is not between 0 and 1",
                ]
            ),
            (
                "s{quantile=\"0.5\"} 1\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 2\n",
                ["sample-repeated: the quantile 0.5 was exposed before"]
            ), ("s 1\ns_sum 1\ns_count 2\n", ["quantile-label: a quantile has no quantile label, or one that is NaN"]),
            ("s{quantile=\"0.5\"} 1\ns_count 2\n", ["histogram-sum: _count is there, but _sum is not"]),
        ] as [(String, [String])]
    )
    func parts(body: String, expected: [String]) {
        let isSummary = body.hasPrefix("s")
        let head = isSummary ? "# HELP s x\n# TYPE s summary\n" : "# HELP h x\n# TYPE h histogram\n"
        let report = check(head + body)
        #expect(report.findings.map { "\($0.rule.rawValue): \($0.message)" } == expected)
        #expect(report.exitCode == (expected.isEmpty ? 0 : 1))
        #expect(report.findings.allSatisfy { $0.line >= 3 })
    }

    @Test(
        "what was counted is neither negative nor NaN",
        arguments: [
            ("counter", "c_total 0\n", []), ("counter", "c_total +Inf\n", []), ("gauge", "c -1\n", []),
            ("untyped", "c NaN\n", []),
            ("counter", "c_total -1\n", ["the counter is -1"]), ("counter", "c_total NaN\n", ["the counter is NaN"]),
            ("counter", "c_total{a=\"1\"} -0.5\nc_total{a=\"2\"} 1\n", ["the counter is -0.5"]),
            (
                "histogram", "c_bucket{le=\"1\"} NaN\nc_bucket{le=\"+Inf\"} 1\nc_sum 1\nc_count 1\n",
                ["the bucket le=\"1\" is NaN"]
            ),
        ] as [(String, String, [String])]
    )
    func counts(type: String, body: String, expected: [String]) {
        let name = type == "counter" ? "c_total" : "c"
        let report = check("# HELP \(name) x\n# TYPE \(name) \(type)\n\(body)")
        #expect(report.findings.map(\.message) == expected)
        #expect(report.findings.allSatisfy { $0.rule == .counterValue })
        #expect(report.exitCode == (expected.isEmpty ? 0 : 1))
    }

    @Test("a bound that is no number cannot be read")
    func bound() {
        let report = check("# HELP h x\n# TYPE h histogram\nh_bucket{le=\"x\"} 1\n")
        #expect(report.findings.first?.message.contains("expected float as value for 'le' label") == true)
    }
}
