internal import MetricModel

/// Prepares an expression for a query: works out what depends on the query's span only, and marks what is the same at every
/// step.
struct Preprocessing {
    let start: Timestamp
    let end: Timestamp
    /// Milliseconds; 0 for an instant query.
    let interval: Int64

    func prepared(_ expression: Expr) throws(PromQLError) -> Expr {
        let folded = expression.transformed(fold)
        let resolved: Expr
        do throws(DurationError) {
            resolved = try folded.resolvingDurations(
                step: interval.multipliedReportingOverflow(by: 1_000_000).partialValue,
                range: (end - start).multipliedReportingOverflow(by: 1_000_000).partialValue
            )
        } catch {
            throw PromQLError(.badData, error.message)
        }
        let marked = mark(resolved)
        return marked.isWorthWrapping ? .stepInvariant(marked.expression) : marked.expression
    }

    /// `start()`, `end()`, `range()`, `step()` are numbers.
    private func fold(_ expression: Expr) -> Expr {
        guard case .call(let node) = expression else { return expression }
        let value: Double
        switch node.function.name {
        case .start: value = Double(start) / 1000
        case .end: value = Double(end) / 1000
        case .range: value = Double(end - start) / 1000
        case .step: value = start == end ? 0 : Double(interval) / 1000
        default: return expression
        }
        return .number(NumberLiteral(value, position: node.position))
    }

    private struct Marked {
        var expression: Expr
        var isInvariant: Bool
        var isWorthWrapping: Bool

        /// The expression, wrapped where that is worth it.
        var wrapped: Expr { isWorthWrapping ? .stepInvariant(expression) : expression }
    }

    private func fixed(_ bound: RangeBound?, _ timestamp: Timestamp?) -> Timestamp? {
        switch bound {
        case .start: start
        case .end: end
        case nil: timestamp.map { isInReach($0) ? $0 : Preprocessing.never }
        }
    }

    /// Prometheus reaches a fixed time by an offset from the query's start, in nanoseconds; more than 292 years away it looks for
    /// the samples of one time at another one, and finds none.
    private func isInReach(_ time: Timestamp) -> Bool {
        let (milliseconds, overflow) = start.subtractingReportingOverflow(time)
        return !overflow && !milliseconds.multipliedReportingOverflow(by: 1_000_000).overflow
    }

    /// A time within some 73 million years of 1970, so that offsets, ranges and lookbacks can be added without a thought.
    static func bounded(_ time: Timestamp) -> Timestamp { min(max(time, never), 1 << 61) }

    /// A time without samples.
    private static let never: Timestamp = -1 << 61

    private func mark(_ expression: Expr) -> Marked {
        switch expression {
        case .number, .string: return Marked(expression: expression, isInvariant: true, isWorthWrapping: false)
        case .vectorSelector(var node):
            node.timestamp = fixed(node.bound, node.timestamp)
            let isFixed = node.timestamp != nil
            return Marked(expression: .vectorSelector(node), isInvariant: isFixed, isWorthWrapping: isFixed)
        case .matrixSelector(var node):
            node.selector.timestamp = fixed(node.selector.bound, node.selector.timestamp)
            let isFixed = node.selector.timestamp != nil
            return Marked(expression: .matrixSelector(node), isInvariant: isFixed, isWorthWrapping: false)
        case .subquery(var node):
            let inner = mark(node.expression)
            node.expression = inner.isInvariant ? .stepInvariant(inner.expression) : inner.expression
            node.timestamp = fixed(node.bound, node.timestamp)
            return Marked(
                expression: .subquery(node),
                isInvariant: node.timestamp != nil,
                isWorthWrapping: false
            )
        case .paren(var node):
            var marked = mark(node.expression)
            node.expression = marked.expression
            marked.expression = .paren(node)
            return marked
        case .unary(var node):
            var marked = mark(node.operand)
            node.operand = marked.expression
            marked.expression = .unary(node)
            return marked
        case .aggregate(var node):
            let inner = mark(Preprocessing.withoutParentheses(node.expression))
            node.expression = inner.expression
            node.parameter = node.parameter.map { mark(Preprocessing.withoutParentheses($0)).expression }
            return Marked(
                expression: .aggregate(node),
                isInvariant: inner.isInvariant,
                isWorthWrapping: inner.isWorthWrapping
            )
        case .binary(var node):
            let (left, right) = (mark(node.left), mark(node.right))
            let isInvariant = left.isInvariant && right.isInvariant
            node.left = isInvariant ? left.expression : left.wrapped
            node.right = isInvariant ? right.expression : right.wrapped
            return Marked(expression: .binary(node), isInvariant: isInvariant, isWorthWrapping: isInvariant)
        case .call(var node): return mark(&node)
        case .stepInvariant(let inner):
            return Marked(expression: inner, isInvariant: true, isWorthWrapping: true)
        }
    }

