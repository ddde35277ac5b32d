import ConfigTree
import Logging
import MetricModel
import MetricStorageTesting
import NIOPosix
import PromQL
import RemoteStorage
import Scrape
import TSDB
import Testing
import Web

/// What is read from an engine elsewhere is what the contract of storage asks for, as far as an engine's API can say it.
@Suite(.timeLimit(.minutes(5))) struct EngineConformanceTests {
    /// How an engine is read.
    enum Way: String, CaseIterable, Sendable {
        /// By queries `selector[span]`.
        case queries
        /// By remote read.
        case remoteRead
        /// By queries to two engines that have the same samples.
        case union

        /// What it cannot say. Of both: when counters began, exemplars (asked of the engine's API instead), and the limit of a
        /// request, which is kept here.
        var exceptions: [StorageRequirement] {
            switch self {
            // Stale markers and histograms are not in the answers of queries.
            case .queries, .union:
                [
                    .valuesComeBackBitForBit, .samplesMayHaveTimesAndStartsOfTheirOwn,
                    .hintsOfCounterResetsAreForgotten,
                    .histogramsOfAllKindsComeBack, .exemplarsAreKeptUpToANumber,
                ]
            // Histograms come, but not since when they count.
            case .remoteRead:
                [
                    .samplesMayHaveTimesAndStartsOfTheirOwn, .histogramsOfAllKindsComeBack,
                    .exemplarsAreKeptUpToANumber,
                ]
            }
        }
    }

    @Test(arguments: Way.allCases, StorageRequirement.allCases)
    func requirement(way: Way, _ requirement: StorageRequirement) async throws {
        let factory = StorageFactory(name: way.rawValue) { settings, body in
            try await Self.withEngine(way, settings, body)
        }
        if way.exceptions.contains(requirement) {
            // One that is met after all is none.
            await #expect(throws: StorageViolation.self) { try await requirement.check(factory) }
        } else {
            try await requirement.check(factory)
        }
    }

    /// Runs `body` with a store that is written to directly and read through the API of a server over it.
    private static func withEngine(
        _ way: Way,
        _ settings: StorageSettings,
        _ body: (StorageFactory.Store) async throws -> Void
    ) async throws {
        let clock = ManualClock(now: 2_000_000_000_000)
        var options = StoreOptions()
        options.clockPatience = 0
        options.retention = settings.retention
        options.outOfOrderWindow = settings.outOfOrderWindow
        options.exemplarCapacity = settings.exemplarCapacity
        let base = TimeSeriesDatabase.inMemory(options: options, clock: clock)
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let api = PrometheusServer(
            settings: PrometheusSettings(),
            environment: PrometheusEnvironment.still(),
            store: base,
            engine: PromQLEngine(clock: clock),
            clock: clock,
            logger: logger
        )
        let server = try WebServer(
            address: ListenAddress(host: "127.0.0.1", port: 0),
            router: api.makeRouter(),
            clock: SystemClock(),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        )
        let serving = Task { try await server.run() }
        defer { serving.cancel() }
        let url = "http://127.0.0.1:\(try await server.listening().port)"
        var readers: [EngineReader] = []
        for _ in 0..<(way == .union ? 2 : 1) {
            let client = try EngineClient(try config(url, way), clock: clock, version: "3.5.0", environment: [:])
            readers.append(try EngineReader(client, clock: clock, version: "3.5.0", environment: [:]))
        }
        let reader: any SampleReader = way == .union ? EngineUnion(readers) : readers[0]
        do {
            try await body(ReadElsewhere(store: base, base: reader))
        } catch {
            for reader in readers { await reader.close() }
            throw error
        }
        for reader in readers { await reader.close() }
    }

    static func config(_ url: String, _ way: Way) throws -> RemoteStoreConfig {
        let read = way == .remoteRead ? ", read: \"\(url)/api/v1/read\"" : ""
        let text = "{query: \"\(url)\", write: [{url: \"\(url)/api/v1/write\"}]\(read)}"
        let problems = ConfigProblems(file: "stack.yml")
        let node = try YAMLReader.parse(Array(text.utf8), file: "stack.yml")
        let section = ConfigSection(node, type: "storage.remote", path: "", problems: problems)
        let config = RemoteStoreConfig(reading: section, node: node, context: ConfigContext())
        try problems.throwIfAny()
        return config
    }

    /// It was read by queries instead, silently.
    @Test func `settings of remote read that cannot be used are told`() async throws {
        let clock = ManualClock()
        var config = try Self.config("http://127.0.0.1:1", .remoteRead)
        let client = try EngineClient(config, clock: clock, version: "", environment: [:])
        #expect(config.read?.url == "http://127.0.0.1:1/api/v1/read")
        config.read?.client.tls.caFile = "/no/such/file"
        let other = try EngineClient(config, clock: clock, version: "", environment: [:])
        #expect(throws: TransportError.self) {
            _ = try EngineReader(other, clock: clock, version: "", environment: [:])
        }
        await client.close()
        await other.close()
    }
}

