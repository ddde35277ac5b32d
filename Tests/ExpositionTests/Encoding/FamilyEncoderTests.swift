import Exposition
import MetricModel
import Testing

@Suite("Writing families", .timeLimit(.minutes(5)))
struct FamilyEncoderTests {
    static let families = [
        MetricFamily(
            name: "requests_total",
            help: "All \"requests\"\\\n so far",
            type: .counter,
            metrics: [
                .init(
                    labels: [Label(name: "path", value: "/a\"b\\c\nd")],
                    value: .counter(
                        1e6,
                        exemplar: Exemplar(labels: ["trace_id": "x"], value: 1, timestamp: 1_700_000_000_123),
                        created: 1_600_000_000_500
                    ),
                    timestamp: 1_700_000_000_000
                ),
                .init(value: .counter(3)),
            ]
        ),
        MetricFamily(name: "plain", type: .counter, metrics: [.init(value: .counter(1))]),
        MetricFamily(
            name: "my.gauge",
            type: .gauge,
            unit: "bytes",
            metrics: [
                .init(value: .gauge(.nan)), .init(labels: [Label(name: "l.1", value: "v")], value: .gauge(-.infinity)),
            ]
        ),
        MetricFamily(
            name: "h",
            help: "",
            type: .histogram,
            metrics: [
                .init(
                    value: .histogram(
                        .init(
                            buckets: [
                                .init(
                                    upperBound: 0.5,
                                    cumulativeCount: 2,
                                    exemplar: Exemplar(labels: ["t": "y"], value: 0.25)
                                )
                            ],
                            sum: 1.5,
                            count: 3,
                            created: 1_600_000_000_000
                        )
                    )
                )
            ]
        ),
        MetricFamily(
            name: "s",
            type: .summary,
            metrics: [
                .init(value: .summary(.init(quantiles: [.init(quantile: 1, value: 2)], sum: 4, count: 1_000_000)))
            ]
        ),
        MetricFamily(name: "u", metrics: [.init(value: .untyped(0))]),
        MetricFamily(name: "none", type: .gauge),
    ]

    private func encode(
        _ kind: ExpositionFormat.Kind,
        _ escaping: NameEscaping = .allowUTF8,
        created: Bool = false
    ) -> String {
        var encoder = FamilyEncoder(ExpositionFormat(kind, escaping: escaping))
        encoder.writesCreatedLines = created
        for family in Self.families { encoder.append(family) }
        return String(decoding: encoder.finish(), as: UTF8.self)
    }

