import MetricModel

extension DurationExpr {
    /// The operation; `nil` for a plain number.
    var operation: DurationExpr? {
        if case .operation = self { return self }
        return nil
    }

    /// A plain number's length; 0 for an operation. What does not fit (not a number) is the smallest integer, as with Go.
    var nanoseconds: Int64 {
        guard case .number(let literal) = self else { return 0 }
        return Int64(exactly: (literal.value * 1e9).rounded()) ?? .min
    }
}

extension ExprParser {
    private static let zero = DurationExpr.number(NumberLiteral(0, position: PositionRange(start: 0, end: 0)))

    /// A duration in brackets.
    mutating func positiveDuration() throws(ParsingStopped) -> DurationExpr {
        let value = try duration(0)
        if case .number(let literal) = value, literal.value <= 0 {
            note(literal.position, "duration must be greater than 0")
            return ExprParser.zero
        }
        return value
    }

    /// A duration after `offset`. A plain one takes no operators, so that `a offset 5m * 2` multiplies `a`.
    mutating func offsetDuration() throws(ParsingStopped) -> DurationExpr {
        let token = peek()
        switch token.kind {
        case .number, .duration: return inRange(numberLiteral())
        case .step, .range, .maxOf, .minOf: return try durationFunction()
        case .binary(.add), .binary(.subtract): break
        default: return try duration(0)
        }
        advance()
        switch peek().kind {
        case .number, .duration:
            return signed(token, .number(numberLiteral()), isWrapped: false)
        case .step, .range, .maxOf, .minOf:
            let function = try durationFunction()
            let sign: DurationOperator = token.kind == .binary(.subtract) ? .subtract : .add
            return .operation(.init(operation: sign, right: function, startPosition: token.start))
        case .leftParen:
            advance()
            let inner = try duration(0)
            try expect(.rightParen)
            return signed(token, inner, isWrapped: true)
        default:
            let operand = try duration(BinaryOperator.power.precedence)
            return try durationOperators(signed(token, operand, isWrapped: false), 0)
        }
    }

    /// A duration expression whose operators bind at least as tightly as told.
    private mutating func duration(_ minimum: Int) throws(ParsingStopped) -> DurationExpr {
        try descend()
        let token = peek()
        var left: DurationExpr
        switch token.kind {
        case .number, .duration: left = inRange(numberLiteral())
        case .binary(.add), .binary(.subtract):
            advance()
            left = signed(token, try duration(BinaryOperator.power.precedence), isWrapped: false)
        case .step, .range, .maxOf, .minOf: left = try durationFunction()
        case .leftParen:
            advance()
            let inner = try duration(0)
            let end = try expect(.rightParen).end
            left = wrapped(inner, PositionRange(start: token.start, end: end))
        default: throw unexpected()
        }
        left = try durationOperators(left, minimum)
        ascend()
        return left
    }

    /// Operators after a duration expression.
    private mutating func durationOperators(
        _ first: DurationExpr,
        _ minimum: Int
    ) throws(ParsingStopped) -> DurationExpr {
        var left = first
        var count = 0
        while true {
            let token = peek()
            guard case .binary(let operation) = token.kind, operation.precedence >= minimum,
                let durationOperation = DurationOperator(rawValue: operation.rawValue)
            else {
                for _ in 0..<count { ascend() }
                return left
            }
            advance()
            try descend()
            count += 1
            let right = try duration(operation.precedence + (operation == .power ? 0 : 1))
            if case .number(let literal) = right, literal.value == 0, operation == .divide || operation == .modulo {
                note(token.position, operation == .divide ? "division by zero" : "modulo by zero")
                left = ExprParser.zero
            } else {
                left = .operation(.init(operation: durationOperation, left: left, right: right))
            }
        }
    }

    /// `step()`, `range()`, `min_of(a, b)`, `max_of(a, b)`.
    private mutating func durationFunction() throws(ParsingStopped) -> DurationExpr {
        let name = advance()
        try expect(.leftParen)
        var left: DurationExpr?
        var right: DurationExpr?
        let operation: DurationOperator
        switch name.kind {
        case .step: operation = .step
        case .range: operation = .range
        default:
            operation = name.kind == .maxOf ? .maximum : .minimum
            left = try duration(0)
            try expect(.comma)
            right = try duration(0)
        }
        let end = try expect(.rightParen).end
        return .operation(
            .init(operation: operation, left: left, right: right, startPosition: name.start, endPosition: end)
        )
    }

    private mutating func inRange(_ literal: NumberLiteral) -> DurationExpr {
        guard ExprParser.isOutOfRange(literal.value) else { return .number(literal) }
        note(literal.position, "duration out of range")
        return ExprParser.zero
    }

    private static func isOutOfRange(_ seconds: Double) -> Bool { seconds.magnitude > DurationExpr.greatestSeconds }

    private func wrapped(_ inner: DurationExpr, _ position: PositionRange) -> DurationExpr {
        switch inner {
        case .operation(var node):
            node.isWrapped = true
            return .operation(node)
        case .number:
            // A plus that is not printed carries the parentheses.
            let (start, end) = (position.start, position.end)
            return .operation(
                .init(operation: .add, right: inner, isWrapped: true, startPosition: start, endPosition: end)
            )
        }
    }

    /// A sign before a duration expression.
    private mutating func signed(_ sign: Token, _ operand: DurationExpr, isWrapped: Bool) -> DurationExpr {
        let isMinus = sign.kind == .binary(.subtract)
        let operand = isWrapped ? wrapped(operand, operand.position) : operand
        guard case .number(var literal) = operand else {
            return isMinus
                ? .operation(.init(operation: .subtract, right: operand, startPosition: sign.start)) : operand
        }
        if isMinus { literal.value *= -1 }
        if ExprParser.isOutOfRange(literal.value) {
            note(sign.position, "duration out of range")
            return ExprParser.zero
        }
        literal.position.start = sign.start
        return .number(literal)
    }
}
