internal import MetricModel

/// The buckets of a classic histogram at one step.
struct ClassicBuckets {
    /// A bucket: the number of observations up to a bound.
    struct Bucket {
        var upperBound: Double
        var count: Double
    }

    /// What had to be put right so that counts rise with bounds.
    struct Repair {
        var lowest = Double.infinity
        var highest = -Double.infinity
        var greatestDifference = 0.0
    }

    private var buckets: [Bucket]

    /// Buckets in any order; those with the same bound are added up.
    init(_ unordered: [Bucket]) {
        let sorted = unordered.sorted { $0.upperBound < $1.upperBound }
        buckets = []
        for bucket in sorted {
            if let last = buckets.last, last.upperBound == bucket.upperBound {
                buckets[buckets.count - 1].count += bucket.count
            } else {
                buckets.append(bucket)
            }
        }
    }

    /// Buckets by rising bounds, each bound once.
    init(ordered: [Bucket]) { buckets = ordered }

    /// Whether the last bucket takes everything.
    private var isComplete: Bool { buckets.last?.upperBound == .infinity }

    /// Estimates a quantile, interpolating within its bucket.
    mutating func quantile(_ q: Double) -> (value: Double, repair: Repair?) {
        if q.isNaN { return (.nan, nil) }
        if q < 0 { return (-.infinity, nil) }
        if q > 1 { return (.infinity, nil) }
        guard isComplete else { return (.nan, nil) }
        let repair = makeMonotonic()
        guard buckets.count > 1 else { return (.nan, repair) }
        let last = buckets.count - 1
        let observations = buckets[last].count
        if observations == 0 { return (.nan, repair) }
        var rank = q * observations
        let index = WindowSearch.first(last) { buckets[$0].count >= rank }
        if index == last { return (buckets[last - 1].upperBound, repair) }
        if index == 0, buckets[0].upperBound <= 0 { return (buckets[0].upperBound, repair) }
        var start = 0.0
        let end = buckets[index].upperBound
        var count = buckets[index].count
        if index > 0 {
            start = buckets[index - 1].upperBound
            count -= buckets[index - 1].count
            rank -= buckets[index - 1].count
        }
        return (start + (end - start) * (rank / count), repair)
    }

    /// Estimates which share of the observations lies between two bounds.
    func fraction(between lower: Double, and upper: Double) -> Double {
        guard isComplete, let count = buckets.last?.count else { return .nan }
        if count == 0 || lower.isNaN || upper.isNaN { return .nan }
        if lower >= upper { return 0 }
        var rank = 0.0
        var lowerRank: Double?
        var upperRank: Double?
        var start = buckets[0].upperBound <= 0 ? -Double.infinity : 0
        for (index, bucket) in buckets.enumerated() {
            if index > 0 { start = buckets[index - 1].upperBound }
            let end = bucket.upperBound
            func interpolated(_ value: Double) -> Double {
                if start == -.infinity { return bucket.count }
                return rank + (bucket.count - rank) * (value - start) / (end - start)
            }
            if lowerRank == nil, start >= lower { lowerRank = rank }
            if upperRank == nil, start >= upper { upperRank = rank }
            if lowerRank != nil, upperRank != nil { break }
            if lowerRank == nil, start < lower, end > lower { lowerRank = interpolated(lower) }
            if upperRank == nil, start < upper, end > upper { upperRank = interpolated(upper) }
            if lowerRank != nil, upperRank != nil { break }
            rank = bucket.count
        }
        func limited(_ rank: Double?) -> Double {
            guard let rank, !(rank > count) else { return count }
            return rank
        }
        return (limited(upperRank) - limited(lowerRank)) / count
    }

    /// Makes counts rise with bounds. Tiny differences are rounding and are not told.
    private mutating func makeMonotonic() -> Repair? {
        var repair: Repair?
        var previous = buckets[0].count
        for index in buckets.indices.dropFirst() {
            let current = buckets[index].count
            if current == previous { continue }
            if NearlyEqual.test(previous, current, 1e-12) {
                buckets[index].count = previous
            } else if current < previous {
                buckets[index].count = previous
                var seen = repair ?? Repair()
                seen.lowest = min(seen.lowest, buckets[index].upperBound)
                seen.highest = max(seen.highest, buckets[index].upperBound)
                seen.greatestDifference = max(seen.greatestDifference, previous - current)
                repair = seen
            } else {
                previous = current
            }
        }
        return repair
    }
}

/// Binary search.
enum WindowSearch {
    /// The first index below `count` for which the condition holds, `count` where there is none. It has to hold from there on.
    @inline(__always)
    static func first(_ count: Int, _ holds: (Int) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if holds(middle) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}

/// Comparison of numbers up to a relative difference.
package enum NearlyEqual {
    /// Whether two values differ by less than their sum times `tolerance`; NaN equals NaN, the stale marker only itself.
    package static func test(_ left: Double, _ right: Double, _ tolerance: Double) -> Bool {
        if SpecialValue.isStale(left) || SpecialValue.isStale(right) {
            return SpecialValue.isStale(left) && SpecialValue.isStale(right)
        }
        if left.isNaN, right.isNaN { return true }
        if left == right { return true }
        let sum = left.magnitude + right.magnitude
        let difference = (left - right).magnitude
        if left == 0 || right == 0 || sum < .leastNormalMagnitude {
            return difference < tolerance * .leastNormalMagnitude
        }
        return difference / min(sum, .greatestFiniteMagnitude) < tolerance
    }
}
