import Exposition
import Foundation
import Testing

@Suite("Strict OpenMetrics", .timeLimit(.minutes(5)))
struct OpenMetricsLintTests {
    private func errors(_ body: String) -> [String] {
        ExpositionLinter.check(Array(body.utf8), as: .openmetrics).findings
            .filter { $0.severity == .error }
            .map { "\($0.line):\($0.column) \($0.rule.rawValue)" }
    }

    @Test(
        "What the specification allows",
        arguments: [
            "", "a 1\n", "a{} 1 1\n", "a{x=\"\"} NaN\n", "# HELP a \n# UNIT a \n",
            "# TYPE a gauge\na 000.5e+1 -1.5\na +Inf -1\n",
            "# TYPE a counter\n# HELP a \\\\x\\n\\\"\\z\na_total{y=\"\\\"#\\\\\\n\"} 1 # {t=\"☃\"} -1 1e9\na_created 1\n",
            "# TYPE a_s counter\n# UNIT a_s s\na_s_total 1\n",
            "# TYPE a gauge\na{x=\"1\"} 1 5\na{x=\"1\"} 2 5\na{x=\"1\"} 2 6\na{x=\"2\"} 1 1\n",
            "# TYPE a info\na_info{x=\"1\"} 1 2\na_info{x=\"2\"} 1 1\n",
            "# TYPE a stateset\na{a=\"on\"} 1\na{a=\"off\"} 0.0\n",
            "# TYPE a summary\na{quantile=\"0\"} NaN\na{quantile=\"1\"} 2\na_sum 1\na_count 2\n",
            "# TYPE a histogram\na_bucket{le=\"-1\"} 0\na_bucket{le=\"+Inf\"} 1\n",
            "# TYPE a histogram\na_bucket{le=\"0.1\"} 1 # {} 1\na_bucket{le=\"+Inf\"} 1\na_count 1\na_sum 0.5\na_created 9\n",
            "# TYPE a gaugehistogram\na_bucket{le=\"-1\"} 1\na_bucket{le=\"+Inf\"} 2\na_gcount 2\na_gsum -3\n",
        ]
    )
    func allowed(body: String) {
        #expect(errors(body + "# EOF\n") == [])
        #expect(errors(body + "# EOF") == [])
    }

    @Test(
        "What it does not",
        arguments: [
            ("", ["1:1 eof-missing"]), ("a 1\n", ["1:1 eof-missing"]),
            ("a 1\n\n# EOF\n", ["2:1 blank-line"]),
            ("# EOF\nx", ["2:1 eof-not-last"]), ("# EOF\n\n", ["2:1 eof-not-last"]),
            ("# FOO a x\n# EOF\n", ["1:3 metadata-keyword"]), ("# TYPE a\n# EOF\n", ["1:1 metadata-form"]),
            ("# TYPE a untyped\n# EOF\n", ["1:10 type-unknown"]), ("# HELP a.b x\n# EOF\n", ["1:8 metric-name"]),
            ("# HELP a x\n# HELP a x\n# EOF\n", ["2:3 metadata-repeated"]),
            ("a 1\n# HELP a x\n# EOF\n", ["2:1 metadata-after-samples"]),
            ("# TYPE a_s info\n# UNIT a_s s\n# EOF\n", ["2:1 unit-forbidden"]),
            ("# UNIT a s\n# EOF\n", ["1:10 unit-suffix"]),
            ("a 1\nb 1\na 2\n# EOF\n", ["3:1 name-clash"]),
            ("# TYPE a_total gauge\n# TYPE a counter\n# EOF\n", ["2:1 name-clash"]),
            ("# TYPE a counter\na 1\n# EOF\n", ["2:1 name-clash"]),
            ("0a 1\n# EOF\n", ["1:1 metric-name"]), ("a{1=\"x\"} 1\n# EOF\n", ["1:3 label-form"]),
            ("a{x=\"1\",} 1\n# EOF\n", ["1:9 label-form"]), ("a{x=\"1\",x=\"1\"} 1\n# EOF\n", ["1:9 label-repeated"]),
            ("a{x=\"1} 1\n# EOF\n", ["1:5 label-form"]), ("a{x=\"1\"}1\n# EOF\n", ["1:9 metric-name"]),
            ("a  1\n# EOF\n", ["1:3 value"]), ("a 0x1\n# EOF\n", ["1:3 value"]), ("a 1\r\n# EOF\n", ["1:3 value"]),
            ("a 1 \n# EOF\n", ["1:5 timestamp"]), ("a 1 2 \n# EOF\n", ["1:6 line-form"]),
            ("a 1 Inf\n# EOF\n", ["1:5 timestamp"]), ("a 1 2 3\n# EOF\n", ["1:7 line-form"]),
            ("# TYPE a counter\na_total 1 # {}1\n# EOF\n", ["2:15 exemplar-form"]),
            ("# TYPE a counter\na_total 1 # {x=\"1\"} 1 \n# EOF\n", ["2:23 timestamp"]),
            ("# TYPE a gauge\na 1 # {x=\"1\"} 1\n# EOF\n", ["2:5 exemplar-place"]),
            ("# TYPE a counter\na_total -1\n# EOF\n", ["2:9 counter-value"]),
            ("# TYPE a summary\na_count 1.5\n# EOF\n", ["2:9 count-integer"]),
            ("# TYPE a info\na_info 2\n# EOF\n", ["2:8 info-value"]),
            ("# TYPE a stateset\na{b=\"c\"} 2\n# EOF\n", ["2:1 stateset-label", "2:10 stateset-value"]),
            ("# TYPE a summary\na{quantile=\"1.1\"} 0\n# EOF\n", ["2:1 quantile-label"]),
            ("# TYPE a summary\na{quantile=\"1\"} -1\n# EOF\n", ["2:17 quantile-value"]),
            ("# TYPE a histogram\na_bucket{le=\"Inf\"} 1\n# EOF\n", ["2:1 bucket-label"]),
            ("# TYPE a gauge\na{x=\"1\"} 1\na{x=\"2\"} 1\na{x=\"1\"} 1\n# EOF\n", ["4:1 grouping"]),
            ("a 1 1\na 1\n# EOF\n", ["2:1 timestamp-mixed"]), ("a 1 2\na 1 1\n# EOF\n", ["2:5 timestamp-order"]),
            ("a 1\na 1\n# EOF\n", ["2:1 sample-repeated"]),
            (
                "# TYPE a histogram\na_bucket{le=\"2\"} 1\na_bucket{le=\"1\"} 0\na_bucket{le=\"+Inf\"} 1\n# EOF\n",
                ["3:1 bucket-order", "3:18 bucket-cumulative"]
            ),
            ("# TYPE a histogram\na_sum 1\n# EOF\n", ["2:1 bucket-infinity", "2:1 histogram-count"]),
            ("# TYPE a histogram\na_bucket{le=\"+Inf\"} 1\na_count 2\na_sum 1\n# EOF\n", ["2:1 histogram-count"]),
            ("# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gcount 1\n# EOF\n", ["2:1 histogram-sum"]),
            ("# TYPE a gaugehistogram\na_bucket{le=\"+Inf\"} 1\na_gcount 1\na_gsum -1\n# EOF\n", ["2:1 histogram-sum"]),
        ]
    )
    func refused(body: String, expected: [String]) {
        #expect(errors(body) == expected)
    }

