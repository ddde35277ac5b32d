import MetricModel

/// Reads JSON into nodes that remember their places: strict where Go's `encoding/json` is strict, lax where it is lax.
///
/// One value and nothing behind it; no comments, no trailing commas. A character that is no UTF-8, and half of a surrogate pair,
/// becomes U+FFFD. That names of fields count whatever their case, and that the last of a repeated one counts, is
/// ``ConfigSection``'s part.
public enum JSONReader {
    /// The deepest nesting of arrays and objects.
    public static let deepest = 1000

    /// Parses a text.
    /// - Parameters:
    ///   - file: the name for messages.
    ///   - limit: how many values and names of fields it may have, each of which becomes a node.
    /// - Throws: ``ConfigError`` in Go's words, with the place.
    public static func parse(
        _ text: [UInt8],
        file: String,
        limit: Int = ConfigNode.countLimit
    ) throws(ConfigError) -> ConfigNode {
        var scanner = JSONScanner(text, limit)
        do throws(JSONScanner.Problem) {
            return try scanner.document()
        } catch {
            let (line, column) = scanner.place(of: error.offset)
            throw ConfigError(
                file: file,
                problems: [
                    ConfigProblem(.syntax, error.message, line: line, column: column, original: error.message)
                ]
            )
        }
    }
}

extension JSONReader {
    /// Names with texts: an object whose values are texts. The last of a repeated name counts, in the place of the first.
    /// - Throws: ``ConfigError`` in Go's words where the text is anything else.
    public static func strings(
        _ text: [UInt8],
        file: String
    ) throws(ConfigError) -> [(key: String, value: String)] {
        let problems = ConfigProblems(file: file)
        let value = ConfigNode.Entry(key: ConfigNode(.scalar(.init("value"))), value: try parse(text, file: file))
        let root = ConfigSection(ConfigNode(.mapping([value])), type: "", path: "", problems: problems)
        let result = root.stringMap("value", type: "map[string]string") ?? []
        try problems.throwIfAny()
        return result
    }
}

/// Walks over JSON without recursion, so that no nesting can exhaust the stack.
private struct JSONScanner {
    struct Problem: Error {
        var message: String
        var offset: Int
    }

    /// An array or object whose end has not come.
    private struct Open {
        var place: (line: Int, column: Int)
        var items: [ConfigNode] = []
        var entries: [ConfigNode.Entry] = []
        /// The name whose value comes next; `nil` in an array.
        var key: ConfigNode?
        var isObject: Bool
    }

    private let bytes: [UInt8]
    private var index = 0
    private var open: [Open] = []
    /// How many values and names may be read, and how many were.
    private let limit: Int
    private var count = 0
    /// The last place that was asked for: from there on is counted, since a text may be one long line.
    private var known = (offset: 0, line: 1, column: 1)

    init(_ bytes: [UInt8], _ limit: Int) {
        self.bytes = bytes
        self.limit = limit
    }

    /// Line and column, both from 1.
    mutating func place(of offset: Int) -> (line: Int, column: Int) {
        let offset = min(offset, bytes.count)
        if offset < known.offset { known = (0, 1, 1) }
        while known.offset < offset {
            let byte = bytes[known.offset]
            known.offset += 1
            if byte == UInt8(ascii: "\n") {
                known.line += 1
                known.column = 1
            } else if byte & 0xc0 != 0x80 {
                known.column += 1
            }
        }
        return (known.line, known.column)
    }

    mutating func document() throws(Problem) -> ConfigNode {
        var value = try beginValue()
        while true {
            if open.isEmpty {
                guard let root = value else { throw ended() }
                skipSpace()
                if index < bytes.count { throw invalid("after top-level value") }
                return root
            }
            value = try go(on: value)
        }
    }

    /// Takes a finished value into the innermost array or object and goes on there.
    /// - Returns: the next finished value; `nil` where another array or object begins.
    private mutating func go(on value: ConfigNode?) throws(Problem) -> ConfigNode? {
        var isFirst = true
        if let value {
            isFirst = false
            let last = open.count - 1
            if let key = open[last].key {
                open[last].entries.append(ConfigNode.Entry(key: key, value: value))
                open[last].key = nil
            } else {
                open[last].items.append(value)
            }
        }
        skipSpace()
        let isObject = open[open.count - 1].isObject
        guard index < bytes.count else { throw ended() }
        if bytes[index] == UInt8(ascii: isObject ? "}" : "]") {
            index += 1
            return close()
        }
        if !isFirst {
            guard bytes[index] == UInt8(ascii: ",") else {
                throw invalid(isObject ? "after object key:value pair" : "after array element")
            }
            index += 1
        }
        if isObject { try beginEntry() }
        return try beginValue()
    }

    private mutating func close() -> ConfigNode {
        let ended = open.removeLast()
        return ConfigNode(
            ended.isObject ? .mapping(ended.entries) : .sequence(ended.items),
            line: ended.place.line,
            column: ended.place.column,
            format: .json
        )
    }

    private mutating func beginEntry() throws(Problem) {
        skipSpace()
        try note()
        guard index < bytes.count else { throw ended() }
        let start = index
        guard bytes[index] == UInt8(ascii: "\"") else { throw invalid("looking for beginning of object key string") }
        let name = try string()
        open[open.count - 1].key = node(.scalar(.init(name, isPlain: false)), at: start)
        skipSpace()
        guard index < bytes.count else { throw ended() }
        guard bytes[index] == UInt8(ascii: ":") else { throw invalid("after object key") }
        index += 1
    }

