#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#endif

extension NativeHistogram.Bucket {
    /// Which share of the bucket's width lies below a value inside it: linear, or on a logarithmic scale as exponential buckets
    /// have it.
    public func fraction(below value: Double, isLinear: Bool) -> Double {
        if isLinear { return (value - lower) / (upper - lower) }
        let logLower = GoMath.log2(lower.magnitude)
        let logUpper = GoMath.log2(upper.magnitude)
        let logValue = GoMath.log2(value.magnitude)
        if value > 0 { return (logValue - logLower) / (logUpper - logLower) }
        return 1 - ((logValue - logUpper) / (logLower - logUpper))
    }
}

extension NativeHistogram {
    /// What there is to say about an estimate.
    public enum EstimateNote: Sendable, Hashable {
        /// Observations of NaN make the result NaN.
        case resultIsNaN
        /// Observations of NaN shift the result upwards.
        case isSkewed
        /// Observations of NaN are in no fraction.
        case excludesNaN
    }

    /// Estimates a quantile, interpolating within its bucket.
    public func quantile(_ q: Double) -> (value: Double, note: EstimateNote?) {
        if q < 0 { return (-.infinity, nil) }
        if q > 1 { return (.infinity, nil) }
        if count == 0 || q.isNaN { return (.nan, nil) }
        let ascends = sum.isNaN || q < 0.5
        let buckets = ascends ? allBuckets : allBuckets.reversed()
        var rank = ascends ? q * count : (1 - q) * count
        var total = 0.0
        var bucket = Bucket(lower: 0, upper: 0, lowerInclusive: false, upperInclusive: false, count: 0)
        var next = 0
        while next < buckets.count {
            bucket = buckets[next]
            next += 1
            if bucket.count == 0 { continue }
            total += bucket.count
            if total >= rank { break }
        }
        if usesCustomBounds {
            if bucket.lower == -.infinity {
                if bucket.upper <= 0 { return (bucket.upper, nil) }
                bucket.lower = 0
            } else if bucket.upper == .infinity {
                return (bucket.lower, nil)
            }
        } else if bucket.lower < 0, bucket.upper > 0 {
            bucket = oneSided(bucket)
        }
        total = min(total, count)
        if total < rank {
            return sum.isNaN ? (.nan, .resultIsNaN) : (bucket.upper, nil)
        }
        rank = ascends ? rank - (total - bucket.count) : total - rank
        var note: EstimateNote?
        if sum.isNaN {
            for later in buckets[next...] { total += later.count }
            if total < count { note = .isSkewed }
        }
        let fraction = rank / bucket.count
        if usesCustomBounds || (bucket.lower <= 0 && bucket.upper >= 0) {
            return (bucket.lower + (bucket.upper - bucket.lower) * fraction, note)
        }
        let logLower = GoMath.log2(bucket.lower.magnitude)
        let logUpper = GoMath.log2(bucket.upper.magnitude)
        if bucket.lower > 0 { return (GoMath.exp2(logLower + (logUpper - logLower) * fraction), note) }
        return (-GoMath.exp2(logUpper + (logLower - logUpper) * (1 - fraction)), note)
    }

    /// Estimates which share of the observations lies between two bounds.
    public func fraction(between lower: Double, and upper: Double) -> (value: Double, note: EstimateNote?) {
        if count == 0 || lower.isNaN || upper.isNaN { return (.nan, nil) }
        if lower >= upper { return (0, nil) }
        var counted = 0.0
        var rank = 0.0
        var lowerRank: Double?
        var upperRank: Double?
        let buckets = allBuckets
        var next = 0
        while next < buckets.count {
            var bucket = buckets[next]
            next += 1
            counted += bucket.count
            let isZeroBucket = bucket.lower <= 0 && bucket.upper >= 0
            if isZeroBucket { bucket = oneSided(bucket) }
            func rankBelow(_ value: Double) -> Double {
                let isLinear = usesCustomBounds || isZeroBucket
                if isLinear, bucket.lower == -.infinity { return bucket.count }
                return rank + bucket.count * bucket.fraction(below: value, isLinear: isLinear)
            }
            if lowerRank == nil, bucket.lower >= lower { lowerRank = rank }
            if upperRank == nil, bucket.lower >= upper { upperRank = rank }
            if lowerRank != nil, upperRank != nil { break }
            if lowerRank == nil, bucket.lower < lower, bucket.upper > lower { lowerRank = rankBelow(lower) }
            if upperRank == nil, bucket.lower < upper, bucket.upper > upper { upperRank = rankBelow(upper) }
            if lowerRank != nil, upperRank != nil { break }
            rank += bucket.count
        }
        var note: EstimateNote?
        if sum.isNaN {
            for later in buckets[next...] { counted += later.count }
            if counted < count { note = .excludesNaN }
        } else {
            counted = count
        }
        func limited(_ rank: Double?) -> Double {
            guard let rank, !(rank > counted) else { return counted }
            return rank
        }
        return ((limited(upperRank) - limited(lowerRank)) / count, note)
    }

    /// A bucket around zero holds nothing on a side on which there are no other buckets.
    private func oneSided(_ bucket: Bucket) -> Bucket {
        var bucket = bucket
        if negativeBuckets.isEmpty, !positiveBuckets.isEmpty {
            bucket.lower = 0
        } else if positiveBuckets.isEmpty, !negativeBuckets.isEmpty {
            bucket.upper = 0
        }
        return bucket
    }

    /// Estimates the variance of the observations, each taken to be in the middle of its bucket.
    public var variance: Double {
        let mean = sum / count
        var total = 0.0
        var lost = 0.0
        for bucket in allBuckets where bucket.count != 0 {
            let value: Double
            if usesCustomBounds {
                value = (bucket.upper + bucket.lower) / 2
            } else if bucket.lower <= 0, bucket.upper >= 0 {
                value = 0
            } else {
                let geometric = (bucket.upper * bucket.lower).squareRoot()
                value = bucket.upper < 0 ? -geometric : geometric
            }
            let delta = value - mean
            CompensatedSum.add(bucket.count * delta * delta, &total, &lost)
        }
        return (total + lost) / count
    }
}
