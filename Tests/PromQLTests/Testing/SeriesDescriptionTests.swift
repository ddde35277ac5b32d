import MetricModel
import PromQL
import Testing

/// Series in the expanding notation of tests.
@Suite(.timeLimit(.minutes(5))) struct SeriesDescriptionTests {
    private static func read(_ text: String) throws -> String {
        let description = try PromQLParser().parseSeriesDescription(text)
        let values = description.values.map(\.description).joined(separator: " ")
        return "\(description.labels) \(values)"
    }

    static let cases: [(text: String, meaning: String)] = [
        ("up", #"{__name__="up"} "#),
        ("up 1 -2 .5 1e3 +Inf -inf nan stale _", #"{__name__="up"} 1 -2 0.5 1000 +Inf -Inf NaN stale _"#),
        (#"up{a="b c", "d e"='f',} 010 1_000"#, #"{__name__="up", a="b c", "d e"="f"} 8 1000"#),
        (#"{"my.metric"} 1"#, #"{__name__="my.metric"} 1"#),
        ("{} 1", "{} 1"), ("sum{} 1", #"{__name__="sum"} 1"#), ("inf_x 1", #"{__name__="inf_x"} 1"#),
        ("up 0x2 _x2 1+2x3 1-1.5x2", #"{__name__="up"} 0 0 0 _ _ 1 3 5 7 1 -0.5 -2"#),
        ("up  \t1   ", #"{__name__="up"} 1"#),
        ("h {{}} {{ }}", #"{__name__="h"} {{}} {{}}"#),
        (
            "h {{schema:1 count:6 sum:-3 z_bucket:1 z_bucket_w:0.5 buckets:[1 0 2] offset:-1 n_buckets:[2] n_offset:3}}",
            #"{__name__="h"} {{schema:1 count:6 sum:-3 z_bucket:1 z_bucket_w:0.5 offset:-1 buckets:[1 0 2] n_offset:3 n_buckets:[2]}}"#
        ),
        (
            "h {{schema:-53 count:3 custom_values:[5 10] buckets:[1 2]   counter_reset_hint:gauge}}x1",
            #"{__name__="h"} {{schema:-53 count:3 custom_values:[5 10] counter_reset_hint:gauge buckets:[1 2]}} {{schema:-53 count:3 custom_values:[5 10] counter_reset_hint:gauge buckets:[1 2]}}"#
        ),
        (
            "h {{count:2 sum:1 buckets:[1 1]}}+{{count:1 sum:2 buckets:[0 1]}}x2",
            #"{__name__="h"} {{count:2 sum:1 buckets:[1 1]}} {{count:3 sum:3 buckets:[1 2]}} {{count:4 sum:5 buckets:[1 3]}}"#
        ),
    ]

    @Test("Values expand", arguments: cases) func values(_ text: String, _ meaning: String) throws {
        #expect(try Self.read(text) == meaning)
    }

    static let mistakes: [(text: String, message: String)] = [
        ("up 1 abc", #"1:6: parse error: unexpected identifier "abc" in series values, expected number or "stale""#),
        ("up 1x", "1:6: parse error: unexpected end of input in series values"),
        ("up 1+1", "1:7: parse error: unexpected end of input in series values"),
        ("up 1-", "1:6: parse error: unexpected end of input in series values"),
        ("up _x", "1:6: parse error: unexpected end of input in series values"),
        ("up 1x-3", "1:6: parse error: unexpected <op:-> in series values"),
        ("up 1+1xx", #"1:8: parse error: unexpected "x" in series values"#),
        ("up 1 2 x3y", #"1:8: parse error: unexpected "x""#),
        ("up _x2x", #"1:7: parse error: unexpected "x""#),
        ("up 1+1x2-1x2", "1:9: parse error: unexpected <op:->"),
        ("up 1 0x1p4", #"1:8: parse error: bad number syntax: "1""#),
        ("up 1e", #"1:4: parse error: bad number syntax: "1e""#),
        (
            "up 1x2.5",
            #"1:6: parse error: invalid repetition in series values: strconv.ParseUint: parsing "2.5": invalid syntax"#
        ),
        ("up 1,2", "1:5: parse error: unexpected character in series sequence: ','"),
        ("up 1 #c", "1:6: parse error: unexpected character in series sequence: '#'"),
        ("up 0x99999999", "1:6: parse error: more than 1000000 values in one line"),
        ("up 0x600000 1x600000", "1:15: parse error: more than 1000000 values in one line"),
        ("up{a=b} 1", #"1:6: parse error: unexpected identifier "b" in label set, expected string"#),
        ("up{a} 1", #"1:5: parse error: unexpected "}" in label set, expected "=""#),
        ("h {{counts:1}}", #"1:5: parse error: bad histogram descriptor found: "counts""#),
        ("h {{count 1}}", "1:5: parse error: missing `:` for histogram descriptor"),
        ("h {{sum:1 sum:1}}", #"1:11: parse error: duplicate key "sum" in histogram"#),
        ("h {{schema:1.5}}", "1:12: parse error: not a whole number: 1.5"),
        ("h {{buckets:[1,2]}}", "1:15: parse error: invalid character in buckets description: ','"),
        ("h {{buckets:[1 2}}", "1:17: parse error: invalid character in buckets description: '}'"),
        ("h {{schema:1,sum:2}}", "1:13: parse error: histogram description incomplete unexpected: ','"),
        ("h {{} ", "1:5: parse error: histogram description incomplete unexpected: '}'"),
        ("h {{count:1 sum:x}}", #"1:17: parse error: bad histogram descriptor found: "x""#),
        ("h {{counter_reset_hint:foo}}", #"1:24: parse error: bad histogram descriptor found: "foo""#),
        (
            "h {{schema:2}}+{{schema:1}}x1",
            "1:3: parse error: error combining histograms: cannot merge from schema 1 to 2"
        ),
    ]

    @Test("Mistakes have a place", arguments: mistakes) func mistake(_ text: String, _ message: String) {
        #expect {
            _ = try Self.read(text)
        } throws: { "\($0)" == message }
    }
}
