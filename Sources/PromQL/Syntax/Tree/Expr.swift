/// A PromQL expression: a tree of values.
///
/// The parser makes all of these except ``stepInvariant(_:)``. Its trees are never deeper than ``ParserOptions/maximumDepth``.
public indirect enum Expr: Hashable, Sendable {
    /// A number or a duration used as a number.
    case number(NumberLiteral)
    /// A text.
    case string(StringLiteral)
    /// A selection of one sample per series.
    case vectorSelector(VectorSelector)
    /// A selection of a range of samples per series.
    case matrixSelector(MatrixSelector)
    /// An expression that is evaluated over a range.
    case subquery(SubqueryExpr)
    /// An aggregation over series.
    case aggregate(AggregateExpr)
    /// An operator between two expressions.
    case binary(BinaryExpr)
    /// An operator before an expression.
    case unary(UnaryExpr)
    /// An expression in parentheses.
    case paren(ParenExpr)
    /// A call of a function.
    case call(CallExpr)
    /// An expression whose result is the same at every step; made by the engine, never by the parser.
    case stepInvariant(Expr)

    /// The type that the expression evaluates to.
    public var type: ValueType {
        switch self {
        case .number: .scalar
        case .string: .string
        case .vectorSelector, .aggregate: .vector
        case .matrixSelector, .subquery: .matrix
        case .binary(let node): node.type
        case .unary(let node): node.operand.type
        case .paren(let node): node.expression.type
        case .call(let node): node.function.returnType
        case .stepInvariant(let expression): expression.type
        }
    }

    /// Where the expression stands in the query.
    public var position: PositionRange {
        switch self {
        case .number(let node): node.position
        case .string(let node): node.position
        case .vectorSelector(let node): node.position
        case .matrixSelector(let node): node.position
        case .subquery(let node): node.position
        case .aggregate(let node): node.position
        case .binary(let node): node.position
        case .unary(let node): node.position
        case .paren(let node): node.position
        case .call(let node): node.position
        case .stepInvariant(let expression): expression.position
        }
    }

    /// The expression without parentheses and step-invariant wrappers around it.
    public var unwrapped: Expr {
        var expression = self
        while true {
            switch expression {
            case .paren(let node): expression = node.expression
            case .stepInvariant(let inner): expression = inner
            default: return expression
            }
        }
    }
}
