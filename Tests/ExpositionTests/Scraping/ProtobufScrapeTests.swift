import Exposition
import MetricModel
import Testing

@Suite("Scraping protobuf, and histograms converted", .timeLimit(.minutes(5)))
struct ProtobufScrapeTests {
    private static let native: NativeHistogram = {
        var native = NativeHistogram()
        native.isInteger = true
        native.schema = 2
        native.zeroThreshold = 0.5
        native.count = 6
        native.sum = 9
        native.positiveSpans = [.init(offset: 1, length: 3)]
        native.positiveBuckets = [2, 0, 4]
        return native
    }()

    private static let families = [
        MetricFamily(
            name: "c_total",
            help: "counts",
            type: .counter,
            unit: "things",
            metrics: [
                .init(
                    labels: [Label(name: "z", value: "1"), Label(name: "a", value: "2")],
                    value: .counter(
                        4,
                        exemplar: Exemplar(labels: ["t": "x"], value: 1, timestamp: 5500),
                        created: 1234
                    ),
                    timestamp: 99
                )
            ]
        ),
        MetricFamily(
            name: "h",
            type: .histogram,
            metrics: [
                .init(
                    value: .histogram(
                        .init(
                            buckets: [.init(upperBound: 1, cumulativeCount: 2)],
                            sum: 9,
                            count: 6,
                            native: native,
                            exemplars: [
                                Exemplar(labels: ["e": "1"], value: 1),
                                Exemplar(labels: ["e": "2"], value: 2, timestamp: 7),
                            ]
                        )
                    )
                )
            ]
        ),
        MetricFamily(
            name: "s",
            type: .summary,
            metrics: [
                .init(value: .summary(.init(quantiles: [.init(quantile: 0.5, value: 3)], sum: 5, count: 2))),
                .init(labels: [Label(name: "q", value: "none")], value: .summary(.init(sum: 1, count: 1))),
            ]
        ),
        MetricFamily(name: "empty", type: .gauge),
        MetricFamily(
            name: "classic",
            type: .histogram,
            metrics: [
                .init(
                    value: .histogram(
                        .init(
                            buckets: [
                                .init(upperBound: 1, cumulativeCount: 2), .init(upperBound: 2, cumulativeCount: 2),
                                .init(upperBound: 4, cumulativeCount: 5),
                            ],
                            sum: 7,
                            count: 6
                        )
                    )
                )
            ]
        ),
    ]

    private func body() -> [UInt8] {
        FamilyEncoder.encode(Self.families, as: ExpositionFormat(.protobuf, escaping: .allowUTF8))
    }

    private var compacted: NativeHistogram {
        var native = Self.native
        native.positiveSpans = [.init(offset: 1, length: 1), .init(offset: 1, length: 1)]
        native.positiveBuckets = [2, 4]
        return native
    }

    private let classicLines = [
        #"{__name__="classic_count"} 6"#, #"{__name__="classic_sum"} 7"#,
        #"{__name__="classic_bucket", le="1.0"} 2"#, #"{__name__="classic_bucket", le="2.0"} 2"#,
        #"{__name__="classic_bucket", le="4.0"} 5"#, #"{__name__="classic_bucket", le="+Inf"} 6"#,
    ]

