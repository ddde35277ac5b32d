import MetricModel

/// A store with samples laid over it that are not in it yet.
struct OverlayReader: SampleReader {
    let base: any SampleReader
    let overlay: RuleTestStore

    func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        let above = try await overlay.select(request)
        let below = try await base.select(request)
        if above.isEmpty { return below }
        let names = Set(above.map(\.labels))
        return (above + below.filter { !names.contains($0.labels) }).sorted { $0.labels < $1.labels }
    }

    func series(
        _ matcherSets: [[LabelMatcher]],
        start: Timestamp,
        end: Timestamp
    ) async throws(StorageError) -> LabelSets {
        try await base.series(matcherSets, start: start, end: end)
    }
}
