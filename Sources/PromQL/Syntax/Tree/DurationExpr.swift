/// An operator of duration expressions; the raw value is how it is written.
public enum DurationOperator: String, Hashable, Sendable {
    /// Addition, or nothing before a single operand.
    case add = "+"
    /// Subtraction, or negation of a single operand.
    case subtract = "-"
    /// Multiplication.
    case multiply = "*"
    /// Division.
    case divide = "/"
    /// Remainder.
    case modulo = "%"
    /// Power.
    case power = "^"
    /// The query's step; no operands.
    case step
    /// The length of the query's range; no operands.
    case range
    /// The smaller operand.
    case minimum = "min_of"
    /// The greater operand.
    case maximum = "max_of"
}

/// A duration that is worked out when the query runs: `[5m * 2]`, `offset -step()`.
public indirect enum DurationExpr: Hashable, Sendable {
    /// A number of seconds.
    case number(NumberLiteral)
    /// An operator with its operands.
    case operation(Operation)

    /// An operator with up to two operands; a sign has only a right one.
    public struct Operation: Hashable, Sendable {
        /// The operator.
        public var operation: DurationOperator
        /// The left operand.
        public var left: DurationExpr?
        /// The right operand.
        public var right: DurationExpr?
        /// Whether it was written in parentheses.
        public var isWrapped = false
        /// The first byte of a sign or a function.
        public var startPosition = 0
        /// The byte after a function.
        public var endPosition = 0
    }

    /// Where it stands.
    public var position: PositionRange {
        switch self {
        case .number(let node): node.position
        case .operation(let node):
            switch (node.left, node.right) {
            case (nil, nil): PositionRange(start: node.startPosition, end: node.endPosition)
            case (let left?, nil): PositionRange(start: node.startPosition, end: left.position.end)
            case (nil, let right?): PositionRange(start: node.startPosition, end: right.position.end)
            case (let left?, let right?): PositionRange(from: left.position, to: right.position)
            }
        }
    }
}
