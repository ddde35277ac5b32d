import MetricModel

/// Puts the series of a classic histogram together again and makes a native one with custom bounds of them.
struct ClassicHistogramCollector {
    private var buckets: [(bound: Double, count: Double)] = []
    private var isSorted = true
    private var count: Double?
    private var sum = 0.0
    private var problem: ExpositionError?

    init() {}

    mutating func setBucket(_ bound: Double, _ count: Double) {
        if problem != nil { return }
        if bound.isNaN { return fail("bucket boundary must not be NaN") }
        if count < 0 { return fail("bucket count must be non-negative: le=\(go(bound)), count=\(go(count))") }
        // Buckets come in order as a rule; a bound that is there already is ignored.
        if let last = buckets.last {
            if bound == last.bound { return }
            if bound < last.bound { isSorted = false }
        }
        buckets.append((bound, count))
    }

    mutating func setCount(_ count: Double) {
        if problem != nil { return }
        if count < 0 { return fail("count must be non-negative: count=\(go(count))") }
        self.count = count
    }

    mutating func setSum(_ sum: Double) {
        if problem == nil { self.sum = sum }
    }

    private mutating func fail(_ message: String) { problem = ExpositionError(message) }

    private func go(_ value: Double) -> String {
        GoNumber.text(value, .shortest)
    }

    /// The native histogram.
    func convert() throws(ExpositionError) -> NativeHistogram {
        if let problem { throw problem }
        var buckets = try cumulativeBuckets()
        let count = count ?? buckets.last?.count ?? 0
        if buckets.last?.bound != .infinity { buckets.append((.infinity, count)) }
        let last = buckets.last?.count ?? 0
        let isInteger =
            buckets.allSatisfy { Double(GoFloat.truncated($0.count.rounded(.toNearestOrAwayFromZero))) == $0.count }
            && Double(GoFloat.unsigned(count.rounded(.toNearestOrAwayFromZero))) == count
        if count != last {
            let shown = isInteger ? String(GoFloat.unsigned(count)) : go(count)
            throw ExpositionError("count mismatch: count=\(shown) != le=+Inf count=\(go(last))")
        }
        var result = NativeHistogram()
        result.schema = NativeHistogram.customBoundsSchema
        result.isInteger = isInteger
        result.count = count
        result.sum = sum
        result.customValues = buckets.dropLast().map(\.bound)
        result.positiveSpans = [NativeHistogram.Span(offset: 0, length: UInt32(buckets.count))]
        var previous = 0.0
        for bucket in buckets {
            result.positiveBuckets.append(bucket.count - previous)
            previous = bucket.count
        }
        return result.compacted(maxEmptyBuckets: isInteger ? 2 : 0)
    }

    /// The buckets by rising bound, each bound once.
    private func cumulativeBuckets() throws(ExpositionError) -> [(bound: Double, count: Double)] {
        var sorted = buckets
        if !isSorted {
            // In case of doubt the first one counts, and sorting keeps their order.
            sorted.sort { $0.bound < $1.bound }
            var unique: [(bound: Double, count: Double)] = []
            for bucket in sorted where unique.last?.bound != bucket.bound { unique.append(bucket) }
            sorted = unique
        }
        var previous = -Double.infinity
        for bucket in sorted {
            if bucket.count < previous {
                throw ExpositionError("count is not cumulative: \(go(bucket.count)) < \(go(previous))")
            }
            previous = bucket.count
        }
        return sorted
    }

    /// Whether a converted histogram is one that Prometheus would store.
    static func isValid(_ histogram: NativeHistogram) -> Bool {
        var previous = -Double.infinity
        for (index, bound) in histogram.customValues.enumerated() {
            if bound.isNaN || (index > 0 && bound <= previous) { return false }
            previous = bound
        }
        if previous == .infinity || histogram.count < 0 { return false }
        if histogram.positiveBuckets.contains(where: { $0 < 0 }) { return false }
        guard histogram.isInteger else { return true }
        let total = histogram.positiveBuckets.reduce(0, +)
        return histogram.sum.isNaN ? total <= histogram.count : total == histogram.count
    }
}
