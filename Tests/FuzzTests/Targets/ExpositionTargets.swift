import Exposition
import MetricModel

extension FuzzTarget {
    /// Everything that is read of a body, and the lead of each series.
    private static func transcript(
        _ body: [UInt8],
        _ format: ScrapeFormat,
        _ options: ScrapeOptions = ScrapeOptions(),
        exactly: Bool = false
    ) -> (text: String, leads: [[UInt8]]) {
        body.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: format, options: options)
            if exactly { parser.readExactly() }
            var (lines, leads): (String, [[UInt8]]) = ("", [])
            do {
                while let entry = try parser.next() {
                    switch entry {
                    case .type: lines += "type \(parser.familyName) \(parser.familyType)\n"
                    case .help, .unit: lines += "\(entry) \(parser.familyName) \(parser.familyText)\n"
                    case .comment: lines += "comment\n"
                    case .series, .histogram:
                        let value =
                            entry == .series ? "\(parser.value.bitPattern)" : "\(parser.histogram)"
                        let start = options.skipsCreatedSeries ? parser.startTimestamp() : nil
                        lines += "\(parser.labels()) \(value) \(parser.timestamp ?? -1) \(start ?? -1)\n"
                        while let exemplar = parser.nextExemplar() { lines += "\(exemplar)\n" }
                        if entry == .series, format != .protobuf { leads.append(Array(parser.leadBytes)) }
                    }
                }
            } catch {
                lines += "error: \(error)"
            }
            return (lines, leads)
        }
    }

    /// What is read where each series is first looked for as the one that stood there in the scrape before.
    private static func values(_ body: [UInt8], _ format: ScrapeFormat, guesses: [[UInt8]]) -> String {
        body.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: format)
            var (lines, number) = ("", 0)
            do {
                while true {
                    let isKnown =
                        number < guesses.count && !guesses[number].isEmpty
                        && guesses[number].withUnsafeBytes { parser.advance(over: $0) }
                    if !isKnown {
                        guard let entry = try parser.next() else { break }
                        if entry != .series { continue }
                    }
                    number += 1
                    lines += "\(parser.value.bitPattern) \(parser.timestamp ?? -1)\n"
                }
            } catch {
                lines += "error: \(error)"
            }
            return lines
        }
    }

    private static func scrape(_ body: [UInt8], _ format: ScrapeFormat) -> String? {
        let fast = transcript(body, format)
        let exact = transcript(body, format, exactly: true)
        if let found = difference("fast and exact", fast.text, exact.text) { return found }
        let plain = values(body, format, guesses: [])
        return difference("with leads", plain, values(body, format, guesses: fast.leads))
    }

    /// The ways of reading that options choose.
    private static let options: [ScrapeOptions] = {
        var (converting, skipping) = (ScrapeOptions(), ScrapeOptions())
        converting.convertsClassicHistograms = true
        converting.addsTypeAndUnitLabels = true
        skipping.skipsCreatedSeries = true
        skipping.keepsClassicHistograms = true
        return [converting, skipping]
    }()

    static let exposition: [FuzzTarget] = [
        FuzzTarget("text") { body in
            if let found = scrape(body, .text) { return found }
            _ = transcript(body, .text, options[0])
            var quick = FamilyTextParser(validation: .utf8)
            quick.readsPlainLines = true
            var exact = quick
            exact.readsPlainLines = false
            let families = told { () throws(ExpositionError) in try quick.parse(body) }
            let exactly = told { () throws(ExpositionError) in try exact.parse(body) }
            if let found = difference("plain lines", families, exactly) { return found }
            _ = ExpositionLinter.check(body, as: .text).rendered(source: "")
            guard let read = try? quick.parse(body) else { return nil }
            for kind in [ExpositionFormat.Kind.text, .openMetrics1] {
                _ = FamilyEncoder.encode(read, as: ExpositionFormat(kind))
            }
            // What leaves as protobuf says the same.
            let packed = FamilyEncoder.encode(read, as: ExpositionFormat(.protobuf, escaping: .allowUTF8))
            return (try? FamilyProtobuf.decode(packed)) == nil ? "protobuf of its own is not read" : nil
        },
        FuzzTarget("openmetrics") { body in
            for options in options { _ = transcript(body, .openMetrics, options) }
            _ = ExpositionLinter.check(body).rendered(source: "")
            _ = ExpositionLinter.check(body, as: .openmetrics).rendered(source: "")
            return scrape(body, .openMetrics)
        },
        FuzzTarget(surviving: "protobuf") { body in
            _ = transcript(body, .protobuf)
            for options in options { _ = transcript(body, .protobuf, options) }
            guard let families = try? FamilyProtobuf.decode(body) else { return }
            for kind in [ExpositionFormat.Kind.text, .openMetrics1, .protobuf] {
                _ = FamilyEncoder.encode(families, as: ExpositionFormat(kind))
            }
        },
    ]
}
