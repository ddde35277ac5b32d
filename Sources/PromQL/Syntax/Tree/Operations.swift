/// An aggregation over series: `topk by (job) (3, up)`.
public struct AggregateExpr: Hashable, Sendable {
    /// How to aggregate.
    public var operation: AggregateOperator
    /// What to aggregate.
    public var expression: Expr
    /// The parameter, for the operators that take one.
    public var parameter: Expr?
    /// The labels to group by, or to leave out.
    public var grouping: [String] = []
    /// Whether ``grouping`` lists the labels to leave out.
    public var isWithout = false
    /// Where it stands.
    public var position: PositionRange
}

/// How series of the two sides of an operator find each other.
public struct VectorMatching: Hashable, Sendable {
    /// How many series of one side meet how many of the other.
    public enum Cardinality: String, Hashable, Sendable {
        /// One of each.
        case oneToOne = "one-to-one"
        /// Several on the left: `group_left`.
        case manyToOne = "many-to-one"
        /// Several on the right: `group_right`.
        case oneToMany = "one-to-many"
        /// Set operators.
        case manyToMany = "many-to-many"
    }

    /// How many meet how many.
    public var cardinality = Cardinality.oneToOne
    /// The labels named by `on` or `ignoring`.
    public var labels: [String] = []
    /// Whether ``labels`` are those that have to be equal; otherwise they are ignored.
    public var isOn = false
    /// Labels that the result takes from the "one" side.
    public var include: [String] = []
    /// The value that stands in for a missing series on the left.
    public var fillLeft: Double?
    /// The value that stands in for a missing series on the right.
    public var fillRight: Double?
}

/// An operator between two expressions.
public struct BinaryExpr: Hashable, Sendable {
    /// The operator.
    public var operation: BinaryOperator
    /// The left side.
    public var left: Expr
    /// The right side.
    public var right: Expr
    /// How series match; `nil` unless both sides are vectors.
    public var matching: VectorMatching?
    /// Whether a comparison answers 0 and 1 instead of filtering.
    public var returnsBool = false

    /// A scalar where both sides are scalars, otherwise a vector.
    public var type: ValueType {
        // A chain of operators leans to the left; the right side answers quicker.
        right.type == .scalar && left.type == .scalar ? .scalar : .vector
    }

    /// Where it stands.
    public var position: PositionRange { PositionRange(from: left.position, to: right.position) }
}

/// An operator before an expression.
public struct UnaryExpr: Hashable, Sendable {
    /// The operator.
    public var operation: UnaryOperator
    /// What it applies to.
    public var operand: Expr
    /// The operator's first byte.
    public var startPosition: Int

    /// Where it stands.
    public var position: PositionRange { PositionRange(start: startPosition, end: operand.position.end) }
}

/// An expression in parentheses.
public struct ParenExpr: Hashable, Sendable {
    /// What is inside.
    public var expression: Expr
    /// Where it stands, parentheses included.
    public var position: PositionRange
}

/// A call of a function.
public struct CallExpr: Hashable, Sendable {
    /// The function.
    public var function: FunctionSignature
    /// Its arguments.
    public var arguments: [Expr]
    /// Where it stands.
    public var position: PositionRange
}
