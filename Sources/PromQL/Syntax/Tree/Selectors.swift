public import MetricModel

/// The symbolic times that `@` takes.
public enum RangeBound: String, Hashable, Sendable {
    /// The start of the query's range.
    case start
    /// The end of the query's range.
    case end
}

/// A selection of one sample per series: `up{job="demo"} @ end() offset 5m`.
public struct VectorSelector: Hashable, Sendable {
    /// The metric's name where it stands before the braces; otherwise empty.
    public var name: String
    /// What the series have to satisfy; includes a matcher on `__name__` (the last one) where ``name`` is not empty.
    public var matchers: [LabelMatcher]
    /// The offset in nanoseconds, as written; negative looks ahead. 0 where ``offsetExpression`` is set and not yet resolved.
    public var offset: Int64 = 0
    /// The offset where it was written as an expression.
    public var offsetExpression: DurationExpr?
    /// The time that `@` fixes, in milliseconds. Any value: arithmetic with it has to wrap around.
    public var timestamp: Timestamp?
    /// The symbolic time that `@` fixes.
    public var bound: RangeBound?
    /// Whether samples at the borders of the range are taken from outside of it.
    public var isAnchored = false
    /// Whether samples at the borders of the range are interpolated.
    public var isSmoothed = false
    /// Whether all matchers may match the empty value: in the second argument of `info`.
    public var allowsEmptyMatchers = false
    /// Where it stands.
    public var position: PositionRange

    /// A selection.
    public init(name: String = "", matchers: [LabelMatcher], position: PositionRange) {
        self.name = name
        self.matchers = matchers
        self.position = position
    }
}

/// A selection of a range of samples per series: `up[5m]`. Modifiers (`@`, `offset`, …) are those of ``selector``.
public struct MatrixSelector: Hashable, Sendable {
    /// Which series.
    public var selector: VectorSelector
    /// The length of the range in nanoseconds. 0 where ``rangeExpression`` is set and not yet resolved.
    public var range: Int64
    /// The length where it was written as an expression.
    public var rangeExpression: DurationExpr?
    /// The byte after the last one.
    public var endPosition: Int

    /// Where it stands.
    public var position: PositionRange { PositionRange(start: selector.position.start, end: endPosition) }
}

/// An expression evaluated over a range: `rate(x[1m])[1h:5m]`.
public struct SubqueryExpr: Hashable, Sendable {
    /// What is evaluated.
    public var expression: Expr
    /// The length of the range in nanoseconds. 0 where ``rangeExpression`` is set and not yet resolved.
    public var range: Int64
    /// The length where it was written as an expression.
    public var rangeExpression: DurationExpr?
    /// The step in nanoseconds; 0 for the default, and where ``stepExpression`` is set and not yet resolved.
    public var step: Int64 = 0
    /// The step where it was written as an expression.
    public var stepExpression: DurationExpr?
    /// The offset in nanoseconds, as written; negative looks ahead. 0 where ``offsetExpression`` is set and not yet resolved.
    public var offset: Int64 = 0
    /// The offset where it was written as an expression.
    public var offsetExpression: DurationExpr?
    /// The time that `@` fixes, in milliseconds.
    public var timestamp: Timestamp?
    /// The symbolic time that `@` fixes.
    public var bound: RangeBound?
    /// The byte after the last one.
    public var endPosition: Int

    /// Where it stands.
    public var position: PositionRange { PositionRange(start: expression.position.start, end: endPosition) }
}
