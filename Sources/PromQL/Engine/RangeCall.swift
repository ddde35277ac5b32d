internal import MetricModel

/// A function over range vectors, about to be evaluated for many series.
struct RangeCall: Sendable {
    let name: RangeFunction
    let windows: Windows
    /// The scalar arguments, in order, by step.
    let parameters: [[Double]]
    /// Where annotations point to.
    let position: PositionRange
    let isAnchored: Bool
    let isSmoothed: Bool
    let usesStartTimestamps: Bool
    let lookback: Int64
    let limits: QueryLimits
    /// Whether reads are counted (they are not for subqueries, whose inner samples were).
    let countsReads: Bool
    let tracksSteps: Bool

    /// What a stretch of rows came to, beside the values.
    struct Outcome: Sendable {
        var annotations = Annotations()
        var tally: SampleTally
        var histograms: [(row: Int, points: [NativeHistogram?])] = []
        /// How many samples the windows of each row held.
        var windows: [HeldWindows] = []

        /// How many samples windows of a series held: the most, and the last one.
        struct HeldWindows: Sendable {
            var greatest = 0
            var last = 0
        }
    }

    var steps: Int { windows.count }

    /// The length of the range in seconds.
    var seconds: Double { Double(windows.length) / 1000 }

    /// Evaluates series; stale markers are left out as they are met.
    func run(_ series: [SeriesColumns]) -> RowStretch<Outcome> {
        RowStretch(series, steps: steps) { output in run(series, output) }
    }

    private func run(_ series: [SeriesColumns], _ output: UnsafeMutablePointer<Double>) -> Outcome {
        switch name {
        case .rate: run(series, output, RateKernel(windows: windows, isCounter: true, seconds: seconds))
        case .increase: run(series, output, RateKernel(windows: windows, isCounter: true, seconds: nil))
        case .delta: run(series, output, RateKernel(windows: windows, isCounter: false, seconds: nil))
        case .irate: run(series, output, InstantRateKernel(isRate: true))
        case .idelta: run(series, output, InstantRateKernel(isRate: false))
        case .resets: run(series, output, ResetsKernel())
        case .changes: run(series, output, ChangesKernel())
        case .sumOverTime: run(series, output, SumKernel())
        case .avgOverTime: run(series, output, AverageKernel())
        case .countOverTime: run(series, output, CountKernel())
        case .firstOverTime: run(series, output, EndKernel(isLast: false))
        case .lastOverTime: run(series, output, EndKernel(isLast: true))
        case .tsOfFirstOverTime: run(series, output, EndTimeKernel(isLast: false))
        case .tsOfLastOverTime: run(series, output, EndTimeKernel(isLast: true))
        case .maxOverTime: run(series, output, ExtremeKernel(isMaximum: true))
        case .minOverTime: run(series, output, ExtremeKernel(isMaximum: false))
        case .tsOfMaxOverTime: run(series, output, ExtremeTimeKernel(isMaximum: true))
        case .tsOfMinOverTime: run(series, output, ExtremeTimeKernel(isMaximum: false))
        case .stddevOverTime: run(series, output, VarianceKernel(isDeviation: true))
        case .stdvarOverTime: run(series, output, VarianceKernel(isDeviation: false))
        case .quantileOverTime: run(series, output, QuantileKernel(quantiles: parameters[0]))
        case .madOverTime: run(series, output, MedianDeviationKernel())
        case .deriv: run(series, output, DerivativeKernel())
        case .predictLinear: run(series, output, PredictionKernel(grid: windows.grid, durations: parameters[0]))
        case .doubleExponentialSmoothing:
            run(series, output, SmoothingKernel(smoothing: parameters[0], trend: parameters[1]))
        case .presentOverTime, .absentOverTime: run(series, output, PresentKernel())
        }
    }

