#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Why a duration expression has no usable value, in Prometheus's words: `3:9: duration must be greater than 0`.
public struct DurationError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The message.
    public let message: String

    init(_ position: PositionRange, _ text: String) { message = "\(position.start):\(position.end): \(text)" }

    /// The message.
    public var description: String { message }
}

extension DurationExpr {
    /// The value in seconds.
    /// - Parameters:
    ///   - step: the query's step in seconds.
    ///   - range: the length of the query's range in seconds.
    public func seconds(step: Double, range: Double) throws(DurationError) -> Double {
        let node: Operation
        switch self {
        case .number(let number): return number.value
        case .operation(let operation): node = operation
        }
        let left = try node.left?.seconds(step: step, range: range) ?? 0
        let right = try node.right?.seconds(step: step, range: range) ?? 0
        switch node.operation {
        case .step: return step
        case .range: return range
        case .minimum: return left.isNaN || right.isNaN ? .nan : Double.minimum(left, right)
        case .maximum: return left.isNaN || right.isNaN ? .nan : Double.maximum(left, right)
        case .add: return node.left == nil ? right : left + right
        case .subtract: return node.left == nil ? -right : left - right
        case .multiply: return left * right
        case .divide:
            if right == 0 { throw DurationError(position, "division by zero") }
            return left / right
        case .modulo:
            if right == 0 { throw DurationError(position, "modulo by zero") }
            return left.truncatingRemainder(dividingBy: right)
        case .power: return pow(left, right)
        }
    }

    /// The value in nanoseconds, cut to whole milliseconds.
    func nanoseconds(step: Double, range: Double, allowsNegative: Bool) throws(DurationError) -> Int64 {
        let value = try seconds(step: step, range: range)
        if !value.isFinite { throw DurationError(position, "duration is NaN or infinite") }
        if value <= 0, !allowsNegative { throw DurationError(position, "duration must be greater than 0") }
        if value > DurationExpr.greatestSeconds || value < -DurationExpr.greatestSeconds {
            throw DurationError(position, "duration is out of range")
        }
        let milliseconds = Int64(exactly: (value * 1000).rounded(.towardZero)) ?? 0
        return milliseconds.multipliedReportingOverflow(by: 1_000_000).partialValue
    }

    /// The length that still fits into 64 bits of nanoseconds.
    static let greatestSeconds: Double = 0x1p63 / 1e9
}

extension Expr {
    /// The same expression with every duration expression worked out into the plain field beside it.
    /// - Parameters:
    ///   - step: the query's step in nanoseconds.
    ///   - range: the length of the query's range in nanoseconds.
    public func resolvingDurations(step: Int64, range: Int64) throws(DurationError) -> Expr {
        let step = Double(step) / 1e9
        let range = Double(range) / 1e9
        // Of several mistakes the outermost is told.
        var mistake: DurationError?
        walk { expression, _ in
            do throws(DurationError) {
                if mistake == nil { _ = try expression.resolvingOwnDurations(step: step, range: range) }
            } catch {
                mistake = error
            }
            return mistake == nil
        }
        if let mistake { throw mistake }
        return try transformed { expression throws(DurationError) in
            try expression.resolvingOwnDurations(step: step, range: range)
        }
    }

    /// The expression with its own durations worked out, not those below it.
    private func resolvingOwnDurations(step: Double, range: Double) throws(DurationError) -> Expr {
        switch self {
        case .vectorSelector(var node):
            guard let offset = node.offsetExpression else { return self }
            node.offset = try offset.nanoseconds(step: step, range: range, allowsNegative: true)
            return .vectorSelector(node)
        case .matrixSelector(var node):
            guard let length = node.rangeExpression else { return self }
            node.range = try length.nanoseconds(step: step, range: range, allowsNegative: false)
            return .matrixSelector(node)
        case .subquery(var node):
            if let offset = node.offsetExpression {
                node.offset = try offset.nanoseconds(step: step, range: range, allowsNegative: true)
            }
            if let interval = node.stepExpression {
                node.step = try interval.nanoseconds(step: step, range: range, allowsNegative: false)
            }
            if let length = node.rangeExpression {
                node.range = try length.nanoseconds(step: step, range: range, allowsNegative: false)
            }
            return .subquery(node)
        case .number, .string, .aggregate, .binary, .unary, .paren, .call, .stepInvariant: return self
        }
    }
}
