/// The order in which go-yaml writes the keys of a map: numbers by what they count, and letters after other signs.
public enum YAMLKeyOrder {
    /// Whether a key comes before another one.
    public static func precedes(_ left: String, _ right: String) -> Bool {
        let (a, b) = (Array(left.unicodeScalars), Array(right.unicodeScalars))
        guard let place = zip(a, b).enumerated().first(where: { $1.0 != $1.1 })?.offset else {
            return a.count < b.count
        }
        switch (isLetter(a[place]), isLetter(b[place])) {
        case (true, true): return a[place] < b[place]
        case (true, false): return false
        case (false, true): return true
        case (false, false): break
        }
        var (number, other) = (a[place...].prefix(while: isDigit), b[place...].prefix(while: isDigit))
        let lengths = (number.count, other.count)
        // Zeros in the middle of a number count, those in front of it do not.
        let isWithin = a[..<place].reversed().prefix(while: isDigit).contains { $0 != "0" }
        if !(isWithin && (number.first == "0" || other.first == "0")) {
            number = number.drop { $0 == "0" }
            other = other.drop { $0 == "0" }
        }
        if number.count != other.count { return number.count < other.count }
        if !number.elementsEqual(other) { return number.lexicographicallyPrecedes(other) }
        return lengths.0 != lengths.1 ? lengths.0 < lengths.1 : a[place] < b[place]
    }

    private static func isLetter(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.properties.generalCategory {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }

    private static func isDigit(_ scalar: Unicode.Scalar) -> Bool { ("0"..."9").contains(scalar) }
}
