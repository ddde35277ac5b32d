internal import MetricModel

/// Least squares over the samples of a window.
enum LinearRegression {
    /// The line's slope per second, and its value at a time.
    static func line(
        _ column: FloatColumn,
        _ window: Range<Int>,
        interceptAt time: Timestamp
    ) -> (slope: Double, intercept: Double) {
        let initial = column.values[window.lowerBound]
        var isConstant = true
        var (sumX, lostX, sumY, lostY) = (0.0, 0.0, 0.0, 0.0)
        var (sumXY, lostXY, sumX2, lostX2) = (0.0, 0.0, 0.0, 0.0)
        column.forEach(in: window) { index in
            let y = column.values[index]
            if index > window.lowerBound, y != initial { isConstant = false }
            let x = Double(column.timestamps[index] - time) / 1e3
            CompensatedSum.add(x, &sumX, &lostX)
            CompensatedSum.add(y, &sumY, &lostY)
            CompensatedSum.add(x * y, &sumXY, &lostXY)
            CompensatedSum.add(x * x, &sumX2, &lostX2)
        }
        if isConstant { return initial.isInfinite ? (.nan, .nan) : (0, initial) }
        let n = Double(window.count)
        sumX += lostX
        sumY += lostY
        sumXY += lostXY
        sumX2 += lostX2
        let covariance = sumXY - sumX * sumY / n
        let variance = sumX2 - sumX * sumX / n
        let slope = covariance / variance
        return (slope, sumY / n - slope * sumX / n)
    }
}

/// `deriv`.
struct DerivativeKernel: WindowKernel {
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        guard window.count > 1 else { return Absent.value }
        return LinearRegression.line(column, window, interceptAt: column.timestamps[window.lowerBound]).slope
    }
}

/// `predict_linear`.
struct PredictionKernel: WindowKernel {
    let grid: StepGrid
    /// How far to look ahead at each step, in seconds.
    let durations: [Double]
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        guard window.count > 1 else { return Absent.value }
        let line = LinearRegression.line(column, window, interceptAt: grid.time(step))
        return line.slope * durations[step] + line.intercept
    }
}

/// `double_exponential_smoothing`.
struct SmoothingKernel: WindowKernel {
    /// The smoothing factor of each step.
    let smoothing: [Double]
    /// The trend factor of each step.
    let trend: [Double]
    func value(_ column: FloatColumn, _ window: Range<Int>, _ step: Int) -> Double {
        guard window.count > 1 else { return Absent.value }
        let (sf, tf) = (smoothing[step], trend[step])
        let first = window.lowerBound
        var before = 0.0
        var smoothed = column.values[first]
        var slope = column.values[first + 1] - column.values[first]
        for index in first + 1..<window.upperBound {
            let x = sf * column.values[index]
            if index > first + 1 { slope = tf * (smoothed - before) + (1 - tf) * slope }
            let y = (1 - sf) * (smoothed + slope)
            (before, smoothed) = (smoothed, x + y)
        }
        return smoothed
    }
}
