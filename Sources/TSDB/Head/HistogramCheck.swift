import MetricModel

extension NativeHistogram {
    /// What contradicts itself in the histogram, in Prometheus's words; `nil` where nothing does.
    var contradiction: String? {
        var total = 0.0
        if schema == NativeHistogram.customBoundsSchema {
            if let problem = customProblem { return "custom buckets: " + problem }
            if zeroCount != 0 { return "custom buckets: must have zero count of 0" }
            if zeroThreshold != 0 { return "custom buckets: must have zero threshold of 0" }
            if !negativeSpans.isEmpty { return "custom buckets: must not have negative spans" }
            if !negativeBuckets.isEmpty { return "custom buckets: must not have negative buckets" }
        } else if (-4...8).contains(schema) {
            if let problem = Self.spanProblem(positiveSpans, positiveBuckets.count) {
                return "positive side: " + problem
            }
            if let problem = Self.spanProblem(negativeSpans, negativeBuckets.count) {
                return "negative side: " + problem
            }
            if let problem = Self.bucketProblem(negativeBuckets, &total) { return "negative side: " + problem }
            if zeroCount < 0 {
                return
                    "zero bucket has observation count of \(GoNumber.text(zeroCount, .json)): histogram has a bucket whose observation count is negative"
            }
            if !customValues.isEmpty { return "histogram with exponential schema must not have custom bounds" }
        } else {
            return
                "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for custom buckets, got schema \(schema)"
        }
        if !isInteger, count < 0 {
            return "observation count is  \(GoNumber.text(count, .json)): histogram's observation count is negative"
        }
        if let problem = Self.bucketProblem(positiveBuckets, &total) { return "positive side: " + problem }
        guard isInteger else { return nil }
        total += zeroCount
        if sum.isNaN ? total > count : total != count {
            return
                "\(UInt64(clamping: total)) observations found in buckets, but the Count field is \(UInt64(clamping: count)): "
                + (sum.isNaN
                    ? "histogram's observation count should be at least the number of observations found in the buckets"
                    : "histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)")
        }
        return nil
    }

    private static func spanProblem(_ spans: [Span], _ buckets: Int) -> String? {
        var needed = 0
        for (index, span) in spans.enumerated() {
            if index > 0, span.offset < 0 {
                return
                    "span number \(index + 1) with offset \(span.offset): histogram has a span whose offset is negative"
            }
            needed += Int(span.length)
        }
        return needed == buckets
            ? nil
            : "spans need \(needed) buckets, have \(buckets) buckets: histogram spans specify different number of buckets than provided"
    }

    private static func bucketProblem(_ buckets: [Double], _ total: inout Double) -> String? {
        for (index, count) in buckets.enumerated() {
            if count < 0 {
                return
                    "bucket number \(index + 1) has observation count of \(GoNumber.text(count, .json)): histogram has a bucket whose observation count is negative"
            }
            total += count
        }
        return nil
    }

    private var customProblem: String? {
        var last = -Double.infinity
        for bound in customValues {
            if bound.isNaN { return "histogram custom bounds must not be NaN" }
            if bound <= last {
                return
                    "previous bound is \(Self.fixed(last)) and current is \(Self.fixed(bound)): histogram custom bounds must be in strictly increasing order"
            }
            last = bound
        }
        if last == .infinity {
            return "last +Inf bound must not be explicitly defined: histogram custom bounds must be finite"
        }
        var needed = 0
        var covered = 0
        for (index, span) in positiveSpans.enumerated() {
            if span.offset < 0 {
                return
                    "span number \(index + 1) with offset \(span.offset): histogram has a span whose offset is negative"
            }
            needed += Int(span.length)
            covered += Int(span.length) + Int(span.offset)
        }
        if needed != positiveBuckets.count {
            return
                "spans need \(needed) buckets, have \(positiveBuckets.count) buckets: histogram spans specify different number of buckets than provided"
        }
        if customValues.count + 1 < covered {
            return
                "only \(customValues.count) custom bounds defined which is insufficient to cover total span length of \(covered): histogram custom bounds are too few"
        }
        return nil
    }

    /// Six decimals, as Go's `%f`.
    private static func fixed(_ value: Double) -> String {
        guard value.isFinite else { return GoNumber.text(value, .json) }
        let scaled = (abs(value) * 1e6).rounded(.toNearestOrEven)
        guard scaled < 1e18 else { return GoNumber.text(value, .json) }
        let digits = String(UInt64(scaled) % 1_000_000)
        return (value < 0 ? "-" : "") + "\(UInt64(scaled) / 1_000_000)."
            + String(repeating: "0", count: 6 - digits.count) + digits
    }
}

extension UInt64 {
    /// The nearest number that fits.
    fileprivate init(clamping value: Double) {
        self = value >= 0x1p64 ? .max : value > 0 ? UInt64(value) : 0
    }
}
