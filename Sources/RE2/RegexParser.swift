import Clocks

/// Reads the syntax of RE2 (Go's `regexp/syntax` with Perl flags), with its messages for what it refuses.
/// See <https://github.com/google/re2/wiki/Syntax>.
struct RegexParser {
    private struct Flags {
        var ignoresCase = false
        var multiline = false
        var dotMatchesNewline = false
        var swapsGreed = false
    }

    /// An open group, with what stood before it.
    private struct Frame {
        var alternatives: [RegexNode] = []
        var items: [RegexNode] = []
        var captureIndex: Int?
        var outerFlags = Flags()
        /// How often nested counted repetitions would copy the innermost node: the most of all, and that of the last item.
        var repeats = (most: 1, last: 1)
    }

    private static let maximumRepeat = 1000
    private static let maximumDepth = 1000
    /// So much work, a fraction of a millisecond, may go by without a look.
    private static let interval = 1 << 12

    private let source: [Unicode.Scalar]
    private var position = 0
    private var flags = Flags()
    private var frames: [Frame] = [Frame()]
    /// What was done since the last look at the task's limit; the first one is at the beginning.
    private var work = RegexParser.interval
    /// How many instructions it comes to at least.
    private var size = 0
    /// Whether no `:]` follows any more.
    private var hasNoPosixEnd = false
    /// Names of the capturing groups, by index - 1; `nil` for one without a name.
    private(set) var captureNames: [String?] = []

    init(_ pattern: String, dotMatchesNewline: Bool) {
        source = Array(pattern.unicodeScalars)
        flags.dotMatchesNewline = dotMatchesNewline
    }

    mutating func parse() throws(RegularExpressionError) -> RegexNode {
        try spend(0)
        while position < source.count {
            try spend(4)
            try parseItem()
        }
        guard frames.count == 1 else { throw error("missing closing )", String(text: source[...])) }
        return closeFrame()
    }

    /// Counts work, and gives up where the task has to, or where the program would be too large anyway.
    private mutating func spend(_ more: Int) throws(RegularExpressionError) {
        work += more
        if size > RegexProgram.sizeLimit { throw .tooLarge }
        guard work >= Self.interval else { return }
        work = 0
        if TaskLimit.isOver { throw .givenUp }
    }

    private func error(_ message: String, _ at: String) -> RegularExpressionError {
        RegularExpressionError(message: "\(message): `\(at)`")
    }

    private func text(from start: Int) -> String { String(text: source[start..<min(position, source.count)]) }

    private mutating func closeFrame() -> RegexNode {
        let frame = frames.removeLast()
        let last = Self.sequence(frame.items)
        return frame.alternatives.isEmpty ? last : .alternation(frame.alternatives + [last])
    }

    private static func sequence(_ items: [RegexNode]) -> RegexNode {
        switch items.count {
        case 0: .empty
        case 1: items[0]
        default: .sequence(items)
        }
    }

    private mutating func push(_ node: RegexNode, repeats: Int = 1) {
        let top = frames.count - 1
        frames[top].items.append(node)
        frames[top].repeats = (max(frames[top].repeats.most, repeats), repeats)
        if case .set(let set) = node { size += set.ranges.count } else { size += 1 }
    }

    private mutating func parseItem() throws(RegularExpressionError) {
        let scalar = source[position]
        switch scalar {
        case "(": try openGroup()
        case ")":
            guard frames.count > 1 else { throw error("unexpected )", String(text: source[...])) }
            position += 1
            let capture = frames[frames.count - 1].captureIndex
            let outer = frames[frames.count - 1].outerFlags
            let repeats = frames[frames.count - 1].repeats.most
            let node = closeFrame()
            flags = outer
            push(capture.map { .capture(node, index: $0) } ?? .sequence([node]), repeats: repeats)
        case "|":
            position += 1
            let items = frames[frames.count - 1].items
            frames[frames.count - 1].alternatives.append(Self.sequence(items))
            frames[frames.count - 1].items = []
            size += 1
        case "*", "+", "?": try parseOperator()
        case "{":
            if let bounds = try parseBounds() {
                try applyRepetition(minimum: bounds.minimum, maximum: bounds.maximum, from: bounds.start)
            } else {
                position += 1
                push(literal("{"))
            }
        case ".":
            position += 1
            push(.set(flags.dotMatchesNewline ? .all : .allButNewline))
        case "^":
            position += 1
            push(.assertion(flags.multiline ? .lineStart : .textStart))
        case "$":
            position += 1
            push(.assertion(flags.multiline ? .lineEnd : .textEnd))
        case "[": push(.set(try parseClass()))
        case "\\": try parseEscape()
        default:
            position += 1
            push(literal(scalar))
        }
    }

