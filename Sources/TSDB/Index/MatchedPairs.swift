import MetricModel
import Synchronization

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

/// Matchers of which all that takes time is worked out, to be looked up under the lock.
struct PreparedMatchers {
    let matchers: ArraySlice<LabelMatcher>
    let matched: MatchedPairs
    /// The series that satisfy others, which were looked up before; `nil` where there are no others.
    var start: [UInt32]?
}

extension Engine {
    /// The values of names that were asked for before.
    private typealias NamedValues = [ExactText: MatchedPairs.Values]

    /// So many conditions are looked up while appends wait.
    private static let conditionsAtOnce = 16

    /// What is to be known of matchers before their series are looked up.
    /// - Throws: where the task is to give up.
    func prepare(_ matchers: [LabelMatcher]) throws(StorageError) -> PreparedMatchers {
        var values: NamedValues = [:]
        return try prepare(matchers, &values)
    }

    private func prepare(_ matchers: [LabelMatcher], _ values: inout NamedValues) throws(StorageError)
        -> PreparedMatchers
    {
        if matchers.count <= Self.conditionsAtOnce {
            return PreparedMatchers(matchers: matchers[...], matched: try matchedPairs(matchers[...], &values))
        }
        // Those that name few series come first.
        let distinct = Set(matchers).sorted { $0.operation == .equal && $1.operation != .equal }
        var found: [UInt32]?
        for first in stride(from: 0, to: distinct.count, by: Self.conditionsAtOnce) {
            try MatchedPairs.checkTask()
            let some = distinct[first..<min(first + Self.conditionsAtOnce, distinct.count)]
            let matched = try matchedPairs(some, &values)
            let prepared = PreparedMatchers(matchers: some, matched: matched, start: found)
            let series = state.withLock { $0.table.matching(prepared) }
            found = series
            if series.isEmpty { break }
        }
        return PreparedMatchers(matchers: [], matched: MatchedPairs(), start: found)
    }

    /// Works out which pairs the matchers' patterns match.
    private func matchedPairs(
        _ matchers: ArraySlice<LabelMatcher>,
        _ values: inout NamedValues
    ) throws(StorageError) -> MatchedPairs {
        let patterns = matchers.filter(MatchedPairs.takesTime)
        for name in patterns.map({ ExactText($0.name) }) where values[name] == nil {
            values[name] = state.withLock { $0.table.pairs.values(ofName: name.text) }
        }
        return try MatchedPairs(patterns.map { ($0, values[ExactText($0.name)] ?? []) })
    }

    /// The series that satisfy all the matchers of at least one list, ascending; all for no list. However many there are, appends wait for
    /// a few conditions at a time.
    /// - Throws: where the task is to give up.
    func matching(anyOf sets: [[LabelMatcher]]) throws(StorageError) -> [UInt32] {
        if sets.isEmpty { return state.withLock { $0.table.all } }
        if sets.count == 1 {
            let prepared = try prepare(sets[0])
            return state.withLock { $0.table.matching(prepared) }
        }
        var values: NamedValues = [:]
        // By number from the table's first one on, which stays as long as there is a series.
        var isFound: [Bool] = []
        var first: UInt32 = 0
        for set in Set(sets) {
            try MatchedPairs.checkTask()
            let prepared = try prepare(set, &values)
            let (series, all) = state.withLock { state in
                (state.table.matching(prepared), state.table.first..<state.table.next)
            }
            if isFound.isEmpty { first = all.lowerBound }
            isFound.append(contentsOf: repeatElement(false, count: Int(all.upperBound - first) - isFound.count))
            for number in series { isFound[Int(number - first)] = true }
        }
        return isFound.indices.lazy.filter { isFound[$0] }.map { first + UInt32($0) }
    }
}

extension PairTable {
    /// The pairs of a name with their values, ascending.
    func values(ofName name: String) -> MatchedPairs.Values {
        guard let number = number(ofName: name) else { return [] }
        return pairsOfName[Int(number)].map { (pair: $0, value: value($0)) }
    }
}
