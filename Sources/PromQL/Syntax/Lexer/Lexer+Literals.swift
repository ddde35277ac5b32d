import MetricModel

extension Lexer {
    // MARK: - Strings

    /// A string in double or single quotes, or in backticks, which know no escapes.
    mutating func string() -> Token {
        let quote = input[position]
        let isRaw = quote == UInt8(ascii: "`")
        let unterminated = isRaw ? "unterminated raw string" : "unterminated quoted string"
        position += 1
        while true {
            guard position < input.count else { return fail(unterminated) }
            let byte = input[position]
            guard byte < 0x80 else {
                if nextScalar() == "\u{FFFD}" { return fail("invalid UTF-8 rune") }
                continue
            }
            position += 1
            if byte == quote { return emit(.string) }
            if isRaw { continue }
            if byte == 0x0A { return fail(unterminated) }
            if byte == UInt8(ascii: "\\"), let message = escapeMistake(quote) { return fail(message) }
        }
    }

    /// Reads what follows a backslash; the message where it is not an escape sequence.
    private mutating func escapeMistake(_ quote: UInt8) -> String? {
        guard let first = nextScalar() else { return "escape sequence not terminated" }
        var digits: Int
        var base: UInt32 = 16
        var greatest: UInt32 = 0x10FFFF
        var next: Unicode.Scalar? = first
        switch first {
        case "a", "b", "f", "n", "r", "t", "v", "\\", Unicode.Scalar(quote): return nil
        case "0"..."7": (digits, base, greatest) = (3, 8, 255)
        case "x": (digits, greatest) = (2, 255)
        case "u": digits = 4
        case "U": digits = 8
        default: return "unknown escape sequence \(GoText.codePoint(first))"
        }
        if base == 16 { next = nextScalar() }
        var value: UInt32 = 0
        while digits > 0 {
            guard let scalar = next else { return "escape sequence not terminated" }
            guard let digit = Lexer.digitValue(scalar), digit < base else {
                return "illegal character \(GoText.codePoint(scalar)) in escape sequence"
            }
            value = value &* base &+ digit
            digits -= 1
            if digits > 0 { next = nextScalar() }
        }
        if value > greatest || (0xD800..<0xE000).contains(value) {
            return "escape sequence is an invalid Unicode code point"
        }
        return nil
    }

    private static func digitValue(_ scalar: Unicode.Scalar) -> UInt32? {
        switch scalar {
        case "0"..."9": scalar.value - 0x30
        case "a"..."f": scalar.value - 0x61 + 10
        case "A"..."F": scalar.value - 0x41 + 10
        default: nil
        }
    }

    // MARK: - Numbers

    private mutating func accept(_ test: (Int) -> Bool) -> Bool {
        guard current >= 0, test(current) else { return false }
        position += 1
        return true
    }

    private static func isExponent(_ byte: Int) -> Bool { byte == 0x65 || byte == 0x45 }

    private static func isUnderscore(_ byte: Int) -> Bool { byte == 0x5F }

    private static func isDot(_ byte: Int) -> Bool { byte == 0x2E }

    private static func isS(_ byte: Int) -> Bool { byte == 0x73 }

    private static func isHexDigit(_ byte: Int) -> Bool {
        isDigit(byte) || (byte >= 0x61 && byte <= 0x66) || (byte >= 0x41 && byte <= 0x46)
    }

    /// A number, or a duration.
    mutating func numberOrDuration() -> Token {
        if scanNumber() { return emit(.number) }
        if scanRestOfDuration() { return emit(.duration) }
        return fail("bad number or duration syntax: \(GoText.quoted(text(start, position)))")
    }

    /// Goes past what looks like a number. Whether it is one is for the parser to tell.
    private mutating func scanNumber() -> Bool {
        let first = position
        var isHexadecimal = false
        if accept({ $0 == 0x30 }), accept({ $0 | 0x20 == 0x78 }) {
            _ = accept(Lexer.isUnderscore)
            isHexadecimal = true
        }
        let isDigit = isHexadecimal ? Lexer.isHexDigit : Lexer.isDigit
        var sawDot = false
        var sawExponent = false
        _ = accept(Lexer.isDot)
        _ = accept(isDigit)
        while current >= 0, isDigit(current) || ".eE_".utf8.contains(UInt8(current)) {
            if sawDot, accept(Lexer.isDot) { return false }
            if sawExponent, accept(Lexer.isExponent) { return false }
            if accept(Lexer.isDot) {
                sawDot = true
                if accept({ Lexer.isDot($0) || Lexer.isUnderscore($0) }) || isHexadecimal { return false }
            } else if accept(Lexer.isExponent) {
                sawExponent = true
                _ = accept { $0 == 0x2B || $0 == 0x2D }
                if accept(Lexer.isAfterExponent) || current < 0 { return false }
            } else if accept(Lexer.isUnderscore) {
                if accept(Lexer.isAfterExponent) || current < 0 { return false }
            } else {
                while accept(isDigit) {}
            }
        }
        return position != first && !Lexer.isAlphaNumeric(current)
    }

    /// What must not come after an exponent sign or an underscore.
    private static func isAfterExponent(_ byte: Int) -> Bool { isDot(byte) || isUnderscore(byte) || isExponent(byte) }

    /// Goes past what makes a duration of the digits that were read: a unit, and further digits with units.
    private mutating func scanRestOfDuration() -> Bool {
        guard accept({ $0 >= 0 && "smhdwy".utf8.contains(UInt8($0)) }) else { return false }
        _ = accept(Lexer.isS)
        while accept(Lexer.isDigit) {
            while accept(Lexer.isDigit) {}
            guard accept({ $0 >= 0 && "smhdw".utf8.contains(UInt8($0)) }) else { return false }
            _ = accept(Lexer.isS)
        }
        if Lexer.isAlphaNumeric(current) {
            position += 1
            return false
        }
        return true
    }
}

extension GoText {
    /// A character in single quotes, as Go's `%q` prints a rune; `nil` stands for the end of the text.
    static func quoted(_ scalar: Unicode.Scalar?) -> String {
        guard let scalar else { return "'\u{FFFD}'" }
        if scalar == "\"" { return "'\"'" }
        if scalar == "'" { return "'\\''" }
        return "'" + escaped(String(Character(scalar))) + "'"
    }

    /// A character as Go's `%#U` prints it: `U+0027 '''`.
    static func codePoint(_ scalar: Unicode.Scalar) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let text = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
        let quoted = quoted(String(Character(scalar)))
        let isPrintable = scalar == "\"" || scalar == "\\" || !quoted.dropFirst().hasPrefix("\\")
        return isPrintable ? text + " '" + String(Character(scalar)) + "'" : text
    }
}
