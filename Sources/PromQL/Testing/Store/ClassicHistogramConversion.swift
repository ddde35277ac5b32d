import MetricModel

/// Makes native histograms with custom bounds of classic ones: of `x_bucket`, `x_count` and `x_sum` the histogram `x`.
enum ClassicHistogramConversion {
    /// A classic histogram at one time.
    private struct Classic {
        var buckets: [(bound: Double, count: Double)] = []
        var count: Double?
        var sum = 0.0
    }

    /// The native histograms of those series that belong to classic ones.
    static func converted(_ series: [SeriesColumns]) -> [Labels: SeriesColumns] {
        var found: [Labels: [Timestamp: Classic]] = [:]
        for columns in series {
            let name = columns.labels.name
            if let base = removing("_bucket", from: name) {
                guard let text = columns.labels["le"], let bound = try? GoNumberParser.float(text), !bound.isNaN else {
                    continue
                }
                collect(columns, base, &found) { $0.buckets.append((bound, $1)) }
            } else if let base = removing("_count", from: name) {
                collect(columns, base, &found) { $0.count = $1 }
            } else if let base = removing("_sum", from: name) {
                collect(columns, base, &found) { $0.sum = $1 }
            }
        }
        var result: [Labels: SeriesColumns] = [:]
        for (labels, histograms) in found {
            var columns = SeriesColumns(labels: labels)
            for (time, classic) in histograms.sorted(by: { $0.key < $1.key }) {
                guard let native = native(classic) else { continue }
                columns.histogramTimestamps.append(time)
                columns.histograms.append(native)
            }
            result[labels] = columns
        }
        return result
    }

    private static func removing(_ suffix: String, from name: String) -> String? {
        name.hasSuffix(suffix) ? String(name.dropLast(suffix.count)) : nil
    }

    private static func collect(
        _ columns: SeriesColumns,
        _ name: String,
        _ found: inout [Labels: [Timestamp: Classic]],
        _ set: (inout Classic, Double) -> Void
    ) {
        var builder = LabelsBuilder(columns.labels)
        builder.set(Labels.metricName, name)
        builder.remove("le")
        let labels = builder.build()
        for (time, value) in zip(columns.timestamps, columns.values) {
            set(&found[labels, default: [:]][time, default: Classic()], value)
        }
    }

    /// The histogram; `nil` where the counts contradict each other.
    private static func native(_ classic: Classic) -> NativeHistogram? {
        var buckets: [(bound: Double, count: Double)] = []
        for bucket in classic.buckets.sorted(by: { $0.bound < $1.bound }) where buckets.last?.bound != bucket.bound {
            if bucket.count < buckets.last?.count ?? 0 { return nil }
            buckets.append(bucket)
        }
        let count = classic.count ?? buckets.last?.count ?? 0
        if buckets.last?.bound != .infinity { buckets.append((.infinity, count)) }
        guard buckets.last?.count == count else { return nil }
        var histogram = NativeHistogram()
        histogram.schema = NativeHistogram.customBoundsSchema
        histogram.count = count
        histogram.sum = classic.sum
        histogram.customValues = buckets.map(\.bound).filter { $0 != .infinity }
        var below = 0.0
        for bucket in buckets {
            histogram.positiveBuckets.append(bucket.count - below)
            below = bucket.count
        }
        histogram.positiveSpans = [.init(offset: 0, length: UInt32(buckets.count))]
        histogram.compact()
        return histogram
    }
}
