import MetricModel
import Pushgateway
import Testing

/// Groups as `/api/v1/metrics` lists them.
@Suite(.timeLimit(.minutes(5))) struct GroupJSONTests {
    private static let stamp = "2023-11-14T22:13:20Z"

    @Test(arguments: [
        ("m 1.5\n", #""labels":{"instance":"","job":"a"},"value":"1.5""#),
        ("# TYPE m counter\nm -0\n", #""labels":{"instance":"","job":"a"},"value":"-0""#),
        ("m{z=\"1\",b=\"\"} NaN\n", #""labels":{"b":"","instance":"","job":"a","z":"1"},"value":"NaN""#),
        (
            "m{l=\"q\\\"b\\\\n\\nt\t<&>\u{1}\u{2028}\u{2029}\u{7f}ü€}= \"} 1e+06\n",
            #""l":"q\"b\\n\nt\t\u003c\u0026\u003e\u0001\u2028\u2029"# + "\u{7f}ü€}= " + #""},"value":"1e+06""#
        ),
        ("m{l=\"1\"} 1\nm{l=\"2\"} 2\n", #""l":"1"},"value":"1"},{"labels":{"instance":"","job":"a","l":"2"}"#),
        (
            "# TYPE m summary\nm{quantile=\"0.5\"} 1\nm_sum 1e21\nm_count 9007199254740993\n",
            #"{"count":"9007199254740992","labels":{"instance":"","job":"a"},"quantiles":{"0.5":"1"},"sum":"1e+21"}"#
        ),
        (
            "# TYPE m summary\nm{quantile=\"-0\"} -0\nm_sum -0\nm_count -0\n",
            #"{"count":"0","labels":{"instance":"","job":"a"},"quantiles":{"-0":"-0"},"sum":"-0"}"#
        ),
        (
            "# TYPE m summary\nm_sum -1\nm_count -1\n",
            #"{"count":"18446744073709551615","labels":{"instance":"","job":"a"},"quantiles":{},"sum":"-1"}"#
        ),
        (
            "# TYPE m histogram\nm_bucket{le=\"1\"} NaN\nm_bucket{le=\"+Inf\"} 0.5\nm_sum 1\nm_count nan\n",
            #"{"buckets":{"+Inf":"0.5","1":"0"},"count":"0","labels":{"instance":"","job":"a"},"sum":"1"}"#
        ),
        (
            "# TYPE m histogram\nm_bucket{le=\"-0\"} -0\nm_bucket{le=\"+Inf\"} 1\nm_sum NaN\nm_count 1\n",
            #"{"buckets":{"+Inf":"1","-0":"0"},"count":"1","labels":{"instance":"","job":"a"},"sum":"NaN"}"#
        ),
        (
            "# TYPE m histogram\nm_bucket{le=\"1e6\"} 1000000\nm_bucket{le=\"+Inf\"} 2000000\nm_sum 3\nm_count 2000000\n",
            #"{"buckets":{"+Inf":"2000000","1e+06":"1000000"},"count":"2000000","#
        ),
    ])
    func metrics(_ text: String, _ expected: String) async throws {
        let gateway = Fixture()
        try await gateway.push("job/a", text)
        let json = await gateway.groupsJSON
        #expect(json.contains(expected), "\(json)")
    }

    @Test func fieldsStandAmongTheFamilies() async throws {
        let gateway = Fixture()
        try await gateway.push("job/a", "# HELP b <b>\n# TYPE b gauge\nb 1\nz 1\nlast_push_successful 1\n")
        let zone = Self.stamp
        let json = await gateway.groupsJSON
        #expect(
            json.hasPrefix(
                #"{"b":{"time_stamp":"\#(zone)","type":"GAUGE","help":"\u003cb\u003e","metrics":[{"labels":"#
                    + #"{"instance":"","job":"a"},"value":"1"}]},"labels":{"job":"a"},"last_push_successful":{"time_stamp":"#
            )
        )
        #expect(
            json.hasSuffix(
                #""z":{"time_stamp":"\#(zone)","type":"UNTYPED","metrics":[{"labels":{"instance":"","job":"a"},"value":"1"}]}}"#
            )
        )
    }

    @Test func manyGroupsComeInPieces() async throws {
        let gateway = Fixture()
        for index in 0..<1000 { try await gateway.push("job/j/instance/\(index)", "m 1\n") }
        var passage = await gateway.store.passage()
        var pieces = 0
        var last = ""
        while let piece = await gateway.store.nextGroupsJSON(&passage) {
            pieces += 1
            last = String(decoding: piece, as: UTF8.self)
            // What goes away on the way is left out.
            if pieces == 1 { await gateway.store.delete(try Fixture.key("job/j/instance/998")) }
        }
        #expect(pieces > 3)
        #expect(last.contains(#""instance":"997""#) && !last.contains(#""instance":"998""#))
        #expect(last.hasPrefix(","))
    }

    /// A Pushgateway takes native histograms as they are.
    @Test(arguments: [Int32.min, -100, -53, -4, 8, 52, 63, 64, .max])
    func schemasThatThereAreNot(_ schema: Int32) async throws {
        let gateway = Fixture()
        var native = NativeHistogram()
        native.schema = schema
        native.positiveSpans = [
            .init(offset: .min, length: 1), .init(offset: .max, length: 2), .init(offset: .max, length: 1),
        ]
        native.negativeSpans = [.init(offset: .max, length: 1)]
        native.positiveBuckets = [1, 1, 1, 1]
        native.negativeBuckets = [1]
        let metric = MetricFamily.Metric(value: .histogram(MetricFamily.Histogram(sum: 1, count: 5, native: native)))
        let family = MetricFamily(name: "h", type: .histogram, metrics: [metric])
        _ = await gateway.store.push(
            PushRequest(key: try Fixture.key("job/a"), families: [family], mode: .replaceGroup)
        )
        let json = await gateway.groupsJSON
        #expect(json.contains(#""h":{"#), "\(json)")
    }
}
