import MetricModel

/// Reads series with values in expanding notation.
struct SeriesDescriptionParser {
    /// The most values that one line may stand for.
    private static let greatestCount = 1_000_000

    var metric: ExprParser
    private let input: [UInt8]
    var position = 0
    private var ownMistakes: [ParseError.Mistake] = []
    private var count = 0

    /// What is wrong with the text.
    var mistakes: [ParseError.Mistake] { metric.mistakes + ownMistakes }

    init(_ text: String, options: ParserOptions) {
        metric = ExprParser(text, options: options)
        input = metric.lexer.input
    }

    mutating func description() throws(ParsingStopped) -> SeriesDescription {
        let labels = try metric.leadingMetric()
        guard metric.mistakes.isEmpty else { throw ParsingStopped() }
        position = metric.lexer.position
        var values: [SequenceValue] = []
        while current != nil {
            guard skipSpaces() else { throw unexpected(in: "") }
            if current != nil { values += try item() }
        }
        return SeriesDescription(labels: labels, values: values)
    }

    // MARK: - Characters

    /// The byte at the position.
    var current: UInt8? { position < input.count ? input[position] : nil }

    func isAt(_ text: String) -> Bool { input[position...].starts(with: text.utf8) }

    mutating func take(_ text: String) -> Bool {
        guard isAt(text) else { return false }
        position += text.utf8.count
        return true
    }

    /// Skips spaces, and tells whether there were any.
    @discardableResult
    mutating func skipSpaces() -> Bool {
        let start = position
        while let byte = current, Lexer.isSpace(Int(byte)) { position += 1 }
        return position > start
    }

    /// Letters, digits and underscores.
    mutating func word() -> String {
        let start = position
        while let byte = current, Lexer.isAlphaNumeric(Int(byte)) { position += 1 }
        return String(decoding: input[start..<position], as: UTF8.self)
    }

    mutating func fail(_ message: String, at start: Int? = nil) -> ParsingStopped {
        ownMistakes.append(.init(position: PositionRange(start: start ?? position, end: input.count), message: message))
        return ParsingStopped()
    }

    /// Fails in promtool's words, which depend on how the rest would be split into tokens.
    mutating func unexpected(in place: String = " in series values") -> ParsingStopped {
        let start = position
        guard let byte = current else { return fail("unexpected end of input\(place)") }
        let found: String
        switch byte {
        case UInt8(ascii: "+"), UInt8(ascii: "-"): found = "<op:\(String(UnicodeScalar(byte)))>"
        case UInt8(ascii: "x"), UInt8(ascii: "_"): found = GoText.quoted(String(UnicodeScalar(byte)))
        default:
            if isAtNumber {
                guard scanNumber() else { return badNumber(from: start) }
                found = "number \(GoText.quoted(text(from: start)))"
            } else if Lexer.isAlpha(Int(byte)) {
                found = "identifier \(GoText.quoted(word()))"
            } else {
                let found = Self.quoted(metric.lexer.nextScalar(at: &position))
                return fail("unexpected character in series sequence: \(found)", at: start)
            }
        }
        return fail("unexpected \(found)\(place)", at: start)
    }

    /// A character as Go's `%q` writes it.
    static func quoted(_ character: String) -> String {
        switch character {
        case "'": return "'\\''"
        case "\"": return "'\"'"
        default: return "'" + GoText.escaped(character) + "'"
        }
    }

    mutating func badNumber(from start: Int) -> ParsingStopped {
        fail("bad number syntax: \(GoText.quoted(text(from: start)))", at: start)
    }

    func text(from start: Int) -> String { String(decoding: input[start..<position], as: UTF8.self) }

    mutating func unexpected(_ place: String, _ expected: String) -> ParsingStopped {
        let start = position
        let found = current == nil ? "end of input" : GoText.quoted(metric.lexer.nextScalar(at: &position))
        return fail("unexpected \(found) in \(place), expected \(expected)", at: start)
    }

    // MARK: - Values

    private mutating func item() throws(ParsingStopped) -> [SequenceValue] {
        if isAt("x") { throw unexpected(in: "") }
        if take("_") {
            return take("x") ? Array(repeating: .omitted, count: try repetitions()) : [.omitted]
        }
        if isAt("{{") { return try histograms() }
        let value = try number()
        if take("x") { return Array(repeating: .float(value), count: try repetitions() + 1) }
        guard current == UInt8(ascii: "+") || current == UInt8(ascii: "-") else { return [.float(value)] }
        let step = try number()
        guard take("x") else { throw unexpected() }
        var values: [SequenceValue] = []
        var next = value
        for _ in 0...(try repetitions()) {
            values.append(.float(next))
            next += step
        }
        return values
    }

