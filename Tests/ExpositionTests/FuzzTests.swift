import Exposition
import Foundation
import MetricModel
import Testing

/// Random bodies, made by damaging well-formed ones.
struct FuzzBodies {
    private var random: SeededGenerator
    private static let text = [
        "a 1\n", "a{b=\"c\"} 1\n", "a{b=\"c\",d=\"e\"} 2.5 1700000000000\n", "# HELP a text\n", "# TYPE a counter\n",
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1\nh_bucket{le=\"+Inf\"} 2\nh_sum 1\nh_count 2\n",
        "# TYPE s summary\ns{quantile=\"0.5\"} 1\ns_sum 1\ns_count 1\n", "{\"x.y\"} 1\n",
        "{\"x.y\",a=\"b\",\"c.d\"=\"e\"} NaN\n", "#c\n", "\n", "b{x=\"a\\\"b\\\\c\\nd\"} -Inf\n", "c{} +Inf\n",
        "  d 1\n",
        "f{a=\"é\"} 0.013300656000000001\n", "g 1e5\n", "i 12345678901234567890\n", "j -0\n",
    ]
    private static let openMetrics = [
        "a 1\n", "a_total{b=\"c\",d=\"e\"} 2.5 1700000000.123\n", "# HELP a text\n", "# TYPE a counter\n",
        "# UNIT a_s s\n",
        "# TYPE h histogram\nh_bucket{le=\"1\"} 1 # {t=\"x\"} 1 17\nh_bucket{le=\"+Inf\"} 2 # {} 3\nh_sum 1\nh_created 2\n",
        "# TYPE st stateset\nst{st=\"x\"} 1\n", "{\"x.y\",a=\"b\",\"c.d\"=\"e\"} NaN\n",
        "b{x=\"a\\\"b\\\\c\\nd\"} -Inf\n",
        "# TYPE i info\ni_info{v=\"1\"} 1\n", "m_created 5\n", "# EOF\n",
    ]
    private static let bytes = Array(" \t\n{}\",=#\\0129.eE+-_:abAZ\0\r'".utf8) + [0xff, 0xc3, 0xa9]

    init(seed: UInt64) { random = SeededGenerator(seed: seed) }

    mutating func next(_ format: ScrapeFormat) -> [UInt8] {
        let pieces = format == .text ? Self.text : Self.openMetrics
        var body: [UInt8] = []
        for _ in 0..<Int.random(in: 1...5, using: &random) { body += Array(random.pick(pieces).utf8) }
        if format == .openMetrics, Int.random(in: 0..<8, using: &random) > 0 { body += Array("# EOF\n".utf8) }
        for _ in 0..<Int.random(in: 0...3, using: &random) where !body.isEmpty {
            let place = Int.random(in: 0..<body.count, using: &random)
            switch Int.random(in: 0..<4, using: &random) {
            case 0: body[place] = random.pick(Self.bytes)
            case 1: body.insert(random.pick(Self.bytes), at: place)
            case 2: body.remove(at: place)
            default: body.removeSubrange(place..<min(place + 9, body.count))
            }
        }
        return body
    }
}

/// The loops of the fuzzer. They can be run for as long as wanted: set EXPOSITION_FUZZ_ROUNDS.
@Suite("Fuzzing", .timeLimit(.minutes(5)))
struct FuzzTests {
    static let rounds = Int(ProcessInfo.processInfo.environment["EXPOSITION_FUZZ_ROUNDS"] ?? "") ?? 1500