    @Test("As Prometheus takes it apart")
    func plain() {
        #expect(
            scrapeTranscript(body(), .protobuf) == [
                "help c_total counts", "unit c_total things", "type c_total counter",
                #"{__name__="c_total", a="2", z="1"} 4 @99 # {t="x"} 1 @5500"#,
                "help h ", "type h histogram",
                #"{__name__="h"} \#(compacted) # {e="2"} 2 @7"#,
                "help s ", "type s summary", #"{__name__="s_count"} 2"#, #"{__name__="s_sum"} 5"#,
                #"{__name__="s", quantile="0.5"} 3"#, #"{__name__="s_count", q="none"} 1"#,
                #"{__name__="s_sum", q="none"} 1"#,
                "help classic ", "type classic histogram",
            ] + classicLines
        )
    }

    @Test("Classic parts kept or native ones ignored")
    func choices() {
        var options = ScrapeOptions()
        options.keepsClassicHistograms = true
        let kept = scrapeTranscript(body(), .protobuf, options)
        #expect(
            kept[5...10] == [
                "type h histogram", #"{__name__="h"} \#(compacted) # {e="2"} 2 @7"#, #"{__name__="h_count"} 6"#,
                #"{__name__="h_sum"} 9"#, #"{__name__="h_bucket", le="1.0"} 2"#, #"{__name__="h_bucket", le="+Inf"} 6"#,
            ]
        )
        options = ScrapeOptions()
        options.ignoresNativeHistograms = true
        #expect(scrapeTranscript(body(), .protobuf, options)[6] == #"{__name__="h_count"} 6"#)
    }

    private var converted: NativeHistogram {
        var histogram = NativeHistogram()
        histogram.schema = NativeHistogram.customBoundsSchema
        histogram.isInteger = true
        histogram.count = 6
        histogram.sum = 7
        histogram.customValues = [1, 2, 4]
        histogram.positiveSpans = [.init(offset: 0, length: 4)]
        histogram.positiveBuckets = [2, 0, 3, 1]
        return histogram
    }

    @Test("Classic histograms converted", arguments: [false, true])
    func conversion(keepsClassic: Bool) {
        var options = ScrapeOptions()
        options.convertsClassicHistograms = true
        options.keepsClassicHistograms = keepsClassic
        let native = #"{__name__="classic"} \#(converted)"#
        let protobuf = scrapeTranscript(body(), .protobuf, options)
        #expect(
            protobuf.suffix(keepsClassic ? 8 : 2) == ["type classic histogram"] + (keepsClassic ? classicLines : []) + [
                native
            ]
        )

        let text = """
            # TYPE classic histogram
            classic_bucket{le="1"} 2
            classic_bucket{le="2"} 2
            classic_bucket{le="4"} 5
            classic_bucket{le="+Inf"} 6
            classic_sum 7
            classic_count 6
            # TYPE g gauge
            g 1

            """
        let lines = [
            classicLines[2], classicLines[3], classicLines[4], classicLines[5], classicLines[1], classicLines[0],
        ]
        #expect(
            scrapeTranscript(text, .text, options)
                == ["type classic histogram"] + (keepsClassic ? lines : []) + [
                    native, "type g gauge", #"{__name__="g"} 1"#,
                ]
        )
    }

    /// A field that is split into many is not copied for each of them, which would take minutes here.
    @Test("A million stretches of a packed field", .timeLimit(.minutes(3)), .longWork)
    func manyStretches() {
        func field(_ tag: UInt8, _ bytes: [UInt8]) -> [UInt8] {
            var size: [UInt8] = []
            var rest = bytes.count
            while rest >= 0x80 {
                size.append(UInt8(rest & 0x7f | 0x80))
                rest >>= 7
            }
            return [tag] + size + [UInt8(rest)] + bytes
        }
        let stretch: [UInt8] = [14 << 3 | 2, 8, 0, 0, 0, 0, 0, 0, 0, 0]
        let histogram = [UInt8](repeatElement(stretch, count: 1_000_000).joined())
        let family = field(10, [0x61]) + [0x18, 4] + field(0x22, field(0x3a, histogram))
        #expect(scrapeTranscript(Array(field(0, family).dropFirst()), .protobuf).count > 0)
    }

    @Test("Start times")
    func startTimes() {
        body().withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: .protobuf)
            while let entry = try? parser.next(), entry != .series {}
            #expect(parser.startTimestamp() == 1234)
            #expect(Array(parser.seriesBytes).starts(with: "c_total".utf8))
        }
    }

    @Test(
        "Errors",
        arguments: [
            ([5, 1], "clientpb: insufficient length of buffer, expected at least 6 bytes, got 2 bytes"),
            ([0x80, 0x80, 0x80, 0x80, 0x80, 1], "clientpb: invalid varint encountered"),
            ([2, 8, 1], "proto: wrong wireType = 0 for field Name"),
            ([2, 10, 9], "unexpected EOF"),
            ([1, 12], "proto: MetricFamily: wiretype end group for non-group"),
            ([1, 0], "proto: MetricFamily: illegal tag 0 (wire type 0)"),
            ([2, 0x22, 0], "invalid metric name: "),
            ([7, 10, 1, 0x61, 0x18, 9, 0x22, 0], #"unknown metric type for metric "a": 9"#),
        ] as [([UInt8], String)]
    )
    func fails(body: [UInt8], message: String) {
        #expect(scrapeTranscript(body, .protobuf).last == "error: " + message)
    }

    /// A message of very many pieces is read in a time that grows with their number: copying what is known for each would take hours.
    @Test("A histogram and a summary that come in a million pieces", arguments: [UInt8(0x3a), 0x22])
    func pieces(tag: UInt8) throws {
        func varint(_ number: Int) -> [UInt8] {
            var (rest, bytes) = (number, [UInt8]())
            while rest >= 128 {
                bytes.append(UInt8(rest & 127 | 128))
                rest >>= 7
            }
            return bytes + [UInt8(rest)]
        }
        let count = 500_000
        // Deltas of buckets (field 13, packed), or quantiles (field 3) without anything in them.
        let much: [UInt8] =
            tag == 0x3a
            ? [0x6a] + varint(count) + [UInt8](repeating: 0, count: count)
            : [UInt8](unsafeUninitializedCapacity: 2 * count) { buffer, length in
                for index in 0..<count { (buffer[2 * index], buffer[2 * index + 1]) = (0x1a, 0) }
                length = 2 * count
            }
        var metric = [tag] + varint(much.count) + much
        // Then pieces that say the number of samples once more.
        for _ in 0..<count { metric += [tag, 2, 0x08, 1] }
        let family: [UInt8] =
            [0x0a, 1, UInt8(ascii: "h"), 0x18, tag == 0x3a ? 4 : 2, 0x22] + varint(metric.count) + metric
        let body = varint(family.count) + family
        body.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: .protobuf)
            var told = 0
            do throws(ExpositionError) {
                while try parser.next() != nil { told += 1 }
            } catch {
                told += 1
            }
            #expect(told > 0)
        }
    }
}
