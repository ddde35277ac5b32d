internal import MetricModel

/// `rate`, `increase`, `delta`: the difference over the window, extrapolated to its borders.
struct RateKernel: RangeKernel {
    let windows: Windows
    let isCounter: Bool
    /// What to divide by; `nil` for `increase` and `delta`.
    let seconds: Double?

    /// What depends on the timestamps only, for each step.
    private struct Step {
        var extrapolation = Extrapolation()
        /// The factor where nothing limits the extrapolation to the start.
        var factor = 0.0
    }
    private var extrapolations: [Step] = []

    init(windows: Windows, isCounter: Bool, seconds: Double?) {
        self.windows = windows
        self.isCounter = isCounter
        self.seconds = seconds
    }

    mutating func begin(_ bounds: WindowBounds, _ timestamps: UnsafePointer<Timestamp>) {
        extrapolations = (0..<windows.count).map { step in
            let (lower, upper) = (Int(bounds.lower[step]), Int(bounds.upper[step]))
            guard upper - lower > 1 else { return Step() }
            let end = windows.end(step)
            let extrapolation = Extrapolation(
                Extrapolation.Window(
                    start: end - windows.length,
                    end: end,
                    first: timestamps[lower],
                    last: timestamps[upper - 1],
                    gaps: upper - lower - 1
                )
            )
            let factor = extrapolation.factor(toStart: extrapolation.toStart, per: seconds)
            return Step(extrapolation: extrapolation, factor: factor)
        }
    }

    /// How far the change is carried on before the first sample. A counter starts at zero: no further than that.
    @inline(__always)
    func reachToStart(_ extrapolation: Extrapolation, first: Double, change: Double) -> Double {
        // The multiplication, with a margin far above rounding, spares the division where the limit is out of reach.
        guard isCounter, change > 0, first >= 0,
            !(first * extrapolation.sampled > extrapolation.toStart * change * 1.000001)
        else { return extrapolation.toStart }
        let toZero = extrapolation.toZero(first: first, change: change)
        return toZero < extrapolation.toStart ? toZero : extrapolation.toStart
    }

    func fill(_ output: UnsafeMutablePointer<Double>, _ column: FloatColumn, _ bounds: WindowBounds) {
        let values = column.values
        let resets = isCounter ? CounterResets.positions(column, bounds) : []
        var firstReset = 0
        var work = 0
        // The arrays are held by whoever calls. No closures: one that looks at `self` would hold a copy of it for each series.
        let lowers = bounds.lower.withUnsafeBufferPointer { $0 }
        let uppers = bounds.upper.withUnsafeBufferPointer { $0 }
        let extrapolations = extrapolations.withUnsafeBufferPointer { $0 }
        defer { withExtendedLifetime(bounds) {} }
        for step in 0..<lowers.count {
            if step & 0xffff == 0xffff || work > WorkMeter.interval, column.limits.isOver {
                // Nobody will look at the rest.
                for rest in step..<lowers.count { output[rest] = Absent.value }
                return
            }
            if work > WorkMeter.interval { work = 0 }
            let lower = Int(lowers[step])
            let upper = Int(uppers[step])
            guard upper - lower > 1 else {
                output[step] = Absent.value
                continue
            }
            let first = values[lower]
            var result = values[upper - 1] - first
            if !resets.isEmpty {
                while firstReset < resets.count, resets[firstReset] <= lower { firstReset += 1 }
                var reset = firstReset
                while reset < resets.count, resets[reset] < upper {
                    work &+= 1
                    result += values[resets[reset] - 1]
                    reset += 1
                }
            }
            let known = extrapolations[step]
            let toStart = reachToStart(known.extrapolation, first: first, change: result)
            let factor =
                toStart == known.extrapolation.toStart
                ? known.factor : known.extrapolation.factor(toStart: toStart, per: seconds)
            output[step] = result * factor
        }
    }
}

/// Where a counter went down.
enum CounterResets {
    /// The positions in the windows' samples whose value is below the one before.
    static func positions(_ column: FloatColumn, _ bounds: WindowBounds) -> [Int] {
        guard let first = bounds.lower.first, let last = bounds.upper.last, Int(last) - Int(first) > 1 else {
            return []
        }
        let values = column.values
        let end = Int(last)
        var index = Int(first) + 1
        // Most counters never go down: look at blocks first.
        var found: [Int] = []
        while index < end {
            let blockEnd = min(index + 64, end)
            var drops = 0
            for position in index..<blockEnd { drops &+= values[position] < values[position - 1] ? 1 : 0 }
            if drops > 0 {
                for position in index..<blockEnd where values[position] < values[position - 1] {
                    found.append(position)
                }
            }
            index = blockEnd
        }
        return found
    }
}

/// `irate`, `idelta`: the difference of the last two samples.
struct InstantRateKernel: WindowKernel {
    let isRate: Bool

    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        guard window.count > 1 else { return Absent.value }
        let last = window.upperBound - 1
        let interval = column.timestamps[last] - column.timestamps[last - 1]
        guard interval != 0 else { return Absent.value }
        var result = column.values[last]
        if !isRate || !(result < column.values[last - 1]) { result -= column.values[last - 1] }
        return isRate ? result / (Double(interval) / 1000) : result
    }
}

/// `resets`: how often the value went down.
struct ResetsKernel: WindowKernel {
    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        var count = 0
        for index in window.dropFirst() { count &+= column.values[index] < column.values[index - 1] ? 1 : 0 }
        return Double(count)
    }
}

/// `changes`: how often the value became another.
struct ChangesKernel: WindowKernel {
    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        var count = 0
        for index in window.dropFirst() {
            let (now, before) = (column.values[index], column.values[index - 1])
            if now != before, !(now.isNaN && before.isNaN) { count &+= 1 }
        }
        return Double(count)
    }
}