    private func mark(_ node: inout CallExpr) -> Marked {
        let name = node.function.name
        let arguments = node.arguments.map { mark(Preprocessing.withoutParentheses($0)) }
        var isInvariant = !Preprocessing.dependsOnTime(name) && arguments.allSatisfy(\.isInvariant)
        if name == .timestamp {
            isInvariant = zip(arguments, node.arguments).allSatisfy { marked, argument in
                guard marked.isInvariant, case .vectorSelector = Preprocessing.withoutParentheses(argument) else {
                    return false
                }
                return true
            }
        }
        node.arguments = arguments.map { isInvariant ? $0.expression : $0.wrapped }
        return Marked(expression: .call(node), isInvariant: isInvariant, isWorthWrapping: isInvariant)
    }

    private static func withoutParentheses(_ expression: Expr) -> Expr {
        var expression = expression
        while case .paren(let node) = expression { expression = node.expression }
        return expression
    }

    /// Functions whose result depends on the time of the step even where their arguments do not.
    private static func dependsOnTime(_ name: FunctionName) -> Bool {
        switch name {
        case .daysInMonth, .dayOfMonth, .dayOfWeek, .dayOfYear, .hour, .minute, .month, .year, .predictLinear, .time,
            .timestamp, .start, .end, .range, .step:
            true
        case .abs, .absent, .absentOverTime, .acos, .acosh, .asin, .asinh, .atan, .atanh, .avgOverTime, .ceil,
            .changes, .clamp, .clampMax, .clampMin, .cos, .cosh, .countOverTime, .deg, .delta, .deriv,
            .doubleExponentialSmoothing, .exp, .firstOverTime, .floor, .histogramAvg, .histogramCount,
            .histogramFraction, .histogramQuantile, .histogramQuantiles, .histogramStddev, .histogramStdvar,
            .histogramSum, .idelta, .increase, .info, .irate, .labelJoin, .labelReplace, .lastOverTime, .ln, .log10,
            .log2, .madOverTime, .maxOf, .maxOverTime, .minOf, .minOverTime, .pi, .presentOverTime,
            .quantileOverTime, .rad, .rate, .resets, .round, .scalar, .sgn, .sin, .sinh, .sort, .sortByLabel,
            .sortByLabelDesc, .sortDesc, .sqrt, .startTimestamp, .stddevOverTime, .stdvarOverTime, .sumOverTime,
            .tan, .tanh, .tsOfFirstOverTime, .tsOfLastOverTime, .tsOfMaxOverTime, .tsOfMinOverTime, .vector:
            false
        }
    }
}

/// An expression that is evaluated again and again, each time at one moment.
public struct InstantQuery: Sendable {
    /// The expression.
    public let expression: Expr
    /// It, prepared, where that is the same at any moment.
    let prepared: Expr?

    /// Prepares an expression.
    public init(_ expression: Expr) {
        self.expression = expression
        var dependsOnMoment = false
        expression.walk { (part: Expr, _: [Expr]) -> Bool in
            switch part {
            case .vectorSelector(let node): dependsOnMoment = dependsOnMoment || node.isFixed
            case .matrixSelector(let node): dependsOnMoment = dependsOnMoment || node.selector.isFixed
            case .subquery(let node): dependsOnMoment = dependsOnMoment || node.bound != nil || node.timestamp != nil
            case .call(let node):
                let name = node.function.name
                dependsOnMoment = dependsOnMoment || name == .start || name == .end
            case .number, .string, .aggregate, .binary, .unary, .paren, .stepInvariant: break
            }
            return true
        }
        let preprocessing = Preprocessing(start: 0, end: 0, interval: 0)
        prepared = dependsOnMoment ? nil : try? preprocessing.prepared(expression)
    }
}

extension VectorSelector {
    /// Whether it is tied to a moment by `@`.
    fileprivate var isFixed: Bool { bound != nil || timestamp != nil }
}