    @Test("Prometheus text")
    func text() {
        #expect(
            encode(.text) == #"""
                # HELP requests_total All "requests"\\\n so far
                # TYPE requests_total counter
                requests_total{path="/a\"b\\c\nd"} 1e+06 1700000000000
                requests_total 3
                # TYPE plain counter
                plain 1
                # TYPE "my.gauge" gauge
                {"my.gauge"} NaN
                {"my.gauge","l.1"="v"} -Inf
                # HELP h 
                # TYPE h histogram
                h_bucket{le="0.5"} 2
                h_bucket{le="+Inf"} 3
                h_sum 1.5
                h_count 3
                # TYPE s summary
                s{quantile="1"} 2
                s_sum 4
                s_count 1e+06
                # TYPE u untyped
                u 0

                """#
        )
    }

    @Test("OpenMetrics")
    func openMetrics() {
        #expect(
            encode(.openMetrics1) == #"""
                # HELP requests All \"requests\"\\\n so far
                # TYPE requests counter
                requests_total{path="/a\"b\\c\nd"} 1e+06 1.7e+09 # {trace_id="x"} 1.0 1.7000000001230001e+09
                requests_total 3.0
                # TYPE plain unknown
                plain 1.0
                # TYPE "my.gauge" gauge
                # UNIT "my.gauge" bytes
                {"my.gauge"} NaN
                {"my.gauge","l.1"="v"} -Inf
                # HELP h 
                # TYPE h histogram
                h_bucket{le="0.5"} 2 # {t="y"} 0.25
                h_bucket{le="+Inf"} 3
                h_sum 1.5
                h_count 3
                # TYPE s summary
                s{quantile="1.0"} 2.0
                s_sum 4.0
                s_count 1000000
                # TYPE u unknown
                u 0.0
                # TYPE none gauge
                # EOF

                """#
        )
        let created = encode(.openMetrics0, created: true).split(separator: "\n")
        #expect(created.contains(#"requests_created{path="/a\"b\\c\nd"} 1.6000000005e+09"#))
        #expect(created.contains("h_created 1.6e+09"))
    }

    @Test(
        "Escaping of names",
        arguments: [
            (NameEscaping.underscores, "my_gauge", "l_1"), (.dots, "my_dot_gauge", "l_dot_1"),
            (.values, "U__my_2e_gauge", "U__l_2e_1"),
        ]
    )
    func escaping(scheme: NameEscaping, name: String, label: String) {
        let text = encode(.text, scheme)
        #expect(text.contains("# TYPE \(name) gauge\n\(name) NaN\n\(name){\(label)=\"v\"} -Inf\n"))
        #expect(text.contains("# TYPE requests_total counter\n"))
    }

    @Test("Names come back from escapes that keep everything")
    func unescaping() {
        for name in ["a.b_c", "é:1", "1st", "plain_name", "_", "😀"] {
            #expect(NameEscaping.values.unescape(NameEscaping.values.escape(name)) == name)
        }
        #expect(NameEscaping.dots.unescape(NameEscaping.dots.escape("a.b_c")) == "a.b_c")
        #expect(NameEscaping.values.unescape("U__a_zz_b") == "U__a_zz_b")
        #expect(NameEscaping.values.unescape("U__a_2") == "U__a_2")
    }

    @Test(
        "Negotiation",
        arguments: [
            ("", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"),
            ("*/*", "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"),
            (
                "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2",
                "application/openmetrics-text; version=1.0.0; charset=utf-8; escaping=allow-utf-8"
            ),
            (
                "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3",
                "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8"
            ),
            (
                "application/openmetrics-text",
                "application/openmetrics-text; version=0.0.1; charset=utf-8; escaping=underscores"
            ),
            (
                "application/openmetrics-text;version=3",
                "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
            ),
            (
                "text/plain;q=0.1, application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited;escaping=dots",
                "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited; escaping=dots"
            ),
        ]
    )
    func negotiation(accept: String, contentType: String) {
        #expect(ExpositionFormat.negotiate(accept: accept).contentType == contentType)
    }

    @Test("A long header takes no longer than its length")
    func longAccept() {
        // Each entry comes before all that were there.
        let rising = (0..<80_000).map { "text/plain;version=\($0);q=0.\($0 + 100_000)" }
        let format = ExpositionFormat.negotiate(accept: (rising + ["text/plain;q=0.5"]).joined(separator: ","))
        #expect(format.kind == .text)
        let accept = "text/plain;version=1.0.0;q=0.5,application/openmetrics-text;q=0.7,text/plain;q=0.7"
        #expect(ExpositionFormat.negotiate(accept: accept).kind == .openMetrics0)
    }

    @Test("Protobuf comes back as it was")
    func protobuf() throws {
        var families = Self.families
        families[6].metrics = []
        let body = FamilyEncoder.encode(families, as: ExpositionFormat(.protobuf, escaping: .allowUTF8))
        let decoded = try FamilyProtobuf.decode(body)
        // NaN equals nothing, so that one is compared by its text.
        #expect(decoded.count == families.count)
        for (family, original) in zip(decoded, families) where original.name != "my.gauge" {
            #expect(family == original)
        }
        #expect("\(decoded[2])" == "\(families[2])")
    }

    @Test("Native histograms in protobuf, whole and fractional")
    func nativeHistograms() throws {
        var native = NativeHistogram()
        native.isInteger = true
        native.schema = 3
        native.zeroThreshold = 1e-9
        native.zeroCount = 2
        native.count = 17
        native.sum = -4.5
        native.positiveSpans = [.init(offset: -2, length: 2), .init(offset: 3, length: 1)]
        native.positiveBuckets = [1, 4, 2]
        native.negativeSpans = [.init(offset: 0, length: 1)]
        native.negativeBuckets = [8]
        var float = native
        float.isInteger = false
        float.zeroCount = 2.5
        float.count = 17.5
        float.counterResetHint = .gauge
        let exemplars = [Exemplar(labels: ["t": "1"], value: 2, timestamp: -1500)]
        let families = [
            MetricFamily(
                name: "n",
                type: .histogram,
                metrics: [
                    .init(value: .histogram(.init(sum: -4.5, count: 17, native: native, exemplars: exemplars)))
                ]
            ),
            MetricFamily(
                name: "f",
                type: .gaugehistogram,
                metrics: [.init(value: .histogram(.init(sum: -4.5, count: 17.5, native: float)))]
            ),
        ]
        let body = FamilyEncoder.encode(families, as: ExpositionFormat(.protobuf))
        #expect(try FamilyProtobuf.decode(body) == families)
    }

    @Test("What was written as text is read as the same families")
    func roundTrip() throws {
        let text = encode(.text)
        let families = try FamilyTextParser(validation: .utf8).parse(Array(text.utf8))
        let again = FamilyEncoder.encode(families, as: ExpositionFormat(.text, escaping: .allowUTF8))
        // An empty help text is read as none.
        let kept = text.split(separator: "\n").filter { $0 != "# HELP h " }.joined(separator: "\n") + "\n"
        #expect(String(decoding: again, as: UTF8.self) == kept)
    }
}