    private func transcript(
        _ body: [UInt8],
        _ format: ScrapeFormat,
        exactly: Bool,
        leads: [[UInt8]]? = nil
    ) -> (lines: [String], leads: [[UInt8]]) {
        body.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: format)
            if exactly { parser.readExactly() }
            var lines: [String] = []
            var found: [[UInt8]] = []
            var guess = 0
            do {
                while true {
                    if let leads, guess < leads.count, !leads[guess].isEmpty,
                        leads[guess].withUnsafeBytes({ parser.advance(over: $0) })
                    {
                        lines.append("\(parser.value.bitPattern) \(parser.timestamp ?? -1)")
                        guess += 1
                        continue
                    }
                    guard let entry = try parser.next() else { break }
                    if entry != .series {
                        if leads == nil { lines.append("\(entry) \(parser.familyName) \(parser.familyText)") }
                        continue
                    }
                    lines.append("\(parser.value.bitPattern) \(parser.timestamp ?? -1)")
                    if leads == nil {
                        lines.append("\(parser.labels()) \(Array(parser.seriesBytes))")
                        while let exemplar = parser.nextExemplar() { lines.append("\(exemplar)") }
                    }
                    found.append(Array(parser.leadBytes))
                    guess += 1
                }
            } catch {
                lines.append("error \(error)")
            }
            return (lines, found)
        }
    }

    @Test("The fast and the exact way read the same", arguments: [ScrapeFormat.text, .openMetrics])
    func fastAgainstExact(format: ScrapeFormat) {
        var bodies = FuzzBodies(seed: 11)
        for _ in 0..<Self.rounds {
            let body = bodies.next(format)
            let fast = transcript(body, format, exactly: false)
            let exact = transcript(body, format, exactly: true)
            guard fast.lines == exact.lines, fast.leads == exact.leads else {
                Issue.record("\(GoText.quoted(String(decoding: body, as: UTF8.self)))\n\(fast.lines)\n\(exact.lines)")
                return
            }
        }
    }

    @Test("Leads never change what is read", arguments: [ScrapeFormat.text, .openMetrics])
    func leads(format: ScrapeFormat) {
        var bodies = FuzzBodies(seed: 12)
        for _ in 0..<Self.rounds {
            let first = bodies.next(format)
            let leads = transcript(first, format, exactly: false).leads
            // The same body, and another one that may share some lines.
            for body in [first, bodies.next(format)] {
                let plain = transcript(body, format, exactly: true, leads: [])
                let guided = transcript(body, format, exactly: false, leads: leads)
                guard plain.lines == guided.lines else {
                    Issue.record(
                        "\(GoText.quoted(String(decoding: body, as: UTF8.self)))\n\(plain.lines)\n\(guided.lines)"
                    )
                    return
                }
            }
        }
    }

    @Test("Pushed text: the quick and the exact way read the same")
    func families() {
        var bodies = FuzzBodies(seed: 13)
        var quick = FamilyTextParser(validation: .utf8)
        quick.readsPlainLines = true
        var exact = quick
        exact.readsPlainLines = false
        func read(_ parser: FamilyTextParser, _ body: [UInt8]) -> String {
            do { return "\(try parser.parse(body))" } catch { return "error \(error)" }
        }
        for _ in 0..<Self.rounds {
            let body = bodies.next(.text)
            guard read(quick, body) == read(exact, body) else {
                Issue.record(
                    "\(GoText.quoted(String(decoding: body, as: UTF8.self)))\n\(read(quick, body))\n\(read(exact, body))"
                )
                return
            }
        }
    }

    @Test("Everything else only has to survive")
    func survival() {
        var bodies = FuzzBodies(seed: 14)
        var random = SeededGenerator(seed: 15)
        var options = ScrapeOptions()
        options.convertsClassicHistograms = true
        for round in 0..<Self.rounds {
            let text = bodies.next(.text)
            let openMetrics = bodies.next(.openMetrics)
            _ = ExpositionLinter.check(text)
            _ = ExpositionLinter.check(openMetrics, as: .openmetrics).rendered(source: "x")
            _ = scrapeTranscript(openMetrics, .openMetrics, options)
            options.keepsClassicHistograms = round % 2 == 0
            options.skipsCreatedSeries = round % 3 == 0
            if let families = try? FamilyTextParser().parse(text) {
                var packed = FamilyEncoder.encode(families, as: ExpositionFormat(.protobuf))
                for _ in 0..<Int.random(in: 0...3, using: &random) where !packed.isEmpty {
                    packed[Int.random(in: 0..<packed.count, using: &random)] = UInt8.random(in: 0...255, using: &random)
                }
                _ = try? FamilyProtobuf.decode(packed)
                _ = scrapeTranscript(packed, .protobuf, options)
            }
        }
    }

    @Test("Large and hostile bodies come to an end")
    func hostile() {
        let size = 40_000
        func many(_ text: String) -> [UInt8] { Array(String(repeating: text, count: size).utf8) }
        var labels = Array("a{".utf8)
        for index in 0..<size / 4 { labels += Array("l\(index)=\"\",".utf8) }
        var buckets = Array("# TYPE h histogram\n".utf8)
        for index in 0..<size / 4 { buckets += Array("h_bucket{le=\"\(size - index)\"} 1 # {a=\"b\"} 1 1\n".utf8) }
        var counters = Array("# TYPE c counter\n".utf8)
        for index in 0..<size / 4 { counters += Array("c_total{n=\"\(index)\"} 1\n".utf8) }
        let bodies = [
            many("{"), many("\""), many("a{b=\"\\"), many("# "), many("\n"), many(" "), many("a "), many("é"),
            labels + Array("} 1\n".utf8), labels, buckets + Array("# EOF\n".utf8), counters + Array("# EOF\n".utf8),
        ]
        var options = ScrapeOptions()
        options.convertsClassicHistograms = true
        options.skipsCreatedSeries = true
        for body in bodies {
            _ = scrapeTranscript(body, .text)
            _ = scrapeTranscript(body, .openMetrics, options)
            _ = try? FamilyTextParser(validation: .utf8).parse(body)
            _ = ExpositionLinter.check(body, as: .openmetrics)
            _ = ExpositionLinter.check(body, as: .text)
            _ = scrapeTranscript(body, .protobuf)
        }
        counters.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: .openMetrics, options: options)
            while let entry = try? parser.next() {
                if entry == .series { #expect(parser.startTimestamp() == nil) }
            }
        }
    }
}
