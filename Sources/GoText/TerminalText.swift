/// Text of others on a terminal: what would move its cursor, change its colours or turn the order of letters stands there as an escape.
package enum TerminalText {
    private static let lines = Escaping(["\n": "\n", "\t": "\t"], other: control)
    private static let line = Escaping(["\n": " ", "\t": " "], other: control)
    private static let json = Escaping(["\n": "\n", "\t": "\t"], other: unicode)

    /// The text with its lines.
    package static func lines(_ text: String) -> String { lines.escaped(text) }

    /// The text on one line.
    package static func line(_ text: String) -> String { line.escaped(text) }

    /// A text of JSON, in which all that is below a space is escaped already but for what is between its parts.
    package static func json(_ text: String) -> String { json.escaped(text) }

    /// Control characters, and those that turn the direction of what follows.
    private static func isControl(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0..<0x20, 0x7f..<0xa0, 0x200e...0x200f, 0x202a...0x202e, 0x2066...0x2069: true
        case _: false
        }
    }

    @Sendable private static func control(_ scalar: Unicode.Scalar) -> String? {
        guard isControl(scalar) else { return nil }
        if scalar.value < 0x80 { return "\\x" + Escaping.hexadecimal(scalar, width: 2) }
        return "\\u" + Escaping.hexadecimal(scalar, width: 4)
    }

    @Sendable private static func unicode(_ scalar: Unicode.Scalar) -> String? {
        isControl(scalar) ? "\\u" + Escaping.hexadecimal(scalar, width: 4) : nil
    }
}
