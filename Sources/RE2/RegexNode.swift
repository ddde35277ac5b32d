/// A parsed regular expression.
indirect enum RegexNode {
    /// Matches nothing at all (an empty class).
    case never
    /// Matches the empty text.
    case empty
    /// One scalar out of a set.
    case set(ScalarSet)
    /// One after the other.
    case sequence([RegexNode])
    /// One of several, the earlier preferred.
    case alternation([RegexNode])
    /// Repeated; `nil` for no upper limit.
    case repetition(RegexNode, minimum: Int, maximum: Int?, isGreedy: Bool)
    /// A capturing group.
    case capture(RegexNode, index: Int)
    /// A condition on the position.
    case assertion(Assertion)

    /// Whether the node matches the empty text.
    var canBeEmpty: Bool {
        switch self {
        case .never, .set: false
        case .empty, .assertion: true
        case .sequence(let nodes): nodes.allSatisfy(\.canBeEmpty)
        case .alternation(let nodes): nodes.contains(where: \.canBeEmpty)
        case .repetition(let inner, let minimum, _, _): minimum == 0 || inner.canBeEmpty
        case .capture(let inner, _): inner.canBeEmpty
        }
    }

    /// Conditions on a position that consume nothing.
    enum Assertion {
        case textStart
        case textEnd
        case lineStart
        case lineEnd
        case wordBoundary
        case notWordBoundary
    }
}