    private func literal(_ scalar: Unicode.Scalar) -> RegexNode {
        let set = ScalarSet(scalar)
        return .set(flags.ignoresCase ? set.caseFolded : set)
    }

    // MARK: Groups

    private mutating func openGroup() throws(RegularExpressionError) {
        let start = position
        let outer = flags
        guard frames.count <= Self.maximumDepth else {
            throw RegularExpressionError(message: "expression nests too deeply: `\(String(text: source[...]))`")
        }
        guard position + 1 < source.count, source[position + 1] == "?" else {
            position += 1
            captureNames.append(nil)
            frames.append(Frame(captureIndex: captureNames.count, outerFlags: outer))
            return
        }
        let isShort = source[position...].starts(with: "(?<".unicodeScalars)
        // As in Go, the beginning alone is none.
        let isNamed = isShort ? source.count > start + 3 : source.count > start + 4
        if isNamed, isShort || source[position...].starts(with: "(?P<".unicodeScalars) {
            position += isShort ? 3 : 4
            let nameStart = position
            while position < source.count, source[position] != ">" { position += 1 }
            guard position < source.count else {
                throw error("invalid named capture", String(text: source[start...]))
            }
            let name = String(text: source[nameStart..<position])
            position += 1
            guard !name.isEmpty, name.unicodeScalars.allSatisfy({ $0 == "_" || $0.isWordCharacter }) else {
                throw error("invalid named capture", text(from: start))
            }
            captureNames.append(name)
            frames.append(Frame(captureIndex: captureNames.count, outerFlags: outer))
            return
        }
        position += 2
        var negative = false
        var sawFlag = false
        while position < source.count {
            let scalar = source[position]
            position += 1
            switch scalar {
            case "i": flags.ignoresCase = !negative
            case "m": flags.multiline = !negative
            case "s": flags.dotMatchesNewline = !negative
            case "U": flags.swapsGreed = !negative
            case "-" where !negative:
                negative = true
                sawFlag = false
                continue
            case ":" where !negative || sawFlag:
                frames.append(Frame(outerFlags: outer))
                return
            case ")" where !negative || sawFlag: return
            default: throw error("invalid or unsupported Perl syntax", text(from: start))
            }
            sawFlag = true
        }
        throw error("invalid or unsupported Perl syntax", text(from: start))
    }

    // MARK: Repetition

    private mutating func parseOperator() throws(RegularExpressionError) {
        let start = position
        let scalar = source[position]
        position += 1
        switch scalar {
        case "*": try applyRepetition(minimum: 0, maximum: nil, from: start)
        case "+": try applyRepetition(minimum: 1, maximum: nil, from: start)
        default: try applyRepetition(minimum: 0, maximum: 1, from: start)
        }
    }

    private mutating func applyRepetition(minimum: Int, maximum: Int?, from start: Int) throws(RegularExpressionError) {
        var isGreedy = !flags.swapsGreed
        if position < source.count, source[position] == "?" {
            isGreedy.toggle()
            position += 1
        }
        guard let operand = frames[frames.count - 1].items.popLast() else {
            throw error("missing argument to repetition operator", text(from: start))
        }
        if let previous = lastRepetition, previous.end == start {
            throw error("invalid nested repetition operator", text(from: previous.start))
        }
        let own = max(1, maximum ?? minimum, minimum)
        let (repeats, overflow) = own.multipliedReportingOverflow(by: frames[frames.count - 1].repeats.last)
        guard !overflow, repeats <= Self.maximumRepeat else { throw error("invalid repeat count", text(from: start)) }
        push(.repetition(operand, minimum: minimum, maximum: maximum, isGreedy: isGreedy), repeats: repeats)
        lastRepetition = (start, position)
    }

    /// Where the last repetition operator stood: a second one directly behind it is an error.
    private var lastRepetition: (start: Int, end: Int)?

