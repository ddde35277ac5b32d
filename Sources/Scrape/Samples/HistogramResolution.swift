import MetricModel

/// Lowers the resolution of native histograms.
enum HistogramResolution {
    /// The finest schema there is.
    static let finestSchema: Int32 = 8
    /// The coarsest.
    static let coarsestSchema: Int32 = -4

    /// The finest schema whose buckets grow by at least a factor.
    static func schema(leastFactor: Double) -> Int32 {
        let factor = leastFactor <= 1 ? 1.00271 : leastFactor
        let schema = (-logBase2(logBase2(factor))).rounded(.down)
        return Int32(max(Double(coarsestSchema), min(Double(finestSchema), schema)))
    }

    /// Lowers the resolution until there are at most so many buckets; `false` where that cannot be done.
    static func fit(_ histogram: inout NativeHistogram, into limit: Int) -> Bool {
        while histogram.positiveBuckets.count + histogram.negativeBuckets.count > limit {
            guard histogram.schema > coarsestSchema, histogram.schema <= finestSchema else { return false }
            reduce(&histogram, to: histogram.schema - 1)
        }
        return true
    }

    /// Merges buckets so that the histogram has a coarser schema.
    static func reduce(_ histogram: inout NativeHistogram, to schema: Int32) {
        guard histogram.schema > schema, histogram.schema <= finestSchema else { return }
        histogram.reduceResolution(to: schema)
    }

    /// The binary logarithm of a positive number, by repeated squaring; fine enough for a floor.
    private static func logBase2(_ value: Double) -> Double {
        guard value > 0, value.isFinite else { return -.infinity }
        var result = Double(value.exponent)
        var mantissa = value.significand
        var step = 0.5
        for _ in 0..<52 {
            mantissa *= mantissa
            if mantissa >= 2 {
                mantissa /= 2
                result += step
            }
            step /= 2
        }
        return result
    }
}
