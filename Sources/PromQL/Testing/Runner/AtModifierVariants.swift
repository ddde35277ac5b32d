import MetricModel

/// Other ways to ask an instant query: with every selector pinned to the query's time by `@`, it has the same result whenever it
/// is evaluated.
enum AtModifierVariants {
    /// The functions whose results depend on when they are evaluated.
    private static let unsafe: Set<FunctionName> = [
        .daysInMonth, .dayOfMonth, .dayOfWeek, .dayOfYear, .end, .hour, .minute, .month, .year, .predictLinear, .range,
        .start, .step, .time, .timestamp,
    ]

    /// The query with `@` everywhere and the times to evaluate it at; none where the result would change.
    static func variants(of expression: Expr, at time: Timestamp) -> [(expression: String, time: Timestamp)] {
        var isSafe = true
        expression.walk { node, _ in
            if case .call(let call) = node, unsafe.contains(call.function.name) { isSafe = false }
            return isSafe
        }
        guard isSafe else { return [] }
        let text = pinned(expression, time).description
        let times = time == 0 ? [-1000, 0, 1000] : [-10 * time, 0, time / 5, time, 10 * time]
        return times.map { (text, $0) }
    }

    /// The expression with a time for every selector that is not inside a subquery.
    private static func pinned(_ expression: Expr, _ time: Timestamp) -> Expr {
        switch expression {
        case .number, .string: return expression
        case .vectorSelector(var node):
            node.timestamp = node.timestamp ?? time
            return .vectorSelector(node)
        case .matrixSelector(var node):
            node.selector.timestamp = node.selector.timestamp ?? time
            return .matrixSelector(node)
        case .subquery(var node):
            node.timestamp = node.timestamp ?? time
            return .subquery(node)
        case .aggregate(var node):
            node.expression = pinned(node.expression, time)
            node.parameter = node.parameter.map { pinned($0, time) }
            return .aggregate(node)
        case .binary(var node):
            node.left = pinned(node.left, time)
            node.right = pinned(node.right, time)
            return .binary(node)
        case .unary(var node):
            node.operand = pinned(node.operand, time)
            return .unary(node)
        case .paren(var node):
            node.expression = pinned(node.expression, time)
            return .paren(node)
        case .call(var node):
            node.arguments = node.arguments.map { pinned($0, time) }
            return .call(node)
        case .stepInvariant(let inner): return pinned(inner, time)
        }
    }
}