    @Test("Exemplars have 128 characters, not bytes")
    func exemplarLength() {
        func body(_ value: String) -> String {
            "# TYPE a counter\na_total 1 # {t=\"\(value)\"} 1\n# EOF\n"
        }
        #expect(errors(body(String(repeating: "☃", count: 127))) == [])
        #expect(errors(body(String(repeating: "x", count: 128))) == ["2:11 exemplar-length"])
    }

    @Test("Not UTF-8")
    func encoding() {
        let body = Array("a{x=\"".utf8) + [0xff] + Array("\"} 1\n# EOF\n".utf8)
        #expect(ExpositionLinter.check(body).findings.map(\.rule) == [.encoding])
    }

    /// Directories with a `metrics` file and a `test.json` that says whether it should parse, as the public test suite has them.
    private static let cases = ProcessInfo.processInfo.environment["OPENMETRICS_CASES"]

    @Test("The public test suite", .enabled(if: cases != nil))
    func suite() throws {
        let root = URL(fileURLWithPath: Self.cases ?? "")
        for name in try FileManager.default.contentsOfDirectory(atPath: root.path).sorted() {
            let folder = root.appendingPathComponent(name)
            let body = Array(try Data(contentsOf: folder.appendingPathComponent("metrics")))
            let about = try String(contentsOf: folder.appendingPathComponent("test.json"), encoding: .utf8)
            let shouldParse = about.contains("\"shouldParse\": true")
            let report = ExpositionLinter.check(body, as: .openmetrics)
            #expect((report.exitCode != 1) == shouldParse, "\(name): \(report.rendered(source: name))")
        }
    }

    @Test(
        "the suffix of samples in the family's name is told as that, not as a clash",
        arguments: [
            (
                "# TYPE a_total counter\n# HELP a_total x\na_total 1\n# EOF\n",
                ["1 a_total: _total has to go from the family's name in TYPE: write # TYPE a counter"]
            ),
            (
                "# HELP a_total x\n# TYPE a_total counter\na_total{b=\"1\"} 1\na_total{b=\"2\"} 1\n# EOF\n",
                ["1 a_total: _total has to go from the family's name in TYPE: write # TYPE a counter"]
            ),
            (
                "# TYPE a_info info\n# HELP a_info x\na_info{v=\"1\"} 1\n# EOF\n",
                ["1 a_info: _info has to go from the family's name in TYPE: write # TYPE a info"]
            ), ("# TYPE a_total counter\n# HELP a_total x\na_total_total 1\n# EOF\n", []),
        ] as [(String, [String])]
    )
    func familySuffix(body: String, expected: [String]) {
        let report = ExpositionLinter.check(Array(body.utf8))
        let errors = report.findings.filter { $0.severity == .error }
        #expect(errors.map { "\($0.line) \($0.metric): \($0.message)" } == expected)
    }
}
