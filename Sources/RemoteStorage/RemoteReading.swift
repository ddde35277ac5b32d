import Exposition
import HTTPCalling
public import Logging
public import MetricModel
public import Scrape
import Synchronization

/// Reads what is stored here, and what the servers of a configuration's `remote_read` have besides.
///
/// Whoever asks for a query takes ``forQuery()``, which tells afterwards who did not answer: as in Prometheus this is a warning, and what
/// is stored here is answered nevertheless.
/// Names and values of labels and exemplars are those of what is stored here only: the protocol cannot ask for them.
public final class RemoteReading: FrontReader {
    private struct State {
        var clients: [RemoteReadClient] = []
        var labels: [Label] = []
        /// Since when there are samples here, and when that was looked up, in steady nanoseconds.
        var start: (time: Timestamp, asked: Int64)?
    }

    /// The store here.
    public let base: any SampleReader
    private let earliest: @Sendable () async -> Timestamp?
    private let clock: any StackClock
    private let logger: Logger
    private let version: String
    private let environment: [String: String]
    private let state = Mutex(State())
    /// What is stored here is complete only so long after its first sample: two blocks, as in Prometheus.
    private static let startMargin: Int64 = 4 * 3_600_000
    /// For so long it is not looked up again since when there are samples.
    private static let startLifetime: Int64 = 10_000_000_000

    /// A reader over a store.
    /// - Parameters:
    ///   - version: what servers are told in `User-Agent`.
    ///   - earliest: the time of the first sample of the store; `nil` for none.
    public init(
        store: any SampleReader,
        clock: any StackClock,
        logger: Logger,
        version: String,
        environment: [String: String] = [:],
        earliest: @escaping @Sendable () async -> Timestamp?
    ) {
        base = store
        self.clock = clock
        self.logger = logger
        self.version = version
        self.environment = environment
        self.earliest = earliest
    }

    /// Asks by a configuration from now on.
    public func apply(_ reads: [RemoteReadConfig], externalLabels: [Label]) async {
        let known = state.withLock { $0.clients }
        var clients: [RemoteReadClient] = []
        for config in reads {
            if let client = known.first(where: { $0.config == config }) {
                clients.append(client)
                continue
            }
            do throws(TransportError) {
                clients.append(
                    try RemoteReadClient(config, clock: clock, version: version, environment: environment)
                )
            } catch {
                logger.error(
                    "A remote storage cannot be talked to",
                    metadata: ["remote": "\(config.name)", "err": "\(error.message)"]
                )
            }
        }
        state.withLock { state in
            state.clients = clients
            state.labels = externalLabels
        }
        for client in known where !clients.contains(where: { $0 === client }) { await client.close() }
    }

    /// Closes connections. No query may follow.
    public func close() async {
        let clients = state.withLock { state in
            defer { state.clients = [] }
            return state.clients
        }
        for client in clients { await client.close() }
    }

    /// The figures of all servers, under Prometheus's names.
    public var families: [MetricFamily] {
        RemoteReadFigures.families(
            state.withLock { $0.clients }.map { client in
                (client.config.name, RecordedTraffic.url(client.config.url), client.figures.withLock { $0 })
            }
        )
    }

    /// A reader that notes who did not answer.
    public func forQuery() -> any SampleReader {
        let (clients, labels) = state.withLock { ($0.clients, $0.labels) }
        if clients.isEmpty { return base.forQuery() }
        return MergedReader(store: base.forQuery(), clients: clients, labels: labels) { [self] in await localStart() }
    }

    /// From when on what is stored here is all that there is.
    private func localStart() async -> Timestamp {
        let now = clock.steadyNanoseconds
        if let known = state.withLock({ $0.start }), now - known.asked < Self.startLifetime { return known.time }
        let time = (await earliest() ?? clock.now) + Self.startMargin
        state.withLock { $0.start = (time, now) }
        return time
    }

    /// What is asked without a query to tell of it.
    public func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
        try await forQuery().select(request)
    }

    /// What is asked without a query to tell of it.
    public func selection(_ request: SelectRequest) async throws(StorageError) -> any SeriesSelection {
        try await forQuery().selection(request)
    }

    /// What is asked without a query to tell of it.
    public func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets {
        try await forQuery().series(matcherSets, in: span)
    }
}
