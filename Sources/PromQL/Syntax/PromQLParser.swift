/// Reads PromQL.
public struct PromQLParser: Sendable {
    /// What is switched on.
    public let options: ParserOptions

    /// A parser for the language with these options.
    public init(options: ParserOptions = ParserOptions()) { self.options = options }
}
