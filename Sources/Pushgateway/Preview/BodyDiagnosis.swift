import MetricModel

/// Finds out what a person did wrong whose text was refused.
public enum BodyDiagnosis {
    /// So many bytes of a line are looked at for what may be wrong in it.
    private static let lineLimit = 64 << 10

    /// What can be said about a refused body.
    /// - Parameter error: the parser's message, `text format parsing error in line 3: …`.
    public static func explain(_ body: [UInt8], error: String) -> (place: PushPreview.Place?, hints: [String]) {
        var hints: [String] = []
        if let last = body.last, last != 0x0a {
            hints.append("add a newline at the end: the last line must end in a line feed")
        }
        if body.contains(0x0d) {
            hints.append(
                "the body has CRLF line endings; the format wants line feeds (LF) alone: convert it, for example with dos2unix"
            )
        }
        if body.starts(with: [0xef, 0xbb, 0xbf]) {
            hints.append("the body starts with a byte order mark; leave it out")
        }
        if body.starts(with: [0x1f, 0x8b]) {
            hints.append("the body is compressed with gzip; send it with the header Content-Encoding: gzip")
        }
        if body.first == UInt8(ascii: "{") || body.first == UInt8(ascii: "[") {
            hints.append(
                "the body looks like JSON; a Pushgateway takes the Prometheus text format: name{label=\"value\"} 1"
            )
        }
        if body.contains(sequence: Array("# EOF".utf8)) {
            hints.append(
                "the body ends with # EOF like OpenMetrics; a Pushgateway takes the Prometheus text format 0.0.4"
            )
        }
        let place = place(in: body, error: error)
        if let place {
            hints += hintsForLine(place.text.shortened(to: lineLimit), error: error.shortened(to: lineLimit))
        }
        return (place, hints)
    }

    /// The line that the message names, and the column where what it quotes stands, or else where the line ends.
    private static func place(in body: [UInt8], error: String) -> PushPreview.Place? {
        guard let line = number(after: "in line ", in: error), line >= 1 else { return nil }
        // The line of that number, or the last one.
        var (index, start) = (0, 0)
        while index < line - 1, let end = body[start...].firstIndex(of: 0x0a), end + 1 < body.count {
            start = end + 1
            index += 1
        }
        let text = body[start...].prefix { $0 != 0x0a }.filter { $0 != 0x0d }
        var column: Int?
        if let colon = error.utf8.firstIndex(of: UInt8(ascii: ":")), let quoted = quotedText(in: error[colon...]) {
            column = position(of: quoted, in: text)
        }
        return PushPreview.Place(
            line: index + 1,
            column: (column ?? length(of: text[...])) + 1,
            text: String(decoding: text, as: UTF8.self)
        )
    }

    /// How many scalars a text has.
    private static func length(of text: ArraySlice<UInt8>) -> Int {
        String(decoding: text, as: UTF8.self).unicodeScalars.count
    }

    private static func number(after marker: String, in text: String) -> Int? {
        let bytes = Array(text.utf8)
        let wanted = Array(marker.utf8)
        guard let start = bytes.firstIndex(ofSequence: wanted) else { return nil }
        return Int(
            String(decoding: bytes[(start + wanted.count)...].prefix { $0 >= 0x30 && $0 <= 0x39 }, as: UTF8.self)
        )
    }

    /// What stands in the last pair of double or single quotes of the message.
    private static func quotedText(in message: Substring) -> [UInt8]? {
        let bytes = Array(message.utf8)
        for quote in [UInt8(ascii: "\""), UInt8(ascii: "'")] {
            guard bytes.lazy.filter({ $0 == quote }).count % 2 == 0, let end = bytes.lastIndex(of: quote),
                let start = bytes[..<end].lastIndex(of: quote)
            else { continue }
            return Array(bytes[(start + 1)..<end])
        }
        return nil
    }

    /// So many bytes of what is quoted are looked for, which tell the place of longer texts, too.
    private static let soughtLimit = 256

    /// How many scalars stand before a part of the text.
    private static func position(of part: [UInt8], in text: [UInt8]) -> Int? {
        let wanted = part.prefix(soughtLimit)
        guard !wanted.isEmpty, part.count <= text.count else { return nil }
        // A value stands last, a name first; the last occurrence serves both.
        var start = text.count - part.count
        while start >= 0, !text[start..<start + wanted.count].elementsEqual(wanted) { start -= 1 }
        return start < 0 ? nil : length(of: text[..<start])
    }

    private static func hintsForLine(_ text: String, error: String) -> [String] {
        var hints: [String] = []
        if text.contains("='") { hints.append("label values stand in double quotes: name{label=\"value\"} 1") }
        if text.contains("\u{201c}") || text.contains("\u{201d}") {
            hints.append("use straight double quotes, not typographic ones")
        }
        if error.contains("expected float as value"), text.contains(",") {
            hints.append("numbers have a decimal point, not a comma")
        }
        if error.contains("second TYPE line") || error.contains("or TYPE reported after samples") {
            hints.append("a TYPE line stands once per metric, before its samples")
        }
        if error.contains("invalid metric name") {
            hints.append(
                "metric names consist of letters, digits, underscores and colons, and do not begin with a digit"
            )
        }
        return hints
    }
}

extension [UInt8] {
    func firstIndex(ofSequence wanted: [UInt8]) -> Int? {
        guard !wanted.isEmpty, wanted.count <= count else { return nil }
        return (0...(count - wanted.count)).first { self[$0..<$0 + wanted.count].elementsEqual(wanted) }
    }

    func contains(sequence wanted: [UInt8]) -> Bool { firstIndex(ofSequence: wanted) != nil }
}
