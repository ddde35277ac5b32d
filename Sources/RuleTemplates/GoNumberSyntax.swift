import MetricModel

/// Quoted texts as Go's `strconv.Unquote` reads them.
enum GoQuoting {
    /// What stands between the quotes; `nil` where that is not a Go string or character constant.
    static func unquoted(_ text: String) -> String? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 2, let quote = bytes.first, bytes.last == quote else { return nil }
        let inner = bytes[1..<bytes.count - 1]
        if quote == UInt8(ascii: "`") {
            return inner.contains(quote) ? nil : String(decoding: inner.filter { $0 != 0x0D }, as: UTF8.self)
        }
        var result: [UInt8] = []
        var index = inner.startIndex
        while index < inner.endIndex {
            let byte = inner[index]
            index += 1
            if byte == quote || byte == 0x0A { return nil }
            if byte != UInt8(ascii: "\\") {
                result.append(byte)
                continue
            }
            guard index < inner.endIndex else { return nil }
            let escape = inner[index]
            index += 1
            func number(_ count: Int, radix: Int) -> UInt32? {
                guard index + count <= inner.endIndex else { return nil }
                let digits = String(decoding: inner[index..<index + count], as: UTF8.self)
                index += count
                guard digits.utf8.first != UInt8(ascii: "+"), digits.utf8.first != UInt8(ascii: "-") else { return nil }
                return UInt32(digits, radix: radix)
            }
            if let control = GoText.control(escapedAs: escape) {
                result.append(control)
                continue
            }
            switch escape {
            case UInt8(ascii: "\\"): result.append(escape)
            case UInt8(ascii: "'"), UInt8(ascii: "\""):
                guard escape == quote else { return nil }
                result.append(escape)
            case UInt8(ascii: "x"):
                guard let value = number(2, radix: 16) else { return nil }
                result.append(UInt8(truncatingIfNeeded: value))
            case UInt8(ascii: "u"), UInt8(ascii: "U"):
                guard let value = number(escape == UInt8(ascii: "u") ? 4 : 8, radix: 16),
                    let scalar = Unicode.Scalar(value)
                else { return nil }
                result += Array(String(Character(scalar)).utf8)
            case UInt8(ascii: "0")...UInt8(ascii: "7"):
                index -= 1
                guard let value = number(3, radix: 8), value < 256 else { return nil }
                result.append(UInt8(truncatingIfNeeded: value))
            default: return nil
            }
        }
        return String(decoding: result, as: UTF8.self)
    }
}

