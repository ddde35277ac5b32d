import MetricModel

/// Checks what no reader of the text format does: that what a counter says can have been counted, and that the lines of one histogram or
/// summary go together.
enum TextPartsCheck {
    static func problems(of metric: PendingMetric, in family: PendingFamily) -> [LintFinding] {
        var findings: [LintFinding] = []
        func add(_ rule: LintRule, _ message: String) {
            let name = String(decoding: family.name, as: UTF8.self)
            let labels = metric.labels.isEmpty ? "" : Labels(metric.labels).description
            findings.append(LintFinding(rule, line: metric.line, metric: name + labels, message))
        }
        if family.isHistogram {
            checkBuckets(metric, isGauge: family.type == .gaugehistogram, add)
        } else if family.type == .summary {
            checkQuantiles(metric, add)
        } else {
            if family.type == .counter, !isCount(metric.number) {
                add(.counterValue, "the counter is \(text(metric.number))")
            }
            return findings
        }
        if metric.hasSum, !metric.hasCount { add(.histogramCount, "_sum is there, but _count is not") }
        if metric.hasCount, !metric.hasSum { add(.histogramSum, "_count is there, but _sum is not") }
        return findings
    }

    private static func checkBuckets(_ metric: PendingMetric, isGauge: Bool, _ add: (LintRule, String) -> Void) {
        if metric.strayLines > 0 { add(.bucketLabel, "a bucket has no le label, or one that is NaN") }
        var last: MetricFamily.Histogram.Bucket?
        for bucket in metric.buckets {
            defer { last = bucket }
            // The reader itself refuses negative ones.
            if bucket.cumulativeCount.isNaN {
                add(.counterValue, "the bucket le=\"\(text(bucket.upperBound))\" is NaN")
            }
            guard let last else { continue }
            if bucket.upperBound <= last.upperBound {
                add(
                    .bucketOrder,
                    "the bucket le=\"\(text(bucket.upperBound))\" comes after le=\"\(text(last.upperBound))\""
                )
            } else if bucket.cumulativeCount < last.cumulativeCount {
                add(
                    .bucketCumulative,
                    "the bucket le=\"\(text(bucket.upperBound))\" counts \(text(bucket.cumulativeCount)), "
                        + "less than the \(text(last.cumulativeCount)) of le=\"\(text(last.upperBound))\""
                )
            }
        }
        guard let whole = metric.buckets.last(where: { $0.upperBound == .infinity }) else {
            return add(.bucketInfinity, "the +Inf bucket is missing")
        }
        if metric.hasCount, metric.count != whole.cumulativeCount {
            add(
                .histogramCount,
                "_count is \(text(metric.count)), but the +Inf bucket counts \(text(whole.cumulativeCount))"
            )
        }
    }

    private static func checkQuantiles(_ metric: PendingMetric, _ add: (LintRule, String) -> Void) {
        if metric.strayLines > 0 { add(.quantileLabel, "a quantile has no quantile label, or one that is NaN") }
        var seen: Set<Double> = []
        for quantile in metric.quantiles {
            if !(0...1).contains(quantile.quantile) {
                add(.quantileLabel, "the quantile \(text(quantile.quantile)) is not between 0 and 1")
            } else if !seen.insert(quantile.quantile).inserted {
                add(.sampleRepeated, "the quantile \(text(quantile.quantile)) was exposed before")
            }
        }
        if metric.hasCount, !isCount(metric.count) {
            add(.counterValue, "_count is \(text(metric.count))")
        }
    }

    /// Whether something can have been counted: neither negative nor NaN.
    private static func isCount(_ value: Double) -> Bool { value >= 0 }

    private static func text(_ value: Double) -> String { GoNumber.text(value, .shortest) }
}