    /// Reads a value; `nil` where an array or object begins.
    private mutating func beginValue() throws(Problem) -> ConfigNode? {
        skipSpace()
        try note()
        guard index < bytes.count else { throw ended() }
        let start = index
        switch bytes[index] {
        case UInt8(ascii: "{"), UInt8(ascii: "["):
            guard open.count < JSONReader.deepest else { throw Problem(message: "exceeded max depth", offset: index) }
            open.append(Open(place: place(of: start), isObject: bytes[index] == UInt8(ascii: "{")))
            index += 1
            return nil
        case UInt8(ascii: "\""):
            let text = try string()
            return node(.scalar(.init(text, isPlain: false)), at: start)
        case UInt8(ascii: "t"): try literal("true")
        case UInt8(ascii: "f"): try literal("false")
        case UInt8(ascii: "n"): try literal("null")
        case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): try number()
        default: throw invalid("looking for beginning of value")
        }
        return node(.scalar(.init(String(decoding: bytes[start..<index], as: UTF8.self))), at: start)
    }

    /// Counts one more value or name.
    private mutating func note() throws(Problem) {
        count += 1
        if count > limit { throw Problem(message: ConfigNode.tooMany(limit), offset: index) }
        if count & 1023 == 0, ConfigNode.isGivenUp { throw Problem(message: ConfigNode.givenUp, offset: index) }
    }

    private mutating func node(_ content: ConfigNode.Content, at offset: Int) -> ConfigNode {
        let (line, column) = place(of: offset)
        return ConfigNode(content, line: line, column: column, format: .json)
    }

    // MARK: Words and numbers

    private mutating func literal(_ word: StaticString) throws(Problem) {
        let text = "\(word)"
        for letter in text.utf8 {
            guard index < bytes.count else { throw ended() }
            guard bytes[index] == letter else {
                throw invalid("in literal \(text) (expecting '\(Unicode.Scalar(letter))')")
            }
            index += 1
        }
    }

    private mutating func number() throws(Problem) {
        if bytes[index] == UInt8(ascii: "-") { index += 1 }
        if at("0") {
            index += 1
        } else {
            try digits("in numeric literal")
        }
        if at(".") {
            index += 1
            try digits("after decimal point in numeric literal")
        }
        if at("e") || at("E") {
            index += 1
            if at("+") || at("-") { index += 1 }
            try digits("in exponent of numeric literal")
        }
    }

    private mutating func digits(_ place: String) throws(Problem) {
        let start = index
        while index < bytes.count, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(bytes[index]) { index += 1 }
        if index > start { return }
        throw index < bytes.count ? invalid(place) : ended()
    }

    private func at(_ byte: Unicode.Scalar) -> Bool { index < bytes.count && bytes[index] == UInt8(ascii: byte) }

    // MARK: Strings

    private mutating func string() throws(Problem) -> String {
        index += 1
        var result: [UInt8] = []
        while index < bytes.count {
            let byte = bytes[index]
            switch byte {
            case UInt8(ascii: "\""):
                index += 1
                return String(decoding: result, as: UTF8.self)
            case UInt8(ascii: "\\"): try escape(into: &result)
            case 0..<0x20: throw invalid("in string literal")
            default:
                result.append(byte)
                index += 1
            }
        }
        throw ended()
    }

    private mutating func escape(into result: inout [UInt8]) throws(Problem) {
        index += 1
        guard index < bytes.count else { throw ended() }
        switch bytes[index] {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): result.append(bytes[index])
        case UInt8(ascii: "b"): result.append(0x08)
        case UInt8(ascii: "f"): result.append(0x0c)
        case UInt8(ascii: "n"): result.append(0x0a)
        case UInt8(ascii: "r"): result.append(0x0d)
        case UInt8(ascii: "t"): result.append(0x09)
        case UInt8(ascii: "u"):
            index += 1
            var code = try hexadecimal()
            if code & 0xfc00 == 0xd800, at("\\"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: "u") {
                // Only with its other half it is a character; otherwise what follows is one of its own.
                let before = index
                index += 2
                let low = try hexadecimal()
                if low & 0xfc00 == 0xdc00 {
                    code = 0x10000 + (code & 0x3ff) << 10 + low & 0x3ff
                } else {
                    index = before
                }
            }
            result.append(contentsOf: String(Character(Unicode.Scalar(code) ?? "\u{fffd}")).utf8)
            return
        default: throw invalid("in string escape code")
        }
        index += 1
    }

    private mutating func hexadecimal() throws(Problem) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard index < bytes.count else { throw ended() }
            guard let digit = Character(Unicode.Scalar(bytes[index])).hexDigitValue, bytes[index] < 0x80 else {
                throw invalid("in \\u hexadecimal character escape")
            }
            code = code << 4 | UInt32(digit)
            index += 1
        }
        return code
    }

    // MARK: What is wrong

    private mutating func skipSpace() {
        while index < bytes.count {
            switch bytes[index] {
            case 0x20, 0x09, 0x0a, 0x0d: index += 1
            default: return
            }
        }
    }

    private func ended() -> Problem { Problem(message: "unexpected end of JSON input", offset: bytes.count) }

    private func invalid(_ place: String) -> Problem {
        let shown: String
        switch bytes[index] {
        case UInt8(ascii: "'"): shown = "'\\''"
        case UInt8(ascii: "\""): shown = "'\"'"
        default: shown = "'" + GoText.escaped(String(Unicode.Scalar(bytes[index]))) + "'"
        }
        return Problem(message: "invalid character \(shown) \(place)", offset: index)
    }
}
