import MetricModel

/// The metrics of a family, in the text formats. Exemplars and creation times are OpenMetrics only.
extension FamilyEncoder {
    /// Writes the samples.
    /// - Parameter base: what the creation time of a counter is called by, without its suffix.
    mutating func appendMetrics(_ family: MetricFamily, base: String) {
        for metric in family.metrics {
            switch metric.value {
            case .counter(let value, let exemplar, let created):
                writeSample(family.name, "", metric, .number(value), exemplar: exemplar)
                writeCreated(base, metric, created)
            case .gauge(let value), .untyped(let value): writeSample(family.name, "", metric, .number(value))
            case .summary(let summary): writeSummary(family.name, metric, summary)
            case .histogram(let histogram): writeHistogram(family.name, metric, histogram)
            }
        }
    }

    private enum Number {
        case number(Double)
        case count(Double)
    }

    private mutating func writeSummary(
        _ name: String,
        _ metric: MetricFamily.Metric,
        _ summary: MetricFamily.Summary
    ) {
        for quantile in summary.quantiles {
            writeSample(name, "", metric, .number(quantile.value), extra: ("quantile", quantile.quantile))
        }
        writeSample(name, "_sum", metric, .number(summary.sum))
        writeSample(name, "_count", metric, .count(Double(summary.count)))
        writeCreated(name, metric, summary.created)
    }

    private mutating func writeHistogram(
        _ name: String,
        _ metric: MetricFamily.Metric,
        _ histogram: MetricFamily.Histogram
    ) {
        var hasInfinity = false
        for bucket in histogram.buckets {
            let count = Number.count(bucket.cumulativeCount)
            writeSample(name, "_bucket", metric, count, extra: ("le", bucket.upperBound), exemplar: bucket.exemplar)
            if bucket.upperBound == .infinity { hasInfinity = true }
        }
        if !hasInfinity {
            writeSample(name, "_bucket", metric, .count(histogram.count), extra: ("le", .infinity))
        }
        writeSample(name, "_sum", metric, .number(histogram.sum))
        writeSample(name, "_count", metric, .count(histogram.count))
        writeCreated(name, metric, histogram.created)
    }

    private mutating func writeSample(
        _ name: String,
        _ suffix: StaticString,
        _ metric: MetricFamily.Metric,
        _ value: Number,
        extra: (name: StaticString, value: Double)? = nil,
        exemplar: Exemplar? = nil
    ) {
        writeSeries(name, suffix, metric.labels, extra: extra)
        write(" ")
        switch value {
        case .number(let value): writeNumber(value)
        case .count(let count):
            // OpenMetrics 1.0 knows whole counts only; a fraction is better shown than dropped.
            if isOpenMetrics, let whole = UInt64(exactly: count) {
                output.append(contentsOf: String(whole).utf8)
            } else {
                writeNumber(count)
            }
        }
        if let timestamp = metric.timestamp {
            write(" ")
            if isOpenMetrics { writeNumber(Double(timestamp) / 1000) } else { GoNumber.append(timestamp, to: &output) }
        }
        if isOpenMetrics, let exemplar, !exemplar.labels.isEmpty {
            write(" # ")
            writeSeries(nil, "", exemplar.labels, extra: nil)
            write(" ")
            writeNumber(exemplar.value)
            if let timestamp = exemplar.timestamp {
                write(" ")
                writeSeconds(timestamp)
            }
        }
        write("\n")
    }

    private mutating func writeCreated(_ name: String, _ metric: MetricFamily.Metric, _ created: Timestamp?) {
        guard isOpenMetrics, writesCreatedLines, let created else { return }
        writeSeries(name, "_created", metric.labels, extra: nil)
        write(" ")
        writeSeconds(created)
        write("\n")
    }

    /// Seconds by way of nanoseconds, which rounds as the Go client library does.
    private mutating func writeSeconds(_ timestamp: Timestamp) {
        let (nanoseconds, overflow) = timestamp.multipliedReportingOverflow(by: 1_000_000)
        writeNumber(overflow ? Double(timestamp) / 1000 : Double(nanoseconds) / 1e9)
    }
}
