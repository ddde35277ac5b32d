import MetricModel
import PromQL

/// What a recording rule makes of an answer over many evaluations: whole columns rather than samples.
struct RecordedColumns {
    /// The new series.
    private(set) var columns: [SeriesColumns] = []
    private var positions: [Labels: Int] = [:]

    init(_ definition: RuleDefinition, _ rows: SeriesRows, limit: Int) throws(RuleFailure) {
        columns.reserveCapacity(rows.count)
        for row in 0..<rows.count {
            let (floats, histograms) = (rows.floats(row), rows.histograms(row))
            let found = SeriesColumns(
                labels: RecordingRule.labels(definition, rows.labels[row]),
                timestamps: Array(rows.timestamps[floats]),
                values: Array(rows.values[floats]),
                histogramTimestamps: Array(rows.histogramTimestamps[histograms]),
                histograms: Array(rows.histograms[histograms])
            )
            if let known = positions[found.labels] {
                // Allowed as long as only one of them is there at a time.
                columns[known] = try Self.merged(columns[known], found)
            } else {
                positions[found.labels] = columns.count
                columns.append(found)
            }
        }
        guard limit > 0 else { return }
        var counts: [Timestamp: Int] = [:]
        for series in columns {
            for time in series.timestamps { counts[time, default: 0] += 1 }
            for time in series.histogramTimestamps { counts[time, default: 0] += 1 }
        }
        if let first = counts.filter({ $0.value > limit }).min(by: { $0.key < $1.key }) {
            throw RecordingRule.exceeded(limit, first.value)
        }
    }

    private static func merged(_ left: SeriesColumns, _ right: SeriesColumns) throws(RuleFailure) -> SeriesColumns {
        var result = left
        let floats = (zip(left.timestamps, left.values).map { $0 } + zip(right.timestamps, right.values))
            .sorted { $0.0 < $1.0 }
        let histograms =
            (zip(left.histogramTimestamps, left.histograms).map { $0 }
            + zip(right.histogramTimestamps, right.histograms)).sorted { $0.0 < $1.0 }
        (result.timestamps, result.values) = (floats.map(\.0), floats.map(\.1))
        (result.histogramTimestamps, result.histograms) = (histograms.map(\.0), histograms.map(\.1))
        let times = times(of: result)
        if zip(times, times.dropFirst()).contains(where: { $0 == $1 }) { throw RecordingRule.duplicate }
        return result
    }

    /// When a series has samples of either kind.
    private static func times(of columns: SeriesColumns) -> [Timestamp] {
        columns.histogramTimestamps.isEmpty
            ? columns.timestamps : (columns.timestamps + columns.histogramTimestamps).sorted()
    }

    /// Adds stale markers where series end.
    /// - Parameters:
    ///   - open: the series that had a sample at the evaluation before the first one; afterwards, at the last one.
    ///   - count: how many evaluations there are.
    static func addEnds(
        _ columns: inout [SeriesColumns],
        _ open: inout Set<Labels>,
        first: Timestamp,
        step: Int64,
        count: Int
    ) {
        let last = first + Int64(count - 1) * step
        var remaining: Set<Labels> = []
        for index in columns.indices {
            let labels = columns[index].labels
            let times = times(of: columns[index])
            guard let begin = times.first, let end = times.last else { continue }
            let wasOpen = open.remove(labels) != nil
            if end == last { remaining.insert(labels) }
            let isWhole = (end - begin) / step + 1 == Int64(times.count)
            if isWhole, end == last, begin == first || !wasOpen { continue }
            var ends: [Timestamp] = []
            if wasOpen, begin > first { ends.append(first) }
            for (time, next) in zip(times, times.dropFirst()) where next - time > step { ends.append(time + step) }
            if end < last { ends.append(end + step) }
            add(ends, to: &columns[index])
        }
        for labels in open.sorted() {
            columns.append(SeriesColumns(labels: labels, timestamps: [first], values: [SpecialValue.stale]))
        }
        open = remaining
    }

    private static func add(_ ends: [Timestamp], to columns: inout SeriesColumns) {
        var times: [Timestamp] = []
        var values: [Double] = []
        times.reserveCapacity(columns.timestamps.count + ends.count)
        values.reserveCapacity(columns.timestamps.count + ends.count)
        var next = 0
        for (time, value) in zip(columns.timestamps, columns.values) {
            while next < ends.count, ends[next] < time {
                times.append(ends[next])
                values.append(SpecialValue.stale)
                next += 1
            }
            times.append(time)
            values.append(value)
        }
        for end in ends[next...] {
            times.append(end)
            values.append(SpecialValue.stale)
        }
        (columns.timestamps, columns.values) = (times, values)
    }
}

/// Samples sorted into series.
struct SampleColumns {
    private(set) var columns: [SeriesColumns] = []
    private var positions: [Labels: Int] = [:]

    mutating func append(_ sample: RuleSample) {
        let position: Int
        if let known = positions[sample.labels] {
            position = known
        } else {
            position = columns.count
            positions[sample.labels] = position
            columns.append(SeriesColumns(labels: sample.labels))
        }
        if let histogram = sample.histogram {
            columns[position].histogramTimestamps.append(sample.timestamp)
            columns[position].histograms.append(histogram)
        } else {
            columns[position].timestamps.append(sample.timestamp)
            columns[position].values.append(sample.value)
        }
    }
}
