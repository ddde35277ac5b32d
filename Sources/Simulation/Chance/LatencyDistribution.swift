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

    /// Its inverse (Wichura, algorithm AS 241; to some 16 digits): what is asked for is the median and the 99th percentile, to the last
    /// decimal.
    static func normalQuantile(_ share: Double) -> Double {
        let p = min(max(share, 1e-9), 1 - 1e-9)
        let q = p - 0.5
        func ratio(_ above: [Double], _ below: [Double], _ x: Double) -> Double {
            above.reversed().reduce(0) { $0 * x + $1 } / below.reversed().reduce(0) { $0 * x + $1 }
        }
        if abs(q) <= 0.425 { return q * ratio(middleAbove, middleBelow, 0.180625 - q * q) }
        let root = (-GoMath.log(q < 0 ? p : 1 - p)).squareRoot()
        // Beyond it is less than 1e-9.
        let z = ratio(tailAbove, tailBelow, root - 1.6)
        return q < 0 ? -z : z
    }

    private static let middleAbove = [
        3.387_132_872_796_366_608, 133.141_667_891_784_377_45, 1_971.590_950_306_551_442_7, 13_731.693_765_509_461_125,
        45_921.953_931_549_871_457, 67_265.770_927_008_700_853, 33_430.575_583_588_128_105, 2_509.080_928_730_122_672_7,
    ]
    private static let middleBelow = [
        1, 42.313_330_701_600_911_252, 687.187_007_492_057_908_3, 5_394.196_021_424_751_107_7,
        21_213.794_301_586_595_867, 39_307.895_800_092_710_61, 28_729.085_735_721_942_674, 5_226.495_278_852_854_561,
    ]
    private static let tailAbove = [
        1.423_437_110_749_683_577_34, 4.630_337_846_156_545_295_9, 5.769_497_221_460_691_405_5,
        3.647_848_324_763_204_605_04, 1.270_458_252_452_368_382_58, 0.241_780_725_177_450_611_77,
        0.022_723_844_989_269_184_583_3, 0.000_774_545_014_278_341_407_64,
    ]
    private static let tailBelow = [
        1, 2.053_191_626_637_758_821_87, 1.676_384_830_183_803_849_4, 0.689_767_334_985_100_004_55,
        0.148_103_976_427_480_074_59, 0.015_198_666_563_616_457_196_6, 0.000_547_593_808_499_534_494_6,
        0.000_000_001_050_750_071_644_416_843_24,
    ]
}
