import MetricModel

extension ExprParser {
    /// The rest of a selector, after the metric's name if there is one.
    mutating func vectorSelector(name: Token?) throws(ParsingStopped) -> VectorSelector {
        var selector = VectorSelector(matchers: [], position: name?.position ?? peek().position)
        if peek().kind == .leftBrace {
            advance()
            selector.matchers = try matcherList()
            selector.position.end = lastClosing
        }
        if let name {
            selector.name = lexer.text(name)
            selector.matchers.append(LabelMatcher(Labels.metricName, equals: selector.name))
        }
        return selector
    }

    /// Matchers up to the closing brace.
    private mutating func matcherList() throws(ParsingStopped) -> [LabelMatcher] {
        var matchers: [LabelMatcher] = []
        if take(.rightBrace) != nil { return matchers }
        while true {
            if let matcher = try matcher() { matchers.append(matcher) }
            if take(.comma) != nil {
                if take(.rightBrace) != nil { return matchers }
            } else {
                guard take(.rightBrace) != nil else { throw unexpected("label matching", "\",\" or \"}\"") }
                return matchers
            }
        }
    }

    /// One matcher; `nil` where its pattern is not valid.
    private mutating func matcher() throws(ParsingStopped) -> LabelMatcher? {
        let label = peek()
        guard label.kind == .identifier || label.kind == .string else {
            throw unexpected("label matching", "identifier or \"}\"")
        }
        advance()
        let name = label.kind == .string ? unquoted(label) : lexer.text(label)
        let operation: LabelMatcher.Operator
        switch peek().kind {
        case .assign: operation = .equal
        case .binary(.notEqual): operation = .notEqual
        case .matchesRegex: operation = .matches
        case .notMatchesRegex: operation = .notMatches
        default:
            if label.kind == .string { return LabelMatcher(Labels.metricName, equals: name) }
            throw unexpected("label matching", "label matching operator")
        }
        advance()
        let value = peek()
        guard value.kind == .string else { throw unexpected("label matching", "string") }
        advance()
        do {
            return try LabelMatcher(name, operation, unquoted(value))
        } catch {
            note(PositionRange(start: label.start, end: value.end), error.description)
            return nil
        }
    }

    // MARK: - Ranges and subqueries

    /// The rest of a range selector or subquery; the next token is the bracket.
    mutating func rangeOrSubquery(_ left: Parsed) throws(ParsingStopped) -> Parsed {
        let outer = context
        defer { context = outer }
        let bracket = advance()
        context = .range
        let length = try positiveDuration()
        if let closing = take(.rightBracket) {
            return rangeSelector(left, length, PositionRange(start: bracket.start, end: closing.end))
        }
        guard take(.colon) != nil else { throw unexpected("subquery or range", "\":\" or \"]\"") }
        var node = SubqueryExpr(
            expression: left.expression,
            range: length.nanoseconds,
            rangeExpression: length.operation,
            endPosition: 0
        )
        if peek().kind != .rightBracket {
            context = .subqueryStep
            let step = try positiveDuration()
            node.step = step.nanoseconds
            node.stepExpression = step.operation
        }
        guard let closing = take(.rightBracket) else { throw unexpected("subquery selector", "\"]\"") }
        node.endPosition = closing.end
        return try self.node(.subquery(node), above: left.height)
    }

    private mutating func rangeSelector(_ left: Parsed, _ length: DurationExpr, _ brackets: PositionRange) -> Parsed {
        var selector = VectorSelector(matchers: [], position: left.expression.position)
        if case .vectorSelector(let node) = left.expression {
            selector = node
            if node.offset != 0 || node.offsetExpression != nil {
                note(brackets, "no offset modifiers allowed before range")
            } else if node.timestamp != nil || node.bound != nil {
                note(brackets, "no @ modifiers allowed before range")
            }
        } else {
            note(brackets, "ranges only allowed for vector selectors")
        }
        let node = MatrixSelector(
            selector: selector,
            range: length.nanoseconds,
            rangeExpression: length.operation,
            endPosition: lastClosing
        )
        return Parsed(expression: .matrixSelector(node), height: 2)
    }

    // MARK: - Modifiers

