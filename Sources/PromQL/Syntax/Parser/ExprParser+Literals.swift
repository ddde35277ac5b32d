import MetricModel

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

extension ExprParser {
    /// A number or a duration; the next token is one of them.
    mutating func numberLiteral() -> NumberLiteral {
        let token = advance()
        let text = lexer.text(token)
        if token.kind == .duration {
            do {
                let seconds = try PrometheusDuration(parsing: text).goSeconds
                return NumberLiteral(seconds, isDuration: true, position: token.position)
            } catch {
                note(token.position, error.description)
                return NumberLiteral(0, isDuration: true, position: token.position)
            }
        }
        do {
            return NumberLiteral(try GoNumberParser.number(text), position: token.position)
        } catch {
            note(token.position, "error parsing number: \(error)")
            return NumberLiteral(0, position: token.position)
        }
    }

    /// The text that a string token stands for.
    func unquoted(_ token: Token) -> String { String(decoding: unquotedBytes(token), as: UTF8.self) }

    /// A text as an expression.
    func stringLiteral(_ token: Token) -> StringLiteral {
        let bytes = unquotedBytes(token)
        let text = String(decoding: bytes, as: UTF8.self)
        let isIntact = text.utf8.elementsEqual(bytes)
        return StringLiteral(text, invalidBytes: isIntact ? nil : Array(bytes), position: token.position)
    }

    private func unquotedBytes(_ token: Token) -> ArraySlice<UInt8> {
        let inner = lexer.input[token.start + 1..<token.end - 1]
        if lexer.input[token.start] == UInt8(ascii: "`") || !inner.contains(UInt8(ascii: "\\")) { return inner }
        return ExprParser.unescaped(inner)[...]
    }

    /// Replaces escape sequences, which the lexer has found to be well formed.
    private static func unescaped(_ text: ArraySlice<UInt8>) -> [UInt8] {
        var result: [UInt8] = []
        result.reserveCapacity(text.count)
        var index = text.startIndex
        func number(_ digits: Int, radix: Int) -> UInt32 {
            let end = min(index + digits, text.endIndex)
            defer { index = end }
            return UInt32(String(decoding: text[index..<end], as: UTF8.self), radix: radix) ?? 0
        }
        while index < text.endIndex {
            let byte = text[index]
            index += 1
            guard byte == UInt8(ascii: "\\"), index < text.endIndex else {
                result.append(byte)
                continue
            }
            let escape = text[index]
            index += 1
            if let control = GoText.control(escapedAs: escape) {
                result.append(control)
                continue
            }
            switch escape {
            case UInt8(ascii: "x"): result.append(UInt8(truncatingIfNeeded: number(2, radix: 16)))
            case UInt8(ascii: "u"), UInt8(ascii: "U"):
                let value = number(escape == UInt8(ascii: "u") ? 4 : 8, radix: 16)
                result.append(contentsOf: String(Character(Unicode.Scalar(value) ?? "\u{FFFD}")).utf8)
            case UInt8(ascii: "0")...UInt8(ascii: "7"):
                index -= 1
                result.append(UInt8(truncatingIfNeeded: number(3, radix: 8)))
            default: result.append(escape)
            }
        }
        return result
    }
}

extension PrometheusDuration {
    /// The length in seconds, rounded as Go's `Duration.Seconds` does.
    var goSeconds: Double { Double(milliseconds / 1000) + Double(milliseconds % 1000 * 1_000_000) / 1e9 }
}

extension Double {
    /// As `%f` prints the value.
    package var sixDecimals: String { decimals(6) }

    /// As `%.Nf` prints the value: exact digits, rounded.
    func decimals(_ count: Int32) -> String { formatted("%.*f", count) }

    /// As Go's `'E'` with the fewest digits that read back as the same value: `1.5E+00`.
    package var shortestScientific: String {
        let text = GoNumber.text(self, .scientific)
        return isFinite ? text.uppercased() : text
    }

    private func formatted(_ format: String, _ count: Int32) -> String {
        var buffer = [CChar](repeating: 0, count: 400)
        let length = withVaList([count, self]) { vsnprintf(&buffer, buffer.count, format, $0) }
        return String(decoding: buffer[..<Int(min(max(length, 0), 399))].map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
