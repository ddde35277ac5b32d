public import MetricModel

/// Reads PromQL.
public struct PromQLParser: Sendable {
    /// What is switched on.
    public let options: ParserOptions

    /// A parser for the language with these options.
    public init(options: ParserOptions = ParserOptions()) { self.options = options }

    /// Reads an expression and checks its types.
    public func parse(_ query: String) throws(ParseError) -> Expr {
        var parser = ExprParser(query, options: options)
        guard var expression = try? parser.query(), parser.mistakes.isEmpty else {
            throw ParseError(query: query, mistakes: parser.mistakes)
        }
        var checker = TypeChecker(query: parser.lexer.input)
        checker.check(&expression)
        guard checker.mistakes.isEmpty else { throw ParseError(query: query, mistakes: checker.mistakes) }
        return expression
    }

    /// Reads a selector, as `match[]` parameters hold one. It may match everything.
    public func parseSelector(_ text: String) throws(ParseError) -> [LabelMatcher] {
        var parser = ExprParser(text, options: options)
        guard let selector = try? parser.selector(), parser.mistakes.isEmpty else {
            throw ParseError(query: text, mistakes: parser.mistakes)
        }
        return selector.matchers
    }

    /// Reads a metric with its labels: `up{job="demo"}`.
    public func parseMetric(_ text: String) throws(ParseError) -> Labels {
        var parser = ExprParser(text, options: options)
        guard let labels = try? parser.metric(), parser.mistakes.isEmpty else {
            throw ParseError(query: text, mistakes: parser.mistakes)
        }
        return labels
    }
}