    /// `offset`; the next token is the word.
    mutating func offset(_ expression: inout Expr) throws(ParsingStopped) {
        let outer = context
        defer { context = outer }
        advance()
        context = .offset
        let value = try offsetDuration()
        switch expression {
        case .vectorSelector(var node):
            setOffset(value, &node.offset, &node.offsetExpression, expression)
            node.position.end = lastClosing
            expression = .vectorSelector(node)
        case .matrixSelector(var node):
            setOffset(value, &node.selector.offset, &node.selector.offsetExpression, expression)
            node.endPosition = lastClosing
            expression = .matrixSelector(node)
        case .subquery(var node):
            setOffset(value, &node.offset, &node.offsetExpression, expression)
            node.endPosition = lastClosing
            expression = .subquery(node)
        default:
            note(expression.position, "offset modifier must be preceded by \(ExprParser.selectors)")
        }
    }

    private static let selectors = "an instant vector selector or range vector selector or a subquery"

    private mutating func setOffset(
        _ value: DurationExpr,
        _ offset: inout Int64,
        _ offsetExpression: inout DurationExpr?,
        _ expression: Expr
    ) {
        if offset != 0 || offsetExpression != nil {
            note(expression.position, "offset may not be set multiple times")
        } else {
            offset = value.nanoseconds
            offsetExpression = value.operation
        }
    }

    /// `@`; the next token is the sign.
    mutating func at(_ expression: inout Expr) throws(ParsingStopped) {
        let outer = context
        defer { context = outer }
        advance()
        context = .at
        var timestamp: Timestamp?
        var bound: RangeBound?
        switch peek().kind {
        case .start, .end_:
            bound = advance().kind == .start ? .start : .end
            try expect(.leftParen)
            try expect(.rightParen)
        default:
            var sign = 1.0
            if take(.binary(.subtract)) != nil { sign = -1 } else { _ = take(.binary(.add)) }
            guard peek().kind == .number || peek().kind == .duration else { throw unexpected() }
            timestamp = milliseconds(sign * numberLiteral().value, expression.position)
        }
        switch expression {
        case .vectorSelector(var node):
            guard isFree(node.timestamp, node.bound, expression) else { return }
            node.timestamp = timestamp
            node.bound = bound
            node.position.end = lastClosing
            expression = .vectorSelector(node)
        case .matrixSelector(var node):
            guard isFree(node.selector.timestamp, node.selector.bound, expression) else { return }
            node.selector.timestamp = timestamp
            node.selector.bound = bound
            node.endPosition = lastClosing
            expression = .matrixSelector(node)
        case .subquery(var node):
            guard isFree(node.timestamp, node.bound, expression) else { return }
            node.timestamp = timestamp
            node.bound = bound
            node.endPosition = lastClosing
            expression = .subquery(node)
        default:
            note(expression.position, "@ modifier must be preceded by \(ExprParser.selectors)")
        }
    }

    private mutating func isFree(_ timestamp: Timestamp?, _ bound: RangeBound?, _ expression: Expr) -> Bool {
        if timestamp == nil, bound == nil { return true }
        note(expression.position, "@ <timestamp> may not be set multiple times")
        return false
    }

    private mutating func milliseconds(_ seconds: Double, _ position: PositionRange) -> Timestamp {
        if !seconds.isFinite || seconds >= 0x1p63 || seconds <= -0x1p63 {
            let text =
                seconds.isNaN ? "NaN" : seconds.isInfinite ? (seconds < 0 ? "-Inf" : "+Inf") : seconds.sixDecimals
            note(position, "timestamp out of bounds for @ modifier: \(text)")
        }
        return Int64(exactly: (seconds * 1000).rounded()) ?? .min
    }

    /// `anchored`.
    mutating func anchor(_ expression: inout Expr) {
        extend(&expression, "anchored") { $0.isAnchored = true }
    }

    /// `smoothed`.
    mutating func smooth(_ expression: inout Expr) {
        extend(&expression, "smoothed") { $0.isSmoothed = true }
    }

    private mutating func extend(_ expression: inout Expr, _ word: String, _ set: (inout VectorSelector) -> Void) {
        let position = expression.position
        guard options.extendedRangeSelectors else {
            note(position, "\(word) modifier is experimental and not enabled")
            return
        }
        var isBoth = false
        switch expression {
        case .vectorSelector(var node):
            set(&node)
            isBoth = node.isAnchored && node.isSmoothed
            expression = .vectorSelector(node)
        case .matrixSelector(var node):
            set(&node.selector)
            isBoth = node.selector.isAnchored && node.selector.isSmoothed
            expression = .matrixSelector(node)
        case .subquery: note(position, "\(word) modifier is not supported for subqueries")
        default: note(position, "\(word) modifier not implemented")
        }
        if isBoth { note(position, "anchored and smoothed modifiers cannot be used together") }
    }
}
