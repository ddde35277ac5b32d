extension NativeHistogram {
    /// Leaves out empty buckets: gaps of more than `maximumGap` empty buckets separate spans, smaller ones are filled.
    public mutating func compact(maximumGap: Int = 0) {
        if let side = positive.compacted(maximumGap: maximumGap, spanCount: positiveSpans.count) { positive = side }
        if let side = negative.compacted(maximumGap: maximumGap, spanCount: negativeSpans.count) { negative = side }
    }

    /// Brings exponential buckets to a lower resolution. No effect with custom bounds or a higher target.
    public mutating func reduceResolution(to target: Int32) {
        guard !usesCustomBounds, target < schema, target >= NativeHistogram.minimumSchema else { return }
        positive = positive.merged(from: schema, to: target)
        negative = negative.merged(from: schema, to: target)
        schema = target
    }

    /// The bounds that both lists have.
    package static func commonBounds(_ left: [Double], _ right: [Double]) -> [Double] {
        var result: [Double] = []
        var (i, j) = (0, 0)
        while i < left.count, j < right.count {
            if left[i] == right[j] {
                result.append(left[i])
                i += 1
                j += 1
            } else if left[i] < right[j] {
                i += 1
            } else {
                j += 1
            }
        }
        return result
    }

    /// Widens the zero buckets of both operands to one threshold that cuts no populated bucket of either. Changes the receiver
    /// (and its compensation) and answers what the other's zero bucket would count.
    package mutating func reconcileZeroBuckets(
        with other: NativeHistogram,
        compensation: inout NativeHistogram?
    ) -> (zeroCount: Double, compensation: Double) {
        var threshold = other.zeroThreshold
        var result = (zeroCount: other.zeroCount, compensation: 0.0)
        while threshold != zeroThreshold, !threshold.isNaN, !zeroThreshold.isNaN {
            if zeroThreshold > threshold {
                let wider = other.widenedZeroBucket(zeroThreshold, compensation: nil)
                result = (wider.count, wider.compensation)
                threshold = wider.threshold
            }
            if threshold > zeroThreshold {
                let wider = widenedZeroBucket(threshold, compensation: compensation)
                zeroCount = wider.count
                zeroThreshold = wider.threshold
                compensation?.zeroCount = wider.compensation
                dropBucketsInZeroBucket(&compensation)
            }
        }
        return result
    }

    /// What the zero bucket would count with a larger threshold; one within a populated bucket is moved to that bucket's outer
    /// bound.
    package func widenedZeroBucket(
        _ wanted: Double,
        compensation: NativeHistogram?
    ) -> (count: Double, threshold: Double, compensation: Double) {
        var lost = compensation?.zeroCount ?? 0
        var threshold = wanted
        guard wanted > zeroThreshold else { return (zeroCount, zeroThreshold, lost) }
        let up = positive
        let down = negative
        func outerBound(_ index: Int32) -> Double { NativeHistogram.exponentialBound(index, schema: schema) }
        while true {
            var total = zeroCount
            for position in up.indices.indices {
                let index = up.indices[position]
                if outerBound(index &- 1) >= threshold { break }
                CompensatedSum.add(up.counts[position], &total, &lost)
                if let c = compensation { CompensatedSum.add(c.positiveBuckets[position], &total, &lost) }
                if outerBound(index) > threshold {
                    if up.counts[position] != 0 { threshold = outerBound(index) }
                    break
                }
            }
            var again = false
            for position in down.indices.indices {
                let index = down.indices[position]
                if outerBound(index &- 1) >= threshold { break }
                CompensatedSum.add(down.counts[position], &total, &lost)
                if let c = compensation { CompensatedSum.add(c.negativeBuckets[position], &total, &lost) }
                if outerBound(index) > threshold {
                    if down.counts[position] != 0 {
                        threshold = outerBound(index)
                        again = true
                    }
                    break
                }
            }
            if !again { return (total, threshold, lost) }
        }
    }

    private mutating func dropBucketsInZeroBucket(_ compensation: inout NativeHistogram?) {
        func remaining(_ side: Side, _ lost: [Double]?) -> (Side, [Double]) {
            var kept = Side()
            var keptLost: [Double] = []
            for position in side.indices.indices {
                let index = side.indices[position]
                let isInside = NativeHistogram.exponentialBound(index &- 1, schema: schema) < zeroThreshold
                let isEmpty = side.counts[position] == 0 && (lost?[position] ?? 0) == 0
                if isInside || isEmpty { continue }
                kept.indices.append(index)
                kept.counts.append(side.counts[position])
                keptLost.append(lost?[position] ?? 0)
            }
            return (kept, keptLost)
        }
        let (up, upLost) = remaining(positive, compensation?.positiveBuckets)
        let (down, downLost) = remaining(negative, compensation?.negativeBuckets)
        positive = up
        negative = down
        guard compensation != nil else { return }
        compensation?.positiveSpans = positiveSpans
        compensation?.positiveBuckets = upLost
        compensation?.negativeSpans = negativeSpans
        compensation?.negativeBuckets = downLost
    }
}

extension NativeHistogram.Side {
    /// Without empty buckets, gaps up to `maximumGap` filled; `nil` where that is the case already.
    fileprivate func compacted(maximumGap: Int, spanCount: Int) -> Self? {
        if counts.isEmpty { return spanCount == 0 ? nil : Self() }
        if maximumGap == 0, !counts.contains(0), spans.count == spanCount { return nil }
        var result = Self()
        for position in counts.indices where counts[position] != 0 {
            let index = indices[position]
            if let last = result.indices.last, Int(index) - Int(last) - 1 <= maximumGap {
                var missing = last &+ 1
                while missing < index {
                    result.indices.append(missing)
                    result.counts.append(0)
                    missing &+= 1
                }
            }
            result.indices.append(index)
            result.counts.append(counts[position])
        }
        return result
    }
}

/// Buckets with custom bounds that are being brought to fewer bounds.
package struct ReconciledSide {
    private let bounds: [Double]
    private var counts: [Double]
    private var compensation: [Double]

    /// Nothing yet, in the layout of these bounds.
    package init(bounds: [Double]) {
        self.bounds = bounds
        counts = Array(repeating: 0, count: bounds.count + 1)
        compensation = counts
    }

    /// Adds a side that has (at least) other bounds.
    package mutating func take(
        _ side: NativeHistogram.Side,
        bounds source: [Double],
        compensation sourceCompensation: [Double]? = nil,
        subtracting: Bool = false
    ) {
        var next = 0
        for position in side.indices.indices {
            let index = Int(side.indices[position])
            var target = bounds.count
            if index >= 0, index < source.count {
                while next < bounds.count, bounds[next] < source[index] { next += 1 }
                if next < bounds.count { target = next }
            }
            let value = subtracting ? -side.counts[position] : side.counts[position]
            CompensatedSum.add(value, &counts[target], &compensation[target])
            if let lost = sourceCompensation {
                CompensatedSum.add(lost[position], &counts[target], &compensation[target])
            }
        }
    }

    /// The buckets that are not empty, with their compensation.
    package var populated: (NativeHistogram.Side, [Double]) {
        var side = NativeHistogram.Side()
        var lost: [Double] = []
        for index in counts.indices where counts[index] != 0 || compensation[index] != 0 {
            side.indices.append(Int32(index))
            side.counts.append(counts[index])
            lost.append(compensation[index])
        }
        return (side, lost)
    }
}
