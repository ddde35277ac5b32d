extension NativeHistogram {
    /// Adds the other histogram with compensation for lost low bits; `compensation` holds them, in the same layout as the
    /// receiver, and is made where there is none yet.
    public mutating func add(
        _ other: NativeHistogram,
        compensation: inout NativeHistogram?
    ) throws(IncompatibleHistogramLayouts) -> CombinationNotes {
        guard usesCustomBounds == other.usesCustomBounds else { throw IncompatibleHistogramLayouts() }
        var notes = CombinationNotes()
        notes.resetsCollide = adoptHint(of: other)
        isInteger = false
        var lost: NativeHistogram? = compensation ?? emptyCompensation
        compensation = nil
        var zero = (zeroCount: 0.0, compensation: 0.0)
        if !usesCustomBounds { zero = reconcileZeroBuckets(with: other, compensation: &lost) }
        var c = lost ?? emptyCompensation
        if !usesCustomBounds {
            CompensatedSum.add(zero.zeroCount, &zeroCount, &c.zeroCount)
            CompensatedSum.add(zero.compensation, &zeroCount, &c.zeroCount)
        }
        CompensatedSum.add(other.count, &count, &c.count)
        CompensatedSum.add(other.sum, &sum, &c.sum)

        if usesCustomBounds {
            var pair = CompensatedSide(positive, compensation: c.positiveBuckets)
            if customValues == other.customValues {
                pair.add(CompensatedSide(other.positive), schema: schema, ignoringBelow: zeroThreshold)
            } else {
                notes.boundsReconciled = true
                let common = NativeHistogram.commonBounds(customValues, other.customValues)
                var mapped = ReconciledSide(bounds: common)
                mapped.take(pair.side, bounds: customValues, compensation: pair.compensation)
                mapped.take(other.positive, bounds: other.customValues)
                let (side, remainder) = mapped.populated
                pair = CompensatedSide(side, compensation: remainder)
                customValues = common
                c.customValues = common
            }
            positive = pair.side
            c.positiveSpans = positiveSpans
            c.positiveBuckets = pair.compensation
        } else {
            let target = min(schema, other.schema)
            var up = CompensatedSide(positive, compensation: c.positiveBuckets)
            var down = CompensatedSide(negative, compensation: c.negativeBuckets)
            up.merge(from: schema, to: target)
            down.merge(from: schema, to: target)
            var otherUp = CompensatedSide(other.positive)
            var otherDown = CompensatedSide(other.negative)
            otherUp.merge(from: other.schema, to: target)
            otherDown.merge(from: other.schema, to: target)
            up.add(otherUp, schema: target, ignoringBelow: zeroThreshold)
            down.add(otherDown, schema: target, ignoringBelow: zeroThreshold)
            schema = target
            positive = up.side
            negative = down.side
            c.schema = target
            c.zeroThreshold = zeroThreshold
            (c.positiveSpans, c.positiveBuckets) = (positiveSpans, up.compensation)
            (c.negativeSpans, c.negativeBuckets) = (negativeSpans, down.compensation)
        }
        compensation = c
        return notes
    }

    /// A compensation of zeros in the receiver's layout.
    private var emptyCompensation: NativeHistogram {
        var c = NativeHistogram()
        c.counterResetHint = counterResetHint
        c.schema = schema
        c.zeroThreshold = zeroThreshold
        c.customValues = customValues
        c.positiveSpans = positiveSpans
        c.negativeSpans = negativeSpans
        c.positiveBuckets = Array(repeating: 0, count: positiveBuckets.count)
        c.negativeBuckets = Array(repeating: 0, count: negativeBuckets.count)
        return c
    }
}

/// One side's buckets with what their counts lost.
private struct CompensatedSide {
    var side: NativeHistogram.Side
    var compensation: [Double]

    init(_ side: NativeHistogram.Side, compensation: [Double]? = nil) {
        self.side = side
        self.compensation = compensation ?? Array(repeating: 0, count: side.counts.count)
        if self.compensation.count != side.counts.count {
            self.compensation = Array(repeating: 0, count: side.counts.count)
        }
    }

    mutating func merge(from origin: Int32, to target: Int32) {
        guard target < origin else { return }
        var merged = NativeHistogram.Side()
        var lost: [Double] = []
        for position in side.indices.indices {
            let index = NativeHistogram.mergedIndex(side.indices[position], from: origin, to: target)
            if merged.indices.last == index {
                let last = lost.count - 1
                CompensatedSum.add(side.counts[position], &merged.counts[last], &lost[last])
                CompensatedSum.add(compensation[position], &merged.counts[last], &lost[last])
            } else {
                merged.indices.append(index)
                merged.counts.append(side.counts[position])
                lost.append(compensation[position])
            }
        }
        side = merged
        compensation = lost
    }

    mutating func add(_ other: CompensatedSide, schema: Int32, ignoringBelow threshold: Double) {
        var right = other.side.firstPosition(above: threshold, schema: schema)
        let (rightIndices, rightCounts) = (other.side.indices, other.side.counts)
        var sum = NativeHistogram.Side()
        var lost: [Double] = []
        var left = 0
        while left < side.indices.count || right < rightIndices.count {
            let takesLeft =
                left < side.indices.count && (right == rightIndices.count || side.indices[left] <= rightIndices[right])
            if takesLeft {
                var value = side.counts[left]
                var remainder = compensation[left]
                if right < rightIndices.count, side.indices[left] == rightIndices[right] {
                    CompensatedSum.add(rightCounts[right], &value, &remainder)
                    if other.compensation[right] != 0 {
                        CompensatedSum.add(other.compensation[right], &value, &remainder)
                    }
                    right += 1
                }
                sum.indices.append(side.indices[left])
                sum.counts.append(value)
                lost.append(remainder)
                left += 1
            } else {
                sum.indices.append(rightIndices[right])
                sum.counts.append(rightCounts[right])
                lost.append(other.compensation[right])
                right += 1
            }
        }
        side = sum
        compensation = lost
    }
}
