internal import MetricModel

/// Values between two samples.
enum Interpolation {
    /// On the line between two samples; a counter that went down is taken to have come from zero.
    static func value(
        _ before: (time: Timestamp, value: Double),
        _ after: (time: Timestamp, value: Double),
        at time: Timestamp,
        isCounter: Bool
    ) -> Double {
        let start = isCounter && after.value < before.value ? 0 : before.value
        return start + (after.value - start) * Double(time - before.time) / Double(after.time - before.time)
    }

    /// Between two histograms.
    static func histogram(
        _ before: (time: Timestamp, value: NativeHistogram),
        _ after: (time: Timestamp, value: NativeHistogram),
        at time: Timestamp,
        isCounter: Bool,
        _ position: PositionRange,
        _ notes: inout Annotations
    ) throws(IncompatibleHistogramLayouts) -> NativeHistogram {
        if time == before.time { return before.value }
        if time == after.time { return after.value }
        let fraction = Double(time - before.time) / Double(after.time - before.time)
        var result = after.value
        if isCounter, after.value.isReset(since: before.value) {
            result.multiply(by: fraction)
            return result
        }
        if try result.subtract(before.value).boundsReconciled { notes.boundsReconciled(.subtraction, position) }
        result.multiply(by: fraction)
        if try result.add(before.value).boundsReconciled { notes.boundsReconciled(.addition, position) }
        return result
    }
}

// `anchored` and `smoothed`: the change between the range's exact borders.
extension RangeCall {
    private var isCounter: Bool { name != .delta }
    private var isRate: Bool { name == .rate }

    /// The first sample that matters, and the last one, of positions whose times are given.
    private func borders(
        _ positions: Range<Int>,
        _ window: MixedWindow,
        _ time: (Int) -> Timestamp
    ) -> (first: Int, last: Int)? {
        var last = positions.upperBound - 1
        let found = (positions.lowerBound..<last).first { time($0) > window.start } ?? last
        let first = max(positions.lowerBound, found - 1)
        if isSmoothed { last = (positions.lowerBound..<last).first { time($0) >= window.end } ?? last }
        if time(last) <= window.start { return nil }
        if isSmoothed, time(first) > window.end { return nil }
        return (first, last)
    }

    func extendedChange(_ window: MixedWindow) -> Double? {
        guard !window.floats.isEmpty, var (first, last) = borders(window.floats, window, window.time) else {
            return nil
        }
        func sample(_ index: Int) -> (time: Timestamp, value: Double) { (window.time(index), window.value(index)) }
        var left = window.value(first)
        var right = window.value(last)
        if isSmoothed, window.time(first) < window.start {
            left = Interpolation.value(sample(first), sample(first + 1), at: window.start, isCounter: isCounter)
        }
        if isSmoothed, last > window.floats.lowerBound, window.time(last) > window.end {
            right = Interpolation.value(sample(last - 1), sample(last), at: window.end, isCounter: isCounter)
        }
        var result = right - left
        if isCounter {
            if window.time(first) <= window.start { first += 1 }
            if window.time(last) >= window.end { last -= 1 }
            var correction = 0.0
            var previous = left
            if first <= last {
                for index in first...last {
                    if window.value(index) < previous { correction += previous }
                    previous = window.value(index)
                }
            }
            if right < previous { correction += previous }
            result += correction
        }
        return isRate ? result / seconds : result
    }

    func extendedHistogramChange(_ window: MixedWindow, _ metric: String, _ notes: inout Annotations) -> Point? {
        guard let (first, last) = borders(window.histograms, window, window.histogramTime) else { return nil }
        let usesCustomBounds = window.histogram(first).usesCustomBounds
        for index in first...max(first, last) {
            let histogram = window.histogram(index)
            if histogram.usesCustomBounds != usesCustomBounds {
                notes.mixedSchemas(metric, position)
                return nil
            }
            if isCounter, histogram.counterResetHint == .gauge { notes.notCounter(metric, position) }
        }
        func sample(_ index: Int) -> (time: Timestamp, value: NativeHistogram) {
            (window.histogramTime(index), window.histogram(index))
        }
        var left = window.histogram(first)
        var right = window.histogram(last)
        do throws(IncompatibleHistogramLayouts) {
            if isSmoothed, window.histogramTime(first) < window.start {
                left = try Interpolation.histogram(
                    sample(first),
                    sample(first + 1),
                    at: window.start,
                    isCounter: isCounter,
                    position,
                    &notes
                )
            }
            if isSmoothed, last > window.histograms.lowerBound, window.histogramTime(last) > window.end {
                right = try Interpolation.histogram(
                    sample(last - 1),
                    sample(last),
                    at: window.end,
                    isCounter: isCounter,
                    position,
                    &notes
                )
            }
        } catch {
            notes.mixedSchemas(metric, position)
            return nil
        }
        if !isCounter, left.counterResetHint != .gauge || right.counterResetHint != .gauge {
            notes.notGauge(metric, position)
        }
        var result = right
        guard subtract(left, from: &result, metric, &notes) else { return nil }
        if isCounter {
            guard correct(&result, window, first, last, left, right, metric, &notes) else { return nil }
        }
        if isRate { result.divide(by: seconds) }
        result.counterResetHint = .gauge
        result.compact()
        return .histogram(result)
    }

    /// Adds what counter resets between the borders took away.
    private func correct(
        _ result: inout NativeHistogram,
        _ window: MixedWindow,
        _ first: Int,
        _ last: Int,
        _ left: NativeHistogram,
        _ right: NativeHistogram,
        _ metric: String,
        _ notes: inout Annotations
    ) -> Bool {
        var next = first + 1
        var previous = left
        if isSmoothed, window.histogramTime(first) < window.start,
            window.histogram(first + 1).isReset(since: window.histogram(first))
        {
            previous = window.histogram(first + 1)
            next += 1
        }
        if next > last { return true }
        var correction: NativeHistogram?
        func correct(_ histogram: NativeHistogram) -> Bool {
            guard var total = correction else {
                correction = histogram
                return true
            }
            guard add(histogram, to: &total, metric, &notes) else { return false }
            correction = total
            return true
        }
        while next < last {
            let histogram = window.histogram(next)
            if limits.isOver(before: histogram) { return false }
            if histogram.isReset(since: previous), !correct(previous) { return false }
            previous = histogram
            next += 1
        }
        if right.isReset(since: previous), !correct(previous) { return false }
        guard let correction else { return true }
        return add(correction, to: &result, metric, &notes)
    }
}
