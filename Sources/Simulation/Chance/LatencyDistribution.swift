import MetricModel

/// How long something takes: a distribution whose logarithm is normal, given by its median and its 99th percentile, in seconds.
public struct LatencyDistribution: Sendable, Hashable {
    /// Half of the observations are below it.
    public var median: Double
    /// 99 of 100 observations are below it.
    public var p99: Double

    /// A distribution; the 99th percentile is not below the median.
    public init(median: Double, p99: Double) {
        self.median = median
        self.p99 = max(median, p99)
    }

    /// The 99th percentile of the standard normal distribution.
    private static let z99 = 2.326_347_874_040_841

    /// The standard deviation of the logarithm.
    var sigma: Double { median > 0 ? GoMath.log(p99 / median) / Self.z99 : 0 }

    /// The mean.
    var mean: Double { median * GoMath.exp(sigma * sigma / 2) }

    /// The share of observations up to a value.
    func share(upTo value: Double) -> Double {
        if value == .infinity { return 1 }
        guard value > 0, median > 0 else { return 0 }
        let sigma = sigma
        if sigma == 0 { return value >= median ? 1 : 0 }
        return Self.normalShare(GoMath.log(value / median) / sigma)
    }

    /// The value below which a share of the observations is.
    func quantile(_ share: Double) -> Double { median * GoMath.exp(sigma * Self.normalQuantile(share)) }

    /// The standard normal distribution (Abramowitz and Stegun, 26.2.17; error below 7.5e-8).
    static func normalShare(_ z: Double) -> Double {
        let t = 1 / (1 + 0.231_641_9 * abs(z))
        let density = 0.398_942_280_401_432_7 * GoMath.exp(-z * z / 2)
        let series =
            t * (0.319_381_530 + t * (-0.356_563_782 + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))))
        return z >= 0 ? 1 - density * series : density * series
    }

    /// Its inverse (Abramowitz and Stegun, 26.2.23; error below 4.5e-4).
    static func normalQuantile(_ share: Double) -> Double {
        let p = min(max(share, 1e-9), 1 - 1e-9)
        let tail = p < 0.5 ? p : 1 - p
        let t = (-2 * GoMath.log(tail)).squareRoot()
        let above = 2.515_517 + t * (0.802_853 + t * 0.010_328)
        let below = 1 + t * (1.432_788 + t * (0.189_269 + t * 0.001_308))
        let z = t - above / below
        return p < 0.5 ? -z : z
    }
}
