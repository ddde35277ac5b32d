public import MetricModel
import Scrape
import Synchronization

/// Reads samples from several engines of which each has a part, or all of them some twice: what any of them has is there, once.
///
/// An engine that does not answer is told of with the query, as long as another one answers: where samples are kept twice, nothing is missing.
public final class EngineUnion: SampleReader {
    private let engines: [EngineReader]
    private let notes = Mutex<[String]>([])

    /// A reader over engines.
    public init(_ engines: [EngineReader]) { self.engines = engines }

    /// Notes of one query are not those of another.
    public func forQuery() -> any SampleReader { EngineUnion(engines) }

    /// Who did not answer, and why.
    public var shortfalls: [String] { notes.withLock { $0 } }

    /// What all say that answer.
    private func ask<Part: Sendable>(
        _ body: @escaping @Sendable (EngineReader) async throws(StorageError) -> Part
    ) async throws(StorageError) -> [Part] {
        let answers = await RemoteStorage.answers(of: engines) { engine -> Result<Part, StorageError> in
            do throws(StorageError) {
                return .success(try await body(engine))
            } catch {
                return .failure(error)
            }
        }
        var parts: [Part] = []
        var failures: [(engine: EngineReader, error: StorageError)] = []
        for (engine, answer) in zip(engines, answers) {
            switch answer {
            case .success(let part): parts.append(part)
            case .failure(let error):
                if error.code == .cancelled || error.code == .tooManySamples { throw error }
                failures.append((engine, error))
            }
        }
        if parts.isEmpty, let first = failures.first { throw first.error }
        notes.withLock { notes in
            for failure in failures {
                let note = "\(failure.engine.address): \(failure.error.message)"
                if !notes.contains(note) { notes.append(note) }
            }
        }
        return parts
    }

    /// All texts, each once. Texts that look the same may differ in their bytes.
    private static func distinct(_ parts: [[String]]) -> [String] {
        Set(parts.joined().map { Array($0.utf8) }).sorted { $0.lexicographicallyPrecedes($1) }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    /// The samples of the span.
    public func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        let parts = try await ask { (engine) throws(StorageError) in try await engine.select(request) }
        let all = SeriesColumns.mergedNeighbours(parts.flatMap { $0 }.sorted { $0.labels < $1.labels })
        try request.checkLimit(of: all)
        return all
    }

    /// Label sets, as any of them knows them.
    public func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets {
        let parts = try await ask { (engine) throws(StorageError) in
            try await engine.series(matcherSets, in: span)
        }
        return LabelSets(parts.reduce(into: Set<Labels>()) { $0.formUnion($1) }.sorted())
    }

    /// Names of labels, as any of them knows them.
    public func labelNames(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [String] {
        let parts = try await ask { (engine) throws(StorageError) in
            try await engine.labelNames(matcherSets, in: span)
        }
        return Self.distinct(parts)
    }

    /// Values of a label, as any of them knows them.
    public func labelValues(_ name: String, _ matcherSets: [[LabelMatcher]], in span: TimeSpan)
        async throws(StorageError) -> [String]
    {
        let parts = try await ask { (engine) throws(StorageError) in
            try await engine.labelValues(name, matcherSets, in: span)
        }
        return Self.distinct(parts)
    }
}
