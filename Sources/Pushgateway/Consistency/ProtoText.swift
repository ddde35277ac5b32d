import MetricModel

/// A metric as the Pushgateway shows it in messages: protobuf's text form on one line.
enum ProtoText {
    /// The metric with these labels: `label:{name:"a"  value:"b"}  gauge:{value:1}`.
    static func describe(_ metric: MetricFamily.Metric, labels: [Label]) -> String {
        var fields = labels.map { "label:{name:\(quoted($0.name))  value:\(quoted($0.value))}" }
        fields.append(describe(metric.value))
        if let timestamp = metric.timestamp { fields.append("timestamp_ms:\(timestamp)") }
        return fields.joined(separator: "  ")
    }

    private static func describe(_ value: MetricFamily.Value) -> String {
        switch value {
        case .counter(let number, let exemplar, _):
            let shown = exemplar.map { "  exemplar:{\(describe($0))}" } ?? ""
            return "counter:{value:\(text(number))\(shown)}"
        case .gauge(let number): return "gauge:{value:\(text(number))}"
        case .untyped(let number): return "untyped:{value:\(text(number))}"
        case .summary(let summary):
            let quantiles = summary.quantiles.map {
                "quantile:{quantile:\(text($0.quantile))  value:\(text($0.value))}"
            }
            return "summary:{"
                + (["sample_count:\(summary.count)", "sample_sum:\(text(summary.sum))"] + quantiles).joined(
                    separator: "  "
                )
                + "}"
        case .histogram(let histogram): return "histogram:{" + describe(histogram).joined(separator: "  ") + "}"
        }
    }

    private static func describe(_ histogram: MetricFamily.Histogram) -> [String] {
        var fields = ["sample_count:\(text(histogram.count))", "sample_sum:\(text(histogram.sum))"]
        for bucket in histogram.buckets {
            let exemplar = bucket.exemplar.map { "  exemplar:{\(describe($0))}" } ?? ""
            fields.append(
                "bucket:{cumulative_count:\(text(bucket.cumulativeCount))  upper_bound:\(text(bucket.upperBound))\(exemplar)}"
            )
        }
        guard let native = histogram.native else { return fields }
        fields.append("schema:\(native.schema)")
        fields.append("zero_threshold:\(text(native.zeroThreshold))")
        fields.append("zero_count:\(text(native.zeroCount))")
        fields += describe("negative", native.negativeSpans, native.negativeBuckets, native.isInteger)
        fields += describe("positive", native.positiveSpans, native.positiveBuckets, native.isInteger)
        return fields
    }

    /// One side's spans and buckets: whole numbers as differences, others as they are.
    private static func describe(
        _ side: String,
        _ spans: [NativeHistogram.Span],
        _ buckets: [Double],
        _ isInteger: Bool
    ) -> [String] {
        var fields = spans.map { "\(side)_span:{offset:\($0.offset)  length:\($0.length)}" }
        var last = 0.0
        for bucket in buckets {
            fields.append(isInteger ? "\(side)_delta:\(text(bucket - last))" : "\(side)_count:\(text(bucket))")
            last = bucket
        }
        return fields
    }

    private static func describe(_ exemplar: Exemplar) -> String {
        var fields = exemplar.labels.map { "label:{name:\(quoted($0.name))  value:\(quoted($0.value))}" }
        fields.append("value:\(text(exemplar.value))")
        return fields.joined(separator: "  ")
    }

    private static func text(_ number: Double) -> String {
        if number.isNaN { return "nan" }
        if number.isInfinite { return number < 0 ? "-inf" : "inf" }
        return GoNumber.text(number, .shortest)
    }

    private static let escaping = Escaping(
        ["\"": "\\\"", "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"]
    ) { $0.value < 0x20 || $0.value == 0x7f ? "\\x" + Escaping.hexadecimal($0, width: 2) : nil }

    private static func quoted(_ text: String) -> String { escaping.quoted(text) }
}
