import MetricModel

/// The kinds of tokens.
enum TokenKind: Hashable, Sendable {
    /// The end of the text; also what follows a mistake of the lexer.
    case end
    /// What the lexer could not make a token of; its message is in ``Lexer/errorMessage``.
    case error
    case identifier, metricIdentifier, string, number, duration
    case leftParen, rightParen, leftBrace, rightBrace, leftBracket, rightBracket
    case comma, colon, assign, at, matchesRegex, notMatchesRegex
    case binary(BinaryOperator)
    case aggregate(AggregateOperator)
    case bool, by, without, on, ignoring, groupLeft, groupRight, fill, fillLeft, fillRight, offset, smoothed, anchored
    case start, end_, step, range, maxOf, minOf

    /// The words of the language, in small letters; they are read in any case.
    static let keywords: [String: TokenKind] = {
        var words: [String: TokenKind] = [
            "bool": .bool, "by": .by, "without": .without, "on": .on, "ignoring": .ignoring,
            "group_left": .groupLeft, "group_right": .groupRight, "offset": .offset,
            "fill": .fill, "fill_left": .fillLeft, "fill_right": .fillRight,
            "smoothed": .smoothed, "anchored": .anchored, "start": .start, "end": .end_, "step": .step,
            "range": .range, "max_of": .maxOf, "min_of": .minOf, "inf": .number, "nan": .number,
        ]
        for operation in [BinaryOperator.and, .or, .unless, .atan2] { words[operation.rawValue] = .binary(operation) }
        for operation in AggregateOperator.allCases { words[operation.rawValue] = .aggregate(operation) }
        return words
    }()

    /// Whether a metric may be called by this word where an expression is expected.
    var canNameMetric: Bool {
        switch self {
        case .identifier, .metricIdentifier, .aggregate, .by, .without, .fill, .fillLeft, .fillRight, .offset,
            .smoothed, .anchored, .start, .end_, .step, .range, .maxOf, .minOf, .binary(.and), .binary(.or),
            .binary(.unless):
            true
        default: false
        }
    }

    /// Whether a label may be called by this word in a grouping.
    var canNameLabel: Bool {
        switch self {
        case .bool, .on, .ignoring, .groupLeft, .groupRight, .binary(.atan2): true
        case .without: false
        default: canNameMetric
        }
    }

    /// Whether an expression can begin with it.
    var canBeginExpression: Bool {
        switch self {
        case .number, .duration, .string, .leftParen, .leftBrace, .binary(.add), .binary(.subtract): true
        default: canNameMetric
        }
    }
}

/// A piece of the text.
struct Token: Sendable {
    var kind: TokenKind
    /// The first byte.
    var start: Int
    /// The byte after the last one.
    var end: Int

    var position: PositionRange { PositionRange(start: start, end: end) }

    /// How messages about what was not expected call the token.
    func described(_ text: String) -> String {
        let quoted = GoText.quoted(text)
        switch kind {
        case .end: return "end of input"
        case .error: return "error"
        case .identifier: return "identifier \(quoted)"
        case .metricIdentifier: return "metric identifier \(quoted)"
        case .string: return "string \(Token.shortened(text))"
        case .number: return "number \(Token.shortened(text))"
        case .duration: return "duration \(Token.shortened(text))"
        case .bool, .by, .without, .on, .ignoring, .groupLeft, .groupRight, .fill, .fillLeft, .fillRight, .offset,
            .smoothed, .anchored:
            return "<\(text)>"
        case .binary, .at, .matchesRegex, .notMatchesRegex: return "<op:\(text)>"
        case .aggregate: return "<aggr:\(text)>"
        case .leftParen, .rightParen, .leftBrace, .rightBrace, .leftBracket, .rightBracket, .comma, .colon, .assign,
            .start, .end_, .step, .range, .maxOf, .minOf:
            return quoted
        }
    }

    private static func shortened(_ text: String) -> String {
        guard text.utf8.count > 10 else { return GoText.quoted(text) }
        var prefix = String.UnicodeScalarView()
        prefix.append(contentsOf: text.unicodeScalars.prefix(10))
        return GoText.quoted(String(prefix)) + "..."
    }
}
