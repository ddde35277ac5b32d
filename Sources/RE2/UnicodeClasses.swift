import Synchronization

/// The named character classes of RE2.
enum UnicodeClasses {
    private static let digit: [ClosedRange<UInt32>] = [0x30...0x39]
    private static let upper: [ClosedRange<UInt32>] = [0x41...0x5A]
    private static let lower: [ClosedRange<UInt32>] = [0x61...0x7A]
    private static let word: [ClosedRange<UInt32>] = digit + upper + [0x5F...0x5F] + lower
    private static let space: [ClosedRange<UInt32>] = [0x09...0x0A, 0x0C...0x0D, 0x20...0x20]

    /// `\d`, `\s`, `\w` and their opposites.
    static func perl(_ letter: Unicode.Scalar, isFolded: Bool) -> ScalarSet? {
        guard "dDsSwW".unicodeScalars.contains(letter) else { return nil }
        return known("\\\(letter)", isFolded) {
            switch letter {
            case "d": ScalarSet(digit)
            case "D": ScalarSet(digit).inverted
            case "s": ScalarSet(space)
            case "S": ScalarSet(space).inverted
            case "w": ScalarSet(word)
            default: ScalarSet(word).inverted
            }
        }
    }

    /// `[:alpha:]`, `[:^alpha:]`.
    static func posix(_ bracketed: String, isFolded: Bool) -> ScalarSet? {
        known(bracketed, isFolded) { posix(bracketed) }
    }

    private static func posix(_ bracketed: String) -> ScalarSet? {
        var name = bracketed.dropFirst(2).dropLast(2)
        let negative = name.hasPrefix("^")
        if negative { name = name.dropFirst() }
        let set: ScalarSet
        switch name {
        case "alnum": set = ScalarSet(digit + upper + lower)
        case "alpha": set = ScalarSet(upper + lower)
        case "ascii": set = ScalarSet([0...0x7F])
        case "blank": set = ScalarSet([0x09...0x09, 0x20...0x20])
        case "cntrl": set = ScalarSet([0...0x1F, 0x7F...0x7F])
        case "digit": set = ScalarSet(digit)
        case "graph": set = ScalarSet([0x21...0x7E])
        case "lower": set = ScalarSet(lower)
        case "print": set = ScalarSet([0x20...0x7E])
        case "punct": set = ScalarSet([0x21...0x2F, 0x3A...0x40, 0x5B...0x60, 0x7B...0x7E])
        case "space": set = ScalarSet([0x09...0x0D, 0x20...0x20])
        case "upper": set = ScalarSet(upper)
        case "word": set = ScalarSet(word)
        case "xdigit": set = ScalarSet(digit + [0x41...0x46, 0x61...0x66])
        default: return nil
        }
        return negative ? set.inverted : set
    }

    /// A general category (`L`, `Lu`), `Any`, or a script (`Greek`).
    static func named(_ name: String, isFolded: Bool) -> ScalarSet? {
        known("\\p{\(name)}", isFolded) { name == "Any" ? .all : UnicodeScripts.set(name) ?? category(name) }
    }

    private struct Key: Hashable {
        var name: String
        var isFolded: Bool
    }

    /// Classes worked out so far: a category is found by looking at all scalars once, and an expression may name one a million times.
    private static let computed = Mutex<[Key: ScalarSet]>([:])

    /// A class as it was worked out before, or else now; with the other cases of its scalars where it is folded.
    private static func known(_ name: String, _ isFolded: Bool, _ make: () -> ScalarSet?) -> ScalarSet? {
        let key = Key(name: name, isFolded: isFolded)
        if let set = computed.withLock({ $0[key] }) { return set }
        guard var set = isFolded ? known(name, false, make) : make() else { return nil }
        if isFolded { set = set.caseFolded }
        computed.withLock { $0[key] = set }
        return set
    }

    private static func category(_ name: String) -> ScalarSet? {
        guard let wanted = categories[name] else { return nil }
        var ranges: [ClosedRange<UInt32>] = []
        var start: UInt32?
        for value in UInt32(0)...0x10FFFF {
            let isIn: Bool
            if let scalar = Unicode.Scalar(value) {
                isIn = wanted.contains(scalar.properties.generalCategory)
            } else {
                isIn = wanted.contains(.surrogate)
            }
            if isIn {
                if start == nil { start = value }
            } else if let first = start {
                ranges.append(first...value - 1)
                start = nil
            }
        }
        if let first = start { ranges.append(first...0x10FFFF) }
        return ScalarSet(ranges)
    }

    private static let categories: [String: Set<Unicode.GeneralCategory>] = {
        let single: [String: Unicode.GeneralCategory] = [
            "Lu": .uppercaseLetter, "Ll": .lowercaseLetter, "Lt": .titlecaseLetter, "Lm": .modifierLetter,
            "Lo": .otherLetter,
            "Mn": .nonspacingMark, "Mc": .spacingMark, "Me": .enclosingMark, "Nd": .decimalNumber, "Nl": .letterNumber,
            "No": .otherNumber, "Pc": .connectorPunctuation, "Pd": .dashPunctuation, "Ps": .openPunctuation,
            "Pe": .closePunctuation, "Pi": .initialPunctuation, "Pf": .finalPunctuation, "Po": .otherPunctuation,
            "Sm": .mathSymbol, "Sc": .currencySymbol, "Sk": .modifierSymbol, "So": .otherSymbol, "Zs": .spaceSeparator,
            "Zl": .lineSeparator, "Zp": .paragraphSeparator, "Cc": .control, "Cf": .format, "Cs": .surrogate,
            "Co": .privateUse,
        ]
        var all: [String: Set<Unicode.GeneralCategory>] = [:]
        for (name, category) in single {
            all[name] = [category]
            all[String(name.prefix(1)), default: []].insert(category)
        }
        return all
    }()
}
