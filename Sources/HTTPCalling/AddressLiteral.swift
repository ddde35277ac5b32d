import MetricModel

/// What is wrong with an address in brackets, in the words of Go's `netip.ParseAddr`.
enum AddressLiteral {
    /// Why the text is no address, and from where on; `nil` where it is one.
    static func problem(of text: String) -> String? {
        let bytes = Array(text.utf8)
        guard let first = bytes.first(where: { ".:%".utf8.contains($0) }) else { return "unable to parse IP" }
        switch first {
        case UInt8(ascii: "."): return problem(ofFour: bytes[...])
        case UInt8(ascii: ":"): break
        default: return "missing IPv6 address"
        }
        var rest = bytes.prefix { $0 != UInt8(ascii: "%") }
        if rest.count + 1 == bytes.count { return "zone must be a non-empty string" }
        var hasEllipsis = false
        if rest.starts(with: "::".utf8) {
            hasEllipsis = true
            rest = rest.dropFirst(2)
            if rest.isEmpty { return nil }
        }
        var fields = 0
        while fields < 8 {
            let digits = rest.prefix(while: isHexadecimal)
            if digits.count > 4 { return told("each group must have 4 or less digits", rest) }
            if digits.isEmpty { return told("each colon-separated field must have at least one digit", rest) }
            if rest.dropFirst(digits.count).first == UInt8(ascii: ".") {
                return problem(ofEnd: rest, behind: fields, hasEllipsis)
            }
            fields += 1
            rest = rest.dropFirst(digits.count)
            guard let next = rest.first else { break }
            if next != UInt8(ascii: ":") { return told("unexpected character, want colon", rest) }
            if rest.count == 1 { return told("colon must be followed by more characters", rest) }
            rest = rest.dropFirst()
            if rest.first == UInt8(ascii: ":") {
                if hasEllipsis { return told("multiple :: in address", rest) }
                hasEllipsis = true
                rest = rest.dropFirst()
                if rest.isEmpty { break }
            }
        }
        if !rest.isEmpty { return told("trailing garbage after address", rest) }
        return problem(ofCount: fields, hasEllipsis)
    }

    private static func problem(ofCount fields: Int, _ hasEllipsis: Bool) -> String? {
        if fields < 8 { return hasEllipsis ? nil : "address string too short" }
        return hasEllipsis ? "the :: must expand to at least one field of zeros" : nil
    }

    /// Of an address that ends as one of version 4 does.
    private static func problem(ofEnd rest: ArraySlice<UInt8>, behind fields: Int, _ hasEllipsis: Bool) -> String? {
        if !hasEllipsis, fields != 6 {
            return told("embedded IPv4 address must replace the final 2 fields of the address", rest)
        }
        if fields > 6 {
            return told("too many hex fields to fit an embedded IPv4 at the end of the address", rest)
        }
        return problem(ofFour: rest) ?? problem(ofCount: fields + 2, hasEllipsis)
    }

    private static func problem(ofFour text: ArraySlice<UInt8>) -> String? {
        var (value, digits, dots) = (0, 0, 0)
        for (index, byte) in zip(text.indices, text) {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"):
                if digits == 1, value == 0 { return "IPv4 field has octet with leading zero" }
                value = value * 10 + Int(byte - UInt8(ascii: "0"))
                digits += 1
                if value > 255 { return "IPv4 field has value >255" }
            case UInt8(ascii: "."):
                if digits == 0 || index == text.endIndex - 1 {
                    return told("IPv4 field must have at least one digit", text[index...])
                }
                if dots == 3 { return "IPv4 address too long" }
                (value, digits, dots) = (0, 0, dots + 1)
            default: return told("unexpected character", text[index...])
            }
        }
        return dots < 3 ? "IPv4 address too short" : nil
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool { Character(UnicodeScalar(byte)).isHexDigit }

    private static func told(_ message: String, _ rest: ArraySlice<UInt8>) -> String {
        "\(message) (at \(GoText.quoted(String(decoding: rest, as: UTF8.self))))"
    }
}
