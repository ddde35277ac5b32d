internal import MetricModel

// The changes over a window: `rate`, `increase`, `delta`, `irate`, `idelta`.
extension RangeCall {
    private var isCounter: Bool { name != .delta && name != .idelta }
    private var isRate: Bool { name == .rate || name == .irate }

    func change(_ window: MixedWindow, _ metric: String, _ notes: inout Annotations) -> Point? {
        if window.floatCount > 0, window.histogramCount > 0 {
            notes.mixedFloatsHistograms(metric, position)
            return nil
        }
        if isAnchored || isSmoothed {
            return window.histogramCount > 0
                ? extendedHistogramChange(window, metric, &notes) : extendedChange(window).map { .float($0) }
        }
        return extrapolatedChange(window, metric, &notes)
    }

    private func extrapolatedChange(_ window: MixedWindow, _ metric: String, _ notes: inout Annotations) -> Point? {
        let isHistogram = window.histogramCount > 0
        var histogram: NativeHistogram?
        var float = 0.0
        let (firstTime, lastTime): (Timestamp, Timestamp)
        if isHistogram {
            (firstTime, lastTime) = (
                window.histogramTime(window.histograms.lowerBound),
                window.histogramTime(window.histograms.upperBound - 1)
            )
            if window.histogramCount > 1 {
                guard let change = histogramChange(window, metric, &notes) else { return nil }
                histogram = change
            }
        } else {
            (firstTime, lastTime) = (
                window.time(window.floats.lowerBound), window.time(window.floats.upperBound - 1)
            )
            float = floatChange(window, metric, &notes)
        }
        let gaps = (isHistogram ? window.histogramCount : window.floatCount) - 1
        let began =
            !isCounter || !usesStartTimestamps
            ? 0
            : isHistogram
                ? window.histogramStartTime(window.histograms.lowerBound) : window.startTime(window.floats.lowerBound)
        let isBegun = began != 0 && began > window.start && began < firstTime
        let extrapolation = Extrapolation(
            Extrapolation.Window(
                start: window.start,
                end: window.end,
                first: firstTime,
                last: lastTime,
                gaps: gaps
            ),
            beganAt: isBegun ? began : nil
        )
        var toStart = extrapolation.toStart
        if isBegun {
            // The counter is known to have been zero within the window.
            if isHistogram {
                let first = window.histogram(window.histograms.lowerBound)
                if var total = histogram {
                    guard add(first, to: &total, metric, &notes) else { return nil }
                    histogram = total
                } else {
                    histogram = first
                }
            } else {
                float += window.value(window.floats.lowerBound)
            }
        } else if gaps == 0 {
            return nil
        } else if isCounter {
            var toZero = toStart
            if !isHistogram {
                let first = window.value(window.floats.lowerBound)
                if float > 0, first >= 0 { toZero = extrapolation.toZero(first: first, change: float) }
            } else if let histogram, histogram.count > 0 {
                let first = window.histogram(window.histograms.lowerBound).count
                if first >= 0 { toZero = extrapolation.toZero(first: first, change: histogram.count) }
            }
            if toZero < toStart { toStart = toZero }
        }
        let factor = extrapolation.factor(toStart: toStart, per: isRate ? seconds : nil)
        guard var histogram else { return .float(float * factor) }
        histogram.multiply(by: factor)
        return .histogram(histogram)
    }

    private func floatChange(_ window: MixedWindow, _ metric: String, _ notes: inout Annotations) -> Double {
        let (first, last) = (window.floats.lowerBound, window.floats.upperBound - 1)
        var result = window.value(last) - window.value(first)
        guard isCounter else { return result }
        var hasOverlap = false
        for index in window.floats.dropFirst() {
            let isKnown = usesStartTimestamps && !window.columns.startTimestamps.isEmpty
            let (started, startedBefore) = (window.startTime(index), window.startTime(index - 1))
            if isKnown, !hasOverlap, StartTimes.overlap(startedBefore, window.time(index - 1), started) {
                notes.startTimeOverlap(metric, position)
                hasOverlap = true
            }
            if window.value(index) < window.value(index - 1)
                || (isKnown
                    && StartTimes.isReset(startedBefore, window.time(index - 1), started, window.time(index)))
            {
                result += window.value(index - 1)
            }
        }
        return result
    }

