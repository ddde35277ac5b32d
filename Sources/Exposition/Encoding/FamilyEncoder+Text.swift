import MetricModel

/// Prometheus text.
extension FamilyEncoder {
    mutating func appendText(_ family: MetricFamily) {
        if let help = family.help {
            write("# HELP ")
            writeName(family.name)
            write(" ")
            writeEscaped(help, quotes: false)
            write("\n")
        }
        write("# TYPE ")
        writeName(family.name)
        switch family.type {
        case .counter: write(" counter\n")
        case .gauge, .info, .stateset: write(" gauge\n")
        case .histogram, .gaugehistogram: write(" histogram\n")
        case .summary: write(" summary\n")
        case .unknown: write(" untyped\n")
        }
        for metric in family.metrics {
            switch metric.value {
            case .counter(let value, _, _), .gauge(let value), .untyped(let value):
                writeTextSample(family.name, "", metric, value)
            case .summary(let summary): writeTextSummary(family.name, metric, summary)
            case .histogram(let histogram): writeTextHistogram(family.name, metric, histogram)
            }
        }
    }

    private mutating func writeTextSummary(
        _ name: String,
        _ metric: MetricFamily.Metric,
        _ summary: MetricFamily.Summary
    ) {
        for quantile in summary.quantiles {
            writeTextSample(name, "", metric, quantile.value, extra: ("quantile", quantile.quantile))
        }
        writeTextSample(name, "_sum", metric, summary.sum)
        writeTextSample(name, "_count", metric, Double(summary.count))
    }

    private mutating func writeTextHistogram(
        _ name: String,
        _ metric: MetricFamily.Metric,
        _ histogram: MetricFamily.Histogram
    ) {
        var hasInfinity = false
        for bucket in histogram.buckets {
            writeTextSample(name, "_bucket", metric, bucket.cumulativeCount, extra: ("le", bucket.upperBound))
            if bucket.upperBound == .infinity { hasInfinity = true }
        }
        if !hasInfinity { writeTextSample(name, "_bucket", metric, histogram.count, extra: ("le", .infinity)) }
        writeTextSample(name, "_sum", metric, histogram.sum)
        writeTextSample(name, "_count", metric, histogram.count)
    }

    private mutating func writeTextSample(
        _ name: String,
        _ suffix: StaticString,
        _ metric: MetricFamily.Metric,
        _ value: Double,
        extra: (name: StaticString, value: Double)? = nil
    ) {
        writeSeries(name, suffix, metric.labels, extra: extra)
        write(" ")
        writeNumber(value)
        if let timestamp = metric.timestamp {
            write(" ")
            GoNumber.append(timestamp, to: &output)
        }
        write("\n")
    }
}
