import MetricModel

extension SeriesTable {
    /// The series that satisfy all the matchers, ascending.
    func matching(_ prepared: PreparedMatchers) -> [UInt32] {
        let (matchers, matched) = (prepared.matchers, prepared.matched)
        var result = prepared.start
        // First the matchers that name series, smallest lists first; then those that take some away.
        var wanted: [[UInt32]] = []
        var unwanted: [[UInt32]] = []
        var lists: [[UInt32]] = []
        for matcher in matchers {
            if matcher.matchesEmpty {
                // Who has the label with a value that does not match is out; who lacks it stays.
                unwanted.append(pairNumbers(matcher, isMatching: false, matched))
            } else if matcher.operation == .equal {
                guard let pair = pairs.find(matcher.name, matcher.value) else { return [] }
                lists.append(series(ofPair: pair))
            } else {
                wanted.append(pairNumbers(matcher, isMatching: true, matched))
            }
        }
        lists.sort { $0.count < $1.count }
        for list in lists {
            result = result.map { SeriesTable.intersection($0, list) } ?? list
            if result?.isEmpty ?? false { return [] }
        }
        for numbers in wanted {
            result = result.map { kept($0, numbers, areWanted: true) } ?? union(numbers)
            if result?.isEmpty ?? false { return [] }
        }
        var found = result ?? all
        for numbers in unwanted where !numbers.isEmpty { found = kept(found, numbers, areWanted: false) }
        return found.allSatisfy(contains) ? found : found.filter(contains)
    }

    /// Those of ascending series that have one of these pairs, or none of them.
    private func kept(_ found: [UInt32], _ numbers: [UInt32], areWanted: Bool) -> [UInt32] {
        if found.count > numbers.reduce(0, { $0 + seriesCount(ofPair: $1) }) / 4 {
            let list = union(numbers)
            return areWanted ? SeriesTable.intersection(found, list) : SeriesTable.difference(found, list)
        }
        // Few series: their own pairs are looked at rather than all series of those pairs.
        let sorted = zip(numbers, numbers.dropFirst()).allSatisfy { $0 < $1 } ? numbers : numbers.sorted()
        return found.filter { series in
            let hasOne = pairNumbers(series).contains { pair in
                let place = sorted.partitioningIndex { $0 >= pair }
                return place < sorted.count && sorted[place] == pair
            }
            return hasOne == areWanted
        }
    }

    /// The pairs of a label name with those of their series that are wanted, which ascend; `nil` for all.
    func seriesByValue(of name: String, in wanted: [UInt32]?) -> [(pair: UInt32, series: [UInt32])] {
        guard let number = pairs.number(ofName: name) else { return [] }
        let all = pairs.pairsOfName[Int(number)].map { (pair: $0, series: series(ofPair: $0)) }
        guard let wanted else {
            return all.map { $0.series.allSatisfy(contains) ? $0 : ($0.pair, $0.series.filter(contains)) }
                .filter { !$0.series.isEmpty }
        }
        return all.map { ($0.pair, SeriesTable.intersection($0.series, wanted)) }.filter { !$0.series.isEmpty }
    }

    /// The pairs of the matcher's label whose value matches, or does not.
    private func pairNumbers(_ matcher: LabelMatcher, isMatching: Bool, _ matched: MatchedPairs) -> [UInt32] {
        guard let name = pairs.number(ofName: matcher.name) else { return [] }
        let candidates = pairs.pairsOfName[Int(name)]
        if matcher.operation == .equal || matcher.operation == .notEqual {
            let equal = pairs.find(matcher.name, matcher.value)
            if (matcher.operation == .equal) == isMatching { return equal.map { [$0] } ?? [] }
            return candidates.filter { $0 != equal }
        }
        let isWanted = matcher.operation == .matches ? isMatching : !isMatching
        let known = matched.pairs(matcher, of: candidates, matching: isWanted) {
            matcher.pattern?.matches(pairs.value($0)) ?? false
        }
        if let known { return known.filter { seriesCount(ofPair: $0) > 0 } }
        return candidates.filter { seriesCount(ofPair: $0) > 0 && matcher.matches(pairs.value($0)) == isMatching }
    }

    private func union(_ pairs: [UInt32]) -> [UInt32] {
        if pairs.count == 1 { return series(ofPair: pairs[0]) }
        // A series has one pair of a name at most, so nothing occurs twice.
        var result: [UInt32] = []
        result.reserveCapacity(pairs.reduce(0) { $0 + seriesCount(ofPair: $1) })
        for pair in pairs { result.append(contentsOf: series(ofPair: pair)) }
        if !result.isEmpty {
            for index in 1..<max(1, result.count) where result[index] < result[index - 1] {
                result.sort()
                break
            }
        }
        return result
    }

    /// What is in both ascending lists.
    static func intersection(_ left: [UInt32], _ right: [UInt32]) -> [UInt32] {
        let (small, large) = left.count <= right.count ? (left, right) : (right, left)
        if small.count * 16 < large.count {
            var result: [UInt32] = []
            var low = 0
            for value in small {
                var high = large.count
                while low < high {
                    let middle = (low + high) / 2
                    if large[middle] < value { low = middle + 1 } else { high = middle }
                }
                if low < large.count, large[low] == value { result.append(value) }
            }
            return result
        }
        return small.common(with: large)
    }

    /// What is in the first ascending list only.
    static func difference(_ list: [UInt32], _ excluded: [UInt32]) -> [UInt32] {
        var result: [UInt32] = []
        result.reserveCapacity(list.count)
        var other = 0
        for value in list {
            while other < excluded.count, excluded[other] < value { other += 1 }
            if other == excluded.count || excluded[other] != value { result.append(value) }
        }
        return result
    }

    /// What is in any of the ascending lists, each once.
    static func merged(_ lists: [[UInt32]]) -> [UInt32] {
        var all = lists.flatMap { $0 }
        all.sort()
        var result: [UInt32] = []
        result.reserveCapacity(all.count)
        for value in all where result.last != value { result.append(value) }
        return result
    }
}

extension [UInt32] {
    /// Whether a number is among these, which ascend.
    func isAscending(contains number: UInt32) -> Bool {
        let index = partitioningIndex { $0 >= number }
        return index < count && self[index] == number
    }
}
