import Exposition
import MetricModel
import Testing

/// Messages that are written packed are those that are written plainly and packed then.
@Suite(.timeLimit(.minutes(5))) struct RemoteWritePackerTests {
    private struct Sample {
        var place: Int
        var value: Double
        var timestamp: Timestamp
    }

    private static func plain(_ samples: [Sample], _ series: [Labels]) -> [UInt8] {
        let encoded = series.map { RemoteWriteParts.labels($0) }
        var output: [UInt8] = []
        for sample in samples {
            RemoteWriteParts.append(series: encoded[sample.place], sample.value, at: sample.timestamp, to: &output)
        }
        return output
    }

    private static func pack(_ samples: [Sample], _ packer: inout RemoteWritePacker) -> [UInt8] {
        packer.begin()
        for sample in samples { packer.add(sample.place, sample.value, at: sample.timestamp) }
        return packer.finish()
    }

    @Test(arguments: 0..<120) func `whatever the series and samples are`(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        func text(_ longest: Int) -> String {
            let letters = ["a", "bc", "xyz", "0123456789"]
            let count = Int.random(in: 0...longest, using: &random)
            return (0..<count).map { _ in letters.randomElement(using: &random) ?? "" }.joined()
        }
        let series = (0..<Int.random(in: 1...150, using: &random)).map { _ in
            let count = Int.random(in: 0...6, using: &random)
            return Labels(Dictionary((0..<count).map { _ in ("n" + text(5), "v" + text(20)) }) { first, _ in first })
        }
        let times: [Timestamp] = [0, -5, 1, 1_700_000_000_000, 1_700_000_000_001, .max]
        var packer = RemoteWritePacker()
        for one in series { packer.append(one) }
        for _ in 0..<4 {
            var time: Timestamp = 1_700_000_000_000
            let samples = (0..<Int.random(in: 0...1200, using: &random)).map { _ in
                if Int.random(in: 0..<20, using: &random) == 0 { time = times.randomElement(using: &random) ?? 0 }
                let values = [0, -0.0, 1, 2, 3.5, .nan, .infinity, Double.random(in: 0...1, using: &random)]
                return Sample(
                    place: Int.random(in: 0..<series.count, using: &random),
                    value: values.randomElement(using: &random) ?? 0,
                    timestamp: time
                )
            }
            #expect(try Snappy.decode(Self.pack(samples, &packer)) == Self.plain(samples, series))
        }
    }

    /// What relabelling makes the same stands as one copy that goes on and on, and is not written before it ends.
    @Test(arguments: [(80, 2000), (200, 600), (10, 20_000), (3000, 50)])
    func `series with the same labels`(size: Int, count: Int) throws {
        let series = (0..<count).map { _ in Labels(["n": String(repeating: "v", count: size)]) }
        var packer = RemoteWritePacker()
        for one in series { packer.append(one) }
        for round in 1...3 {
            let samples = (0..<count).map { Sample(place: $0, value: 1, timestamp: Timestamp(round) * 1000) }
            #expect(try Snappy.decode(Self.pack(samples, &packer)) == Self.plain(samples, series))
        }
    }

    /// Literals that are too long for one of the longest, and too short for two.
    @Test func `long labels that were taken apart before`() throws {
        var random = SeededGenerator(seed: 5)
        func text(_ count: Int) -> String {
            String(decoding: (0..<count).map { _ in UInt8.random(in: 97...122, using: &random) }, as: UTF8.self)
        }
        let parts = (0..<900).map { _ in text(29) }
        let series =
            parts.map { Labels(["n": $0 + text(31)]) }
            + (0..<4).map { index in Labels(["n": parts[(index * 200)..<(index * 200 + 300)].joined()]) }
        var packer = RemoteWritePacker()
        for one in series { packer.append(one) }
        for (time, places) in [(1, Array(series.indices)), (2, Array(900..<904)), (3, [903, 902])] {
            let samples = places.map { Sample(place: $0, value: Double($0), timestamp: Timestamp(time) * 1000) }
            #expect(try Snappy.decode(Self.pack(samples, &packer)) == Self.plain(samples, series))
        }
    }

    /// A service's series, as they are scraped again and again.
    private static let series = (0..<4000).map { number in
        Labels([
            "__name__": "http_requests_\(number % 50)_total", "job": "service-\(number / 50 % 20)",
            "method": ["GET", "POST"][number % 2], "path": "/api/v1/resource/\(number / 50)",
        ])
    }

    /// Where requests begin is another place each time, as with scrapes of different sizes.
    @Test func `what scrapes bring is packed about as small as by looking for it each time`() throws {
        var packer = RemoteWritePacker()
        for one in Self.series { packer.append(one) }
        var (packed, looked) = (0, 0)
        for scrape in 0..<6 {
            for start in stride(from: scrape * 137, to: 3000, by: 1000) {
                let samples = (start..<start + 1000).map { number in
                    Sample(
                        place: number,
                        value: Double(number % 1000 * 7 + scrape * (number % 13)),
                        timestamp: 1_700_000_000_000 + Int64(scrape) * 15_000
                    )
                }
                let plain = Self.plain(samples, Self.series)
                let body = Self.pack(samples, &packer)
                #expect(try Snappy.decode(body) == plain)
                packed += body.count
                looked += Snappy.encode(plain).count
            }
        }
        #expect(Double(packed) < Double(looked) * 1.15, "\(packed) bytes, \(looked)")
    }

    @Test func `labels of every length, and those that are never sent`() throws {
        var packer = RemoteWritePacker()
        var series: [Labels] = []
        for length in [0, 1, 90, 127, 128, 16_300, 32_700, 33_000, 70_000, 2_097_152] {
            series.append(["__name__": "m", "text": String(repeating: "x", count: length)])
            series.append(["__name__": "m", "text": String(repeating: "xy", count: length / 2)])
        }
        for one in series {
            packer.append(one)
            packer.append(nil)
        }
        let samples = series.indices.map { Sample(place: $0, value: 1, timestamp: 1_700_000_000_000) }
        for _ in 0..<2 {
            packer.begin()
            for sample in samples { packer.add(sample.place * 2, sample.value, at: sample.timestamp) }
            #expect(try Snappy.decode(packer.finish()) == Self.plain(samples, series))
        }
    }
}
