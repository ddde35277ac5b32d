/// Checks that the samples of a histogram's label set go together.
struct OpenMetricsHistogramCheck {
    private var group: [UInt8]?
    private var timestamp: Double?
    private var line = 0
    private var bound: Double?
    private var cumulative = 0.0
    private var count: Double?
    private var hasSum = false
    private var hasNegativeSum = false
    private var hasNegativeBuckets = false
    private var isGauge = false
    private var pending: [(line: Int, problem: LineProblem)] = []

    mutating func add(
        _ sample: OpenMetricsSampleLine,
        _ suffix: String,
        group newGroup: [UInt8],
        isGauge: Bool,
        line newLine: Int,
        report: (LineProblem) -> Void
    ) {
        // A `_created` sample is of the group, but nothing depends on it.
        if newGroup != group || sample.timestamp != timestamp {
            finishGroup()
            group = newGroup
            timestamp = sample.timestamp
            line = newLine
            self.isGauge = isGauge
        }
        switch suffix {
        case "_bucket":
            guard let next = sample.label("le").flatMap({ try? GoFloat.parse($0) }), !next.isNaN else { return }
            if next < 0 { hasNegativeBuckets = true }
            if let bound, next <= bound { report(LineProblem(.bucketOrder, 0, "the bucket's bound does not rise")) }
            if sample.value < cumulative {
                report(LineProblem(.bucketCumulative, sample.valueOffset, "the bucket counts less than the one before"))
            }
            bound = next
            cumulative = sample.value
        case "_count", "_gcount": count = sample.value
        case "_sum", "_gsum":
            hasSum = true
            if sample.value < 0 { hasNegativeSum = true }
        default: break
        }
    }

    private mutating func finishGroup() {
        defer {
            bound = nil
            cumulative = 0
            count = nil
            hasSum = false
            hasNegativeSum = false
            hasNegativeBuckets = false
        }
        guard group != nil else { return }
        let prefix = isGauge ? "_g" : "_"
        func fail(_ rule: LintRule, _ message: String) { pending.append((line, LineProblem(rule, 0, message))) }
        if bound != .infinity { fail(.bucketInfinity, "the +Inf bucket is missing or not the last one") }
        if let count, bound == .infinity, count != cumulative {
            fail(.histogramCount, "\(prefix)count differs from the +Inf bucket")
        }
        if hasSum, count == nil { fail(.histogramCount, "\(prefix)sum is there, but \(prefix)count is not") }
        if !hasSum, count != nil { fail(.histogramSum, "\(prefix)count is there, but \(prefix)sum is not") }
        if hasNegativeBuckets, hasSum, !isGauge { fail(.histogramSum, "_sum beside buckets with negative bounds") }
        if !hasNegativeBuckets, hasNegativeSum, isGauge {
            fail(.histogramSum, "_gsum is negative, but no bucket has a negative bound")
        }
    }

    mutating func close(report: (Int, LineProblem) -> Void) {
        finishGroup()
        group = nil
        for (line, problem) in pending { report(line, problem) }
        pending = []
    }
}
