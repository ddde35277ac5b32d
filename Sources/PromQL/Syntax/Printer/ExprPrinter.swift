import MetricModel

/// Writes expressions as Prometheus does.
struct ExprPrinter {
    /// What was written so far.
    var output: [UInt8] = []
    /// Writing may stop once there is more than this.
    var limit = Int.max

    /// Whether there is more than that.
    var isOver: Bool { output.count > limit }

    /// Goes beyond the limit, and says so, where a text or a list of texts is so long that it does.
    private mutating func passes(_ texts: some Sequence<String>) -> Bool {
        if limit == .max { return false }
        var left = limit - output.count
        for text in texts {
            left -= text.utf8.count + 2
            guard left < 0 else { continue }
            output.append(contentsOf: repeatElement(UInt8(ascii: " "), count: max(0, limit - output.count) + 1))
            return true
        }
        return false
    }

    mutating func write(_ text: String) {
        // As it is, the lexer takes the replacement character for bytes that are none, as Prometheus's does.
        if text.utf8.contains(0xEF), text.contains("\u{FFFD}") {
            output.append(contentsOf: text.replacing("\u{FFFD}", with: "\\ufffd").utf8)
        } else {
            output.append(contentsOf: text.utf8)
        }
    }

    mutating func write(_ expression: Expr) {
        if isOver { return }
        switch expression {
        case .number(let node): write(node)
        case .string(let node):
            if passes(CollectionOfOne(node.value)) { return }
            write(node.invalidBytes.map(ExprPrinter.quoted) ?? GoText.quoted(node.value))
        case .vectorSelector(let node): write(node)
        case .matrixSelector(let node): write(node)
        case .subquery(let node):
            write(node.expression)
            writeSuffix(node)
        case .aggregate(let node):
            writeHead(node)
            write("(")
            if let parameter = node.parameter {
                write(parameter)
                write(", ")
            }
            write(node.expression)
            write(")")
        case .binary(let node):
            write(node.left)
            write(" ")
            writeHead(node)
            write(" ")
            write(node.right)
        case .unary(let node):
            write(node.operation.rawValue)
            write(node.operand)
        case .paren(let node):
            write("(")
            write(node.expression)
            write(")")
        case .call(let node):
            write(node.function.name.rawValue)
            write("(")
            for (index, argument) in node.arguments.enumerated() where !isOver {
                if index > 0 { write(", ") }
                write(argument)
            }
            write(")")
        case .stepInvariant(let inner): write(inner)
        }
    }

    // MARK: - Parts

    /// Text that is not UTF-8 throughout: the bytes that are not part of a character as `\xff`.
    private static func quoted(_ bytes: [UInt8]) -> String {
        var result = "\""
        var rest = bytes[...]
        while let first = rest.first {
            var decoder = UTF8()
            var iterator = rest.makeIterator()
            if case .scalarValue(let scalar) = decoder.decode(&iterator) {
                result += GoText.escaped(String(Character(scalar)))
                rest = rest.dropFirst(UTF8.width(scalar))
            } else {
                result += "\\x" + String(first, radix: 16)
                rest = rest.dropFirst()
            }
        }
        return result + "\""
    }

    mutating func write(_ node: NumberLiteral) {
        guard node.isDuration else { return GoNumber.append(node.value, .fixed, to: &output) }
        if node.value < 0 { write("-") }
        write(nanoseconds: Int64(exactly: (node.value.magnitude * 1e9).rounded(.towardZero)) ?? .max)
    }

    private mutating func write(nanoseconds: Int64) {
        write(PrometheusDuration(milliseconds: nanoseconds / 1_000_000).description)
    }

    /// An aggregation's operator and grouping.
    mutating func writeHead(_ node: AggregateExpr) {
        write(node.operation.rawValue)
        if node.isWithout {
            write(" without ")
        } else if !node.grouping.isEmpty {
            write(" by ")
        } else {
            return
        }
        writeLabels(node.grouping)
        write(" ")
    }

    private mutating func writeLabels(_ labels: [String]) {
        if passes(labels) { return }
        write("(")
        for (index, label) in labels.enumerated() {
            if index > 0 { write(", ") }
            write(Label.isLegacyName(label) ? label : GoText.quoted(label))
        }
        write(")")
    }

    /// An operator with its modifiers.
    mutating func writeHead(_ node: BinaryExpr) {
        write(node.operation.rawValue)
        if node.returnsBool { write(" bool") }
        guard let matching = node.matching else { return }
        let isGrouped = matching.cardinality == .manyToOne || matching.cardinality == .oneToMany
        if !matching.labels.isEmpty || matching.isOn || isGrouped {
            write(matching.isOn ? " on " : " ignoring ")
            writeLabels(matching.labels)
        }
        if isGrouped {
            write(matching.cardinality == .manyToOne ? " group_left " : " group_right ")
            writeLabels(matching.include)
        }
        if let left = matching.fillLeft, left == matching.fillRight {
            writeFill("fill", left)
        } else {
            if let left = matching.fillLeft { writeFill("fill_left", left) }
            if let right = matching.fillRight { writeFill("fill_right", right) }
        }
    }

