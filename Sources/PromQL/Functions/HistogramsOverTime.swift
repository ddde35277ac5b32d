internal import MetricModel

// Sums, means and comparisons over windows of histograms.
extension RangeCall {
    func sum(_ window: MixedWindow, _ metric: String, _ notes: inout Annotations) -> Point? {
        var total = HistogramSum()
        for index in window.histograms {
            if limits.isOver(before: window.histogram(index)) { return nil }
            guard total.add(window.histogram(index)) else {
                notes.mixedSchemas(metric, position)
                return nil
            }
        }
        total.annotate(position, &notes)
        return total.sum.map { .histogram($0) }
    }

    func average(_ window: MixedWindow, _ metric: String, _ notes: inout Annotations) -> Point? {
        var total = HistogramMean()
        for index in window.histograms {
            if limits.isOver(before: window.histogram(index)) { return nil }
            guard total.add(window.histogram(index)) else {
                notes.mixedSchemas(metric, position)
                return nil
            }
        }
        total.annotate(position, &notes)
        return total.mean.map { .histogram($0) }
    }

    /// The samples of both kinds by time, from the first one that counts.
    private func merged(_ window: MixedWindow) -> [(
        time: Timestamp, float: Double, histogram: NativeHistogram?, start: Timestamp
    )]? {
        var float = window.floats.lowerBound
        var histogram = window.histograms.lowerBound
        if isAnchored {
            let floatAfter = window.floats.first { window.time($0) > window.start } ?? window.floats.upperBound
            let histogramAfter =
                window.histograms.first { window.histogramTime($0) > window.start } ?? window.histograms.upperBound
            if floatAfter == window.floats.upperBound, histogramAfter == window.histograms.upperBound { return nil }
            let hasFloatBefore = floatAfter > window.floats.lowerBound
            let hasHistogramBefore = histogramAfter > window.histograms.lowerBound
            if hasFloatBefore,
                !hasHistogramBefore || window.time(floatAfter - 1) >= window.histogramTime(histogramAfter - 1)
            {
                (float, histogram) = (floatAfter - 1, histogramAfter)
            } else if hasHistogramBefore {
                (float, histogram) = (floatAfter, histogramAfter - 1)
            }
        }
        var result: [(time: Timestamp, float: Double, histogram: NativeHistogram?, start: Timestamp)] = []
        while float < window.floats.upperBound || histogram < window.histograms.upperBound {
            let takesFloat =
                histogram >= window.histograms.upperBound
                || (float < window.floats.upperBound && window.time(float) <= window.histogramTime(histogram))
            if takesFloat {
                result.append((window.time(float), window.value(float), nil, window.startTime(float)))
                float += 1
            } else {
                let value = window.histogram(histogram)
                result.append(
                    (window.histogramTime(histogram), 0, value, window.histogramStartTime(histogram))
                )
                histogram += 1
            }
        }
        return result
    }

    func resets(_ window: MixedWindow) -> Point? {
        guard let samples = merged(window) else { return nil }
        var count = 0
        for (before, now) in zip(samples, samples.dropFirst()) {
            let isReset =
                usesStartTimestamps && StartTimes.isReset(before.start, before.time, now.start, now.time)
            switch (before.histogram, now.histogram) {
            case (nil, nil): if now.float < before.float || isReset { count += 1 }
            case (let earlier?, let later?):
                if limits.isOver(before: later) { return nil }
                if isReset || later.isReset(since: earlier) { count += 1 }
            default: count += 1
            }
        }
        return .float(Double(count))
    }

    func changes(_ window: MixedWindow) -> Point? {
        guard let samples = merged(window) else { return nil }
        var count = 0
        for (before, now) in zip(samples, samples.dropFirst()) {
            switch (before.histogram, now.histogram) {
            case (nil, nil):
                if now.float != before.float, !(now.float.isNaN && before.float.isNaN) { count += 1 }
            case (let earlier?, let later?):
                if limits.isOver(before: later) { return nil }
                if !later.isSameData(as: earlier) { count += 1 }
            default: count += 1
            }
        }
        return .float(Double(count))
    }
}

/// What was seen about the histograms that were added up.
struct HistogramSumNotes {
    var sawReset = false
    var sawNoReset = false
    var boundsReconciled = false

    mutating func track(_ histogram: NativeHistogram) {
        switch histogram.counterResetHint {
        case .reset: sawReset = true
        case .notReset: sawNoReset = true
        case .unknown, .gauge: break
        }
    }

    func annotate(_ position: PositionRange, _ notes: inout Annotations) {
        if sawReset, sawNoReset { notes.counterResetCollision(.aggregation, position) }
        if boundsReconciled { notes.boundsReconciled(.aggregation, position) }
    }
}

/// A compensated sum of histograms.
struct HistogramSum {
    private var total: NativeHistogram?
    private var compensation: NativeHistogram?
    var seen = HistogramSumNotes()

    /// Adds; `false` where the layouts do not go together.
    mutating func add(_ histogram: NativeHistogram) -> Bool {
        seen.track(histogram)
        guard total != nil else {
            total = histogram
            return true
        }
        do throws(IncompatibleHistogramLayouts) {
            if var sum = total {
                total = nil
                let result = try sum.add(histogram, compensation: &compensation)
                if result.boundsReconciled { seen.boundsReconciled = true }
                total = sum
            }
            return true
        } catch {
            return false
        }
    }

    /// The sum.
    var sum: NativeHistogram? {
        guard var result = total else { return nil }
        if let compensation { _ = try? result.add(compensation) }
        return result
    }

    func annotate(_ position: PositionRange, _ notes: inout Annotations) { seen.annotate(position, &notes) }
}

/// A compensated mean of histograms, which goes over to an incremental mean where the sum overflows.
struct HistogramMean {
    private var total: NativeHistogram?
    private var compensation: NativeHistogram?
    private var isIncremental = false
    private(set) var count = 0.0
    var seen = HistogramSumNotes()

    /// Counts one that is not added, as Prometheus does with those of another kind.
    mutating func countOnly() { count += 1 }

    /// Adds; `false` where the layouts do not go together.
    mutating func add(_ histogram: NativeHistogram) -> Bool {
        seen.track(histogram)
        count += 1
        guard let current = total else {
            total = histogram
            return true
        }
        do throws(IncompatibleHistogramLayouts) {
            if !isIncremental {
                var sum = current
                var lost = compensation
                if try sum.add(histogram, compensation: &lost).boundsReconciled { seen.boundsReconciled = true }
                if !sum.hasOverflow {
                    (total, compensation) = (sum, lost)
                    return true
                }
                isIncremental = true
                total?.divide(by: count - 1)
                compensation?.divide(by: count - 1)
            }
            let weight = (count - 1) / count
            compensation?.multiply(by: weight)
            var share = histogram
            share.divide(by: count)
            if var mean = total {
                mean.multiply(by: weight)
                if try mean.add(share, compensation: &compensation).boundsReconciled { seen.boundsReconciled = true }
                total = mean
            }
            return true
        } catch {
            return false
        }
    }

    /// The mean.
    var mean: NativeHistogram? {
        guard var result = total else { return nil }
        var lost = compensation
        if !isIncremental {
            result.divide(by: count)
            lost?.divide(by: count)
        }
        if let lost { _ = try? result.add(lost) }
        return result
    }

    func annotate(_ position: PositionRange, _ notes: inout Annotations) { seen.annotate(position, &notes) }
}
