internal import MetricModel

/// `sum_over_time`.
struct SumKernel: WindowKernel {
    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        var sum = 0.0
        var lost = 0.0
        column.forEach(in: window) { CompensatedSum.add(column.values[$0], &sum, &lost) }
        return sum.isInfinite ? sum : sum + lost
    }
}

/// `avg_over_time`.
struct AverageKernel: WindowKernel {
    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        var sum = column.values[window.lowerBound]
        var lost = 0.0
        var index = window.lowerBound + 1
        while index < window.upperBound {
            var newSum = sum
            var newLost = lost
            CompensatedSum.add(column.values[index], &newSum, &newLost)
            if newSum.isInfinite { break }
            (sum, lost) = (newSum, newLost)
            index += 1
        }
        let count = Double(window.count)
        if index == window.upperBound { return sum / count + lost / count }
        // The sum overflows: go on with the mean.
        var seen = Double(index - window.lowerBound)
        var mean = sum / seen
        lost /= seen
        while index < window.upperBound {
            seen += 1
            let weight = (seen - 1) / seen
            mean *= weight
            lost *= weight
            CompensatedSum.add(column.values[index] / seen, &mean, &lost)
            index += 1
        }
        return mean + lost
    }
}

/// `count_over_time`.
struct CountKernel: WindowKernel {
    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double { Double(window.count) }
}

/// `present_over_time`, and the samples that `absent_over_time` looks for.
struct PresentKernel: WindowKernel {
    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double { 1 }
}

/// `first_over_time`, `last_over_time`.
struct EndKernel: WindowKernel {
    let isLast: Bool
    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        column.values[isLast ? window.upperBound - 1 : window.lowerBound]
    }
}

/// `ts_of_first_over_time`, `ts_of_last_over_time`.
struct EndTimeKernel: WindowKernel {
    let isLast: Bool
    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        Double(column.timestamps[isLast ? window.upperBound - 1 : window.lowerBound]) / 1000
    }
}

/// `max_over_time`, `min_over_time`: of several equal values the first counts, of NaN any other value.
struct ExtremeKernel: WindowKernel {
    let isMaximum: Bool

    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        isMaximum ? extreme(column, window, >) : extreme(column, window, <)
    }

    @inline(__always)
    private func extreme(
        _ column: FloatColumn,
        _ window: Range<Int>,
        _ wins: (Double, Double) -> Bool
    ) -> Double {
        let values = column.values
        var best = values[window.lowerBound]
        var index = window.lowerBound
        while best.isNaN, index < window.upperBound {
            best = values[index]
            index += 1
        }
        // Four lanes, since each comparison waits for the one before. Zeros of both signs are equal, and which one comes
        // first matters, so a zero is looked up again.
        if window.upperBound - index >= 16 {
            var lanes = (best, best, best, best)
            while index + 4 <= window.upperBound {
                lanes.0 = wins(values[index], lanes.0) ? values[index] : lanes.0
                lanes.1 = wins(values[index + 1], lanes.1) ? values[index + 1] : lanes.1
                lanes.2 = wins(values[index + 2], lanes.2) ? values[index + 2] : lanes.2
                lanes.3 = wins(values[index + 3], lanes.3) ? values[index + 3] : lanes.3
                index += 4
            }
            best = wins(lanes.1, lanes.0) ? lanes.1 : lanes.0
            best = wins(lanes.2, best) ? lanes.2 : best
            best = wins(lanes.3, best) ? lanes.3 : best
        }
        while index < window.upperBound {
            if wins(values[index], best) { best = values[index] }
            index += 1
        }
        if best == 0 {
            for index in window where values[index] == 0 { return values[index] }
        }
        return best
    }
}

/// `ts_of_max_over_time`, `ts_of_min_over_time`: of several equal values the last counts.
struct ExtremeTimeKernel: WindowKernel {
    let isMaximum: Bool
    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        var best = column.values[window.lowerBound]
        var time = column.timestamps[window.lowerBound]
        for index in window {
            let value = column.values[index]
            if (isMaximum ? value >= best : value <= best) || best.isNaN {
                best = value
                time = column.timestamps[index]
            }
        }
        return Double(time) / 1000
    }
}

