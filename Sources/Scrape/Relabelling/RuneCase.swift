/// Upper and lower case character by character, as Go's `strings.ToUpper` and `ToLower` have it: a character stays one
/// character, so that `ß` stays `ß`.
enum RuneCase {
    static func uppercased(_ text: String) -> String { mapped(text, upper) }

    static func lowercased(_ text: String) -> String { mapped(text, lower) }

    private static func mapped(_ text: String, _ change: (Unicode.Scalar) -> Unicode.Scalar) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars { result.append(change(scalar)) }
        return String(result)
    }

    /// Unicode's simple mapping. Where the full one has several characters, the simple one is the title case if that is one
    /// character, and else there is none.
    private static func upper(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        only(scalar.properties.uppercaseMapping) ?? only(scalar.properties.titlecaseMapping) ?? scalar
    }

    private static func lower(_ scalar: Unicode.Scalar) -> Unicode.Scalar {
        // The one character whose full mapping has two.
        scalar == "\u{130}" ? "i" : only(scalar.properties.lowercaseMapping) ?? scalar
    }

    private static func only(_ text: String) -> Unicode.Scalar? {
        text.unicodeScalars.count == 1 ? text.unicodeScalars.first : nil
    }
}