/// Numbers as Go writes them in source texts, and as `strconv.ParseFloat` reads them.
package enum GoNumberSyntax {
    /// Why a text is no number.
    struct Failure: Error {
        var message: String
    }

    /// A constant of a template.
    static func number(_ text: String, _ kind: TemplateToken.Kind) throws(Failure) -> TemplateNumber {
        var number = TemplateNumber(text: text)
        if kind == .characterConstant {
            guard let inner = GoQuoting.unquoted(text), inner.unicodeScalars.count == 1,
                let scalar = inner.unicodeScalars.first
            else { throw Failure(message: "malformed character constant: \(text)") }
            number.integer = Int64(scalar.value)
            number.unsigned = UInt64(scalar.value)
            number.float = Double(scalar.value)
            return number
        }
        if kind == .complex || text.hasSuffix("i") {
            let body = text.dropLast()
            // The sign between the parts is not one of an exponent.
            let bytes = Array(body.utf8)
            let split = bytes.indices.dropFirst().last { index in
                (bytes[index] == UInt8(ascii: "+") || bytes[index] == UInt8(ascii: "-"))
                    && bytes[index - 1] | 0x20 != UInt8(ascii: "e") && bytes[index - 1] | 0x20 != UInt8(ascii: "p")
            }
            let first = split.map { String(decoding: bytes[..<$0], as: UTF8.self) } ?? "0"
            let second = String(decoding: bytes[(split ?? 0)...], as: UTF8.self)
            guard let real = float(first), let imaginary = float(second), real.isFinite, imaginary.isFinite else {
                throw Failure(message: "illegal number syntax: \(GoText.quoted(text))")
            }
            number.complex = (real, imaginary)
            return number
        }
        number.unsigned = unsigned(text)
        number.integer = integer(text)
        if let value = number.integer {
            number.float = Double(value)
            if number.unsigned == nil, value >= 0 { number.unsigned = UInt64(value) }
        } else if let value = number.unsigned {
            number.float = Double(value)
        } else if let value = float(text), value.isFinite {
            if !text.utf8.contains(where: { ".eEpP".utf8.contains($0) }) {
                throw Failure(message: "integer overflow: \(GoText.quoted(text))")
            }
            number.float = value
            if let exact = Int64(exactly: value) { number.integer = exact }
            if let exact = UInt64(exactly: value) { number.unsigned = exact }
        }
        if number.integer == nil, number.unsigned == nil, number.float == nil {
            throw Failure(message: "illegal number syntax: \(GoText.quoted(text))")
        }
        return number
    }

    private static func unsigned(_ text: String) -> UInt64? {
        guard !text.hasPrefix("+"), !text.hasPrefix("-") else { return nil }
        return magnitude(text[...])
    }

    /// `strconv.ParseInt(text, 0, 64)`; `nil` for what is no number, or no such one.
    package static func integer(_ text: String) -> Int64? {
        let isNegative = text.hasPrefix("-")
        guard let value = magnitude(isNegative || text.hasPrefix("+") ? text.dropFirst() : text[...]) else {
            return nil
        }
        if isNegative { return value == 1 << 63 ? .min : Int64(exactly: value).map { -$0 } }
        return Int64(exactly: value)
    }

    private static func magnitude(_ text: Substring) -> UInt64? {
        var digits = text.lowercased()
        var radix = 10
        for (prefix, base) in [("0x", 16), ("0b", 2), ("0o", 8)] where digits.hasPrefix(prefix) {
            radix = base
            digits = String(digits.dropFirst(2))
            if digits.hasPrefix("_") { digits = String(digits.dropFirst()) }
        }
        if radix == 10, digits.count > 1, digits.hasPrefix("0") {
            radix = 8
            digits = String(digits.dropFirst())
            if digits.hasPrefix("_") { digits = String(digits.dropFirst()) }
        }
        if digits.hasPrefix("_") || digits.hasSuffix("_") || digits.contains("__") { return nil }
        digits.removeAll { $0 == "_" }
        guard let first = digits.utf8.first, first != UInt8(ascii: "+"), first != UInt8(ascii: "-") else { return nil }
        return UInt64(digits, radix: radix)
    }

    /// Whether every underscore stands between digits, or after a prefix.
    private static func underscoresAreFine(_ text: String) -> Bool {
        let bytes = Array(text.utf8)
        func isDigit(_ index: Int) -> Bool {
            guard bytes.indices.contains(index) else { return false }
            switch bytes[index] {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"), UInt8(ascii: "x"):
                return true
            default: return false
            }
        }
        return bytes.indices.allSatisfy { bytes[$0] != UInt8(ascii: "_") || (isDigit($0 - 1) && isDigit($0 + 1)) }
    }

    /// `strconv.ParseFloat`; `nil` for bad syntax. Beyond the range it is infinite.
    static func float(_ text: String) -> Double? {
        var digits = text.lowercased()
        switch digits {
        case "inf", "+inf", "infinity", "+infinity": return .infinity
        case "-inf", "-infinity": return -.infinity
        case "nan": return .nan
        default: break
        }
        if digits.contains("_") {
            guard underscoresAreFine(digits) else { return nil }
            digits.removeAll { $0 == "_" }
        }
        guard let first = digits.utf8.first,
            digits.utf8.allSatisfy({ "0123456789abcdefpx.+-".utf8.contains($0) }),
            "0123456789.+-".utf8.contains(first)
        else { return nil }
        let isHexadecimal = digits.contains("x")
        if isHexadecimal, !digits.contains("p") { return nil }
        if !isHexadecimal, digits.utf8.contains(where: { "abcdfpx".utf8.contains($0) }) { return nil }
        // Swift wants a digit on both sides of the point.
        var normal: [UInt8] = []
        let bytes = Array(digits.utf8)
        func isDigit(_ index: Int) -> Bool {
            bytes.indices.contains(index)
                && (("0"..."9").contains(Character(Unicode.Scalar(bytes[index])))
                    || (isHexadecimal && ("a"..."f").contains(Character(Unicode.Scalar(bytes[index])))))
        }
        for (index, byte) in bytes.enumerated() {
            guard byte == UInt8(ascii: ".") else {
                normal.append(byte)
                continue
            }
            if !isDigit(index - 1), !isDigit(index + 1) { return nil }
            if !isDigit(index - 1) { normal.append(UInt8(ascii: "0")) }
            normal.append(byte)
            if !isDigit(index + 1) { normal.append(UInt8(ascii: "0")) }
        }
        return Double(String(decoding: normal, as: UTF8.self))
    }
}
