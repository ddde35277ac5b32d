/// Texts in JSON (RFC 8259), for short pieces; the API's answers are written as bytes.
package enum JSONString {
    private static let escaping = Escaping(
        ["\"": "\\\"", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"],
        other: Escaping.unicodeControl
    )

    /// The text in double quotes, with only what has to be escaped escaped.
    package static func quoted(_ text: String) -> String { escaping.quoted(text) }
}
