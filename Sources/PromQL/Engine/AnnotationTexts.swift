internal import MetricModel

/// What histograms were being combined when something about them was worth a note.
enum HistogramCombination: String {
    case addition
    case subtraction
    case aggregation
}

/// Which quantiles are none and are to be noted: the same at each step is the same note.
struct InvalidQuantiles {
    private var told: UInt64?

    /// Whether a value is none, and not the one that was noted last.
    mutating func isNew(_ value: Double) -> Bool {
        if value >= 0 && value <= 1 || told == value.bitPattern { return false }
        told = value.bitPattern
        return true
    }
}

// The annotations that there are, in Prometheus's words.
extension Annotations {
    mutating func warn(_ text: String, _ position: PositionRange) {
        add(Entry(severity: .warning, text: "PromQL warning: " + text, position: position))
    }

    mutating func inform(_ text: String, _ position: PositionRange) {
        add(Entry(severity: .info, text: "PromQL info: " + text, position: position))
    }

    private static func named(_ metric: String) -> String {
        metric.isEmpty ? "" : " for metric name \(GoText.quoted(metric))"
    }

    mutating func invalidRatio(_ value: Double, cappedTo limit: Double, _ position: PositionRange) {
        let (value, limit) = (GoNumber.text(value, .shortest), GoNumber.text(limit, .shortest))
        warn("ratio value should be between -1 and 1, got \(value), capping to \(limit)", position)
    }

    mutating func invalidQuantile(_ value: Double, _ position: PositionRange) {
        warn("quantile value should be between 0 and 1, got \(GoNumber.text(value, .shortest))", position)
    }

    mutating func badBucketLabel(_ metric: String, _ label: String, _ position: PositionRange) {
        let text = "bucket label \"le\" is missing or has a malformed value of \(GoText.quoted(label))"
        warn(text + Annotations.named(metric), position)
    }

    mutating func mixedFloatsHistograms(_ metric: String, _ position: PositionRange) {
        warn("encountered a mix of histograms and floats for metric name \(GoText.quoted(metric))", position)
    }

    mutating func mixedFloatsHistogramsInAggregation(_ position: PositionRange) {
        warn("encountered a mix of histograms and floats for aggregation", position)
    }

    mutating func mixedClassicNative(_ metric: String, _ position: PositionRange) {
        warn("vector contains a mix of classic and native histograms" + Annotations.named(metric), position)
    }

    mutating func notCounter(_ metric: String, _ position: PositionRange) {
        warn("this native histogram metric is not a counter: \(GoText.quoted(metric))", position)
    }

    mutating func notGauge(_ metric: String, _ position: PositionRange) {
        warn("this native histogram metric is not a gauge: \(GoText.quoted(metric))", position)
    }

    mutating func mixedSchemas(_ metric: String, _ position: PositionRange) {
        let text = "vector contains a mix of histograms with exponential and custom buckets schemas"
        warn(text + " for metric name \(GoText.quoted(metric))", position)
    }

    mutating func incompatibleLayouts(_ operation: String, _ position: PositionRange) {
        warn("incompatible bucket layout encountered for binary operator \(operation)", position)
    }

    mutating func sortInRangeQuery(_ position: PositionRange) {
        warn("sort is ineffective for range queries since results are always ordered by labels", position)
    }

    mutating func counterResetCollision(_ combination: HistogramCombination, _ position: PositionRange) {
        warn("conflicting counter resets during histogram \(combination.rawValue)", position)
    }

    mutating func startTimeOverlap(_ metric: String, _ position: PositionRange) {
        let text =
            "PromQL warning: sample has start time that overlaps with previous sample timestamp"
            + " for metric \(GoText.quoted(metric))"
        add(Entry(severity: .warning, text: text, position: position, details: .overlap(count: 1)))
    }

    mutating func possibleNonCounter(_ metric: String, _ position: PositionRange) {
        let text = "metric might not be a counter, name does not end in _total/_sum/_count/_bucket:"
        inform("\(text) \(GoText.quoted(metric))", position)
    }

    mutating func possibleNonCounter(_ metric: String, type: String, _ position: PositionRange) {
        let text = #"metric might not be a counter, __type__ label is not set to "counter" or "histogram""#
        inform("\(text), got \(GoText.quoted(type)): \(GoText.quoted(metric))", position)
    }

    mutating func forcedMonotonicity(
        _ metric: String,
        _ position: PositionRange,
        at time: Timestamp,
        lowest: Double,
        highest: Double,
        greatestDifference: Double
    ) {
        let text =
            "PromQL info: input to histogram_quantile needed to be fixed for monotonicity (see "
            + "https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)"
        let details = Details.monotonicity(
            from: time,
            to: time,
            lowest: lowest,
            highest: highest,
            greatestDifference: greatestDifference,
            count: 1
        )
        let whole = text + Annotations.named(metric)
        add(Entry(severity: .info, text: whole, position: position, details: details))
    }

    mutating func incompatibleTypes(_ left: String, _ operation: String, _ right: String, _ position: PositionRange) {
        let what = "\(GoText.quoted(operation)): \(left) \(operation) \(right)"
        inform("incompatible sample types encountered for binary operator \(what)", position)
    }

    mutating func histogramIgnored(in aggregation: String, _ position: PositionRange) {
        inform("ignored histogram in \(aggregation) aggregation", position)
    }

    mutating func histogramsIgnoredInMixedRange(_ metric: String, _ position: PositionRange) {
        let text = "ignored histograms in a range containing both floats and histograms for metric name"
        inform("\(text) \(GoText.quoted(metric))", position)
    }

    mutating func estimate(_ note: NativeHistogram.EstimateNote, _ metric: String, _ position: PositionRange) {
        let text =
            switch note {
            case .resultIsNaN: "input to histogram_quantile has NaN observations, result is NaN"
            case .isSkewed: "input to histogram_quantile has NaN observations, result is skewed higher"
            case .excludesNaN:
                "input to histogram_fraction has NaN observations, which are excluded from all fractions"
            }
        inform(text + Annotations.named(metric), position)
    }

    mutating func boundsReconciled(_ combination: HistogramCombination, _ position: PositionRange) {
        inform("mismatched custom buckets were reconciled during \(combination.rawValue)", position)
    }
}