extension EngineConformanceTests {
    @Test func `an engine of several that does not answer is told of, and the others' samples are there`() async throws
    {
        let clock = ManualClock()
        let nobody = try EngineReader(
            EngineClient(try Self.config("http://127.0.0.1:1", .queries), clock: clock, version: "", environment: [:]),
            clock: clock,
            version: "",
            environment: [:]
        )
        try await Self.withEngine(.queries, StorageSettings()) { store in
            guard let other = (store as? ReadElsewhere)?.base as? EngineReader else { return }
            try await store.put(["__name__": "m"], [(base, 1)])
            let both = EngineUnion([nobody, other]).forQuery()
            #expect(
                try await both.select(SelectRequest(matchers: [], start: .min, end: .max)).map(\.labels.name) == ["m"]
            )
            #expect(try await both.labelNames([], in: .ever) == ["__name__"])
            // What was asked stands in it: two requests, two notes.
            #expect(both.shortfalls.count == 2)
            #expect(both.shortfalls.filter { $0.hasPrefix("http://127.0.0.1:1: ") }.count == 2)
            let none = EngineUnion([nobody, nobody])
            await #expect(throws: StorageError.self) { try await none.labelNames([], in: .ever) }
        }
        await nobody.close()
    }
}

/// A store of which samples are read elsewhere.
private struct ReadElsewhere: MetricStore, RecordStore, FrontReader {
    let store: TimeSeriesDatabase
    let base: any SampleReader

    func openStream() async throws(StorageError) -> StreamRef { try await store.openStream() }
    func resolve(_ labels: [Labels]) async throws(StorageError) -> [SeriesRef] { try await store.resolve(labels) }
    func releaseSeries(_ series: [SeriesRef]) async { await store.releaseSeries(series) }
    func append(_ batch: SampleBatch) async throws(StorageError) -> AppendReport { try await store.append(batch) }
    func record(_ metadata: [(family: String, metadata: MetricMetadata)]) async throws(StorageError) {
        try await store.record(metadata)
    }
    func metadata() async throws(StorageError) -> [String: MetricMetadata] { try await store.metadata() }
    func delete(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) {
        try await store.delete(matcherSets, in: span)
    }
    func cleanTombstones() async throws(StorageError) { try await store.cleanTombstones() }
    func snapshot(toFile path: String) async throws(StorageError) { try await store.snapshot(toFile: path) }
    func maintain(now: Timestamp) async throws(StorageError) { try await store.maintain(now: now) }
    func close() async throws(StorageError) { try await store.close() }
    func apply(_ changes: [RecordChange]) async throws(StorageError) { try await store.apply(changes) }
    func statistics(limit: Int) async throws(StorageError) -> StorageStatistics {
        try await store.statistics(limit: limit)
    }
    func records(in table: String) async throws(StorageError) -> [(key: [UInt8], value: [UInt8])] {
        try await store.records(in: table)
    }
}
