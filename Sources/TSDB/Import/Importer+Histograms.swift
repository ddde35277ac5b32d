public import MetricModel

/// Native histograms among old samples.
extension Importer {
    /// Adds one native histogram.
    public mutating func append(_ series: SeriesRef, _ timestamp: Timestamp, _ histogram: NativeHistogram) {
        histograms[series.rawValue, default: []].append((timestamp, histogram))
        buffered += 1
    }

    /// Writes the histograms that were added, by day; of several of a series at the same time the first one counts.
    mutating func writeHistograms() async throws(StorageError) {
        if histograms.isEmpty { return }
        var days: [Timestamp: [UInt32: SeriesColumns]] = [:]
        for (series, items) in histograms {
            seen.insert(series)
            var last: Timestamp?
            let order = items.indices.sorted { (items[$0].time, $0) < (items[$1].time, $1) }
            for index in order {
                let (time, histogram) = items[index]
                if time == last {
                    summary.duplicates += 1
                    continue
                }
                last = time
                let day = Importer.midnight(time)
                days[day, default: [:]][series, default: SeriesColumns(labels: Labels())].histogramTimestamps.append(
                    time
                )
                days[day, default: [:]][series, default: SeriesColumns(labels: Labels())].histograms.append(histogram)
                note(time, time)
            }
        }
        histograms = [:]
        for (_, columns) in days.sorted(by: { $0.key < $1.key }) {
            let block = try await engine.adopt(columns.keys.sorted(), isLong: false) { series in
                columns[series] ?? SeriesColumns(labels: Labels())
            }
            count(block)
        }
    }
}
