import MetricModel

extension FamilyProtobuf {
    /// Appends a family as one message after its length.
    static func append(_ family: MetricFamily, to output: inout [UInt8]) {
        WireWriter.delimited(to: &output) { output in
            WireWriter.text(1, family.name, to: &output)
            if let help = family.help { WireWriter.text(2, help, to: &output) }
            WireWriter.unsigned(3, number(of: family.type), to: &output)
            for metric in family.metrics {
                WireWriter.message(4, to: &output) { append(metric, family.type, to: &$0) }
            }
            if !family.unit.isEmpty { WireWriter.text(5, family.unit, to: &output) }
        }
    }

    private static func number(of type: MetricType) -> UInt64 {
        switch type {
        case .counter: 0
        case .gauge, .info, .stateset: 1
        case .summary: 2
        case .unknown: 3
        case .histogram: 4
        case .gaugehistogram: 5
        }
    }

    private static func append(_ metric: MetricFamily.Metric, _ type: MetricType, to output: inout [UInt8]) {
        for label in metric.labels { append(label.name, label.value, to: &output) }
        switch metric.value {
        case .gauge(let value): WireWriter.message(2, to: &output) { WireWriter.double(1, value, to: &$0) }
        case .counter(let value, let exemplar, let created):
            WireWriter.message(3, to: &output) { output in
                WireWriter.double(1, value, to: &output)
                if let exemplar { append(exemplar, 2, to: &output) }
                if let created { appendTime(created, 3, to: &output) }
            }
        case .summary(let summary):
            WireWriter.message(4, to: &output) { output in
                WireWriter.unsigned(1, summary.count, to: &output)
                WireWriter.double(2, summary.sum, to: &output)
                for quantile in summary.quantiles {
                    WireWriter.message(3, to: &output) { output in
                        WireWriter.double(1, quantile.quantile, to: &output)
                        WireWriter.double(2, quantile.value, to: &output)
                    }
                }
                if let created = summary.created { appendTime(created, 4, to: &output) }
            }
        case .untyped(let value): WireWriter.message(5, to: &output) { WireWriter.double(1, value, to: &$0) }
        case .histogram: break
        }
        if let timestamp = metric.timestamp { WireWriter.signed(6, timestamp, to: &output) }
        if case .histogram(let histogram) = metric.value {
            WireWriter.message(7, to: &output) { append(histogram, to: &$0) }
        }
    }

    private static func append(_ name: String, _ value: String, to output: inout [UInt8]) {
        WireWriter.message(1, to: &output) { output in
            WireWriter.text(1, name, to: &output)
            WireWriter.text(2, value, to: &output)
        }
    }

    private static func appendTime(_ time: Timestamp, _ field: Int, to output: inout [UInt8]) {
        let (seconds, milliseconds) = time.quotientAndRemainder(dividingBy: 1000)
        // Nanoseconds count forwards, also before 1970.
        let isBehind = milliseconds < 0
        WireWriter.message(field, to: &output) { output in
            WireWriter.signed(1, isBehind ? seconds - 1 : seconds, to: &output)
            let rest = isBehind ? milliseconds + 1000 : milliseconds
            if rest != 0 { WireWriter.signed(2, rest * 1_000_000, to: &output) }
        }
    }

    private static func append(_ exemplar: Exemplar, _ field: Int, to output: inout [UInt8]) {
        WireWriter.message(field, to: &output) { output in
            for label in exemplar.labels { append(label.name, label.value, to: &output) }
            WireWriter.double(2, exemplar.value, to: &output)
            if let timestamp = exemplar.timestamp { appendTime(timestamp, 3, to: &output) }
        }
    }

    private static func append(_ histogram: MetricFamily.Histogram, to output: inout [UInt8]) {
        let native = histogram.native
        let isFloat =
            native.map { !$0.isInteger }
            ?? (UInt64(exactly: histogram.count) == nil
                || histogram.buckets.contains { UInt64(exactly: $0.cumulativeCount) == nil })
        if !isFloat { WireWriter.unsigned(1, GoFloat.unsigned(histogram.count), to: &output) }
        WireWriter.double(2, histogram.sum, to: &output)
        for bucket in histogram.buckets {
            WireWriter.message(3, to: &output) { output in
                if !isFloat { WireWriter.unsigned(1, GoFloat.unsigned(bucket.cumulativeCount), to: &output) }
                WireWriter.double(2, bucket.upperBound, to: &output)
                if let exemplar = bucket.exemplar { append(exemplar, 3, to: &output) }
                if isFloat { WireWriter.double(4, bucket.cumulativeCount, to: &output) }
            }
        }
        if isFloat { WireWriter.double(4, histogram.count, to: &output) }
        native?.appendBuckets(from: 5, keepsZeros: true, to: &output)
        if let created = histogram.created { appendTime(created, 15, to: &output) }
        for exemplar in histogram.exemplars { append(exemplar, 16, to: &output) }
    }
}
