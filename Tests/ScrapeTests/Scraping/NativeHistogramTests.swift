import Exposition
import MetricModel
import NIOCore
import Scrape
import Synchronization
import Testing

@Suite("Native histograms in scrapes", .timeLimit(.minutes(5)))
struct NativeHistogramTests {
    private static let type =
        "application/vnd.google.protobuf; proto=io.prometheus.client.MetricFamily; encoding=delimited"

    /// Three observations in buckets 0 and 1 and one in the zero bucket, with classic buckets besides.
    /// - Parameter time: 0 for none.
    private static func body(
        count: UInt64 = 4,
        schema: Int32 = 3,
        classic: Bool = true,
        time: Timestamp = 0,
        offset: [UInt8] = [0]
    ) -> [UInt8] {
        func field(_ number: Int, _ bytes: [UInt8]) -> [UInt8] { [UInt8(number << 3 | 2), UInt8(bytes.count)] + bytes }
        func double(_ number: Int, _ value: Double) -> [UInt8] {
            [UInt8(number << 3 | 1)] + withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
        }
        func zigzag(_ value: Int32) -> UInt8 { UInt8(truncatingIfNeeded: value << 1 ^ value >> 31) }
        var histogram: [UInt8] = [1 << 3, UInt8(count)] + double(2, 5)
        if classic { histogram += field(3, [1 << 3, 2] + double(2, 1)) }
        histogram += [5 << 3, zigzag(schema)] + double(6, 0.001) + [7 << 3, 1]
        histogram += field(12, [1 << 3] + offset + [2 << 3, 2]) + field(13, [zigzag(1), zigzag(1)])
        var metric = field(7, histogram)
        if time > 0 {
            metric.append(6 << 3)
            var rest = UInt64(time)
            while rest >= 0x80 {
                metric.append(UInt8(rest & 0x7f) | 0x80)
                rest >>= 7
            }
            metric.append(UInt8(rest))
        }
        let family = field(1, [UInt8(ascii: "h")]) + [3 << 3, 4] + field(4, metric)
        return [UInt8(family.count)] + family
    }

    private func scrape(_ body: [UInt8] = body(), _ change: (inout ScrapeConfig) -> Void) async -> ScrapeHarness {
        let harness = await ScrapeHarness("", type: Self.type, change)
        harness.transport.set { _ in
            TargetResponse(headers: [("Content-Type", Self.type)], body: ByteBuffer(bytes: body))
        }
        for _ in 0..<2 { await harness.scrape() }
        return harness
    }

    @Test(
        "the stale marker of one that begins to have times of its own comes after its sample, as Prometheus stores it"
    )
    func ownTimes() async {
        let harness = await ScrapeHarness("", type: Self.type) { $0.scrapeNativeHistograms = true }
        for time in [0, 0, ScrapeHarness.start + 110_000, ScrapeHarness.start + 120_000] as [Timestamp] {
            let body = Self.body(classic: false, time: time)
            harness.transport.set { _ in
                TargetResponse(headers: [("Content-Type", Self.type)], body: ByteBuffer(bytes: body))
            }
            await harness.scrape()
        }
        let found = harness.store.state.withLock { $0.histograms.values.first?.map(\.isStale) }
        #expect(found == [false, false, false, true, false])
        #expect(!harness.store.series.contains { $0.hasPrefix("h{") })
    }

    @Test("the settings decide which form is taken")
    func forms() async {
        let classic = ["h_bucket", "h_bucket", "h_count", "h_sum"]
        for (isNative, keeps, converts, histograms, series) in [
            (true, false, false, [3], []), (true, true, false, [3], classic), (false, false, false, [], classic),
            (false, false, true, [NativeHistogram.customBoundsSchema], []),
            (false, true, true, [NativeHistogram.customBoundsSchema], classic), (true, false, true, [3], []),
        ] as [(Bool, Bool, Bool, [Int32], [String])] {
            let harness = await scrape {
                $0.scrapeNativeHistograms = isNative
                $0.alwaysScrapeClassicHistograms = keeps
                $0.convertClassicHistogramsToNHCB = converts
            }
            let found = harness.store.state.withLock { $0.histograms.values.map { $0.map(\.schema) } }
            #expect(found == (histograms.isEmpty ? [] : [histograms + histograms]))
            #expect(harness.store.series.map { String($0.prefix { $0 != "{" }) } == series)
        }
    }

    @Test("limits on buckets and resolution make them coarser, and at last fail the scrape")
    func limits() async {
        for (buckets, factor, schema, error) in [
            (2, 0, 3, ""), (1, 0, nil, "histogram bucket limit exceeded"), (0, 2, 0, ""), (0, 1.2, 1, ""),
        ] as [(UInt64, Double, Int32?, String)] {
            let harness = await scrape {
                $0.scrapeNativeHistograms = true
                $0.nativeHistogramBucketLimit = buckets
                $0.nativeHistogramMinBucketFactor = factor
            }
            #expect(harness.target?.report.lastError == error)
            #expect(harness.store.state.withLock { $0.histograms.values.first?.last?.schema } == schema)
        }
    }

    @Test("those that contradict themselves fail the scrape")
    func invalid() async {
        for (body, error) in [
            (
                Self.body(count: 9),
                "4 observations found in buckets, but the Count field is 9: histogram's observation count should equal "
                    + "the number of observations found in the buckets (in absence of NaN)"
            ),
            (
                Self.body(schema: -5),
                "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for "
                    + "custom buckets, got schema -5"
            ),
        ] {
            let harness = await scrape(body) { $0.scrapeNativeHistograms = true }
            #expect(harness.target?.report.lastError == error)
            #expect(harness.target?.report.samplesAdded == 0)
        }
    }

    /// Offsets of a first span, as zigzag varints, at both ends of 32 bits.
    @Test(
        "indices at the ends of what there can be",
        arguments: [
            ([0xff, 0xff, 0xff, 0xff, 0x0f], ""),
            (
                [0xfe, 0xff, 0xff, 0xff, 0x0f],
                "positive side: span number 1 with offset 2147483647 and length 2: "
                    + "histogram has a span with buckets beyond the greatest index"
            ),
        ] as [([UInt8], String)]
    )
    func extremes(offset: [UInt8], error: String) async {
        let plain = await scrape(Self.body(offset: offset)) { $0.scrapeNativeHistograms = true }
        #expect(plain.target?.report.lastError == error)
        for (buckets, factor) in [(1, 0), (0, 1.2), (0, 65536)] as [(UInt64, Double)] {
            let harness = await scrape(Self.body(offset: offset)) {
                $0.scrapeNativeHistograms = true
                $0.nativeHistogramBucketLimit = buckets
                $0.nativeHistogramMinBucketFactor = factor
            }
            #expect(harness.target?.report.scrapes == 2)
        }
    }
}
