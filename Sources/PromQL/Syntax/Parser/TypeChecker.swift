import MetricModel

/// Checks that operators and functions get what they can work with, and settles what depends on types.
struct TypeChecker {
    let query: [UInt8]
    var mistakes: [ParseError.Mistake] = []

    init(query: [UInt8]) { self.query = query }

    private mutating func note(_ position: PositionRange, _ message: String) {
        mistakes.append(ParseError.Mistake(position: position, message: message))
    }

    /// Checks an expression and all below it, and tells its type.
    @discardableResult
    mutating func check(_ expression: inout Expr) -> ValueType {
        let type = expression.type
        switch expression {
        case .number, .string: break
        case .vectorSelector(let node): check(node)
        case .matrixSelector(let node): check(node.selector)
        case .paren(var node):
            check(&node.expression)
            expression = .paren(node)
        case .stepInvariant(var inner):
            check(&inner)
            expression = .stepInvariant(inner)
        case .unary(var node):
            let type = check(&node.operand)
            if type != .scalar, type != .vector {
                let allowed = "unary expression only allowed on expressions of type scalar or instant vector"
                note(node.position, "\(allowed), got \(GoText.quoted(type.documentedName))")
            }
            expression = .unary(node)
        case .subquery(var node):
            let type = check(&node.expression)
            if type != .vector {
                note(node.position, "subquery is only allowed on instant vector, got \(type.rawValue) instead")
            }
            expression = .subquery(node)
        case .aggregate(var node):
            check(&node)
            expression = .aggregate(node)
        case .binary(var node):
            check(&node)
            expression = .binary(node)
        case .call(var node):
            check(&node)
            expression = .call(node)
        }
        return type
    }

    private mutating func check(_ node: VectorSelector) {
        if !node.name.isEmpty {
            for matcher in node.matchers.dropLast() where matcher.name == Labels.metricName {
                let names = "\(GoText.quoted(node.name)) or \(GoText.quoted(matcher.value))"
                note(node.position, "metric name must not be set twice: \(names)")
            }
        } else if !node.allowsEmptyMatchers, node.matchers.allSatisfy(\.matchesEmpty) {
            note(node.position, "vector selector must contain at least one non-empty matcher")
        }
    }

    private mutating func check(_ node: inout AggregateExpr) {
        expect(&node.expression, .vector, "aggregation expression")
        if var parameter = node.parameter {
            expect(&parameter, node.operation == .countValues ? .string : .scalar, "aggregation parameter")
            node.parameter = parameter
        }
    }

    private mutating func expect(_ expression: inout Expr, _ wanted: ValueType, _ place: String) {
        let type = check(&expression)
        if type != wanted { note(expression.position, TypeChecker.mismatch(wanted, place, type)) }
    }

    private static func mismatch(_ wanted: ValueType, _ place: String, _ type: ValueType) -> String {
        "expected type \(wanted.documentedName) in \(place), got \(type.documentedName)"
    }

    // MARK: - Operators

    private mutating func check(_ node: inout BinaryExpr) {
        let left = check(&node.left)
        let right = check(&node.right)
        var matching = node.matching ?? VectorMatching()
        let operation = node.operation
        if node.returnsBool, !operation.isComparison {
            note(operatorPosition(node), "bool modifier can only be used on comparison operators")
        }
        if operation.isComparison, !node.returnsBool, left == .scalar, right == .scalar {
            note(operatorPosition(node), "comparisons between scalars must use BOOL modifier")
        }
        if operation.isSetOperator, matching.cardinality == .oneToOne { matching.cardinality = .manyToMany }
        if matching.isOn, !matching.include.isEmpty {
            let include = Set(matching.include)
            for label in matching.labels where include.contains(label) {
                let quoted = GoText.quoted(label)
                note(operatorPosition(node), "label \(quoted) must not occur in ON and GROUP clause at once")
            }
        }
        func isOperand(_ type: ValueType) -> Bool { type == .scalar || type == .vector }
        let operands = "binary expression must contain only scalar and instant vector types"
        if !isOperand(left) { note(node.left.position, operands) }
        if !isOperand(right) { note(node.right.position, operands) }
        if left == .vector, right == .vector {
            checkSetOperator(operation, matching, node.position)
            node.matching = matching
        } else {
            checkWithoutMatching(matching, node.position)
            node.matching = nil
        }
        if left == .scalar || right == .scalar, operation.isSetOperator {
            let quoted = GoText.quoted(operation.rawValue)
            note(node.position, "set operator \(quoted) not allowed in binary scalar expression")
        }
    }