    /// The change of a histogram over the window, resets taken into account; a gauge. `nil` where there is none to be had.
    private func histogramChange(
        _ window: MixedWindow,
        _ metric: String,
        _ notes: inout Annotations
    ) -> NativeHistogram? {
        let (firstIndex, lastIndex) = (window.histograms.lowerBound, window.histograms.upperBound - 1)
        let first = window.histogram(firstIndex)
        let last = window.histogram(lastIndex)
        let knowsStarts = usesStartTimestamps && isCounter && !window.columns.histogramStartTimestamps.isEmpty
        func isResetByStart(_ index: Int) -> Bool {
            knowsStarts
                && StartTimes.isReset(
                    window.histogramStartTime(index - 1),
                    window.histogramTime(index - 1),
                    window.histogramStartTime(index),
                    window.histogramTime(index)
                )
        }
        var previous = first
        var usesCustomBounds = first.usesCustomBounds
        var local = Annotations()
        if isCounter {
            if first.counterResetHint == .gauge || last.counterResetHint == .gauge {
                local.notCounter(metric, position)
            }
            let second = window.histogram(firstIndex + 1)
            if isResetByStart(firstIndex + 1) || second.isReset(since: first) {
                previous = NativeHistogram()
                previous.schema = second.schema
                previous.customValues = second.customValues
                usesCustomBounds = second.usesCustomBounds
            }
        }
        func mixedSchemas() -> NativeHistogram? {
            notes.mixedSchemas(metric, position)
            return nil
        }
        if last.usesCustomBounds != usesCustomBounds {
            notes.merge(local)
            return mixedSchemas()
        }
        var schema = min(last.schema, previous.schema)
        if isCounter, lastIndex - firstIndex > 1 {
            for index in firstIndex + 1..<lastIndex {
                let histogram = window.histogram(index)
                if histogram.counterResetHint == .gauge { local.notCounter(metric, position) }
                schema = min(schema, histogram.schema)
                if histogram.usesCustomBounds != usesCustomBounds { return mixedSchemas() }
            }
        }
        var result = last
        if schema != last.schema {
            result.reduceResolution(to: schema)
            result.counterResetHint = .unknown
        }
        result.isInteger = false
        do throws(IncompatibleHistogramLayouts) {
            if try result.subtract(previous).boundsReconciled { local.boundsReconciled(.subtraction, position) }
            if isCounter {
                var hasOverlap = false
                for index in window.histograms.dropFirst() {
                    let current = window.histogram(index)
                    if limits.isOver(before: current) { return nil }
                    if knowsStarts, !hasOverlap,
                        StartTimes.overlap(
                            window.histogramStartTime(index - 1),
                            window.histogramTime(index - 1),
                            window.histogramStartTime(index)
                        )
                    {
                        local.startTimeOverlap(metric, position)
                        hasOverlap = true
                    }
                    if isResetByStart(index) || current.isReset(since: previous) {
                        if try result.add(previous).boundsReconciled { local.boundsReconciled(.addition, position) }
                    }
                    previous = current
                }
            } else if first.counterResetHint != .gauge || last.counterResetHint != .gauge {
                local.notGauge(metric, position)
            }
        } catch {
            return mixedSchemas()
        }
        notes.merge(local)
        result.counterResetHint = .gauge
        result.compact()
        return result
    }

