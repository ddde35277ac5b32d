/// Which parts of the language are switched on, beyond what is stable.
public struct ParserOptions: Hashable, Sendable {
    /// `--enable-feature=promql-experimental-functions`.
    public var experimentalFunctions: Bool
    /// `--enable-feature=promql-extended-range-selectors`: `anchored` and `smoothed`.
    public var extendedRangeSelectors: Bool
    /// `--enable-feature=promql-binop-fill-modifiers`: `fill`, `fill_left`, `fill_right`.
    public var fillModifiers: Bool

    /// The most levels that an expression may have; more are refused, so that nothing that walks the tree runs out of stack.
    public static let maximumDepth = 1000

    /// Options; by default only what is stable.
    public init(
        experimentalFunctions: Bool = false,
        extendedRangeSelectors: Bool = false,
        fillModifiers: Bool = false
    ) {
        self.experimentalFunctions = experimentalFunctions
        self.extendedRangeSelectors = extendedRangeSelectors
        self.fillModifiers = fillModifiers
    }

    /// Everything switched on, as in the PromQL test language.
    public static let all = ParserOptions(
        experimentalFunctions: true,
        extendedRangeSelectors: true,
        fillModifiers: true
    )
}
