import Exposition
import MetricModel
import Testing

@Suite("Reading text into families", .timeLimit(.minutes(5)))
struct FamilyTextParserTests {
    private func parse(_ text: String, _ validation: NameValidation = .legacy) throws(ExpositionError) -> [MetricFamily]
    {
        try FamilyTextParser(validation: validation).parse(Array(text.utf8))
    }

    @Test("Simple kinds, help, timestamps")
    func simple() throws {
        let families = try parse(
            """
            # HELP a counts \\\\ and\\n\\"so\\" on
            # TYPE a counter
            a{x="1",y="q\\"r"} 1.5 1700000000000
            a 2

            # a comment
            b\t{ z = "2" , } NaN
            # TYPE c Gauge
            c -Inf

            """
        )
        #expect(families.map(\.name) == ["a", "b", "c"])
        #expect(families[0].help == "counts \\ and\n\"so\" on")
        #expect(families[0].type == .counter)
        #expect(
            families[0].metrics == [
                .init(
                    labels: [Label(name: "x", value: "1"), Label(name: "y", value: "q\"r")],
                    value: .counter(1.5),
                    timestamp: 1_700_000_000_000
                ),
                .init(value: .counter(2)),
            ]
        )
        #expect(families[1].type == .unknown)
        guard case .untyped(let value) = families[1].metrics[0].value else {
            Issue.record("not untyped")
            return
        }
        #expect(value.isNaN)
        #expect(families[2].metrics == [.init(value: .gauge(-.infinity))])
    }

    @Test("Histograms and summaries come together, also when their lines are mixed")
    func composed() throws {
        let families = try parse(
            """
            # TYPE h histogram
            h_bucket{m="a",le="1"} 2
            h_bucket{m="b",le="+Inf"} 7
            h_bucket{m="a",le="+Inf"} 3
            h_sum{m="a"} 4.5
            h_count{m="a"} 3
            # TYPE s summary
            s{quantile="0.5"} 1
            s_sum 10
            s_count 4

            """
        )
        #expect(families.map(\.name) == ["h", "s"])
        #expect(
            families[0].metrics == [
                .init(
                    labels: [Label(name: "m", value: "a")],
                    value: .histogram(
                        .init(
                            buckets: [
                                .init(upperBound: 1, cumulativeCount: 2),
                                .init(upperBound: .infinity, cumulativeCount: 3),
                            ],
                            sum: 4.5,
                            count: 3
                        )
                    )
                ),
                .init(
                    labels: [Label(name: "m", value: "b")],
                    value: .histogram(.init(buckets: [.init(upperBound: .infinity, cumulativeCount: 7)]))
                ),
            ]
        )
        #expect(
            families[1].metrics == [
                .init(value: .summary(.init(quantiles: [.init(quantile: 0.5, value: 1)], sum: 10, count: 4)))
            ]
        )
    }

    @Test("Quoted names, where they are allowed")
    func quotedNames() throws {
        let families = try parse("{\"my.metric\",\"l.1\"=\"v\"} 3\n# HELP \"my.metric\" text\n", .utf8)
        #expect(
            families == [
                MetricFamily(
                    name: "my.metric",
                    help: "text",
                    metrics: [.init(labels: [Label(name: "l.1", value: "v")], value: .untyped(3))]
                )
            ]
        )
        #expect(throws: ExpositionError(#"text format parsing error in line 1: invalid metric name "my.metric""#)) {
            try parse("{\"my.metric\"} 3\n")
        }
    }

    @Test(
        "Errors in the Go library's words",
        arguments: [
            ("a 1", 1, "unexpected end of input stream"),
            ("# no line break", 1, "unexpected end of input stream"),
            ("\n\n1a 1\n", 3, "invalid metric name"),
            ("a{b=\"c\",b=\"d\"} 1\n", 1, #"duplicate label names for metric "a""#),
            ("a{1=\"c\"} 1\n", 1, #"invalid label name for metric "a""#),
            ("a{b} 1\n", 1, "expected '=' after label name, found '}'"),
            ("a{b=c} 1\n", 1, #"expected '"' at start of label value, found 'c'"#),
            ("a{b=\"c\"d} 1\n", 1, #"unexpected end of label value "c""#),
            ("a{b=\"c\n\"} 1\n", 1, #"label value "c" contains unescaped new-line"#),
            ("a{b=\"\\x\"} 1\n", 1, #"invalid escape sequence '\x'"#),
            ("a{__name__=\"c\"} 1\n", 1, #"label name "__name__" is reserved"#),
            ("a one\n", 1, #"expected float as value, got "one""#),
            ("a 1e999\n", 1, #"expected float as value, got "1e999""#),
            ("a 1\r\n", 1, #"expected float as value, got "1\r""#),
            ("a 1 2.5\n", 1, #"expected integer as timestamp, got "2.5""#),
            ("a 1 2 3\n", 1, #"spurious string after timestamp: " 3""#),
            ("# TYPE a what\n", 1, #"unknown metric type "what""#),
            (
                "# TYPE a counter\n# TYPE a counter\n", 2,
                #"second TYPE line for metric name "a", or TYPE reported after samples"#
            ),
            (
                "a 1\n# TYPE a counter\n", 2,
                #"second TYPE line for metric name "a", or TYPE reported after samples"#
            ),
            ("# HELP a x\n# HELP a x\n", 2, #"second HELP line for metric name "a""#),
            ("# TYPE h histogram\nh_count -1\n", 2, #"negative count for histogram "h""#),
            ("# TYPE h histogram\nh_bucket{le=\"x\"} 1\n", 2, #"expected float as value for 'le' label, got "x""#),
            ("# TYPE a% counter\n", 1, "invalid metric name in comment"),
            ("{} 1\n", 1, "invalid metric name"),
        ]
    )
    func fails(text: String, line: Int, message: String) {
        #expect(throws: ExpositionError("text format parsing error in line \(line): \(message)")) { try parse(text) }
    }
}
