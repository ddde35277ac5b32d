/// Something to read: a paragraph, a list, a table or a piece of code.
public enum LessonText: Sendable {
    /// Words in a row.
    public typealias Line = [Span]

    /// A paragraph.
    case paragraph(Line)
    /// A list.
    case list([Line])
    /// A table; the first row is its head.
    case table([[Line]])
    /// Code, with its language.
    case code(String, String)

    /// A piece of a line.
    public enum Span: Sendable, Hashable {
        /// Plain words.
        case words(String)
        /// Code.
        case code(String)
        /// Words that matter.
        case strong(String)
        /// A number that the text names, with the expression that has this value at this place.
        case number(text: String, expression: String)
        /// A number that is so for a reason that no expression has.
        case plain(String)
    }

    /// All numbers that it names.
    public var numbers: [(text: String, expression: String)] {
        lines.flatMap(Self.numbers)
    }

    /// All lines of it, besides code.
    var lines: [Line] {
        switch self {
        case .paragraph(let line): [line]
        case .list(let lines): lines
        case .table(let rows): rows.flatMap(\.self)
        case .code: []
        }
    }

    /// The numbers that a line names.
    public static func numbers(_ line: Line) -> [(text: String, expression: String)] {
        line.compactMap { span in
            if case .number(let text, let expression) = span { (text, expression) } else { nil }
        }
    }

    /// Reads a line: `` `code` ``, `**strong**`, `{{ 1.33 := increase(x[1m]) }}`, `{{ 1.33 }}`.
    /// - Returns: the spans, and what is wrong with them.
    public static func line(_ text: String) -> (spans: Line, problem: String?) {
        var spans: Line = []
        var words = ""
        var rest = Substring(text)
        let wrong = "a number is written {{ 1.33 := EXPRESSION }}, or {{ 1.33 }} where nothing checks it"
        func flush() {
            if !words.isEmpty { spans.append(.words(words)) }
            words = ""
        }
        while let first = rest.first {
            if first == "`" {
                guard let end = rest.dropFirst().firstIndex(of: "`") else { return (spans, "a ` has no end") }
                flush()
                spans.append(.code(String(rest[rest.index(after: rest.startIndex)..<end])))
                rest = rest[rest.index(after: end)...]
            } else if rest.hasPrefix("**") {
                guard let (inner, after) = until("**", rest.dropFirst(2)) else { return (spans, "a ** has no end") }
                flush()
                spans.append(.strong(String(inner)))
                rest = after
            } else if rest.hasPrefix("{{") {
                guard let (inner, after) = until(" }}", rest.dropFirst(2)) else { return (spans, wrong) }
                flush()
                if let (shown, asked) = until(":=", inner) {
                    spans.append(.number(text: trimmed(shown), expression: trimmed(asked)))
                } else if Double(trimmed(inner)) != nil {
                    spans.append(.plain(trimmed(inner)))
                } else {
                    return (spans, wrong)
                }
                rest = after
            } else {
                words.append(first)
                rest = rest.dropFirst()
            }
        }
        flush()
        return (spans, nil)
    }

    /// That a text names a number where none is checked.
    static func numberProblem(_ text: String) -> String? {
        text.contains("{{") ? "a number is checked in paragraphs, lists, tables and why, and can stand only there" : nil
    }

    static func trimmed(_ text: some StringProtocol) -> String {
        var rest = text[...]
        while rest.first?.isWhitespace == true { rest = rest.dropFirst() }
        while rest.last?.isWhitespace == true { rest = rest.dropLast() }
        return String(rest)
    }

    private static func until(_ mark: String, _ text: Substring) -> (before: Substring, after: Substring)? {
        var place = text.startIndex
        while place < text.endIndex {
            if text[place...].hasPrefix(mark) {
                return (text[..<place], text[text.index(place, offsetBy: mark.count)...])
            }
            place = text.index(after: place)
        }
        return nil
    }

    /// A text with ASCII's digits in place of the wide ones that methods of Japanese input write.
    static func narrow(_ text: String) -> String {
        String(
            String.UnicodeScalarView(
                text.unicodeScalars.map { scalar in
                    guard ("\u{FF10}"..."\u{FF19}").contains(scalar) || scalar == "\u{FF0E}" else { return scalar }
                    return Unicode.Scalar(scalar.value - 0xFEE0) ?? scalar
                }
            )
        )
    }

    /// The number at the beginning of a text, and how many decimals it has: `1.33`, `5 %` and `1,000` are numbers.
    public static func number(_ text: String) -> (value: Double, decimals: Int)? {
        var digits = ""
        var decimals = 0
        var hasPoint = false
        for character in narrow(text) {
            if character == "," { continue }
            if character == "." {
                if hasPoint { break }
                hasPoint = true
            } else if character == "-", digits.isEmpty {
            } else if character.isASCII, character.isNumber {
                if hasPoint { decimals += 1 }
            } else {
                break
            }
            digits.append(character)
        }
        return Double(digits).map { ($0, decimals) }
    }
}
