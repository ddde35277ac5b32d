import MetricModel
import Synchronization

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
        // The usual one: nothing has to be put together.
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