    /// Adds, or tells why that cannot be.
    func add(
        _ other: NativeHistogram,
        to total: inout NativeHistogram,
        _ metric: String,
        _ notes: inout Annotations
    ) -> Bool {
        combine(.addition, metric, &notes) { () throws(IncompatibleHistogramLayouts) in
            try total.add(other).boundsReconciled
        }
    }

    /// Subtracts, or tells why that cannot be.
    func subtract(
        _ other: NativeHistogram,
        from total: inout NativeHistogram,
        _ metric: String,
        _ notes: inout Annotations
    ) -> Bool {
        combine(.subtraction, metric, &notes) { () throws(IncompatibleHistogramLayouts) in
            try total.subtract(other).boundsReconciled
        }
    }

    private func combine(
        _ operation: HistogramCombination,
        _ metric: String,
        _ notes: inout Annotations,
        _ body: () throws(IncompatibleHistogramLayouts) -> Bool
    ) -> Bool {
        do throws(IncompatibleHistogramLayouts) {
            if try body() { notes.boundsReconciled(operation, position) }
            return true
        } catch {
            notes.mixedSchemas(metric, position)
            return false
        }
    }

    func lastChange(_ window: MixedWindow, _ metric: String, _ notes: inout Annotations) -> Point? {
        struct Sample {
            var time: Timestamp
            var float: Double
            var histogram: NativeHistogram?
            var start: Timestamp
        }
        guard window.floatCount + window.histogramCount > 1 else { return nil }
        let knowsStarts = usesStartTimestamps && name == .irate
        var samples: [Sample] = []
        for index in window.floats.suffix(2) {
            let start = knowsStarts ? window.startTime(index) : 0
            samples.append(Sample(time: window.time(index), float: window.value(index), start: start))
        }
        for index in window.histograms.suffix(2) {
            let start = knowsStarts ? window.histogramStartTime(index) : 0
            let histogram = window.histogram(index)
            samples.append(
                Sample(time: window.histogramTime(index), float: 0, histogram: histogram, start: start)
            )
        }
        samples.sort { $0.time < $1.time }
        let (before, now) = (samples[samples.count - 2], samples[samples.count - 1])
        let interval = now.time - before.time
        guard interval != 0 else { return nil }
        let isReset = StartTimes.isReset(before.start, before.time, now.start, now.time)
        switch (before.histogram, now.histogram) {
        case (nil, nil):
            var result = now.float
            if !isRate || !(now.float < before.float || isReset) { result -= before.float }
            return .float(isRate ? result / (Double(interval) / 1000) : result)
        case (let earlier?, var result?):
            let isGauge = earlier.counterResetHint == .gauge && result.counterResetHint == .gauge
            if isRate, earlier.counterResetHint == .gauge || result.counterResetHint == .gauge {
                notes.notCounter(metric, position)
            }
            if !isRate, !isGauge { notes.notGauge(metric, position) }
            if !isRate || (!isReset && !result.isReset(since: earlier)) {
                guard subtract(earlier, from: &result, metric, &notes) else { return nil }
            }
            result.counterResetHint = .gauge
            result.compact()
            if isRate { result.divide(by: Double(interval) / 1000) }
            return .histogram(result)
        default:
            notes.mixedFloatsHistograms(metric, position)
            return nil
        }
    }
}

/// What the times at which counters started tell.
enum StartTimes {
    /// Whether a counter was reset between two samples.
    static func isReset(
        _ startedBefore: Timestamp,
        _ before: Timestamp,
        _ started: Timestamp,
        _ now: Timestamp
    ) -> Bool {
        if started == 0 || started >= now || started < before { return false }
        if started > before { return true }
        if startedBefore > before { return false }
        return startedBefore != 0 && startedBefore != before
    }

    /// Whether a counter claims to have started before the sample before was taken, and not together with that.
    static func overlap(_ startedBefore: Timestamp, _ before: Timestamp, _ started: Timestamp) -> Bool {
        started != 0 && started < before && started != startedBefore
    }
}