    /// `{2}`, `{2,}`, `{2,5}`; `nil` where the brace is just a character.
    private mutating func parseBounds() throws(RegularExpressionError) -> (minimum: Int, maximum: Int?, start: Int)? {
        let start = position
        var index = position + 1
        func number() -> Int? {
            let first = index
            var value = 0
            while index < source.count, let digit = source[index].decimalDigit {
                value = min(value * 10 + digit, 1_000_000)
                index += 1
            }
            // Like RE2, a number with a leading zero is none.
            return index == first || (source[first] == "0" && index - first > 1) ? nil : value
        }
        guard let minimum = number() else { return nil }
        var maximum: Int? = minimum
        if index < source.count, source[index] == "," {
            index += 1
            if index < source.count, source[index] == "}" {
                maximum = nil
            } else {
                guard let upper = number() else { return nil }
                maximum = upper
            }
        }
        guard index < source.count, source[index] == "}" else { return nil }
        position = index + 1
        guard minimum <= Self.maximumRepeat, (maximum ?? 0) <= Self.maximumRepeat, minimum <= maximum ?? .max else {
            throw error("invalid repeat count", text(from: start))
        }
        return (minimum, maximum, start)
    }

    // MARK: Escapes

    private mutating func parseEscape() throws(RegularExpressionError) {
        let start = position
        guard position + 1 < source.count else {
            throw RegularExpressionError(message: "trailing backslash at end of expression: ``")
        }
        switch source[position + 1] {
        case "A": push(.assertion(.textStart))
        case "z": push(.assertion(.textEnd))
        case "b": push(.assertion(.wordBoundary))
        case "B": push(.assertion(.notWordBoundary))
        case "C": throw error("invalid escape sequence", "\\C")
        case "Q":
            position += 2
            while position < source.count {
                if source[position] == "\\", position + 1 < source.count, source[position + 1] == "E" {
                    position += 2
                    return
                }
                try spend(4)
                push(literal(source[position]))
                position += 1
            }
            return
        default:
            if let set = try parseClassEscape() {
                push(.set(set))
                return
            }
            let scalar = try parseCharacterEscape(from: start)
            push(literal(scalar))
            return
        }
        position += 2
    }

    /// `\d`, `\pL` and the like at the position; `nil` for any other escape.
    private mutating func parseClassEscape() throws(RegularExpressionError) -> ScalarSet? {
        let start = position
        guard position + 1 < source.count else { return nil }
        let letter = source[position + 1]
        if let set = UnicodeClasses.perl(letter, isFolded: flags.ignoresCase) {
            position += 2
            return set
        }
        guard letter == "p" || letter == "P" else { return nil }
        position += 2
        guard position < source.count else { throw error("invalid character class range", text(from: start)) }
        var name: String
        if source[position] == "{" {
            guard let end = source[position...].firstIndex(of: "}") else {
                throw error("invalid character class range", String(text: source[start...]))
            }
            name = String(text: source[position + 1..<end])
            position = end + 1
        } else {
            name = String(text: source[position...position])
            position += 1
        }
        var negative = letter == "P"
        if name.hasPrefix("^") {
            negative.toggle()
            name.removeFirst()
        }
        guard let set = UnicodeClasses.named(name, isFolded: flags.ignoresCase) else {
            throw error("invalid character class range", text(from: start))
        }
        return negative ? set.inverted : set
    }

    /// An escape that stands for one scalar.
    private mutating func parseCharacterEscape(from start: Int) throws(RegularExpressionError) -> Unicode.Scalar {
        guard position + 1 < source.count else {
            throw RegularExpressionError(message: "trailing backslash at end of expression: ``")
        }
        let letter = source[position + 1]
        position += 2
        switch letter {
        case "a": return "\u{07}"
        case "f": return "\u{0C}"
        case "n": return "\n"
        case "r": return "\r"
        case "t": return "\t"
        case "v": return "\u{0B}"
        case "1"..."7":
            // A single digit would be a back reference, which RE2 does not have.
            guard position < source.count, ("0"..."7").contains(source[position]) else { break }
            return octal(first: letter)
        case "0": return octal(first: letter)
        case "x": if let scalar = hexadecimal() { return scalar }
        default: if letter.isASCII, !letter.isWordCharacter || letter == "_" { return letter }
        }
        throw error("invalid escape sequence", text(from: start))
    }