    private func run(
        _ series: [SeriesColumns],
        _ output: UnsafeMutablePointer<Double>,
        _ prototype: some RangeKernel
    ) -> Outcome {
        var outcome = Outcome(tally: SampleTally(steps: tracksSteps ? steps : 0))
        var kernel = prototype
        var bounds = WindowBounds()
        var known = KnownColumn()
        outcome.windows.reserveCapacity(series.count)
        var meter = WorkMeter(limits)
        for row in series.indices {
            let target = output + row * steps
            if meter.isOver(after: steps + series[row].values.count + 4096) {
                // Nobody will look at the rest.
                target.update(repeating: Absent.value, count: (series.count - row) * steps)
                break
            }
            let isOrdinary = !isAnchored && !isSmoothed && (series[row].hasFloatsOnly || !mixes(series[row]))
            if isOrdinary, fill(target, series[row], &kernel, &bounds, &known, &outcome) { continue }
            known.forget()
            let columns = series[row].hasStaleMarkers ? series[row].withoutStaleMarkers : series[row]
            if mixes(columns) {
                runMixed(row, columns, target, &kernel, &outcome)
            } else {
                _ = fill(target, columns, &kernel, &bounds, &known, &outcome)
                // It was made for this series, and its memory goes to the next.
                known.forget()
            }
        }
        return outcome
    }

    /// Whether the function looks at more than values and times of floats.
    private func mixes(_ series: SeriesColumns) -> Bool {
        isAnchored || isSmoothed || !series.histograms.isEmpty
            || (usesStartTimestamps && !series.startTimestamps.isEmpty)
    }

    /// The column of timestamps for which the windows are known.
    private struct KnownColumn {
        private var start: UnsafePointer<Timestamp>?
        private var count = 0

        /// Whether it is this one; it is, from now on.
        mutating func isAgain(_ timestamps: UnsafeBufferPointer<Timestamp>) -> Bool {
            if start == timestamps.baseAddress, count == timestamps.count { return true }
            (start, count) = (timestamps.baseAddress, timestamps.count)
            return false
        }

        mutating func forget() { self = KnownColumn() }
    }

    /// Evaluates a series of floats, unless there are stale markers among them. The windows are found anew unless those of the series
    /// before are known to be the same.
    @inline(__always)
    private func fill(
        _ target: UnsafeMutablePointer<Double>,
        _ series: borrowing SeriesColumns,
        _ kernel: inout some RangeKernel,
        _ bounds: inout WindowBounds,
        _ known: inout KnownColumn,
        _ outcome: inout Outcome
    ) -> Bool {
        series.values.withUnsafeBufferPointer { values in
            if SeriesColumns.hasStaleMarker(values) { return false }
            return series.timestamps.withUnsafeBufferPointer { timestamps in
                guard let times = timestamps.baseAddress, let base = values.baseAddress, !values.isEmpty else {
                    target.update(repeating: Absent.value, count: steps)
                    outcome.windows.append(Outcome.HeldWindows())
                    return true
                }
                if !known.isAgain(timestamps) {
                    bounds = WindowBounds(timestamps, windows, limits)
                    kernel.begin(bounds, times)
                }
                let column = FloatColumn(timestamps: times, values: base, count: values.count, limits: limits)
                kernel.fill(target, column, bounds)
                count(bounds, times, &outcome)
                annotateFloats(bounds, &outcome)
                return true
            }
        }
    }

    /// Counts the samples of one series' windows.
    private func count(_ bounds: WindowBounds, _ timestamps: UnsafePointer<Timestamp>, _ outcome: inout Outcome) {
        outcome.tally.total += bounds.sampleCount
        outcome.windows.append(Outcome.HeldWindows(greatest: bounds.greatestCount, last: bounds.lastCount))
        let counts = countsReads && !windows.isFixed
        if !tracksSteps, !counts {
            if countsReads, steps > 0 { outcome.tally.read += Int(bounds.upper[0]) - Int(bounds.lower[0]) }
            return
        }
        var previous = 0
        for step in 0..<steps {
            // Nobody will look at what was counted.
            if step & 0xffff == 0xffff, limits.isOver { return }
            let lower = Int(bounds.lower[step])
            let upper = Int(bounds.upper[step])
            if tracksSteps { outcome.tally.totalByStep[step] += upper - lower }
            guard countsReads, step == 0 || !windows.isFixed else { continue }
            let fresh = step == 0 ? upper - lower : upper - max(lower, previous)
            previous = upper
            outcome.tally.read += fresh
            if tracksSteps { outcome.tally.readByStep[step] += fresh }
        }
    }

    /// Notes that a series of floats gives rise to.
    private func annotateFloats(_ bounds: WindowBounds, _ outcome: inout Outcome) {
        guard name == .quantileOverTime else { return }
        var invalid = InvalidQuantiles()
        for step in 0..<steps where bounds.upper[step] > bounds.lower[step] {
            let quantile = parameters[0][step]
            if invalid.isNew(quantile) { outcome.annotations.invalidQuantile(quantile, position) }
        }
    }
}
