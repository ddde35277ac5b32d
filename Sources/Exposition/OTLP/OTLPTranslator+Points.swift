import MetricModel

/// Points as samples.
extension OTLPTranslator {
    /// All that an exemplar's labels may have together, in characters.
    private static let longestExemplar = 128
    /// Below this width observations are zero.
    private static let zeroThreshold = 1e-128

    private mutating func add(
        _ labels: Labels,
        _ frame: OTLPMetrics.Frame,
        _ value: Double
    ) throws(ExpositionError) -> Int {
        // Each bucket and quantile has all labels of its point.
        try room.take(Self.seriesSize + Self.sampleSize + labels.encoded.count)
        let index = outcome.labels.count
        outcome.labels.append(labels)
        outcome.samples.append(
            Sample(
                series: .new(index),
                timestamp: Self.milliseconds(frame.time),
                start: Self.milliseconds(frame.start),
                value: frame.hasNoValue ? SpecialValue.stale : value
            )
        )
        return index
    }

    /// - Returns: The place of its series among those to be looked up.
    @discardableResult
    mutating func addNumber(_ point: OTLPMetrics.NumberPoint, hasExamples: Bool) throws(ExpositionError) -> Int {
        let base = try labels.base(point.frame.attributes)
        let exemplars = hasExamples ? try Self.exemplars(point.examples) : []
        let index = try add(OTLPLabels.series(base, name: labels.family.name), point.frame, point.value)
        for exemplar in exemplars { outcome.exemplars.append((.new(index), exemplar)) }
        return index
    }

    /// Adds a number of a series that is known.
    mutating func addNumber(
        _ point: OTLPMetrics.NumberPoint,
        hasExamples: Bool,
        of series: SeriesRef
    ) throws(ExpositionError) {
        if hasExamples, !point.examples.isEmpty {
            for exemplar in try Self.exemplars(point.examples) { outcome.exemplars.append((.known(series), exemplar)) }
        }
        try room.take(Self.sampleSize)
        outcome.samples.append(
            Sample(
                series: .known(series),
                timestamp: Self.milliseconds(point.frame.time),
                start: Self.milliseconds(point.frame.start),
                value: point.frame.hasNoValue ? SpecialValue.stale : point.value
            )
        )
    }

    mutating func addSummary(_ point: OTLPMetrics.SummaryPoint) throws(ExpositionError) {
        let base = try labels.base(point.frame.attributes)
        let name = labels.family.name
        _ = try add(OTLPLabels.series(base, name: name + "_sum"), point.frame, point.sum)
        _ = try add(OTLPLabels.series(base, name: name + "_count"), point.frame, Double(point.count))
        for (quantile, value) in point.quantiles {
            let label = Label(name: "quantile", value: Self.fixed(quantile))
            _ = try add(OTLPLabels.series(base, name: name, label), point.frame, value)
        }
    }

    mutating func addHistogram(_ point: OTLPMetrics.HistogramPoint) throws(ExpositionError) {
        let base = try labels.base(point.frame.attributes)
        let name = labels.family.name
        if let sum = point.sum { _ = try add(OTLPLabels.series(base, name: name + "_sum"), point.frame, sum) }
        _ = try add(OTLPLabels.series(base, name: name + "_count"), point.frame, Double(point.count))
        var exemplars = try Self.exemplars(point.examples)[...]
        var total: UInt64 = 0
        for (bound, count) in zip(point.bounds, point.bucketCounts) {
            total &+= count
            let label = Label(name: "le", value: Self.fixed(bound))
            let index = try add(OTLPLabels.series(base, name: name + "_bucket", label), point.frame, Double(total))
            while let first = exemplars.first, !(first.value > bound) {
                outcome.exemplars.append((.new(index), first))
                exemplars.removeFirst()
            }
        }
        let label = Label(name: "le", value: "+Inf")
        let index = try add(OTLPLabels.series(base, name: name + "_bucket", label), point.frame, Double(point.count))
        for exemplar in exemplars { outcome.exemplars.append((.new(index), exemplar)) }
    }

    mutating func addExponential(
        _ point: OTLPMetrics.ExponentialPoint,
        _ temporality: OTLPMetrics.Temporality,
        _ verdict: inout Verdict
    ) throws(ExpositionError) {
        guard point.scale >= -4 else {
            throw ExpositionError(
                "cannot convert exponential to native histogram. Scale must be >= -4, was \(point.scale)"
            )
        }
        let down = max(0, point.scale - 8)
        var histogram = Self.frame(point.count, point.sum, point.frame, temporality)
        histogram.schema = min(8, point.scale)
        histogram.zeroThreshold = Self.zeroThreshold
        histogram.zeroCount = Double(point.zeroCount)
        (histogram.positiveSpans, histogram.positiveBuckets) = Self.layout(
            point.positive.counts,
            offset: point.positive.offset,
            scaledDown: down
        )
        (histogram.negativeSpans, histogram.negativeBuckets) = Self.layout(
            point.negative.counts,
            offset: point.negative.offset,
            scaledDown: down
        )
        Self.warn("exponential histogram", point.count, histogram, &verdict)
        try add(histogram, point.frame, point.examples)
    }

