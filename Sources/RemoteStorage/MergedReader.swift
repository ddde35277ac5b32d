import MetricModel
import Scrape
import Synchronization

/// What one query reads: from the store here, and from others.
final class MergedReader: FrontReader {
    let base: any SampleReader
    private let clients: [RemoteReadClient]
    private let labels: [Label]
    private let localStart: @Sendable () async -> Timestamp
    private let notes = Mutex<[String]>([])

    init(
        store: any SampleReader,
        clients: [RemoteReadClient],
        labels: [Label],
        localStart: @escaping @Sendable () async -> Timestamp
    ) {
        base = store
        self.clients = clients
        self.labels = labels
        self.localStart = localStart
    }

    func forQuery() -> any SampleReader { self }
    var shortfalls: [String] { base.shortfalls + notes.withLock { $0 } }

    private func note(_ text: String) {
        notes.withLock { notes in
            if !notes.contains(text) { notes.append(text) }
        }
    }

    /// Who has to be asked, and up to when.
    private func asked(
        _ matchers: [LabelMatcher],
        _ start: Timestamp,
        _ end: Timestamp
    ) async -> [(client: RemoteReadClient, end: Timestamp)] {
        var result: [(client: RemoteReadClient, end: Timestamp)] = []
        for client in clients where client.isMeant(by: matchers) {
            if client.config.readsRecent {
                result.append((client, end))
                continue
            }
            let local = await localStart()
            if start <= local { result.append((client, min(end, local))) }
        }
        return result
    }

    /// What the others have, by labels.
    private func others(
        _ matchers: [LabelMatcher],
        _ start: Timestamp,
        _ asked: [(client: RemoteReadClient, end: Timestamp)]
    ) async throws(StorageError) -> [SeriesColumns] {
        let labels = labels
        let answers = await RemoteStorage.answers(of: asked) { one -> Result<[SeriesColumns], RemoteReadFailure> in
            do throws(RemoteReadFailure) {
                return .success(
                    try await one.client.read(matchers, start: start, end: one.end, externalLabels: labels)
                )
            } catch {
                return .failure(error)
            }
        }
        var found: [SeriesColumns] = []
        for answer in answers {
            switch answer {
            case .success(let series): found += series
            case .failure(let failure):
                if failure.isCancelled { throw StorageError(.cancelled, "context canceled") }
                note("remote_read: \(failure.message)")
            }
        }
        if asked.count > 1 {
            found.sort { $0.labels < $1.labels }
            found = SeriesColumns.mergedNeighbours(found)
        }
        return found
    }

    func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        let asked = await asked(request.matchers, request.start, request.end)
        if asked.isEmpty { return try await base.select(request) }
        let far = try await others(request.matchers, request.start, asked)
        let near = try await base.select(request)
        let all = Self.union(near, far)
        try request.checkLimit(of: all)
        return all
    }

    /// What is here and what is elsewhere, sorted by labels; what both have is taken from here.
    private static func union(_ near: [SeriesColumns], _ far: [SeriesColumns]) -> [SeriesColumns] {
        if far.isEmpty { return near.sorted { $0.labels < $1.labels } }
        var places: [Labels: Int] = [:]
        for (index, series) in far.enumerated() { places[series.labels] = index }
        var result = far
        for series in near {
            if let place = places[series.labels] {
                result[place] = series.merged(with: far[place])
            } else {
                result.append(series)
            }
        }
        return result.sorted { $0.labels < $1.labels }
    }

    func selection(_ request: SelectRequest) async throws(StorageError) -> any SeriesSelection {
        let asked = await asked(request.matchers, request.start, request.end)
        if asked.isEmpty { return try await base.selection(request) }
        return HeldSelection(series: try await select(request))
    }

    func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets {
        let near = try await base.series(matcherSets, in: span)
        var far: Set<Labels> = []
        for matchers in matcherSets {
            let asked = await asked(matchers, span.start, span.end)
            for series in try await others(matchers, span.start, asked) { far.insert(series.labels) }
        }
        if far.isEmpty { return near }
        far.formUnion(near)
        return LabelSets(far.sorted())
    }
}
