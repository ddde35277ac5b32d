internal import MetricModel

/// `rate`, `increase`, `delta`: the difference over the window, extrapolated to its borders.
struct RateKernel: RangeKernel {
    let windows: Windows
    let isCounter: Bool
    /// What to divide by; `nil` for `increase` and `delta`.
    let seconds: Double?

    /// What depends on the timestamps only, for each step.
    private struct Extrapolation {
        var sampledInterval: Double
        var toStart: Double
        var toEnd: Double
        /// The factor where nothing limits the extrapolation to the start.
        var factor: Double
    }
    private var extrapolations: [Extrapolation] = []

    init(windows: Windows, isCounter: Bool, seconds: Double?) {
        self.windows = windows
        self.isCounter = isCounter
        self.seconds = seconds
    }

    mutating func begin(_ bounds: WindowBounds, _ timestamps: UnsafePointer<Timestamp>) {
        extrapolations = (0..<windows.count).map { step in
            let lower = Int(bounds.lower[step])
            let upper = Int(bounds.upper[step])
            guard upper - lower > 1 else { return Extrapolation(sampledInterval: 0, toStart: 0, toEnd: 0, factor: 0) }
            let first = timestamps[lower]
            let last = timestamps[upper - 1]
            let end = windows.end(step)
            let sampled = Double(last - first) / 1000
            let average = sampled / Double(upper - lower - 1)
            let threshold = average * 1.1
            var toStart = Double(first - (end - windows.length)) / 1000
            var toEnd = Double(end - last) / 1000
            if toStart >= threshold { toStart = average / 2 }
            if toEnd >= threshold { toEnd = average / 2 }
            return Extrapolation(
                sampledInterval: sampled,
                toStart: toStart,
                toEnd: toEnd,
                factor: factor(sampled, toStart, toEnd)
            )
        }
    }

    @inline(__always)
    private func factor(_ sampled: Double, _ toStart: Double, _ toEnd: Double) -> Double {
        var factor = 1.0
        if sampled != 0 { factor = (sampled + toStart + toEnd) / sampled }
        if let seconds { factor /= seconds }
        return factor
    }

    func fill(_ output: UnsafeMutablePointer<Double>, _ column: FloatColumn, _ bounds: WindowBounds) {
        let values = column.values
        let resets = isCounter ? CounterResets.positions(column, bounds) : []
        var firstReset = 0
        var work = 0
        bounds.lower.withUnsafeBufferPointer { lowers in
            bounds.upper.withUnsafeBufferPointer { uppers in
                extrapolations.withUnsafeBufferPointer { extrapolations in
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
                        let e = extrapolations[step]
                        var factor = e.factor
                        // A counter starts at zero: do not extrapolate to before that. The multiplication, with a margin
                        // far above rounding, spares the division where the limit is out of reach.
                        if isCounter, result > 0, first >= 0,
                            !(first * e.sampledInterval > e.toStart * result * 1.000001)
                        {
                            let toZero = e.sampledInterval * (first / result)
                            if toZero < e.toStart { factor = self.factor(e.sampledInterval, toZero, e.toEnd) }
                        }
                        output[step] = result * factor
                    }
                }
            }
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
