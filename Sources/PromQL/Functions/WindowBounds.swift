internal import MetricModel

/// Where the windows of a range lie in a column of timestamps: for each step the samples in (end - range, end].
///
/// Series of one target share their column of timestamps, and with it this.
struct WindowBounds: Sendable {
    /// The first sample of each step's window.
    var lower: [Int32]
    /// The sample after each step's window.
    var upper: [Int32]
    /// Samples in all windows together.
    var sampleCount = 0
    /// The most samples in one window.
    var greatestCount = 0
    /// The samples in the last window that has any.
    var lastCount = 0

    /// No windows.
    init() {
        lower = []
        upper = []
    }

    /// Finds the windows.
    init(_ timestamps: UnsafeBufferPointer<Timestamp>, _ windows: Windows, _ limits: QueryLimits) {
        lower = Array(repeating: 0, count: windows.count)
        upper = lower
        guard windows.count > 0 else { return }
        var first = 0
        var last = 0
        for step in 0..<windows.count {
            // Nobody will look at the rest.
            if step & 0xffff == 0xffff, limits.isOver { return }
            let end = windows.end(step)
            let start = end - windows.length
            if step == 0 {
                first = WindowBounds.firstIndex(timestamps, after: start)
                last = WindowBounds.firstIndex(timestamps, after: end)
            } else if !windows.isFixed {
                while last < timestamps.count, timestamps[last] <= end { last += 1 }
                while first < last, timestamps[first] <= start { first += 1 }
            }
            lower[step] = Int32(first)
            upper[step] = Int32(max(first, last))
            let count = max(0, last - first)
            sampleCount += count
            greatestCount = max(greatestCount, count)
            lastCount = count
        }
    }

    /// The first position whose time is after `time`.
    static func firstIndex(_ timestamps: UnsafeBufferPointer<Timestamp>, after time: Timestamp) -> Int {
        var low = 0
        var high = timestamps.count
        while low < high {
            let middle = (low + high) / 2
            if timestamps[middle] <= time { low = middle + 1 } else { high = middle }
        }
        return low
    }
}

/// The windows of a range expression on a grid.
struct Windows: Sendable {
    let grid: StepGrid
    /// How far the range reaches back.
    let length: Int64
    /// How much earlier than the step the range ends.
    let offset: Int64
    /// The time at which every window ends, where `@` fixes it (offset taken into account).
    var fixedEnd: Timestamp?

    var count: Int { grid.count }
    var isFixed: Bool { fixedEnd != nil }
    func end(_ step: Int) -> Timestamp { fixedEnd ?? (grid.time(step) - offset) }
    func start(_ step: Int) -> Timestamp { end(step) - length }
}

/// The float samples of a series, without stale markers.
struct FloatColumn {
    let timestamps: UnsafePointer<Timestamp>
    let values: UnsafePointer<Double>
    let count: Int
    /// When to give up; the call that goes through the series has them for as long as it takes.
    unowned(unsafe) let limits: QueryLimits
}

extension FloatColumn {
    /// Calls `body` for each position; gives up at the limits in windows of many samples.
    @inline(__always)
    func forEach(in window: Range<Int>, _ body: (Int) -> Void) {
        var lower = window.lowerBound
        while lower < window.upperBound {
            let upper = min(window.upperBound, lower &+ 1 << 18)
            for index in lower..<upper { body(index) }
            lower = upper
            if lower < window.upperBound, limits.isOver { return }
        }
    }
}

/// A function over the float samples in a window, computed for all windows of a series at once.
protocol RangeKernel {
    /// Gets ready for series with these windows over this column of timestamps.
    mutating func begin(_ bounds: WindowBounds, _ timestamps: UnsafePointer<Timestamp>)
    /// Writes the result for each window; absent where there is none.
    func fill(_ output: UnsafeMutablePointer<Double>, _ column: FloatColumn, _ bounds: WindowBounds)
}

/// A function of one window at a time.
protocol WindowKernel: RangeKernel {
    /// The result for the samples in `window` (not empty) at a step.
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double
}

extension WindowKernel {
    mutating func begin(_ bounds: WindowBounds, _ timestamps: UnsafePointer<Timestamp>) {}

    @inline(__always)
    func fill(_ output: UnsafeMutablePointer<Double>, _ column: FloatColumn, _ bounds: WindowBounds) {
        bounds.lower.withUnsafeBufferPointer { lower in
            bounds.upper.withUnsafeBufferPointer { upper in
                var left = WorkMeter.interval
                for step in 0..<lower.count {
                    let window = Range(uncheckedBounds: (Int(lower[step]), Int(upper[step])))
                    // As a `WorkMeter` does, without a hold on the limits for each series.
                    left &-= window.count &+ 16
                    if left < 0, column.limits.isOver {
                        for rest in step..<lower.count { output[rest] = Absent.value }
                        return
                    }
                    if left < 0 { left = WorkMeter.interval }
                    output[step] = window.isEmpty ? Absent.value : value(column, window, step)
                }
            }
        }
    }
}