    private mutating func octal(first: Unicode.Scalar) -> Unicode.Scalar {
        var value = first.value - 0x30
        for _ in 0..<2 where position < source.count && ("0"..."7").contains(source[position]) {
            value = value * 8 + source[position].value - 0x30
            position += 1
        }
        return Unicode.Scalar(value) ?? "\0"
    }

    private mutating func hexadecimal() -> Unicode.Scalar? {
        guard position < source.count else { return nil }
        if source[position] == "{" {
            guard let end = source[position...].firstIndex(of: "}") else {
                position = source.count
                return nil
            }
            let digits = String(text: source[position + 1..<end])
            position = end + 1
            guard !digits.isEmpty, digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16) else {
                return nil
            }
            return Unicode.Scalar(value)
        }
        guard position + 1 < source.count else {
            position = source.count
            return nil
        }
        let digits = String(text: source[position...position + 1])
        position += 2
        guard digits.allSatisfy(\.isHexDigit), let value = UInt32(digits, radix: 16) else { return nil }
        return Unicode.Scalar(value)
    }

    // MARK: Classes

    private mutating func parseClass() throws(RegularExpressionError) -> ScalarSet {
        let start = position
        position += 1
        var negative = false
        if position < source.count, source[position] == "^" {
            negative = true
            position += 1
        }
        var union = ScalarUnion()
        func add(_ set: ScalarSet, _ parser: inout RegexParser) throws(RegularExpressionError) {
            union.add(set)
            try parser.spend(4 + set.ranges.count)
        }
        var isFirst = true
        while position < source.count, isFirst || source[position] != "]" {
            // A `-` is itself only at either end.
            if source[position] == "-", !isFirst, position + 1 < source.count, source[position + 1] != "]" {
                position += 2
                throw error("invalid character class range", String(text: source[position - 2..<position]))
            }
            isFirst = false
            if source[position] == "[", position + 1 < source.count, source[position + 1] == ":",
                let end = posixEnd(from: position + 2)
            {
                let name = String(text: source[position..<end])
                guard let set = UnicodeClasses.posix(name, isFolded: flags.ignoresCase) else {
                    throw error("invalid character class range", name)
                }
                position = end
                try add(set, &self)
                continue
            }
            if source[position] == "\\", let set = try parseClassEscape() {
                try add(set, &self)
                continue
            }
            let rangeStart = position
            let low = try classScalar(from: start)
            var high = low
            if position + 1 < source.count, source[position] == "-", source[position + 1] != "]" {
                position += 1
                high = try classScalar(from: start)
                guard low.value <= high.value else {
                    throw error("invalid character class range", text(from: rangeStart))
                }
            }
            let set = ScalarSet([low.value...high.value])
            // Among many scalars there are thousands with cases.
            if flags.ignoresCase, high.value - low.value > 64 { try spend(Self.interval / 8) }
            try add(flags.ignoresCase ? set.caseFolded : set, &self)
        }
        guard position < source.count else { throw error("missing closing ]", String(text: source[start...])) }
        position += 1
        let set = union.set
        return negative ? set.inverted : set
    }

    private mutating func posixEnd(from index: Int) -> Int? {
        if hasNoPosixEnd { return nil }
        var index = index
        while index + 1 < source.count {
            if source[index] == ":", source[index + 1] == "]" { return index + 2 }
            index += 1
        }
        // Not to be looked for again from each `[:` that follows.
        hasNoPosixEnd = true
        return nil
    }

    private mutating func classScalar(from classStart: Int) throws(RegularExpressionError) -> Unicode.Scalar {
        guard position < source.count else { throw error("missing closing ]", String(text: source[classStart...])) }
        if source[position] == "\\" { return try parseCharacterEscape(from: position) }
        position += 1
        return source[position - 1]
    }
}

extension String {
    fileprivate init(text scalars: ArraySlice<Unicode.Scalar>) {
        self.init(String.UnicodeScalarView(scalars))
    }
}

extension Unicode.Scalar {
    var decimalDigit: Int? { ("0"..."9").contains(self) ? Int(value - 0x30) : nil }

    /// `[0-9A-Za-z_]`, RE2's word characters.
    var isWordCharacter: Bool {
        ("0"..."9").contains(self) || ("a"..."z").contains(self) || ("A"..."Z").contains(self) || self == "_"
    }
}
