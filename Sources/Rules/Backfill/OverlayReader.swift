import MetricModel

/// A store with samples laid over it that are not in it yet.
struct OverlayReader: FrontReader {
    let base: any SampleReader
    let overlay: RuleTestStore

    func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        let above = try await overlay.select(request)
        let below = try await base.select(request)
        if above.isEmpty { return below }
        var rest = Dictionary(above.map { ($0.labels, $0) }, uniquingKeysWith: { $1 })
        let all = below.map { columns in
            rest.removeValue(forKey: columns.labels).map { $0.laid(over: columns) } ?? columns
        }
        return (all + rest.values).sorted { $0.labels < $1.labels }
    }
}

extension SeriesColumns {
    /// These samples and those of the same series below; of two at the same time its own.
    fileprivate func laid(over other: SeriesColumns) -> SeriesColumns {
        var result = SeriesColumns(labels: labels)
        (result.timestamps, result.values) = Self.merged(
            (timestamps, values),
            (other.timestamps, other.values),
            hidden: histogramTimestamps
        )
        (result.histogramTimestamps, result.histograms) = Self.merged(
            (histogramTimestamps, histograms),
            (other.histogramTimestamps, other.histograms),
            hidden: timestamps
        )
        return result
    }

    /// - Parameter hidden: times at which nothing of those below is seen.
    private static func merged<Value>(
        _ above: (times: [Timestamp], values: [Value]),
        _ below: (times: [Timestamp], values: [Value]),
        hidden: [Timestamp]
    ) -> (times: [Timestamp], values: [Value]) {
        if below.times.isEmpty { return above }
        let taken = Set(above.times).union(hidden)
        var samples = Array(zip(above.times, above.values))
        samples += zip(below.times, below.values).filter { !taken.contains($0.0) }
        samples.sort { $0.0 < $1.0 }
        return (samples.map(\.0), samples.map(\.1))
    }
}
