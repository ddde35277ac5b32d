import MetricModel

extension ExprParser {
    // MARK: - Aggregations

    /// The rest of an aggregation, after its operator.
    mutating func aggregation(_ operation: AggregateOperator, _ name: Token) throws(ParsingStopped) -> Parsed {
        let outer = context
        context = .aggregation
        var grouping: [String] = []
        var isWithout = false
        func isModifier(_ kind: TokenKind) -> Bool { kind == .by || kind == .without }
        var isGrouped = isModifier(peek().kind)
        if isGrouped {
            isWithout = advance().kind == .without
            grouping = try groupingLabels()
        }
        let arguments = try argumentList()
        context = outer
        var end = lastClosing
        if !isGrouped {
            isGrouped = isModifier(peek().kind)
            if isGrouped {
                isWithout = advance().kind == .without
                grouping = try groupingLabels()
                end = lastClosing
            }
        }
        var node = AggregateExpr(
            operation: operation,
            expression: .string(StringLiteral("", position: name.position)),
            grouping: grouping,
            isWithout: isWithout,
            position: PositionRange(start: name.start, end: end)
        )
        distribute(arguments, in: &node)
        return try self.node(.aggregate(node), above: arguments.lazy.map(\.height).max() ?? 0)
    }

    /// Gives an aggregation its arguments, where their number is right.
    private mutating func distribute(_ arguments: [Parsed], in node: inout AggregateExpr) {
        if arguments.isEmpty {
            note(node.position, "no arguments for aggregate expression provided")
            return
        }
        let operation = node.operation
        if operation.isExperimental, !options.experimentalFunctions {
            let feature = "must be enabled with --enable-feature=promql-experimental-functions"
            note(node.position, "\(operation.rawValue)() is experimental and \(feature)")
            return
        }
        let wanted = operation.takesParameter ? 2 : 1
        if operation.takesParameter { node.parameter = arguments[0].expression }
        if arguments.count != wanted {
            let counts = "expected \(wanted), got \(arguments.count)"
            note(node.position, "wrong number of arguments for aggregate expression provided, \(counts)")
            return
        }
        node.expression = arguments[wanted - 1].expression
    }

    /// Names of labels in parentheses.
    mutating func groupingLabels() throws(ParsingStopped) -> [String] {
        guard take(.leftParen) != nil else { throw unexpected("grouping opts", "\"(\"") }
        if take(.rightParen) != nil { return [] }
        var labels: [String] = []
        while true {
            let token = peek()
            guard token.kind == .string || token.kind.canNameLabel else { throw unexpected("grouping opts", "label") }
            advance()
            labels.append(token.kind == .string ? groupingLabel(token) : lexer.text(token))
            if take(.comma) != nil {
                if take(.rightParen) != nil { return labels }
            } else {
                guard take(.rightParen) != nil else { throw unexpected("grouping opts", "\",\" or \")\"") }
                return labels
            }
        }
    }

    /// A label's name in quotes.
    private mutating func groupingLabel(_ token: Token) -> String {
        let literal = stringLiteral(token)
        if literal.value.isEmpty || literal.invalidBytes != nil {
            note(token.position, "invalid label name for grouping: \(Expr.string(literal))")
        }
        return literal.value
    }

    // MARK: - Operators

    /// The rest of an operation, after its operator.
    mutating func binary(_ left: Parsed, _ operation: BinaryOperator) throws(ParsingStopped) -> Parsed {
        var matching = VectorMatching()
        let returnsBool = take(.bool) != nil
        if peek().kind == .on || peek().kind == .ignoring {
            matching.isOn = advance().kind == .on
            matching.labels = try groupingLabels()
            if peek().kind == .groupLeft || peek().kind == .groupRight {
                matching.cardinality = advance().kind == .groupLeft ? .manyToOne : .oneToMany
                switch peek().kind {
                case .fill, .fillLeft, .fillRight: break
                case let kind where kind != .leftParen && kind.canBeginExpression: break
                default: matching.include = try groupingLabels()
                }
            }
        }
        try fillModifiers(&matching)
        // The power leans to the right, everything else to the left.
        let right = try expression(operation.precedence + (operation == .power ? 0 : 1))
        let node = BinaryExpr(
            operation: operation,
            left: left.expression,
            right: right.expression,
            matching: matching,
            returnsBool: returnsBool
        )
        if !options.fillModifiers, matching.fillLeft != nil || matching.fillRight != nil {
            note(node.position, "binop fill modifiers are experimental and not enabled")
        }
        return try self.node(.binary(node), above: left.height, right.height)
    }

    private mutating func fillModifiers(_ matching: inout VectorMatching) throws(ParsingStopped) {
        switch peek().kind {
        case .fill:
            advance()
            matching.fillLeft = try fillValue()
            matching.fillRight = matching.fillLeft
        case .fillLeft:
            advance()
            matching.fillLeft = try fillValue()
            if take(.fillRight) != nil { matching.fillRight = try fillValue() }
        case .fillRight:
            advance()
            matching.fillRight = try fillValue()
            if take(.fillLeft) != nil { matching.fillLeft = try fillValue() }
        default: break
        }
    }

    /// A number in parentheses.
    private mutating func fillValue() throws(ParsingStopped) -> Double {
        try expect(.leftParen)
        var sign = 1.0
        if take(.binary(.subtract)) != nil { sign = -1 } else { _ = take(.binary(.add)) }
        guard peek().kind == .number || peek().kind == .duration else { throw unexpected() }
        let value = numberLiteral().value
        try expect(.rightParen)
        return sign * value
    }
}
