/// The type that an expression evaluates to; the raw value is what the HTTP API calls it.
public enum ValueType: String, Hashable, Sendable {
    /// No value: the type of what is not an expression.
    case none
    /// A single number.
    case scalar
    /// One sample per series.
    case vector
    /// A range of samples per series.
    case matrix
    /// A text.
    case string

    /// What the documentation and messages call it.
    public var documentedName: String {
        switch self {
        case .vector: "instant vector"
        case .matrix: "range vector"
        case .none, .scalar, .string: rawValue
        }
    }
}
