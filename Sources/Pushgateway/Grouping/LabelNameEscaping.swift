import MetricModel

/// Names with characters beyond `[a-zA-Z0-9_]` inside a URL: `U__` and then the name, with `__` for `_` and `_20ac_` for others.
enum LabelNameEscaping {
    private static let prefix = "U__"

    /// The name that an escaped one stands for; the text itself where it is not escaped, or malformed.
    static func unescaped(_ text: String) -> String {
        guard text.utf8.starts(with: prefix.utf8) else { return text }
        let bytes = Array(text.utf8.dropFirst(prefix.utf8.count))
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            guard bytes[index] == UInt8(ascii: "_") else {
                result.append(bytes[index])
                index += 1
                continue
            }
            index += 1
            guard index < bytes.count else { return text }
            if bytes[index] == UInt8(ascii: "_") {
                result.append(UInt8(ascii: "_"))
                index += 1
                continue
            }
            var code: UInt32 = 0
            var digits = 0
            while index < bytes.count, bytes[index] != UInt8(ascii: "_") {
                guard digits < 6, let digit = hexDigit(bytes[index]) else { return text }
                code = code << 4 | digit
                digits += 1
                index += 1
            }
            guard index < bytes.count, let scalar = Unicode.Scalar(code) else { return text }
            index += 1
            result.append(contentsOf: String(Character(scalar)).utf8)
        }
        return String(validating: result, as: UTF8.self) ?? text
    }

    /// The name as it can stand in a URL: itself where it needs no escaping.
    static func escaped(_ name: String) -> String {
        if Label.isLegacyName(name), !name.hasPrefix(prefix) { return name }
        var result = prefix
        for scalar in name.unicodeScalars {
            switch scalar {
            case "_": result += "__"
            case "a"..."z", "A"..."Z", "0"..."9": result.unicodeScalars.append(scalar)
            default: result += "_" + String(scalar.value, radix: 16) + "_"
            }
        }
        return result
    }

    private static func hexDigit(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt32(byte - UInt8(ascii: "a")) + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt32(byte - UInt8(ascii: "A")) + 10
        default: nil
        }
    }
}
