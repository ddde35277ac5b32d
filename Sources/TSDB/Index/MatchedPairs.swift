import MetricModel

/// Which pairs satisfy the regular expressions among matchers: worked out without the lock under which series are looked up, as a
/// pattern may take long over many values, and appends would have to wait.
struct MatchedPairs {
    private struct Known {
        /// So many pairs of the name had been looked at.
        var count: Int
        /// Those of them whose value the pattern matches, ascending.
        var pairs: [UInt32]
    }

    private var known: [LabelMatcher: Known] = [:]

    /// Nothing is known.
    init() {}

    /// Whether a matcher's pattern is one that takes time.
    static func takesTime(_ matcher: LabelMatcher) -> Bool {
        guard let pattern = matcher.pattern else { return false }
        return pattern.literalAlternatives == nil && !pattern.matchesEverything
    }

    /// The pairs of a name, with their values.
    typealias Values = [(pair: UInt32, value: String)]

    /// Matches the values that there are.
    /// - Throws: where the task is to give up.
    init(_ matchers: [(matcher: LabelMatcher, values: Values)]) throws(StorageError) {
        for (matcher, values) in matchers where known[matcher] == nil {
            guard let pattern = matcher.pattern else { continue }
            var found: [UInt32] = []
            for (number, value) in values.enumerated() {
                if number & 255 == 255 { try Self.checkTask() }
                if pattern.matches(value.value) { found.append(value.pair) }
            }
            try Self.checkTask()
            known[matcher] = Known(count: values.count, pairs: found)
        }
    }

    /// Fails where the task is to give up.
    static func checkTask() throws(StorageError) {
        if Task.isCancelled || TaskLimit.isOver { throw StorageError(.cancelled, "the request was cancelled") }
    }

    /// The pairs, of those of the matcher's name, whose value its pattern matches or does not match; `nil` where that was not
    /// worked out. Pairs that have come since are left to `matches`.
    func pairs(
        _ matcher: LabelMatcher,
        of candidates: [UInt32],
        matching isMatching: Bool,
        _ matches: (UInt32) -> Bool
    ) -> [UInt32]? {
        guard let known = known[matcher], known.count <= candidates.count else { return nil }
        var result = isMatching ? known.pairs : SeriesTable.difference(Array(candidates[..<known.count]), known.pairs)
        for pair in candidates[known.count...] where matches(pair) == isMatching { result.append(pair) }
        return result
    }
}

extension PairTable {
    /// The pairs of a name with their values, ascending.
    func values(ofName name: String) -> MatchedPairs.Values {
        guard let number = number(ofName: name) else { return [] }
        return pairsOfName[Int(number)].map { (pair: $0, value: value($0)) }
    }
}