    mutating func addCustomBuckets(
        _ point: OTLPMetrics.HistogramPoint,
        _ temporality: OTLPMetrics.Temporality,
        _ verdict: inout Verdict
    ) throws(ExpositionError) {
        var histogram = Self.frame(point.count, point.sum, point.frame, temporality)
        histogram.schema = NativeHistogram.customBoundsSchema
        histogram.customValues = point.bounds
        let counts = point.bucketCounts.drop { $0 == 0 }
        (histogram.positiveSpans, histogram.positiveBuckets) = Self.layout(
            Array(counts),
            offset: Int32(clamping: point.bucketCounts.count - counts.count),
            scaledDown: nil
        )
        Self.warn("histogram", point.count, histogram, &verdict)
        try add(histogram, point.frame, point.examples)
    }

    private mutating func add(
        _ histogram: NativeHistogram,
        _ frame: OTLPMetrics.Frame,
        _ examples: [OTLPMetrics.Example]
    ) throws(ExpositionError) {
        let base = try labels.base(frame.attributes)
        let exemplars = try Self.exemplars(examples)
        let series = OTLPLabels.series(base, name: labels.family.name)
        let buckets =
            histogram.positiveBuckets.count + histogram.negativeBuckets.count + histogram.customValues.count
        try room.take(
            Self.seriesSize + series.encoded.count + 2 * MemoryLayout<HistogramSample>.stride + 16 * buckets
        )
        let index = outcome.labels.count
        outcome.labels.append(series)
        outcome.histograms.append(
            HistogramSample(
                series: .new(index),
                timestamp: Self.milliseconds(frame.time),
                start: Self.milliseconds(frame.start),
                histogram: histogram
            )
        )
        for exemplar in exemplars { outcome.exemplars.append((.new(index), exemplar)) }
    }

    private static func frame(
        _ count: UInt64,
        _ sum: Double?,
        _ frame: OTLPMetrics.Frame,
        _ temporality: OTLPMetrics.Temporality
    ) -> NativeHistogram {
        var histogram = NativeHistogram()
        histogram.isInteger = true
        if temporality == .delta { histogram.counterResetHint = .gauge }
        if frame.hasNoValue {
            histogram.sum = SpecialValue.stale
            // What the marker's bits are as a whole number.
            histogram.count = Double(SpecialValue.staleBits)
        } else {
            histogram.sum = sum ?? 0
            histogram.count = Double(count)
        }
        return histogram
    }

    private static func warn(_ kind: String, _ count: UInt64, _ histogram: NativeHistogram, _ verdict: inout Verdict) {
        if count == 0, histogram.sum != 0, !histogram.sum.isNaN {
            verdict.warnings.append(
                "\(kind) data point has zero count, but non-zero sum: \(GoNumber.text(histogram.sum, .shortest))"
            )
        }
    }

    private static func fixed(_ number: Double) -> String { GoNumber.text(number, .fixed) }

    // MARK: Buckets

    /// Buckets in a row as spans with gaps. Exponential ones are merged by 2^`scaledDown` and count from one bucket further on;
    /// `nil` for those with bounds of their own.
    static func layout(
        _ counts: [UInt64],
        offset: Int32,
        scaledDown: Int32?
    ) -> (spans: [NativeHistogram.Span], buckets: [Double]) {
        if counts.isEmpty { return ([], []) }
        let down = scaledDown ?? 0
        func position(_ index: Int) -> Int64 { (Int64(index) + Int64(offset)) >> Int64(down) + 1 }
        let first = scaledDown == nil ? Int64(offset) : position(0)
        var spans = [NativeHistogram.Span(offset: Int32(truncatingIfNeeded: first), length: 0)]
        var buckets: [Double] = []
        func append(_ count: UInt64) {
            spans[spans.count - 1].length += 1
            buckets.append(Double(count))
        }
        // A gap of more than two empty buckets begins a new span.
        func pass(_ gap: Int64) {
            if gap > 2 {
                spans.append(NativeHistogram.Span(offset: Int32(truncatingIfNeeded: gap), length: 0))
            } else {
                for _ in 0..<max(0, gap) { append(0) }
            }
        }
        var current = position(0)
        var count: UInt64 = 0
        for (index, bucket) in counts.enumerated() {
            let next = position(index)
            if next == current {
                count &+= bucket
                continue
            }
            if count == 0 {
                count = bucket
                continue
            }
            pass(next - current - 1)
            append(count)
            count = bucket
            current = next
        }
        pass(position(counts.count - 1) - current)
        append(count)
        return (spans, buckets)
    }

    // MARK: Exemplars

    static func exemplars(_ examples: [OTLPMetrics.Example]) throws(ExpositionError) -> [Exemplar] {
        if examples.isEmpty { return [] }
        var result: [Exemplar] = []
        for example in examples {
            guard let value = example.value else { throw ExpositionError("unsupported exemplar value type: Empty") }
            var labels: [Label] = []
            if !example.traceID.isEmpty { labels.append(Label(name: "trace_id", value: example.traceID)) }
            if !example.spanID.isEmpty { labels.append(Label(name: "span_id", value: example.spanID)) }
            let length = (labels + example.attributes).reduce(0) {
                $0 + $1.name.unicodeScalars.count + $1.value.unicodeScalars.count
            }
            if length <= longestExemplar { labels += example.attributes }
            let time = milliseconds(example.time)
            result.append(Exemplar(labels: Labels(labels), value: value, timestamp: time == 0 ? nil : time))
        }
        return result
    }
}
