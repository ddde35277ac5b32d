/// How a kind of text writes the characters that it cannot hold as they are.
package struct Escaping: Sendable {
    /// By ASCII character; `nil` stands as it is.
    private let ascii: [String?]
    private let beyond: @Sendable (Unicode.Scalar) -> String?

    /// - Parameters:
    ///   - named: what these characters, all of them ASCII, become.
    ///   - other: what any other becomes; `nil` leaves it as it is.
    package init(
        _ named: KeyValuePairs<Unicode.Scalar, String>,
        other: @escaping @Sendable (Unicode.Scalar) -> String? = { _ in nil }
    ) {
        var ascii = (0..<128).map { other(Unicode.Scalar(UInt8($0))) }
        for (scalar, text) in named where scalar.isASCII { ascii[Int(scalar.value)] = text }
        self.ascii = ascii
        beyond = other
    }

    /// Returns the text with what needs it escaped.
    package func escaped(_ text: String) -> String {
        if text.utf8.allSatisfy({ $0 < 128 && ascii[Int($0)] == nil }) { return text }
        var result = ""
        result.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            if let replacement = scalar.isASCII ? ascii[Int(scalar.value)] : beyond(scalar) {
                result += replacement
            } else {
                result.unicodeScalars.append(scalar)
            }
        }
        return result
    }

    /// Returns the escaped text in double quotes.
    package func quoted(_ text: String) -> String { "\"" + escaped(text) + "\"" }

    /// Returns the number of a character in hexadecimal digits, with zeros before it up to `width`.
    package static func hexadecimal(_ scalar: Unicode.Scalar, width: Int, uppercase: Bool = false) -> String {
        let digits = String(scalar.value, radix: 16, uppercase: uppercase)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
    }

    /// Control characters as JSON numbers them.
    package static func unicodeControl(_ scalar: Unicode.Scalar) -> String? {
        scalar.value < 0x20 ? "\\u" + hexadecimal(scalar, width: 4) : nil
    }
}
