import MetricModel

/// A plain value, as JSON has them: what ``Expr/syntaxTree`` is made of.
public indirect enum SyntaxTreeValue: Hashable, Sendable {
    /// `null`.
    case null
    /// `true` or `false`.
    case bool(Bool)
    /// A whole number.
    case integer(Int64)
    /// A number.
    case number(Double)
    /// A text.
    case string(String)
    /// A list.
    case array([SyntaxTreeValue])
    /// Values by name, sorted by name.
    case object([Member])

    /// A named value.
    public struct Member: Hashable, Sendable {
        /// The name.
        public var name: String
        /// The value.
        public var value: SyntaxTreeValue
    }

    fileprivate static func object(_ members: KeyValuePairs<String, SyntaxTreeValue>) -> SyntaxTreeValue {
        .object(members.map { Member(name: $0.key, value: $0.value) }.sorted { $0.name < $1.name })
    }

    fileprivate static func strings(_ texts: [String]) -> SyntaxTreeValue { .array(texts.map { .string($0) }) }

    fileprivate static func optional<T>(_ value: T?, _ wrap: (T) -> SyntaxTreeValue) -> SyntaxTreeValue {
        value.map(wrap) ?? .null
    }

    fileprivate static func milliseconds(_ nanoseconds: Int64) -> SyntaxTreeValue { .integer(nanoseconds / 1_000_000) }
}

extension Expr {
    /// The bytes that ``syntaxTree`` and the answer made of it take, about.
    public var syntaxTreeBytes: Int {
        var (parts, length) = (0, 0)
        walk { expression, _ in
            parts += 1
            switch expression {
            case .string(let node): length += node.value.utf8.count
            case .vectorSelector(let node):
                parts += node.matchers.count + (node.offsetExpression?.partCount ?? 0)
                length += node.name.utf8.count
                for matcher in node.matchers { length += matcher.name.utf8.count + matcher.value.utf8.count }
            case .matrixSelector(let node): parts += node.rangeExpression?.partCount ?? 0
            case .subquery(let node):
                for part in [node.rangeExpression, node.stepExpression, node.offsetExpression] {
                    parts += part?.partCount ?? 0
                }
            case .aggregate(let node): parts += node.grouping.count
            case .binary(let node): parts += (node.matching?.labels.count ?? 0) + (node.matching?.include.count ?? 0)
            case .number, .call, .paren, .unary, .stepInvariant: break
            }
            return true
        }
        return 1536 * parts + 8 * length
    }

    /// The tree as `/api/v1/parse_query` answers it.
    public var syntaxTree: SyntaxTreeValue {
        switch self {
        case .stepInvariant(let inner): inner.syntaxTree
        case .number(let node): .object(["type": "numberLiteral", "val": .string(GoNumber.text(node.value, .fixed))])
        case .string(let node): .object(["type": "stringLiteral", "val": .string(node.value)])
        case .paren(let node): .object(["type": "parenExpr", "expr": node.expression.syntaxTree])
        case .unary(let node):
            .object([
                "type": "unaryExpr", "op": .string(node.operation.rawValue), "expr": node.operand.syntaxTree,
            ])
        case .vectorSelector(let node): .object(node.members + [("type", "vectorSelector")])
        case .matrixSelector(let node):
            .object(
                node.selector.members + [
                    ("type", "matrixSelector"), ("range", .milliseconds(node.range)),
                    ("rangeExpr", .optional(node.rangeExpression, \.syntaxTree)),
                ]
            )
        case .subquery(let node): node.syntaxTree
        case .aggregate(let node):
            .object([
                "type": "aggregation", "op": .string(node.operation.rawValue), "expr": node.expression.syntaxTree,
                "param": .optional(node.parameter, \.syntaxTree), "grouping": .strings(node.grouping),
                "without": .bool(node.isWithout),
            ])
        case .binary(let node):
            .object([
                "type": "binaryExpr", "op": .string(node.operation.rawValue), "lhs": node.left.syntaxTree,
                "rhs": node.right.syntaxTree, "matching": .optional(node.matching, \.syntaxTree),
                "bool": .bool(node.returnsBool),
            ])
        case .call(let node):
            .object([
                "type": "call", "func": node.function.syntaxTree,
                "args": .array(node.arguments.map(\.syntaxTree)),
            ])
        }
    }
}

extension SyntaxTreeValue: ExpressibleByStringLiteral {
    /// A text.
    public init(stringLiteral value: String) { self = .string(value) }
}

extension SyntaxTreeValue {
    fileprivate static func object(_ members: [(String, SyntaxTreeValue)]) -> SyntaxTreeValue {
        .object(members.map { Member(name: $0.0, value: $0.1) }.sorted { $0.name < $1.name })
    }
}

extension VectorSelector {
    /// What instant and range selectors have in common.
    fileprivate var members: [(String, SyntaxTreeValue)] {
        let matchers = matchers.map { matcher in
            SyntaxTreeValue.object([
                "name": .string(matcher.name), "value": .string(matcher.value),
                "type": .string(matcher.operation.rawValue),
            ])
        }
        return [
            ("name", .string(name)), ("offset", .milliseconds(offset)),
            ("offsetExpr", .optional(offsetExpression, \.syntaxTree)), ("matchers", .array(matchers)),
            ("timestamp", .optional(timestamp) { .integer($0) }),
            ("startOrEnd", .optional(bound) { .string($0.rawValue) }),
            ("anchored", .bool(isAnchored)), ("smoothed", .bool(isSmoothed)),
        ]
    }
}

extension SubqueryExpr {
    fileprivate var syntaxTree: SyntaxTreeValue {
        .object([
            "type": "subquery", "expr": expression.syntaxTree, "range": .milliseconds(range),
            "rangeExpr": .optional(rangeExpression, \.syntaxTree), "offset": .milliseconds(offset),
            "offsetExpr": .optional(offsetExpression, \.syntaxTree), "step": .milliseconds(step),
            "stepExpr": .optional(stepExpression, \.syntaxTree),
            "timestamp": .optional(timestamp) { .integer($0) },
            "startOrEnd": .optional(bound) { .string($0.rawValue) },
        ])
    }
}

extension VectorMatching {
    fileprivate var syntaxTree: SyntaxTreeValue {
        .object([
            "card": .string(cardinality.rawValue), "labels": .strings(labels), "on": .bool(isOn),
            "include": .strings(include),
            "fillValues": .object([
                "lhs": .optional(fillLeft) { .number($0) }, "rhs": .optional(fillRight) { .number($0) },
            ]),
        ])
    }
}

extension FunctionSignature {
    fileprivate var syntaxTree: SyntaxTreeValue {
        .object([
            "name": .string(name.rawValue), "argTypes": .strings(argumentTypes.map(\.rawValue)),
            "variadic": .integer(Int64(variadic)), "returnType": .string(returnType.rawValue),
        ])
    }
}

extension DurationExpr {
    fileprivate var partCount: Int {
        switch self {
        case .number: 1
        case .operation(let node): 1 + (node.left?.partCount ?? 0) + (node.right?.partCount ?? 0)
        }
    }

    fileprivate var syntaxTree: SyntaxTreeValue {
        switch self {
        case .number(let node):
            .object([
                "type": "numberLiteral", "val": .string(GoNumber.text(node.value, .fixed)),
                "duration": .bool(node.isDuration),
            ])
        case .operation(let node):
            .object([
                "type": "durationExpr", "op": .string(node.operation.rawValue),
                "lhs": .optional(node.left, \.syntaxTree), "rhs": .optional(node.right, \.syntaxTree),
                "wrapped": .bool(node.isWrapped),
            ])
        }
    }
}
