/// Why a text is not an expression: all that was found, the first of which is what clients are told.
public struct ParseError: Error, Hashable, Sendable, CustomStringConvertible {
    /// One mistake.
    public struct Mistake: Hashable, Sendable {
        /// Where it stands.
        public var position: PositionRange
        /// What is wrong, in Prometheus's words.
        public var message: String
    }

    /// The text that was parsed.
    public let query: String
    /// What was found, in the order in which it was; never empty.
    public let mistakes: [Mistake]
    /// What to add to line numbers.
    public var lineOffset = 0

    /// The first mistake as Prometheus writes it: `1:28: parse error: unclosed left parenthesis`.
    public var description: String {
        guard let first = mistakes.first else { return "error contains no error message" }
        return text(of: first)
    }

    /// A mistake as Prometheus writes it.
    public func text(of mistake: Mistake) -> String {
        "\(mistake.position.lineAndColumn(in: query, lineOffset: lineOffset)): parse error: \(mistake.message)"
    }
}
