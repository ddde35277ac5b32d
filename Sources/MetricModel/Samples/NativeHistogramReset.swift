extension NativeHistogram {
    /// Whether the counter was reset between `previous` and this histogram: a count (of all, in the zero bucket, in any
    /// bucket) is smaller, a populated bucket is gone, or the layout changed in a way that only a restart explains. The hint
    /// decides where it knows.
    public func isReset(since previous: NativeHistogram) -> Bool {
        switch counterResetHint {
        case .reset: return true
        case .notReset: return false
        case .unknown, .gauge: break
        }
        if count < previous.count { return true }
        if usesCustomBounds {
            guard previous.usesCustomBounds else { return true }
            if customValues != previous.customValues { return isResetInCommonBounds(since: previous) }
        }
        if schema > previous.schema || zeroThreshold < previous.zeroThreshold { return true }
        let widened = previous.widenedZeroBucket(zeroThreshold, compensation: nil)
        if widened.threshold != zeroThreshold || zeroCount < widened.count { return true }
        return isReset(positive, previous.positive.merged(from: previous.schema, to: schema))
            || isReset(negative, previous.negative.merged(from: previous.schema, to: schema))
    }

    private func isReset(_ current: Side, _ previous: Side) -> Bool {
        var position = current.firstPosition(above: zeroThreshold, schema: schema)
        for earlier in previous.firstPosition(above: zeroThreshold, schema: schema)..<previous.indices.count {
            let index = previous.indices[earlier]
            while position < current.indices.count, current.indices[position] < index { position += 1 }
            if position < current.indices.count, current.indices[position] == index {
                if current.counts[position] < previous.counts[earlier] { return true }
            } else if previous.counts[earlier] != 0 {
                return true
            }
        }
        return false
    }

    private func isResetInCommonBounds(since previous: NativeHistogram) -> Bool {
        let common = NativeHistogram.commonBounds(customValues, previous.customValues)
        let now = rolledUp(to: common)
        let before = previous.rolledUp(to: common)
        return zip(now, before).contains { $0 < $1 }
    }

    private func rolledUp(to bounds: [Double]) -> [Double] {
        var sums = Array(repeating: 0.0, count: bounds.count + 1)
        var next = 0
        let side = positive
        for position in side.indices.indices {
            let upper = NativeHistogram.bound(side.indices[position], schema: schema, customValues: customValues)
            while next < bounds.count, bounds[next] < upper { next += 1 }
            sums[next] += side.counts[position]
        }
        return sums
    }
}