    private mutating func repetitions() throws(ParsingStopped) -> Int {
        let start = position
        guard isAtNumber else { throw unexpected() }
        guard scanNumber() else { throw badNumber(from: start) }
        let text = text(from: start)
        guard text.utf8.allSatisfy({ Lexer.isDigit(Int($0)) }) else {
            let reason = "strconv.ParseUint: parsing \(GoText.quoted(text)): invalid syntax"
            throw fail("invalid repetition in series values: \(reason)", at: start)
        }
        guard let value = Int(text), value <= Self.greatestCount, count + value <= Self.greatestCount else {
            throw fail("more than \(Self.greatestCount) values in one line", at: start)
        }
        count += value
        return value
    }

    /// A number with an optional sign.
    mutating func number() throws(ParsingStopped) -> Double {
        if take("-") { return -(try unsignedNumber()) }
        _ = take("+")
        return try unsignedNumber()
    }

    private mutating func unsignedNumber() throws(ParsingStopped) -> Double {
        let start = position
        if let byte = current, Lexer.isAlpha(Int(byte)), byte != UInt8(ascii: "x"), byte != UInt8(ascii: "_") {
            let name = word()
            switch name.lowercased() {
            case "inf": return .infinity
            case "nan": return SpecialValue.nan
            case "stale": return SpecialValue.stale
            default:
                let expected = "number or \"stale\""
                throw fail(
                    "unexpected identifier \(GoText.quoted(name)) in series values, expected \(expected)",
                    at: start
                )
            }
        }
        guard isAtNumber else { throw unexpected() }
        guard scanNumber() else { throw badNumber(from: start) }
        do {
            return try GoNumberParser.number(text(from: start))
        } catch {
            throw fail("error parsing number: \(error)", at: start)
        }
    }

    /// Whether a number begins here.
    private var isAtNumber: Bool {
        guard let byte = current else { return false }
        if Lexer.isDigit(Int(byte)) { return true }
        return byte == UInt8(ascii: ".") && position + 1 < input.count && Lexer.isDigit(Int(input[position + 1]))
    }

    /// Moves past a number, of which there is one digit at least. `false` where it cannot be one, behind what told.
    private mutating func scanNumber() -> Bool {
        func isAt(_ bytes: String) -> Bool { current.map { bytes.utf8.contains($0) } ?? false }
        func accept(_ bytes: String) -> Bool {
            guard isAt(bytes) else { return false }
            position += 1
            return true
        }
        let digits = "0123456789"
        let notAfterAll = "._eE"
        _ = accept(".")
        var (hasDot, hasExponent) = (false, false)
        while isAt(digits + notAfterAll) {
            if accept(".") {
                if hasDot || accept("_.") { return false }
                hasDot = true
            } else if accept("eE") {
                if hasExponent { return false }
                hasExponent = true
                _ = accept("+-")
                if accept(notAfterAll) || current == nil { return false }
            } else if accept("_") {
                if accept(notAfterAll) || current == nil { return false }
            } else {
                _ = accept(digits)
            }
        }
        // What repeats follows at once.
        guard let next = current, next != UInt8(ascii: "x") else { return true }
        return !Lexer.isAlphaNumeric(Int(next))
    }

    // MARK: - Series of histograms

    private mutating func histograms() throws(ParsingStopped) -> [SequenceValue] {
        let start = position
        let (base, baseHint) = try histogram()
        if take("x") {
            return Array(repeating: .histogram(base, hintIsGiven: baseHint), count: try repetitions() + 1)
        }
        let isIncrease = take("+")
        guard isIncrease || take("-") else { return [.histogram(base, hintIsGiven: baseHint)] }
        guard isAt("{{") else { throw unexpected() }
        let (step, hintIsGiven) = try histogram()
        guard take("x") else { throw unexpected() }
        var values = [SequenceValue.histogram(base, hintIsGiven: hintIsGiven)]
        var next = base
        for _ in 0..<(try repetitions()) {
            if next.schema > step.schema {
                let schemas = "cannot merge from schema \(step.schema) to \(next.schema)"
                throw fail("error combining histograms: \(schemas)", at: start)
            }
            do {
                if isIncrease { _ = try next.add(step) } else { _ = try next.subtract(step) }
            } catch {
                throw fail("\(error)", at: start)
            }
            values.append(.histogram(next, hintIsGiven: hintIsGiven))
        }
        return values
    }
}

extension Lexer {
    /// Reads the character at a position and moves past it, as text.
    func nextScalar(at position: inout Int) -> String {
        var copy = self
        copy.position = position
        let scalar = copy.nextScalar()
        position = copy.position
        return scalar.map { String(Character($0)) } ?? ""
    }
}

extension ExprParser {
    /// A metric at the start of a longer text; nothing after its name or its closing brace is read.
    mutating func leadingMetric() throws(ParsingStopped) -> Labels {
        var builder = LabelsBuilder()
        let token = peek()
        var name: String?
        if token.kind.canNameMetric {
            name = lexer.text(advance())
            guard lexer.isAt("{") else { return ["__name__": lexer.text(token)] }
        } else if token.kind != .leftBrace {
            throw unexpected("series description", "metric")
        }
        try expect(.leftBrace)
        try labelList(&builder)
        if let name { builder.set(Labels.metricName, name) }
        return builder.build()
    }
}
