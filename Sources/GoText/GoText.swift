/// Text as Go's `strconv.Quote` writes it, which is how Prometheus quotes values in messages and printed expressions.
public enum GoText {
    private static let escaping = Escaping([
        "\"": "\\\"", "\\": "\\\\", "\u{07}": "\\a", "\u{08}": "\\b", "\u{0C}": "\\f", "\n": "\\n", "\r": "\\r",
        "\t": "\\t", "\u{0B}": "\\v",
    ]) { isPrintable($0) ? nil : escaped($0) }

    /// The text in double quotes, escaped as Go's `%q`.
    public static func quoted(_ text: String) -> String { escaping.quoted(text) }

    /// The same without the quotes. (Of the quoted text they could not be taken off by characters: what follows may be a sign that
    /// makes one of itself and the quote.)
    public static func escaped(_ text: String) -> String { escaping.escaped(text) }

    /// The byte that an escape of one letter stands for, such as `\n`; `nil` where the letter has no such meaning.
    public static func control(escapedAs letter: UInt8) -> UInt8? {
        switch letter {
        case UInt8(ascii: "a"): 0x07
        case UInt8(ascii: "b"): 0x08
        case UInt8(ascii: "f"): 0x0C
        case UInt8(ascii: "n"): 0x0A
        case UInt8(ascii: "r"): 0x0D
        case UInt8(ascii: "t"): 0x09
        case UInt8(ascii: "v"): 0x0B
        default: nil
        }
    }

    /// Bytes as Go's `%x`.
    package static func hexadecimal(_ bytes: some Sequence<UInt8>) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    /// Whether Go prints the character as it is.
    package static func isPrintable(_ scalar: Unicode.Scalar) -> Bool {
        if scalar.isASCII { return scalar.value >= 0x20 && scalar.value < 0x7f }
        switch scalar.properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }

    private static func escaped(_ scalar: Unicode.Scalar) -> String {
        if scalar.value < 0x80 { return "\\x" + Escaping.hexadecimal(scalar, width: 2) }
        return scalar.value < 0x10000
            ? "\\u" + Escaping.hexadecimal(scalar, width: 4) : "\\U" + Escaping.hexadecimal(scalar, width: 8)
    }
}
