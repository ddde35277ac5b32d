extension NativeHistogram {
    /// What contradicts itself in the histogram, in Prometheus's words; `nil` where nothing does. Scrapes and stores ask the same.
    package var contradiction: String? { HistogramValidation.problem(self) }
}

/// The rules that a native histogram has to keep.
private enum HistogramValidation {
    static func problem(_ histogram: NativeHistogram) -> String? {
        let negative = sum(histogram.negativeBuckets)
        let positive = sum(histogram.positiveBuckets)
        if histogram.schema == NativeHistogram.customBoundsSchema {
            if let problem = custom(histogram) { return problem }
        } else if (-4...8).contains(histogram.schema) {
            if let problem = spans(histogram.positiveSpans, histogram.positiveBuckets.count) {
                return "positive side: " + problem
            }
            if let problem = spans(histogram.negativeSpans, histogram.negativeBuckets.count) ?? negative.problem {
                return "negative side: " + problem
            }
            if histogram.zeroCount < 0 {
                return "zero bucket has observation count of \(number(histogram.zeroCount)): \(negativeBucket)"
            }
            if !histogram.customValues.isEmpty {
                return "histogram with exponential schema must not have custom bounds"
            }
        } else {
            return
                "histogram has an invalid schema, which must be between -4 and 8 for exponential buckets, or -53 for "
                + "custom buckets, got schema \(histogram.schema)"
        }
        if !histogram.isInteger, histogram.count < 0 {
            return "observation count is  \(number(histogram.count)): histogram's observation count is negative"
        }
        if let problem = positive.problem { return "positive side: " + problem }
        return histogram.isInteger ? total(histogram, negative.sum + positive.sum + histogram.zeroCount) : nil
    }

    private static func total(_ histogram: NativeHistogram, _ found: Double) -> String? {
        // Above 2^53 not every whole number is there: what each addition rounds is no difference.
        let buckets = histogram.positiveBuckets.count + histogram.negativeBuckets.count + 2
        let rounding = found < 0x1p53 ? 0 : found * 0x1p-52 * Double(buckets)
        let isTooFew = histogram.sum.isNaN && found > histogram.count + rounding
        guard isTooFew || !histogram.sum.isNaN && abs(found - histogram.count) > rounding else { return nil }
        let rule =
            isTooFew
            ? "histogram's observation count should be at least the number of observations found in the buckets"
            : "histogram's observation count should equal the number of observations found in the buckets (in absence of NaN)"
        return "\(GoNumber.text(found, .fixed)) observations found in buckets, but the Count field is "
            + "\(GoNumber.text(histogram.count, .fixed)): \(rule)"
    }

    private static func spans(_ spans: [NativeHistogram.Span], _ buckets: Int, isFirstFree: Bool = true) -> String? {
        var total = 0
        // The index behind the last bucket. Where it left 32 bits, the buckets' order would mean nothing.
        var next = 0
        for (index, span) in spans.enumerated() {
            if index > 0 || !isFirstFree, span.offset < 0 {
                return
                    "span number \(index + 1) with offset \(span.offset): histogram has a span whose offset is negative"
            }
            total += Int(span.length)
            next += Int(span.offset) + Int(span.length)
            if next - 1 > Int32.max {
                return "span number \(index + 1) with offset \(span.offset) and length \(span.length): "
                    + "histogram has a span with buckets beyond the greatest index"
            }
        }
        if total == buckets { return nil }
        return "spans need \(total) buckets, have \(buckets) buckets: "
            + "histogram spans specify different number of buckets than provided"
    }

    private static let negativeBucket = "histogram has a bucket whose observation count is negative"

    private static func sum(_ buckets: [Double]) -> (sum: Double, problem: String?) {
        var sum = 0.0
        for (index, bucket) in buckets.enumerated() {
            if bucket < 0 {
                return (sum, "bucket number \(index + 1) has observation count of \(number(bucket)): \(negativeBucket)")
            }
            sum += bucket
        }
        return (sum, nil)
    }

    private static func custom(_ histogram: NativeHistogram) -> String? {
        if let problem = bounds(histogram) { return "custom buckets: " + problem }
        if histogram.zeroCount != 0 { return "custom buckets: must have zero count of 0" }
        if histogram.zeroThreshold != 0 { return "custom buckets: must have zero threshold of 0" }
        if !histogram.negativeSpans.isEmpty { return "custom buckets: must not have negative spans" }
        if !histogram.negativeBuckets.isEmpty { return "custom buckets: must not have negative buckets" }
        return nil
    }

    private static func bounds(_ histogram: NativeHistogram) -> String? {
        var previous = -Double.infinity
        for (index, bound) in histogram.customValues.enumerated() {
            if bound.isNaN { return "histogram custom bounds must not be NaN" }
            if index > 0, bound <= previous {
                return "previous bound is \(decimal(previous)) and current is \(decimal(bound)): "
                    + "histogram custom bounds must be in strictly increasing order"
            }
            previous = bound
        }
        if previous == .infinity {
            return "last +Inf bound must not be explicitly defined: histogram custom bounds must be finite"
        }
        let buckets = histogram.positiveBuckets.count
        if let problem = spans(histogram.positiveSpans, buckets, isFirstFree: false) { return problem }
        let length = histogram.positiveSpans.reduce(0) { $0 + Int($1.length) + Int($1.offset) }
        if histogram.customValues.count + 1 >= length { return nil }
        return
            "only \(histogram.customValues.count) custom bounds defined which is insufficient to cover total span length "
            + "of \(length): histogram custom bounds are too few"
    }

    private static func number(_ value: Double) -> String { GoNumber.text(value, .shortest) }

    /// With six digits behind the point, as Go's `%f`.
    private static func decimal(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return number(value) }
        let millionths = (abs(value) * 1e6).rounded()
        let digits = String(Int64(millionths) % 1_000_000)
        let padded = String(repeating: "0", count: 6 - digits.count) + digits
        return (value < 0 ? "-" : "") + "\(Int64(millionths) / 1_000_000).\(padded)"
    }
}
