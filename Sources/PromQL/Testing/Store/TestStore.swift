import MetricModel

/// Samples in memory, for scripts: a finished set of series that can be read.
struct TestStore: SampleReader {
    private(set) var series: [Labels: SeriesColumns] = [:]

    /// Takes in what a `load` command describes.
    mutating func load(_ load: TestScript.Load) {
        var loaded: [Labels: SeriesColumns] = [:]
        for description in load.series { loaded[description.labels] = Self.columns(description, load.step) }
        if load.convertsClassicHistograms {
            loaded.merge(ClassicHistogramConversion.converted(Array(loaded.values))) { $1 }
        }
        for columns in loaded.values { append(columns) }
    }

    /// Takes in series with values from a start on, one step apart.
    mutating func load(_ description: SeriesDescription, from start: Timestamp, step: Int64) {
        append(Self.columns(.init(labels: description.labels, values: description.values), step, from: start))
    }

    private static func columns(
        _ description: TestScript.Load.Series,
        _ step: Int64,
        from start: Timestamp = 0
    ) -> SeriesColumns {
        var columns = SeriesColumns(labels: description.labels)
        let hasStarts = !description.startOffsets.isEmpty
        for (index, value) in description.values.enumerated() {
            let time = start &+ Int64(index) &* step
            let started = hasStarts ? description.startOffsets[index].map { time &+ $0 } ?? 0 : 0
            switch value {
            case .omitted: break
            case .float(let number):
                columns.timestamps.append(time)
                columns.values.append(number)
                if hasStarts { columns.startTimestamps.append(started) }
            case .histogram(let histogram, _):
                columns.histogramTimestamps.append(time)
                columns.histograms.append(histogram)
                if hasStarts { columns.histogramStartTimestamps.append(started) }
            }
        }
        return columns
    }

    /// Adds samples to a series, by time. Counter reset hints are those that Prometheus's store would give back.
    private mutating func append(_ new: SeriesColumns) {
        var columns = new
        if let old = series[new.labels] { columns = Self.merged(old, new) }
        ChunkHints.apply(to: &columns)
        if !columns.timestamps.isEmpty || !columns.histogramTimestamps.isEmpty { series[new.labels] = columns }
    }

    /// Samples of both; those of the second win where both have one at a time.
    private static func merged(_ old: SeriesColumns, _ new: SeriesColumns) -> SeriesColumns {
        var floats: [Timestamp: (Double, Timestamp)] = [:]
        var histograms: [Timestamp: (NativeHistogram, Timestamp)] = [:]
        var hasStarts = false
        for columns in [old, new] {
            hasStarts = hasStarts || !columns.startTimestamps.isEmpty || !columns.histogramStartTimestamps.isEmpty
            for (index, time) in columns.timestamps.enumerated() {
                let start = columns.startTimestamps.isEmpty ? 0 : columns.startTimestamps[index]
                floats[time] = (columns.values[index], start)
                histograms[time] = nil
            }
            for (index, time) in columns.histogramTimestamps.enumerated() {
                let start = columns.histogramStartTimestamps.isEmpty ? 0 : columns.histogramStartTimestamps[index]
                histograms[time] = (columns.histograms[index], start)
                floats[time] = nil
            }
        }
        var result = SeriesColumns(labels: old.labels)
        for (time, (value, start)) in floats.sorted(by: { $0.key < $1.key }) {
            result.timestamps.append(time)
            result.values.append(value)
            if hasStarts { result.startTimestamps.append(start) }
        }
        for (time, (histogram, start)) in histograms.sorted(by: { $0.key < $1.key }) {
            result.histogramTimestamps.append(time)
            result.histograms.append(histogram)
            if hasStarts { result.histogramStartTimestamps.append(start) }
        }
        return result
    }

    // MARK: - Reading

    func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        series.values.compactMap { columns in
            guard request.matchers.allSatisfy({ $0.matches(columns.labels) }) else { return nil }
            return Self.cut(columns, request.start, request.end)
        }.sorted { $0.labels < $1.labels }
    }

    private static func cut(_ columns: SeriesColumns, _ start: Timestamp, _ end: Timestamp) -> SeriesColumns? {
        func range(_ times: [Timestamp]) -> Range<Int> {
            let lower = times.firstIndex { $0 >= start } ?? times.count
            let upper = times.lastIndex { $0 <= end }.map { $0 + 1 } ?? 0
            return lower..<max(lower, upper)
        }
        let floats = range(columns.timestamps)
        let histograms = range(columns.histogramTimestamps)
        if floats.isEmpty, histograms.isEmpty { return nil }
        func part<T>(_ values: [T], _ range: Range<Int>) -> [T] { values.isEmpty ? [] : Array(values[range]) }
        return SeriesColumns(
            labels: columns.labels,
            timestamps: part(columns.timestamps, floats),
            values: part(columns.values, floats),
            startTimestamps: part(columns.startTimestamps, floats),
            histogramTimestamps: part(columns.histogramTimestamps, histograms),
            histograms: part(columns.histograms, histograms),
            histogramStartTimestamps: part(columns.histogramStartTimestamps, histograms)
        )
    }

    func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets {
        LabelSets(
            series.values.filter { columns in
                Self.cut(columns, span.start, span.end) != nil
                    && matcherSets.contains { $0.allSatisfy { $0.matches(columns.labels) } }
            }.map(\.labels).sorted()
        )
    }
}