/// `stdvar_over_time`, `stddev_over_time`.
struct VarianceKernel: WindowKernel {
    let isDeviation: Bool
    @inline(__always)
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        var count = 0.0
        var (mean, lostMean, squares, lostSquares) = (0.0, 0.0, 0.0, 0.0)
        column.forEach(in: window) { index in
            let value = column.values[index]
            count += 1
            let delta = value - (mean + lostMean)
            CompensatedSum.add(delta / count, &mean, &lostMean)
            CompensatedSum.add(delta * (value - (mean + lostMean)), &squares, &lostSquares)
        }
        let variance = (squares + lostSquares) / count
        return isDeviation ? variance.squareRoot() : variance
    }
}

/// `quantile_over_time`.
struct QuantileKernel: WindowKernel {
    /// The quantile of each step.
    let quantiles: [Double]
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: window.count) { buffer in
            for (position, index) in window.enumerated() {
                buffer.initializeElement(at: position, to: column.values[index])
            }
            return Quantile.of(
                UnsafeMutableBufferPointer(rebasing: buffer[..<window.count]),
                quantiles[step],
                column.limits
            )
        }
    }
}

/// `mad_over_time`: the median distance from the median.
struct MedianDeviationKernel: WindowKernel {
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        withUnsafeTemporaryAllocation(of: Double.self, capacity: window.count) { buffer in
            let buffer = UnsafeMutableBufferPointer(rebasing: buffer[..<window.count])
            for (position, index) in window.enumerated() {
                if column.values[index].isNaN { return .nan }
                buffer.initializeElement(at: position, to: column.values[index])
            }
            let median = Quantile.of(buffer, 0.5, column.limits)
            for index in buffer.indices { buffer[index] = (buffer[index] - median).magnitude }
            return Quantile.of(buffer, 0.5, column.limits)
        }
    }
}

/// Quantiles of plain numbers.
enum Quantile {
    /// The quantile, interpolated between the two nearest values; NaN counts as the least. Changes the order of `values`.
    /// Not meant to be looked at where `limits` are over.
    static func of(_ values: UnsafeMutableBufferPointer<Double>, _ q: Double, _ limits: QueryLimits) -> Double {
        if values.isEmpty || q.isNaN { return .nan }
        if q < 0 { return -.infinity }
        if q > 1 { return .infinity }
        let last = Double(values.count - 1)
        let rank = q * last
        let floor = rank.rounded(.down)
        let lower = Int(max(0, floor))
        let upper = Int(min(last, Double(lower) + 1))
        let weight = rank - floor
        select(values, lower, limits)
        // What stands behind the chosen position is not less: the next in order is the least of it.
        if upper > lower {
            var least = lower + 1
            for index in lower + 1..<values.count where precedes(values[index], values[least]) { least = index }
            values.swapAt(least, upper)
        }
        return values[lower] * (1 - weight) + values[upper] * weight
    }

    @inline(__always)
    private static func precedes(_ left: Double, _ right: Double) -> Bool {
        left < right || (left.isNaN && !right.isNaN)
    }

    /// Moves the value that a sorted order has at `position` there, smaller ones before it, greater ones behind it.
    private static func select(
        _ values: UnsafeMutableBufferPointer<Double>,
        _ position: Int,
        _ limits: QueryLimits
    ) {
        var meter = WorkMeter(limits)
        var low = 0
        var high = values.count - 1
        while high - low > 12 {
            let middle = low + (high - low) / 2
            if precedes(values[middle], values[low]) { values.swapAt(middle, low) }
            if precedes(values[high], values[low]) { values.swapAt(high, low) }
            if precedes(values[high], values[middle]) { values.swapAt(high, middle) }
            let pivot = values[middle]
            var left = low
            var right = high
            while left <= right {
                if meter.isOver(after: 4) { return }
                while precedes(values[left], pivot) { left += 1 }
                while precedes(pivot, values[right]) { right -= 1 }
                if left <= right {
                    values.swapAt(left, right)
                    left += 1
                    right -= 1
                }
            }
            if position <= right {
                high = right
            } else if position >= left {
                low = left
            } else {
                return
            }
        }
        var index = low + 1
        while index <= high {
            let value = values[index]
            var hole = index
            while hole > low, precedes(value, values[hole - 1]) {
                values[hole] = values[hole - 1]
                hole -= 1
            }
            values[hole] = value
            index += 1
        }
    }
}
