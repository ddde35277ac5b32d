import MetricModel
import PromQL
import Testing

/// How expressions are printed on one line, and read back.
@Suite(.timeLimit(.minutes(5))) struct PrinterTests {
    /// The query, and how it is printed where that is another text.
    static let cases: [(query: String, printed: String?)] = [
        ("1_000.5e3", "1000500"), ("010", "8"), ("0x1F", "31"), ("08", "8"), (".5", "0.5"), ("-Inf", nil),
        ("nan", "NaN"), ("1e-7", "0.0000001"), ("5m30s", nil), ("90s", "1m30s"), ("-5m", nil), ("1.5", nil),
        (#"'a"b\'c'"#, #""a\"b'c""#), (#"`raw\n`"#, #""raw\\n""#),
        (#""\x41\u00e9\377""#, #""Aé\xff""#),
        ("up{}", "up"), (#"up{job="a",}"#, #"up{job="a"}"#), (#"{__name__="up"}"#, nil),
        (#"{"up"}"#, #"{__name__="up"}"#),
        (#"{"my.metric","my.label"=~'x|y',b!="c"}"#, #"{"my.label"=~"x|y",__name__="my.metric",b!="c"}"#),
        ("a:b:c", nil), ("sum", nil), ("start + end", nil), ("fill + fill_left", nil), ("offset offset 5m", nil),
        ("up @ 1609746000.1234", "up @ 1609746000.123"), ("up @ start() offset -1h", nil), ("up offset 0s", "up"),
        ("up offset 5m @ end()", "up @ end() offset 5m"), ("rate(up[5m] @ end() offset 1w)", nil),
        ("up[1d2h]", "up[1d2h]"), ("up[300]", "up[5m]"), ("up anchored", nil), ("rate(up[5m] smoothed)", nil),
        ("up[5m * 2]", nil), ("up[(5m)]", nil), ("up[-(5m - 10m)]", nil), ("up[max_of(step(), 1m)]", nil),
        ("up offset -step()", nil), ("up offset (5m) * 2", "up offset (5m) * 2"), ("up offset -(1m ^ 2)", nil),
        ("rate(up[1m])[1h:5m] @ 5 offset 1m", "rate(up[1m])[1h:5m] @ 5.000 offset 1m"), ("up[1h:]", nil),
        ("sum(up)by(job)", "sum by (job) (up)"), ("sum without () (up)", "sum without () (up)"),
        ("sum by () (up)", "sum(up)"), (#"sum by (job, "a.b", on) (up)"#, nil),
        ("topk by (a,) (3, up)", "topk by (a) (3, up)"),
        ("quantile(0.9, up)", nil), ("count_values('v', up)", #"count_values("v", up)"#),
        ("1 + 2 * 3 ^ 2 ^ 2 - -1", nil), ("(1 + 2) * 3", nil), ("-1 ^ 2", nil), ("-up ^ 2", nil), ("+up", nil),
        ("a == bool b", nil), ("a </ 5 >/ 3", nil), ("a atan2 b % c", nil), ("a and b or c unless d", nil),
        ("a AND ON (x) b", "a and on (x) b"), ("a + ignoring () b", "a + b"), ("a + on () b", nil),
        ("a * on (x) group_left b", "a * on (x) group_left () b"), ("a * ignoring (x) group_right (y, z) b", nil),
        ("a + fill(1e6) b", "a + fill (1e+06) b"),
        ("a + fill_right(1) fill_left(-2) b", "a + fill_left (-2) fill_right (1) b"),
        ("time() - timestamp(up)", nil), ("pi()", nil),
        ("label_join(up, 'a', ',', 'b', 'c')", #"label_join(up, "a", ",", "b", "c")"#),
        ("info(up, {a='b'})", #"info(up, {a="b"})"#), ("min_of(1, step())", nil),
        ("up # comment\n + down", "up + down"),
    ]

    @Test("Expressions are printed in one form", arguments: cases) func printed(_ query: String, _ printed: String?)
        throws
    {
        let parser = PromQLParser(options: .all)
        let text = try parser.parse(query).description
        #expect(text == printed ?? query)
        // The printed form means the same, so it is printed the same.
        #expect(try parser.parse(text).description == text)
    }

    @Test("Long expressions are broken into lines") func prettified() throws {
        let query = """
            sum by (job) (rate(some_very_long_metric_name_for_a_test{instance="a"}[5m] offset 1m)) \
            / on (job) group_left () -(1 + some_very_long_metric_name_for_a_test ^ topk(3, some_very_long_metric_name_for_a_test{instance="b", job="c"})) \
            > bool label_replace(some_very_long_metric_name_for_a_test, "destination", "$1", "source", "(.*)")
            """
        let lines = """
                sum by (job) (rate(some_very_long_metric_name_for_a_test{instance="a"}[5m] offset 1m))
              / on (job) group_left ()
                -(
                    1
                  +
                      some_very_long_metric_name_for_a_test
                    ^
                      topk(3, some_very_long_metric_name_for_a_test{instance="b",job="c"})
                )
            > bool
              label_replace(some_very_long_metric_name_for_a_test, "destination", "$1", "source", "(.*)")
            """
        let expression = try PromQLParser().parse(query)
        #expect(expression.prettified == lines)
        #expect(try PromQLParser().parse(lines).description == expression.description)
        #expect(expression.prettified(limit: lines.utf8.count) == lines)
        #expect(expression.prettified(limit: lines.utf8.count - 1) == nil)
    }

    @Test(
        "A short query is not formatted to many gigabytes",
        arguments: [
            "label_join(m, \"a\", \"b\"" + String(repeating: ",\"c\"", count: 100_000) + ")",
            "m{" + String(repeating: "a=\"b\",", count: 100_000) + "}",
            "sum by (" + String(repeating: "a,", count: 100_000) + "b) (m)",
            "m{a=\"" + String(repeating: "x", count: 1 << 20) + "\"}",
        ]
    )
    func limited(_ inner: String) throws {
        let query = String(repeating: "sum(", count: 900) + inner + String(repeating: ")", count: 900)
        #expect(try PromQLParser().parse(query).prettified(limit: 1 << 18) == nil)
    }
}
