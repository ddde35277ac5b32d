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
        left.common(with: right)
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
        func outerBound(_ index: Int32) -> Double { NativeHistogram.exponentialBound(index, schema: schema) }
        var total = zeroCount
        /// Adds the buckets within the threshold. Answers whether one of them moved it.
        func add(_ side: Side, _ lostOfSide: [Double]?) -> Bool {
            for position in side.indices.indices {
                let index = side.indices[position]
                if outerBound(index &- 1) >= threshold { break }
                CompensatedSum.add(side.counts[position], &total, &lost)
                if let lostOfSide { CompensatedSum.add(lostOfSide[position], &total, &lost) }
                if outerBound(index) > threshold {
                    if side.counts[position] == 0 { break }
                    threshold = outerBound(index)
                    return true
                }
            }
            return false
        }
        let (up, down) = (positive, negative)
        while true {
            total = zeroCount
            _ = add(up, compensation?.positiveBuckets)
            // A wider zero bucket may hold more of the other side.
            if !add(down, compensation?.negativeBuckets) { return (total, threshold, lost) }
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
            if let last = result.indices.last, index > last, Int(index) - Int(last) - 1 <= maximumGap {
                for missing in (last + 1)..<index {
                    result.indices.append(missing)
                    result.counts.append(0)
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
