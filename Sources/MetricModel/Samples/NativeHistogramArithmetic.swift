/// Two histograms of which one has exponential buckets and the other custom bounds: they have no common layout.
public struct IncompatibleHistogramLayouts: Error, Hashable, CustomStringConvertible {
    /// The one such error.
    public init() {}
    /// Prometheus's words.
    public var description: String {
        "cannot apply this operation on histograms with a mix of exponential and custom bucket schemas"
    }
}

extension NativeHistogram {
    /// What is to be told about an addition or subtraction that worked.
    public struct CombinationNotes: Sendable, Hashable {
        /// One operand said that there was a counter reset, the other that there was none.
        public var resetsCollide = false
        /// Custom bounds differed; the result has those that both had.
        public var boundsReconciled = false
    }

    /// Scales all counts and the sum.
    public mutating func multiply(by factor: Double) {
        zeroCount *= factor
        count *= factor
        sum *= factor
        for index in positiveBuckets.indices { positiveBuckets[index] *= factor }
        for index in negativeBuckets.indices { negativeBuckets[index] *= factor }
        if factor < 0 { counterResetHint = .gauge }
        isInteger = false
    }

    /// Divides all counts and the sum. Division by zero leaves no buckets.
    public mutating func divide(by divisor: Double) {
        zeroCount /= divisor
        count /= divisor
        sum /= divisor
        isInteger = false
        guard divisor != 0 else {
            (positiveBuckets, negativeBuckets, positiveSpans, negativeSpans) = ([], [], [], [])
            return
        }
        for index in positiveBuckets.indices { positiveBuckets[index] /= divisor }
        for index in negativeBuckets.indices { negativeBuckets[index] /= divisor }
        if divisor < 0 { counterResetHint = .gauge }
    }

    /// Adds the other histogram's observations. Zero buckets and resolutions are brought to what both can express.
    @discardableResult
    public mutating func add(_ other: NativeHistogram) throws(IncompatibleHistogramLayouts) -> CombinationNotes {
        try combine(other, subtracting: false)
    }

    /// Takes the other histogram's observations away.
    @discardableResult
    public mutating func subtract(_ other: NativeHistogram) throws(IncompatibleHistogramLayouts) -> CombinationNotes {
        try combine(other, subtracting: true)
    }

    private mutating func combine(
        _ other: NativeHistogram,
        subtracting: Bool
    ) throws(IncompatibleHistogramLayouts) -> CombinationNotes {
        guard usesCustomBounds == other.usesCustomBounds else { throw IncompatibleHistogramLayouts() }
        var notes = CombinationNotes()
        notes.resetsCollide = adoptHint(of: other)
        isInteger = false
        if !usesCustomBounds {
            var none: NativeHistogram?
            let otherZero = reconcileZeroBuckets(with: other, compensation: &none).zeroCount
            zeroCount = subtracting ? zeroCount - otherZero : zeroCount + otherZero
        }
        count = subtracting ? count - other.count : count + other.count
        sum = subtracting ? sum - other.sum : sum + other.sum

        if usesCustomBounds, customValues != other.customValues {
            notes.boundsReconciled = true
            let common = NativeHistogram.commonBounds(customValues, other.customValues)
            var mapped = ReconciledSide(bounds: common)
            mapped.take(positive, bounds: customValues)
            mapped.take(other.positive, bounds: other.customValues, subtracting: subtracting)
            (positive, _) = mapped.populated
            customValues = common
            return notes
        }
        let target = usesCustomBounds ? schema : min(schema, other.schema)
        let threshold = zeroThreshold
        positive = positive.merged(from: schema, to: target).combined(
            with: other.positive.merged(from: other.schema, to: target),
            subtracting: subtracting,
            schema: target,
            ignoringBelow: threshold
        )
        if !usesCustomBounds {
            negative = negative.merged(from: schema, to: target).combined(
                with: other.negative.merged(from: other.schema, to: target),
                subtracting: subtracting,
                schema: target,
                ignoringBelow: threshold
            )
        }
        schema = target
        return notes
    }

    /// Takes over what the other's hint says about the result's. Answers whether the two contradict each other.
    package mutating func adoptHint(of other: NativeHistogram) -> Bool {
        let (mine, theirs) = (counterResetHint, other.counterResetHint)
        if mine == theirs || mine == .gauge { return false }
        if theirs == .gauge {
            counterResetHint = .gauge
            return false
        }
        counterResetHint = .unknown
        return mine != .unknown && theirs != .unknown
    }

    /// Whether any figure is infinite.
    public var hasOverflow: Bool {
        zeroCount.isInfinite || count.isInfinite || sum.isInfinite || positiveBuckets.contains(where: \.isInfinite)
            || negativeBuckets.contains(where: \.isInfinite) || customValues.contains(where: \.isInfinite)
    }
}

extension NativeHistogram.Side {
    /// The buckets in a lower resolution.
    package func merged(from origin: Int32, to target: Int32) -> Self {
        guard target < origin, origin != NativeHistogram.customBoundsSchema else { return self }
        var result = Self()
        for position in indices.indices {
            let index = NativeHistogram.mergedIndex(indices[position], from: origin, to: target)
            if result.indices.last == index {
                result.counts[result.counts.count - 1] += counts[position]
            } else {
                result.indices.append(index)
                result.counts.append(counts[position])
            }
        }
        return result
    }

    /// This side plus or minus another one of the same schema; buckets of the other that end within the zero bucket are in
    /// its count already and are left out.
    package func combined(
        with other: Self,
        subtracting: Bool,
        schema: Int32,
        ignoringBelow threshold: Double
    ) -> Self {
        let start = other.firstPosition(above: threshold, schema: schema)
        if start == other.indices.count { return self }
        if start == 0, indices == other.indices {
            var result = self
            for position in counts.indices {
                result.counts[position] += subtracting ? -other.counts[position] : other.counts[position]
            }
            return result
        }
        var result = Self()
        result.indices.reserveCapacity(indices.count + other.indices.count)
        result.counts.reserveCapacity(indices.count + other.indices.count)
        var left = 0
        var right = start
        while left < indices.count || right < other.indices.count {
            let leftIndex = left < indices.count ? indices[left] : .max
            let rightIndex = right < other.indices.count ? other.indices[right] : .max
            if left < indices.count, leftIndex <= rightIndex {
                var value = counts[left]
                left += 1
                if leftIndex == rightIndex, right < other.indices.count {
                    value += subtracting ? -other.counts[right] : other.counts[right]
                    right += 1
                }
                result.indices.append(leftIndex)
                result.counts.append(value)
            } else {
                result.indices.append(rightIndex)
                result.counts.append(subtracting ? -other.counts[right] : other.counts[right])
                right += 1
            }
        }
        return result
    }

    /// The first bucket that ends above a threshold; 0 for custom bounds.
    package func firstPosition(above threshold: Double, schema: Int32) -> Int {
        guard schema != NativeHistogram.customBoundsSchema else { return 0 }
        var position = 0
        while position < indices.count,
            NativeHistogram.exponentialBound(indices[position], schema: schema) <= threshold
        {
            position += 1
        }
        return position
    }
}