    private mutating func writeFill(_ word: String, _ value: Double) {
        write(" \(word) (")
        GoNumber.append(value, .shortest, to: &output)
        write(")")
    }

    private mutating func write(_ node: VectorSelector) {
        write(node.name)
        let matchers = node.matchers.lazy.filter { matcher in
            matcher.name != Labels.metricName || matcher.operation != .equal || matcher.value != node.name
                || matcher.value.isEmpty
        }
        // To write and sort them takes long where they are many.
        if passes(matchers.map(\.value)) { return }
        var texts: [String] = matchers.map(\.description)
        if !texts.isEmpty {
            var comparisons = 0
            var isGivenUp = false
            texts.sort { left, right in
                comparisons += 1
                if comparisons & 1023 == 0, TaskLimit.isOver { isGivenUp = true }
                // In no order then: nobody will look at them.
                return !isGivenUp && left.utf8.lexicographicallyPrecedes(right.utf8)
            }
            write("{" + texts.joined(separator: ",") + "}")
        }
        writeAt(node.timestamp, node.bound)
        writeExtension(node)
        writeOffset(node.offset, node.offsetExpression)
    }

    private mutating func write(_ node: MatrixSelector) {
        let bare = VectorSelector(
            name: node.selector.name,
            matchers: node.selector.matchers,
            position: node.selector.position
        )
        write(bare)
        write("[")
        writeDuration(node.range, node.rangeExpression)
        write("]")
        writeExtension(node.selector)
        writeAt(node.selector.timestamp, node.selector.bound)
        writeOffset(node.selector.offset, node.selector.offsetExpression)
    }

    /// A subquery's brackets and modifiers.
    mutating func writeSuffix(_ node: SubqueryExpr) {
        write("[")
        writeDuration(node.range, node.rangeExpression)
        write(":")
        if node.step != 0 {
            write(nanoseconds: node.step)
        } else if let step = node.stepExpression {
            write(step)
        }
        write("]")
        writeAt(node.timestamp, node.bound)
        writeOffset(node.offset, node.offsetExpression)
    }

    private mutating func writeDuration(_ nanoseconds: Int64, _ expression: DurationExpr?) {
        if let expression { write(expression) } else { write(nanoseconds: nanoseconds) }
    }

    private mutating func writeAt(_ timestamp: Timestamp?, _ bound: RangeBound?) {
        if let timestamp {
            write(" @ " + (Double(timestamp) / 1000).decimals(3))
        } else if let bound {
            write(" @ \(bound.rawValue)()")
        }
    }

    private mutating func writeExtension(_ node: VectorSelector) {
        if node.isAnchored {
            write(" anchored")
        } else if node.isSmoothed {
            write(" smoothed")
        }
    }

    private mutating func writeOffset(_ nanoseconds: Int64, _ expression: DurationExpr?) {
        if let expression {
            write(" offset ")
            write(expression)
        } else if nanoseconds != 0 {
            write(nanoseconds < 0 ? " offset -" : " offset ")
            write(nanoseconds: Int64(clamping: nanoseconds.magnitude))
        }
    }

    mutating func write(_ expression: DurationExpr) {
        let node: DurationExpr.Operation
        switch expression {
        case .number(let literal): return write(literal)
        case .operation(let operation): node = operation
        }
        if node.isWrapped { write("(") }
        switch (node.operation, node.left, node.right) {
        case (.step, _, _), (.range, _, _): write("\(node.operation.rawValue)()")
        case (.minimum, let left?, let right?), (.maximum, let left?, let right?):
            write("\(node.operation.rawValue)(")
            write(left)
            write(", ")
            write(right)
            write(")")
        case (let operation, nil, let right?):
            if operation == .subtract { write("-") }
            write(right)
        case (let operation, let left?, let right?):
            write(left)
            write(" \(operation.rawValue) ")
            write(right)
        case (_, _, nil): break
        }
        if node.isWrapped { write(")") }
    }
}

extension Expr: CustomStringConvertible {
    /// The expression as Prometheus prints it, on one line.
    public var description: String {
        var printer = ExprPrinter()
        printer.write(self)
        return String(decoding: printer.output, as: UTF8.self)
    }
}

extension DurationExpr: CustomStringConvertible {
    /// The expression as Prometheus prints it.
    public var description: String {
        var printer = ExprPrinter()
        printer.write(self)
        return String(decoding: printer.output, as: UTF8.self)
    }
}
