import Exposition
import MetricModel

/// What a scrape of a body gives, as text, one line per entry, and the error that ended it.
func scrapeTranscript(_ body: String, _ format: ScrapeFormat, _ options: ScrapeOptions = ScrapeOptions()) -> [String] {
    scrapeTranscript(Array(body.utf8), format, options)
}

func scrapeTranscript(_ body: [UInt8], _ format: ScrapeFormat, _ options: ScrapeOptions = ScrapeOptions()) -> [String] {
    body.withUnsafeBytes { bytes in
        var parser = ScrapeParser(bytes, format: format, options: options)
        var lines: [String] = []
        do {
            while let entry = try parser.next() {
                lines.append(describe(entry, &parser))
            }
        } catch {
            lines.append("error: \(error)")
        }
        return lines
    }
}

private func describe(_ entry: ScrapeParser.Entry, _ parser: inout ScrapeParser) -> String {
    switch entry {
    case .type: return "type \(parser.familyName) \(parser.familyType)"
    case .help: return "help \(parser.familyName) \(parser.familyText)"
    case .unit: return "unit \(parser.familyName) \(parser.familyText)"
    case .comment: return "comment"
    case .series, .histogram:
        var line = "\(parser.labels())"
        if entry == .series {
            line += " " + GoNumber.text(parser.value, .shortest)
        } else {
            line += " \(parser.histogram)"
        }
        if let timestamp = parser.timestamp { line += " @\(timestamp)" }
        while let exemplar = parser.nextExemplar() {
            line += " # \(exemplar.labels) \(GoNumber.text(exemplar.value, .shortest))"
            if let timestamp = exemplar.timestamp { line += " @\(timestamp)" }
        }
        return line
    }
}
