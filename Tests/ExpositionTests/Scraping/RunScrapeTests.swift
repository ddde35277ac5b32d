import Exposition
import MetricModel
import Testing

/// Lines of one series after the other, read many at a time, as files of old samples have them.
@Suite("Runs of one series", .timeLimit(.minutes(5)))
struct RunScrapeTests {
    private typealias Sample = (series: String, time: Timestamp?, bits: UInt64)

    /// Reads entry by entry.
    private static func plainly(_ text: String, _ format: ScrapeFormat) -> (
        samples: [Sample], type: MetricType, error: String?
    ) {
        read(text, format) { _, _ in 0 }
    }

    private static func inRuns(
        _ text: String,
        _ format: ScrapeFormat,
        length: Int
    ) -> (samples: [Sample], type: MetricType, error: String?) {
        var times = [Timestamp](repeating: 0, count: length)
        var values = [Double](repeating: 0, count: length)
        return read(text, format) { parser, found in
            let lead = parser.leadBytes
            guard lead.count > 0, let series = found.last?.series else { return 0 }
            var all = 0
            while true {
                let count = times.withUnsafeMutableBufferPointer { times in
                    values.withUnsafeMutableBufferPointer { values in parser.advance(over: lead, times, values) }
                }
                for index in 0..<count { found.append((series, times[index], values[index].bitPattern)) }
                all += count
                if count == 0 { return all }
            }
        }
    }

    private static func read(
        _ text: String,
        _ format: ScrapeFormat,
        _ run: (inout ScrapeParser, inout [Sample]) -> Int
    ) -> (samples: [Sample], type: MetricType, error: String?) {
        var found: [Sample] = []
        var type = MetricType.unknown
        let error: String? = Array(text.utf8).withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: format)
            do throws(ExpositionError) {
                while let entry = try parser.next() {
                    if entry == .type { type = parser.familyType }
                    guard entry == .series else { continue }
                    found.append((parser.labels().description, parser.timestamp, parser.value.bitPattern))
                    _ = run(&parser, &found)
                }
                return nil
            } catch { return "\(error)" }
        }
        return (found, type, error)
    }

    private static func check(_ text: String, _ format: ScrapeFormat, length: Int, _ note: Comment) {
        let plain = plainly(text, format)
        let fast = inRuns(text, format, length: length)
        #expect(fast.samples.map(\.series) == plain.samples.map(\.series), note)
        #expect(fast.samples.map(\.time) == plain.samples.map(\.time), note)
        #expect(fast.samples.map(\.bits) == plain.samples.map(\.bits), note)
        #expect(fast.type == plain.type && fast.error == plain.error, note)
    }

    @Test("A run gives what single lines give, and stops at all that is unusual", arguments: [1, 2, 100])
    func special(_ length: Int) {
        let values = [
            "0", "-0", "1", "12345678", "123456789", "1234567890123456789", "12345678901234567890", "0.1", "-1.5", ".5",
            "5.",
            "1e3", "1E-7", "1.5e300", "NaN", "+Inf", "-Inf", "0x1p3", "00012", "1_000", "99999999.99999999",
            "9007199254740993",
            "1 # {a=\"b\"} 2", "-", "1.2.3", "--1", "",
        ]
        for (number, value) in values.enumerated() {
            let lead = "# TYPE a gauge\na{x=\"1\"} 1 10\na{x=\"1\"} 2 11\n"
            let rest = "a{x=\"1\"} \(value) 12.5\na{x=\"1\"} 4 13\n# TYPE b gauge\nb 1 1\nb 2 2\n# EOF\n"
            Self.check(lead + rest, .openMetrics, length: length, "value \(number)")
            let time = "a 1 10\na 2 \(value)\na 3 12\na 4 13\n# EOF\n"
            Self.check(time, .openMetrics, length: length, "time \(number)")
            Self.check(time, .text, length: length, "time \(number) in text")
        }
        for text in [
            "a 1 10\na 2 11\na 3 12", "a 1 10\na 2\na 3 12\n# EOF\n", "a 1 10\na 2 11\nab 3 12\na 4 13\n# EOF\n",
        ] {
            Self.check(text, .openMetrics, length: length, "\(text)")
            Self.check(text, .text, length: length, "\(text)")
        }
    }

    @Test("Random numbers")
    func random() {
        var generator = SeededGenerator(seed: 11)
        var text = ""
        for _ in 0..<2000 {
            var value = String(generator.next() >> UInt64.random(in: 0..<64, using: &generator))
            if Bool.random(using: &generator) {
                let place = Int.random(in: 0...value.count, using: &generator)
                value.insert(".", at: value.index(value.startIndex, offsetBy: place))
            }
            if value == "." { value = "1" }
            let sign = Bool.random(using: &generator) ? "-" : ""
            let time = Int64.random(in: 1_600_000_000_000..<1_900_000_000_000, using: &generator)
            text += "a \(sign)\(value) \(Double(time) / 1000)\n"
        }
        Self.check(text + "# EOF\n", .openMetrics, length: 64, "random")
        #expect(Self.inRuns(text + "# EOF\n", .openMetrics, length: 64).samples.count == 2000)
    }
}
