import MetricModel

/// Breaks expressions into lines of about 100 characters, as Prometheus's `format_query` does.
private struct Prettifier {
    var printer: ExprPrinter
    private var parts = 0

    private static let lineLength = 100

    /// Nothing yet. More than `limit` bytes are not to be written to the end.
    init(limit: Int) { printer = ExprPrinter(limit: limit) }

    /// Whether there is no point in going on.
    private mutating func isOver() -> Bool {
        parts += 1
        if parts & 255 == 0, TaskLimit.isOver { printer.limit = -1 }
        return printer.isOver
    }

    private func needsSplit(_ expression: Expr) -> Bool {
        var short = ExprPrinter(limit: Self.lineLength)
        short.write(expression)
        return short.output.count > Self.lineLength
    }

    private mutating func indent(_ level: Int) {
        printer.output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: 2 * level))
    }

    /// Writes the expression.
    /// - Parameter isIndented: whether the line's indentation is there already.
    mutating func write(_ expression: Expr, _ level: Int, isIndented: Bool = false) {
        if isOver() { return }
        switch expression {
        case .stepInvariant(let inner): write(inner, level, isIndented: isIndented)
        case .unary(let node):
            if !isIndented { indent(level) }
            printer.write(node.operation.rawValue)
            write(node.operand, level, isIndented: true)
        case .subquery(let node):
            // Where it fits, Prometheus does not indent it.
            guard needsSplit(expression) else { return printer.write(expression) }
            write(node.expression, level, isIndented: isIndented)
            printer.writeSuffix(node)
        case .number, .string, .vectorSelector, .matrixSelector:
            if !isIndented { indent(level) }
            printer.write(expression)
        case .aggregate, .binary, .call, .paren:
            if needsSplit(expression) {
                split(expression, level, isIndented: isIndented)
            } else {
                if !isIndented { indent(level) }
                printer.write(expression)
            }
        }
    }

    private mutating func split(_ expression: Expr, _ level: Int, isIndented: Bool) {
        if case .binary(let node) = expression {
            write(node.left, level + 1, isIndented: isIndented)
            printer.write("\n")
            indent(level)
            printer.writeHead(node)
            printer.write("\n")
            write(node.right, level + 1)
            return
        }
        if !isIndented { indent(level) }
        switch expression {
        case .aggregate(let node):
            printer.writeHead(node)
            printer.write("(\n")
            if let parameter = node.parameter {
                write(parameter, level + 1)
                printer.write(",\n")
            }
            write(node.expression, level + 1)
        case .call(let node):
            printer.write(node.function.name.rawValue)
            printer.write("(\n")
            for (index, argument) in node.arguments.enumerated() where !printer.isOver {
                if index > 0 { printer.write(",\n") }
                write(argument, level + 1)
            }
        case .paren(let node):
            printer.write("(\n")
            write(node.expression, level + 1)
        case .number, .string, .vectorSelector, .matrixSelector, .subquery, .binary, .unary, .stepInvariant: return
        }
        printer.write("\n")
        indent(level)
        printer.write(")")
    }
}

extension Expr {
    /// The expression as `/api/v1/format_query` answers it: broken into lines where it is long.
    public var prettified: String {
        var prettifier = Prettifier(limit: .max)
        prettifier.write(self, 0)
        return String(decoding: prettifier.printer.output, as: UTF8.self)
    }

    /// The same; `nil` where that would be more than `limit` bytes, which it may be with a short expression, as each level is
    /// indented further, or where the task's limit was over.
    public func prettified(limit: Int) -> String? {
        var prettifier = Prettifier(limit: limit)
        prettifier.write(self, 0)
        return prettifier.printer.isOver ? nil : String(decoding: prettifier.printer.output, as: UTF8.self)
    }
}
