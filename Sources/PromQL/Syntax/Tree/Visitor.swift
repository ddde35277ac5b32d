extension Expr {
    /// The expressions directly below this one, in the order in which Prometheus walks them: an aggregation's vector before its parameter.
    public var children: [Expr] {
        switch self {
        case .number, .string, .vectorSelector: []
        case .matrixSelector(let node): [.vectorSelector(node.selector)]
        case .subquery(let node): [node.expression]
        case .aggregate(let node): node.parameter.map { [node.expression, $0] } ?? [node.expression]
        case .binary(let node): [node.left, node.right]
        case .unary(let node): [node.operand]
        case .paren(let node): [node.expression]
        case .call(let node): node.arguments
        case .stepInvariant(let expression): [expression]
        }
    }

    /// Visits the expression and all below it, parents first.
    /// - Parameter body: gets each expression and the path to it from the top; answers whether to go further down.
    public func walk(_ body: (_ expression: Expr, _ path: [Expr]) throws -> Bool) rethrows {
        var path: [Expr] = []
        try walk(&path, body)
    }

    private func walk(_ path: inout [Expr], _ body: (Expr, [Expr]) throws -> Bool) rethrows {
        guard try body(self, path) else { return }
        let children = children
        if children.isEmpty { return }
        path.append(self)
        for child in children { try child.walk(&path, body) }
        path.removeLast()
    }

    /// The same tree with every expression replaced, children before their parents.
    public func transformed<Failure: Error>(_ body: (Expr) throws(Failure) -> Expr) throws(Failure) -> Expr {
        var result = self
        switch self {
        case .number, .string, .vectorSelector: break
        case .matrixSelector(var node):
            if case .vectorSelector(let selector) = try body(.vectorSelector(node.selector)) {
                node.selector = selector
                result = .matrixSelector(node)
            }
        case .subquery(var node):
            node.expression = try node.expression.transformed(body)
            result = .subquery(node)
        case .aggregate(var node):
            node.expression = try node.expression.transformed(body)
            if let parameter = node.parameter { node.parameter = try parameter.transformed(body) }
            result = .aggregate(node)
        case .binary(var node):
            node.left = try node.left.transformed(body)
            node.right = try node.right.transformed(body)
            result = .binary(node)
        case .unary(var node):
            node.operand = try node.operand.transformed(body)
            result = .unary(node)
        case .paren(var node):
            node.expression = try node.expression.transformed(body)
            result = .paren(node)
        case .call(var node):
            for index in node.arguments.indices {
                node.arguments[index] = try node.arguments[index].transformed(body)
            }
            result = .call(node)
        case .stepInvariant(let expression):
            result = .stepInvariant(try expression.transformed(body))
        }
        return try body(result)
    }
}