    private mutating func checkSetOperator(
        _ operation: BinaryOperator,
        _ matching: VectorMatching,
        _ position: PositionRange
    ) {
        guard operation.isSetOperator else { return }
        if matching.cardinality == .oneToMany || matching.cardinality == .manyToOne {
            note(position, "no grouping allowed for \(GoText.quoted(operation.rawValue)) operation")
        }
        if matching.cardinality != .manyToMany { note(position, "set operations must always be many-to-many") }
        if matching.fillLeft != nil || matching.fillRight != nil {
            note(position, "filling in missing series not allowed for set operators")
        }
    }

    private mutating func checkWithoutMatching(_ matching: VectorMatching, _ position: PositionRange) {
        if !matching.labels.isEmpty { note(position, "vector matching only allowed between instant vectors") }
        if matching.fillLeft != nil || matching.fillRight != nil {
            note(position, "filling in missing series only allowed between instant vectors")
        }
    }

    /// Where the operator stands, with its modifiers.
    private func operatorPosition(_ node: BinaryExpr) -> PositionRange {
        func isSpace(_ index: Int) -> Bool { query.indices.contains(index) && Lexer.isSpace(Int(query[index])) }
        var start = node.left.position.end
        while isSpace(start) { start += 1 }
        var end = node.right.position.start - 1
        while isSpace(end) { end -= 1 }
        return PositionRange(start: start, end: end)
    }

    // MARK: - Calls

    private mutating func check(_ node: inout CallExpr) {
        let function = node.function
        let name = GoText.quoted(function.name.rawValue)
        let types = function.argumentTypes
        let count = node.arguments.count
        if function.variadic == 0 {
            if types.count != count {
                note(node.position, "expected \(types.count) argument(s) in call to \(name), got \(count)")
            }
        } else if types.count - 1 > count {
            note(node.position, "expected at least \(types.count - 1) argument(s) in call to \(name), got \(count)")
        } else if function.variadic > 0, types.count - 1 + function.variadic < count {
            let most = types.count - 1 + function.variadic
            note(node.position, "expected at most \(most) argument(s) in call to \(name), got \(count)")
        }
        if function.name == .info, count > 1 { checkInfo(&node) }
        for index in node.arguments.indices {
            // Arguments beyond those of a function with a fixed number are not looked at.
            if index >= types.count, function.variadic == 0 { break }
            let wanted = types[min(index, types.count - 1)]
            let type = check(&node.arguments[index])
            if type != wanted {
                let position = node.arguments[index].position
                note(position, TypeChecker.mismatch(wanted, "call to function \(name)", type))
            }
        }
    }

    /// The second argument of `info` lists labels, and may match everything.
    private mutating func checkInfo(_ node: inout CallExpr) {
        let argument = node.arguments[1]
        if argument.type != .vector {
            note(node.position, TypeChecker.mismatch(.vector, "call to function \"info\"", argument.type))
        }
        guard case .vectorSelector(var selector) = argument else {
            note(argument.position, "expected label selectors only")
            return
        }
        if !selector.name.isEmpty {
            note(argument.position, "expected label selectors only, got vector selector instead")
        } else {
            selector.allowsEmptyMatchers = true
            node.arguments[1] = .vectorSelector(selector)
        }
    }
}
