import MetricModel

/// Columns that come from several places made one.
extension SeriesColumns {
    var isEmpty: Bool { timestamps.isEmpty && histogramTimestamps.isEmpty }

    /// The same, by rising time; of several samples of one time the first.
    var orderedByTime: SeriesColumns {
        func isRising(_ times: [Timestamp]) -> Bool { zip(times, times.dropFirst()).allSatisfy { $0 < $1 } }
        if isRising(timestamps), isRising(histogramTimestamps) { return self }
        var result = self
        (result.timestamps, result.values) = Self.ordered(timestamps, values)
        (result.histogramTimestamps, result.histograms) = Self.ordered(histogramTimestamps, histograms)
        (result.startTimestamps, result.histogramStartTimestamps) = ([], [])
        return result
    }

    private static func ordered<Value>(_ times: [Timestamp], _ values: [Value]) -> ([Timestamp], [Value]) {
        // Swift's sort keeps the order of what is equal.
        let places = times.indices.sorted { times[$0] < times[$1] }
        var result: ([Timestamp], [Value]) = ([], [])
        for place in places where result.0.last != times[place] {
            result.0.append(times[place])
            result.1.append(values[place])
        }
        return result
    }

    /// What of it lies in a span.
    func clipped(to span: ClosedRange<Timestamp>) -> SeriesColumns {
        func range(_ times: [Timestamp]) -> Range<Int> {
            let start = times.partitioned { $0 >= span.lowerBound }
            return start..<max(start, times.partitioned { $0 > span.upperBound })
        }
        let (floats, others) = (range(timestamps), range(histogramTimestamps))
        if floats.count == timestamps.count, others.count == histogramTimestamps.count { return self }
        return SeriesColumns(
            labels: labels,
            timestamps: Array(timestamps[floats]),
            values: Array(values[floats]),
            startTimestamps: startTimestamps.isEmpty ? [] : Array(startTimestamps[floats]),
            histogramTimestamps: Array(histogramTimestamps[others]),
            histograms: Array(histograms[others]),
            histogramStartTimestamps: histogramStartTimestamps.isEmpty ? [] : Array(histogramStartTimestamps[others])
        )
    }

    /// Both series as one; what both have is taken from here.
    func merged(with other: SeriesColumns) -> SeriesColumns {
        // A time has one sample, whatever its kind.
        let floats = Self.merged(
            (timestamps, values, startTimestamps),
            (other.timestamps, other.values, other.startTimestamps),
            without: Set(histogramTimestamps)
        )
        let others = Self.merged(
            (histogramTimestamps, histograms, histogramStartTimestamps),
            (other.histogramTimestamps, other.histograms, other.histogramStartTimestamps),
            without: Set(timestamps)
        )
        return SeriesColumns(
            labels: labels,
            timestamps: floats.times,
            values: floats.values,
            startTimestamps: floats.starts,
            histogramTimestamps: others.times,
            histograms: others.values,
            histogramStartTimestamps: others.starts
        )
    }

    /// Samples of one kind; the starts may be left out.
    private typealias Column<Value> = (times: [Timestamp], values: [Value], starts: [Timestamp])

    /// Both columns as one, without the second one's samples of some times.
    private static func merged<Value>(
        _ first: Column<Value>,
        _ second: Column<Value>,
        without taken: Set<Timestamp>
    ) -> Column<Value> {
        let free = second.times.indices.filter { !taken.contains(second.times[$0]) }
        let hasStarts = !first.starts.isEmpty || !second.starts.isEmpty
        var result: Column<Value> = ([], [], [])
        walk(first.times, free.map { second.times[$0] }) { isFirst, place in
            let (source, index) = isFirst ? (first, place) : (second, free[place])
            result.times.append(source.times[index])
            result.values.append(source.values[index])
            if hasStarts { result.starts.append(source.starts.isEmpty ? 0 : source.starts[index]) }
        }
        return result
    }

    /// Goes through two rising columns of times as through one; of equal times the first column's is taken.
    private static func walk(
        _ first: [Timestamp],
        _ second: [Timestamp],
        _ take: (_ isFirst: Bool, _ index: Int) -> Void
    ) {
        var (left, right) = (0, 0)
        while left < first.count || right < second.count {
            if right == second.count || left < first.count && first[left] <= second[right] {
                if right < second.count, first[left] == second[right] { right += 1 }
                take(true, left)
                left += 1
            } else {
                take(false, right)
                right += 1
            }
        }
    }

    /// Series that are sorted by labels, each once.
    static func mergedNeighbours(_ sorted: [SeriesColumns]) -> [SeriesColumns] {
        var result: [SeriesColumns] = []
        for series in sorted {
            if let last = result.indices.last, result[last].labels == series.labels {
                result[last] = result[last].merged(with: series)
            } else {
                result.append(series)
            }
        }
        return result
    }
}

extension [Timestamp] {
    /// The first place from which on a condition holds.
    fileprivate func partitioned(_ holds: (Timestamp) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
