internal import MetricModel

/// The samples of a window where histograms, extended ranges or start times come in.
struct MixedWindow {
    let columns: SeriesColumns
    let floats: Range<Int>
    let histograms: Range<Int>
    let step: Int
    /// The range's own borders; with `anchored` and `smoothed` the samples reach further.
    let start: Timestamp
    let end: Timestamp

    var floatCount: Int { floats.count }
    var histogramCount: Int { histograms.count }
    func time(_ index: Int) -> Timestamp { columns.timestamps[index] }
    func value(_ index: Int) -> Double { columns.values[index] }
    func histogramTime(_ index: Int) -> Timestamp { columns.histogramTimestamps[index] }
    func histogram(_ index: Int) -> NativeHistogram { columns.histograms[index] }

    /// When the counter of a float sample started, 0 where unknown.
    func startTime(_ index: Int) -> Timestamp {
        index < columns.startTimestamps.count ? columns.startTimestamps[index] : 0
    }

    /// When a histogram started, 0 where unknown.
    func histogramStartTime(_ index: Int) -> Timestamp {
        index < columns.histogramStartTimestamps.count ? columns.histogramStartTimestamps[index] : 0
    }
}

/// A sample of either kind.
enum Point {
    case float(Double)
    case histogram(NativeHistogram)
}

extension RangeCall {
    /// Evaluates a series that has histograms, or needs more than the samples within the range.
    func runMixed(
        _ row: Int,
        _ columns: SeriesColumns,
        _ target: UnsafeMutablePointer<Double>,
        _ kernel: inout some RangeKernel,
        _ outcome: inout Outcome
    ) {
        let before = isAnchored || isSmoothed ? lookback : 0
        let after = isSmoothed ? lookback : 0
        var points = [NativeHistogram?](repeating: nil, count: steps)
        var hasPoints = false
        var held = Outcome.HeldWindows()
        columns.timestamps.withUnsafeBufferPointer { timestamps in
            columns.values.withUnsafeBufferPointer { values in
                target.update(repeating: Absent.value, count: steps)
                guard let times = timestamps.baseAddress, let base = values.baseAddress else { return }
                let bounds = WindowBounds(timestamps, windows, limits)
                kernel.begin(bounds, times)
                kernel.fill(
                    target,
                    FloatColumn(timestamps: times, values: base, count: values.count, limits: limits),
                    bounds
                )
            }
        }
        let metric = columns.labels.name
        var meter = WorkMeter(limits)
        for step in 0..<steps {
            let (start, end) = (windows.start(step), windows.end(step))
            let floats = MixedWindow.range(columns.timestamps, start - before, end + after)
            let histograms = MixedWindow.range(columns.histogramTimestamps, start - before, end + after)
            guard !floats.isEmpty || !histograms.isEmpty else {
                target[step] = Absent.value
                held.last = 0
                continue
            }
            // Nobody will look at the rest, which has values of some kind.
            if meter.isOver(after: 16 + 8 * floats.count + 256 * histograms.count) { break }
            let window = MixedWindow(
                columns: columns,
                floats: floats,
                histograms: histograms,
                step: step,
                start: start,
                end: end
            )
            if limits.isOver { return }
            count(window, after, &outcome, &held)
            switch point(window, target[step], metric, &outcome.annotations) {
            case nil: target[step] = Absent.value
            case .float(let value): target[step] = value
            case .histogram(let histogram):
                target[step] = Absent.value
                points[step] = histogram
                hasPoints = true
            }
        }
        if hasPoints { outcome.histograms.append((row, points)) }
        outcome.windows.append(held)
    }

    private func count(
        _ window: MixedWindow,
        _ after: Int64,
        _ outcome: inout Outcome,
        _ held: inout Outcome.HeldWindows
    ) {
        let weight = window.histograms.reduce(window.floatCount) { $0 + window.histogram($1).sampleWeight }
        outcome.tally.total += weight
        held.greatest = max(held.greatest, weight)
        held.last = weight
        if tracksSteps { outcome.tally.totalByStep[window.step] += weight }
        guard countsReads, window.step == 0 || !windows.isFixed else { return }
        var fresh = weight
        if window.step > 0 {
            let cutoff = window.end + after - windows.grid.interval
            fresh = window.floats.reduce(0) { $0 + (window.time($1) > cutoff ? 1 : 0) }
            for index in window.histograms where window.histogramTime(index) > cutoff {
                fresh += window.histogram(index).sampleWeight
            }
        }
        outcome.tally.read += fresh
        if tracksSteps { outcome.tally.readByStep[window.step] += fresh }
    }

    /// The result of a window. `float` is what its float samples alone come to.
    private func point(
        _ window: MixedWindow,
        _ float: Double,
        _ metric: String,
        _ notes: inout Annotations
    ) -> Point? {
        let plain: Point? = Absent.isAbsent(float) ? nil : .float(float)
        switch name {
        case .rate, .increase, .delta:
            return change(window, metric, &notes)
        case .irate, .idelta:
            return lastChange(window, metric, &notes)
        case .resets, .changes:
            return name == .resets ? resets(window) : changes(window)
        case .sumOverTime, .avgOverTime:
            if window.histogramCount == 0 { return plain }
            if window.floatCount > 0 {
                notes.mixedFloatsHistograms(metric, position)
                return nil
            }
            return name == .sumOverTime ? sum(window, metric, &notes) : average(window, metric, &notes)
        case .countOverTime:
            return .float(Double(window.floatCount + window.histogramCount))
        case .presentOverTime, .absentOverTime:
            return .float(1)
        case .firstOverTime:
            guard let histogram = window.histograms.first else { return plain }
            if let first = window.floats.first, window.time(first) < window.histogramTime(histogram) { return plain }
            return .histogram(window.histogram(histogram))
        case .lastOverTime:
            guard let histogram = window.histograms.last else { return plain }
            if let last = window.floats.last, window.histogramTime(histogram) < window.time(last) { return plain }
            return .histogram(window.histogram(histogram))
        case .tsOfFirstOverTime:
            let float = window.floats.first.map(window.time) ?? .max
            let histogram = window.histograms.first.map(window.histogramTime) ?? .max
            return .float(Double(min(float, histogram)) / 1000)
        case .tsOfLastOverTime:
            let float = window.floats.last.map(window.time) ?? 0
            let histogram = window.histograms.last.map(window.histogramTime) ?? 0
            return .float(Double(max(float, histogram)) / 1000)
        case .deriv, .predictLinear, .doubleExponentialSmoothing:
            if window.histogramCount > 0, window.floatCount > 0 {
                notes.histogramsIgnoredInMixedRange(metric, position)
            }
            return plain
        case .minOverTime, .maxOverTime, .tsOfMinOverTime, .tsOfMaxOverTime, .stddevOverTime, .stdvarOverTime,
            .quantileOverTime, .madOverTime:
            if window.floatCount == 0 { return nil }
            if name == .quantileOverTime {
                let quantile = parameters[0][window.step]
                if !(quantile >= 0 && quantile <= 1) { notes.invalidQuantile(quantile, position) }
            }
            if window.histogramCount > 0 { notes.histogramsIgnoredInMixedRange(metric, position) }
            return plain
        }
    }
}

extension MixedWindow {
    /// The positions of the times in (start, end].
    static func range(_ timestamps: [Timestamp], _ start: Timestamp, _ end: Timestamp) -> Range<Int> {
        timestamps.withUnsafeBufferPointer { timestamps in
            let lower = WindowBounds.firstIndex(timestamps, after: start)
            return lower..<max(lower, WindowBounds.firstIndex(timestamps, after: end))
        }
    }
}
