import MetricModel

/// The tokens of both text formats, by the names that appear in messages.
enum ScannerToken: String {
    case invalid = "INVALID"
    case end = "EOF"
    case lineBreak = "LINEBREAK"
    case whitespace = "WHITESPACE"
    case help = "HELP"
    case type = "TYPE"
    case unit = "UNIT"
    case endWord = "EOFWORD"
    case text = "TEXT"
    case comment = "COMMENT"
    case name = "MNAME"
    case quotedString = "QSTRING"
    case braceOpen = "BOPEN"
    case braceClose = "BCLOSE"
    case labelName = "LNAME"
    case labelValue = "LVALUE"
    case equal = "EQUAL"
    case comma = "COMMA"
    case timestamp = "TIMESTAMP"
    case value = "VALUE"
}

extension TextScanner {
    /// The byte at an index; the text format has a line break after its last one.
    @inline(__always)
    func byte(_ index: Int) -> UInt8 {
        index < count ? base[index] : UInt8(ascii: "\n")
    }

    /// Moves to the next byte and answers it; 0 at the end. Null bytes in texts where they are allowed are stepped over.
    @inline(__always)
    mutating func step() -> UInt8 {
        position += 1
        if position >= length { return 0 }
        var current = byte(position)
        while current == 0, state == .labelValue || state == .metaText || state == .comment {
            position += 1
            if position >= length { return 0 }
            current = byte(position)
        }
        return current
    }

    mutating func stepWhile(_ isPart: (UInt8) -> Bool) -> UInt8 {
        var current = step()
        while isPart(current) { current = step() }
        return current
    }

    mutating func accept(_ token: ScannerToken, then next: State? = nil) -> ScannerToken {
        if let next { state = next }
        return token
    }

    /// Steps onto the byte after a one-byte token.
    mutating func acceptByte(_ token: ScannerToken, then next: State? = nil) -> ScannerToken {
        _ = step()
        return accept(token, then: next)
    }

    /// Matches the rest of a keyword whose first byte is the current one.
    mutating func matchRest(_ word: StaticString) -> Bool {
        word.withUTF8Buffer { letters in
            for letter in letters {
                if step() != letter { return false }
            }
            return true
        }
    }

    /// Matches a quoted string whose opening quote is the current byte; afterwards the current byte is the one behind it.
    mutating func matchQuoted(allowsLineBreak: Bool) -> Bool {
        while true {
            var current = step()
            switch current {
            case UInt8(ascii: "\""):
                _ = step()
                return true
            case UInt8(ascii: "\\"):
                current = step()
                if current == 0 || current == UInt8(ascii: "\n") { return false }
            case 0: return false
            case UInt8(ascii: "\n"):
                if !allowsLineBreak { return false }
            default: break
            }
        }
    }

    /// The bytes of the current token.
    var tokenBytes: [UInt8] { slice(tokenStart, position) }

    func slice(_ start: Int, _ end: Int) -> [UInt8] {
        let upper = min(end, length)
        guard start < upper else { return [] }
        return (start..<upper).map { byte($0) }
    }

    /// The message for a token that was not expected.
    func unexpected(_ expectation: String, _ token: ScannerToken) -> ExpositionError {
        let end = min(length, position + 1)
        return ExpositionError(
            "\(expectation), got \(ByteText.quoted(slice(tokenStart, end))) (\"\(token.rawValue)\") while parsing: "
                + ByteText.quoted(slice(entryStart, end))
        )
    }

    /// The message for something wrong in the entry so far.
    func whileParsing(_ message: String) -> ExpositionError {
        ExpositionError("\(message) while parsing: \(ByteText.quoted(slice(entryStart, position)))")
    }

    /// Prometheus's number: as Go reads it, but without hexadecimal exponents and underscores.
    func parseFloat(_ text: [UInt8]) throws(ExpositionError) -> Double {
        if text.contains(where: { $0 == UInt8(ascii: "p") || $0 == UInt8(ascii: "P") || $0 == UInt8(ascii: "_") }) {
            throw ExpositionError("unsupported character in float")
        }
        do {
            return try GoFloat.parse(text)
        } catch {
            throw ExpositionError("strconv.ParseFloat: parsing \(ByteText.quoted(text)): \(error.message)")
        }
    }

    /// A sample's or exemplar's value from a token's text.
    func parseSampleValue(_ text: [UInt8]) throws(ExpositionError) -> Double {
        do {
            let number = try parseFloat(text)
            return number.isNaN ? SpecialValue.nan : number
        } catch {
            throw whileParsing(error.message)
        }
    }

    /// Remembers the name of a metadata line, without its quotes.
    mutating func takeFamilyName() {
        var start = tokenStart
        var end = position
        if byte(start) == UInt8(ascii: "\""), byte(end - 1) == UInt8(ascii: "\"") {
            start += 1
            end -= 1
        }
        familyNameRange = start..<max(start, end)
    }

    func isValidUTF8(_ range: Range<Int>) -> Bool {
        let upper = min(range.upperBound, count)
        guard range.lowerBound < upper else { return true }
        return ByteText.isValidUTF8(base + range.lowerBound, upper - range.lowerBound)
    }

    var familyName: String {
        String(decoding: slice(familyNameRange.lowerBound, familyNameRange.upperBound), as: UTF8.self)
    }

    /// The text of a HELP or UNIT line, with its escapes resolved.
    var familyText: String {
        let raw = slice(textRange.lowerBound, textRange.upperBound)
        return String(decoding: LabelText.unescaped(raw[...], quotes: format == .openMetrics), as: UTF8.self)
    }

    /// Reads what stands between braces up to the closing one, noting where names and values are.
    mutating func readLabels(_ into: inout [Int], isExemplar: Bool) throws(ExpositionError) {
        var token = nextToken()
        while true {
            var start = tokenStart
            var end = position
            if token == .braceClose { return }
            guard token == .labelName || token == .quotedString else { throw unexpected("expected label name", token) }
            let isQuoted = token == .quotedString
            token = nextToken()
            if isQuoted, token == .comma || token == .braceClose {
                // A quoted string that stands alone is the metric's name.
                if isExemplar { throw unexpected("expected label name", token) }
                if into[0] != -1 || into[1] != -1 { throw whileParsing("metric name already set") }
                into[0] = start + 1
                into[1] = end - 1
                if token == .braceClose { return }
                token = nextToken()
                continue
            }
            if isQuoted {
                start += 1
                end -= 1
            }
            into.append(start)
            into.append(end)
            if token != .equal { throw unexpected("expected equal", token) }
            let valueToken = nextToken()
            if valueToken != .labelValue { throw unexpected("expected label value", valueToken) }
            if !isValidUTF8(tokenStart..<position) {
                throw ExpositionError("invalid UTF-8 label value: \(ByteText.quoted(tokenBytes))")
            }
            into.append(tokenStart + 1)
            into.append(position - 1)
            token = nextToken()
            if token == .comma {
                token = nextToken()
            } else if format == .openMetrics, token != .braceClose {
                throw unexpected("expected comma or brace close", token)
            }
        }
    }

    mutating func nextToken() -> ScannerToken {
        while true {
            if position >= length { return .end }
            tokenStart = position
            let current = byte(position)
            if format == .openMetrics { return lexOpenMetrics(current) }
            let token = lexText(current)
            if token != .whitespace { return token }
        }
    }
}
