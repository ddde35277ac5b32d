import MetricModel

/// Reads numbers as Go's `strconv` does.
enum GoNumberParser {
    /// Why a text is not a number.
    struct Failure: Error, CustomStringConvertible {
        var text: String
        var reason: String
        var description: String { "strconv.ParseFloat: parsing \(GoText.quoted(text)): \(reason)" }
    }

    /// An integer with any of Go's prefixes (so that `010` is 8), otherwise a floating-point number.
    static func number(_ text: String) throws(Failure) -> Double {
        if let integer = integer(text) { return Double(integer) }
        return try float(text)
    }

    /// `ParseInt` with base 0, for texts without a sign.
    private static func integer(_ text: String) -> Int64? {
        var digits = Array(text.utf8)
        if digits.contains(UInt8(ascii: "_")) {
            guard underscoresAreFine(digits) else { return nil }
            digits.removeAll { $0 == UInt8(ascii: "_") }
        }
        var radix = 10
        if digits.count > 1, digits[0] == UInt8(ascii: "0") {
            switch digits[1] | 0x20 {
            case UInt8(ascii: "x"): radix = 16
            case UInt8(ascii: "b"): radix = 2
            case UInt8(ascii: "o"): radix = 8
            default: radix = 8
            }
            digits.removeFirst(Lexer.isAlpha(Int(digits[1])) ? 2 : 1)
        }
        guard let first = digits.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        return Int64(String(decoding: digits, as: UTF8.self), radix: radix)
    }

    /// `ParseFloat` with 64 bits, for what the lexer takes for a number.
    static func float(_ text: String) throws(Failure) -> Double {
        let lower = text.lowercased()
        switch lower {
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        case "nan": return SpecialValue.nan
        default: break
        }
        var digits = Array(lower.utf8)
        if digits.contains(UInt8(ascii: "_")) {
            guard underscoresAreFine(digits) else { throw Failure(text: text, reason: "invalid syntax") }
            digits.removeAll { $0 == UInt8(ascii: "_") }
        }
        guard isDecimal(digits), let value = Double(normalised(digits)) else {
            throw Failure(text: text, reason: "invalid syntax")
        }
        if value.isInfinite { throw Failure(text: text, reason: "value out of range") }
        return value
    }

    /// Swift wants a digit on both sides of the point.
    private static func normalised(_ digits: [UInt8]) -> String {
        var result: [UInt8] = []
        for (index, byte) in digits.enumerated() {
            let isPoint = byte == UInt8(ascii: ".")
            if isPoint, index == 0 || !Lexer.isDigit(Int(digits[index - 1])) { result.append(UInt8(ascii: "0")) }
            result.append(byte)
            if isPoint, index + 1 == digits.count || !Lexer.isDigit(Int(digits[index + 1])) {
                result.append(UInt8(ascii: "0"))
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Whether the bytes are an optional sign, digits with at most one point, and an optional exponent.
    private static func isDecimal(_ bytes: [UInt8]) -> Bool {
        var index = 0
        func skip(_ test: (UInt8) -> Bool) -> Int {
            let start = index
            while index < bytes.count, test(bytes[index]) { index += 1 }
            return index - start
        }
        func isDigit(_ byte: UInt8) -> Bool { Lexer.isDigit(Int(byte)) }
        func isSign(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "+") || byte == UInt8(ascii: "-") }
        if index < bytes.count, isSign(bytes[index]) { index += 1 }
        var mantissa = skip(isDigit)
        if index < bytes.count, bytes[index] == UInt8(ascii: ".") {
            index += 1
            mantissa += skip(isDigit)
        }
        if mantissa == 0 { return false }
        if index < bytes.count, bytes[index] == UInt8(ascii: "e") {
            index += 1
            if index < bytes.count, isSign(bytes[index]) { index += 1 }
            if skip(isDigit) == 0 { return false }
        }
        return index == bytes.count
    }

    /// Whether every underscore stands between digits, or after a prefix such as `0x`.
    private static func underscoresAreFine(_ bytes: [UInt8]) -> Bool {
        var bytes = bytes[...]
        var isHexadecimal = false
        // What came before: a digit, an underscore, something else, or nothing.
        var previous: Character = "^"
        if bytes.count >= 2, bytes[0] == UInt8(ascii: "0"), "xXbBoO".utf8.contains(bytes[1]) {
            isHexadecimal = bytes[1] | 0x20 == UInt8(ascii: "x")
            previous = "0"
            bytes = bytes.dropFirst(2)
        }
        for byte in bytes {
            if Lexer.isDigit(Int(byte))
                || (isHexadecimal && Lexer.isAlpha(Int(byte | 0x20)) && byte | 0x20 <= 0x66 && byte != 0x5F)
            {
                previous = "0"
            } else if byte == UInt8(ascii: "_") {
                if previous != "0" { return false }
                previous = "_"
            } else {
                if previous == "_" { return false }
                previous = "!"
            }
        }
        return previous != "_"
    }
}
