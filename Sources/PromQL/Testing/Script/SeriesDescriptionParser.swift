import MetricModel

/// Reads series with values in expanding notation.
struct SeriesDescriptionParser {
    /// The most values that one line may stand for.
    private static let greatestCount = 10_000_000

    private var metric: ExprParser
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
            guard skipSpaces() else { throw unexpected("series values", "space") }
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

    mutating func unexpected(_ place: String, _ expected: String) -> ParsingStopped {
        let start = position
        let found = current == nil ? "end of input" : GoText.quoted(metric.lexer.nextScalar(at: &position))
        return fail("unexpected \(found) in \(place), expected \(expected)", at: start)
    }

    // MARK: - Values

    private mutating func item() throws(ParsingStopped) -> [SequenceValue] {
        if take("_") {
            return take("x") ? Array(repeating: .omitted, count: try repetitions()) : [.omitted]
        }
        if isAt("{{") { return try histograms() }
        let value = try number()
        if take("x") { return Array(repeating: .float(value), count: try repetitions() + 1) }
        guard current == UInt8(ascii: "+") || current == UInt8(ascii: "-") else { return [.float(value)] }
        let step = try number()
        guard take("x") else { throw unexpected("series values", "\"x\" and a number of repetitions") }
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
        while let byte = current, Lexer.isDigit(Int(byte)) { position += 1 }
        let text = String(decoding: input[start..<position], as: UTF8.self)
        guard let value = Int(text) else {
            throw fail("invalid repetition in series values: \(GoText.quoted(text))", at: start)
        }
        count += value
        if count > Self.greatestCount { throw fail("more than \(Self.greatestCount) values in one line", at: start) }
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
        if let byte = current, Lexer.isAlpha(Int(byte)) {
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
        while let byte = current, Lexer.isDigit(Int(byte)) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") {
            position += 1
            if let exponent = current, exponent | 0x20 == UInt8(ascii: "e") {
                position += 1
                if current == UInt8(ascii: "+") || current == UInt8(ascii: "-") { position += 1 }
            }
        }
        if start == position { throw unexpected("series values", "number or \"stale\"") }
        let text = String(decoding: input[start..<position], as: UTF8.self)
        do {
            return try GoNumberParser.number(text)
        } catch {
            throw fail("error parsing number: \(error)", at: start)
        }
    }

    // MARK: - Series of histograms

    private mutating func histograms() throws(ParsingStopped) -> [SequenceValue] {
        let start = position
        let (base, baseHint) = try histogram()
        if take("x") {
            return Array(repeating: .histogram(base, hintIsGiven: baseHint), count: try repetitions() + 1)
        }
        guard isAt("+{{") || isAt("-{{") else { return [.histogram(base, hintIsGiven: baseHint)] }
        let isIncrease = take("+")
        if !isIncrease { _ = take("-") }
        let (step, hintIsGiven) = try histogram()
        guard take("x") else { throw unexpected("series values", "\"x\" and a number of repetitions") }
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
