extension NativeHistogram {
    /// Which observations a trim keeps.
    public enum TrimDirection: Sendable, Hashable {
        /// Those below the bound (`</`).
        case keepingBelow
        /// Those above the bound (`>/`).
        case keepingAbove
    }

    /// Keeps the observations on one side of a bound, as far as the buckets can tell: a bucket that the bound cuts is
    /// interpolated. Count and sum are estimated anew where something was cut off.
    public mutating func trim(at bound: Double, _ direction: TrimDirection) {
        var total = (count: 0.0, sum: 0.0)
        var isTrimmed = false
        var up = positive
        var down = negative
        let hasPositive = trim(&up, positiveBucketList, true, bound, direction, &total, &isTrimmed)
        let hasNegative = trim(&down, negativeBucketList, false, bound, direction, &total, &isTrimmed)
        if zeroCount > 0 {
            let kept = trimmedZeroBucket(at: bound, direction, hasNegative: hasNegative, hasPositive: hasPositive)
            if kept.count != zeroCount {
                zeroCount = kept.count
                isTrimmed = true
            }
            total.sum += kept.midpoint * kept.count
            total.count += kept.count
        }
        guard isTrimmed else { return }
        positive = up
        negative = down
        count = total.count
        sum = total.sum
        isInteger = false
        compact()
    }

    private func trim(
        _ side: inout Side,
        _ buckets: [Bucket],
        _ isPositive: Bool,
        _ bound: Double,
        _ direction: TrimDirection,
        _ total: inout (count: Double, sum: Double),
        _ isTrimmed: inout Bool
    ) -> Bool {
        var isPopulated = false
        for (position, bucket) in buckets.enumerated() where bucket.count != 0 {
            isPopulated = true
            let isKept = direction == .keepingBelow ? bucket.upper <= bound : bucket.lower >= bound
            let isCut = direction == .keepingBelow ? bucket.lower < bound : bucket.upper > bound
            if isKept {
                total.count += bucket.count
                total.sum += midpoint(bucket.lower, bucket.upper, isPositive) * bucket.count
            } else if isCut {
                let kept = cut(bucket, at: bound, direction, isPositive)
                total.count += kept.count
                total.sum += kept.midpoint * kept.count
                if side.counts[position] != kept.count {
                    side.counts[position] = kept.count
                    isTrimmed = true
                }
            } else {
                side.counts[position] = 0
                isTrimmed = true
            }
        }
        return isPopulated
    }

    private func cut(
        _ bucket: Bucket,
        at bound: Double,
        _ direction: TrimDirection,
        _ isPositive: Bool
    ) -> (count: Double, midpoint: Double) {
        if bucket.lower == -.infinity || bucket.upper == .infinity {
            return cutUnbounded(bucket, at: bound, direction)
        }
        let below: Double
        if bound <= bucket.lower {
            below = 0
        } else if bound >= bucket.upper {
            below = bucket.count
        } else {
            below = bucket.count * bucket.fraction(below: bound, isLinear: usesCustomBounds)
        }
        switch direction {
        case .keepingBelow: return (below, midpoint(bucket.lower, bound, isPositive))
        case .keepingAbove: return (bucket.count - below, midpoint(bound, bucket.upper, isPositive))
        }
    }

    /// A bucket without a bound on one side says nothing about where in it the observations are; it is kept or dropped whole,
    /// except that a lowest bucket with a positive upper bound is taken to begin at zero.
    private func cutUnbounded(
        _ bucket: Bucket,
        at bound: Double,
        _ direction: TrimDirection
    ) -> (count: Double, midpoint: Double) {
        func finite(_ value: Double) -> Double { value.isInfinite ? 0 : value }
        if bucket.lower == -.infinity {
            let startsAtZero = bucket.upper > 0 && bucket.upper != .infinity
            switch direction {
            case .keepingBelow:
                if bound >= bucket.upper { return (bucket.count, 0) }
                if bound > 0, startsAtZero { return (bucket.count * bound / bucket.upper, bound / 2) }
                if bucket.upper <= 0 { return (bucket.count, bound) }
            case .keepingAbove:
                if bound <= bucket.lower { return (bucket.count, 0) }
                if bound >= 0, bucket.upper > bound, bucket.upper != .infinity {
                    return (bucket.count * (1 - bound / bucket.upper), (bound + bucket.upper) / 2)
                }
            }
            return (0, finite(bucket.upper))
        }
        if direction == .keepingAbove, bound >= bucket.lower { return (bucket.count, bound) }
        return (0, finite(bucket.lower))
    }

    private func trimmedZeroBucket(
        at bound: Double,
        _ direction: TrimDirection,
        hasNegative: Bool,
        hasPositive: Bool
    ) -> (count: Double, midpoint: Double) {
        let lower = hasPositive && !hasNegative ? 0 : -zeroThreshold
        let upper = hasNegative && !hasPositive ? 0 : zeroThreshold
        let whole = (zeroCount, (lower + upper) / 2)
        switch direction {
        case .keepingBelow:
            if bound <= lower { return (0, 0) }
            if bound >= upper { return whole }
            return (zeroCount * ((bound - lower) / (upper - lower)), (lower + bound) / 2)
        case .keepingAbove:
            if bound <= lower { return whole }
            if bound >= upper { return (0, 0) }
            return (zeroCount * ((upper - bound) / (upper - lower)), (bound + upper) / 2)
        }
    }

    /// Where the observations between two bounds are taken to be on average.
    private func midpoint(_ lower: Double, _ upper: Double, _ isPositive: Bool) -> Double {
        if lower.isInfinite {
            if upper.isInfinite { return 0 }
            return upper > 0 ? upper / 2 : upper
        }
        if upper.isInfinite { return lower }
        if usesCustomBounds { return (lower + upper) / 2 }
        let geometric = (lower * upper).magnitude.squareRoot()
        return isPositive ? geometric : -geometric
    }
}
