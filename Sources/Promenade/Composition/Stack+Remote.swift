import Exposition
import HTTPCalling
import Logging
public import MetricModel
import RemoteStorage
import Scrape
import Web

extension Stack {
    /// What queries read: the store, and what others have besides.
    public var reader: any SampleReader { reading }

    /// What sends on what the store gets.
    static func makeRemote(
        _ options: StackOptions,
        _ store: any MetricStore,
        _ clock: any StackClock,
        _ logger: Logger
    ) -> RemoteWriter? {
        guard let source = store as? any FeedSource else { return nil }
        return RemoteWriter(
            source: source,
            clock: clock,
            logger: logger,
            version: StackVersion.build.version,
            environment: ProcessEnvironment.all,
            // The end of the process must not wait for as long as Prometheus does: what is left is sent after the next start.
            flushDeadline: min(
                RemoteWriter.longestFlush,
                options.flags.duration("storage.remote.flush-deadline").milliseconds
            ),
            metadata: { (try? await store.metadata()) ?? [:] }
        )
    }

    /// What reads, here and elsewhere.
    /// - Throws: ``StackError`` where the store elsewhere cannot be talked to.
    static func makeReading(
        _ options: StackOptions,
        _ store: any MetricStore,
        _ clock: any StackClock,
        _ logger: Logger
    ) throws(StackError) -> (RemoteReading, EngineClient?) {
        let version = StackVersion.build.version
        let environment = ProcessEnvironment.all
        var engine: EngineClient?
        var reader: any SampleReader = store
        if let config = options.config.storage.remote {
            do throws(TransportError) {
                var readers: [EngineReader] = []
                for base in config.bases {
                    let client = try EngineClient(
                        config,
                        base: base,
                        clock: clock,
                        version: version,
                        environment: environment
                    )
                    readers.append(
                        try EngineReader(client, clock: clock, version: version, environment: environment)
                    )
                    engine = engine ?? client
                }
                reader = readers.count == 1 ? readers[0] : EngineUnion(readers)
            } catch {
                throw StackError("the store elsewhere cannot be talked to: \(error.message)")
            }
        }
        let reading = RemoteReading(
            store: reader,
            clock: clock,
            logger: logger,
            version: version,
            environment: environment,
            earliest: { (try? await store.statistics(limit: 0))?.minTime }
        )
        return (reading, engine)
    }

    /// The store elsewhere, for the API.
    var storeElsewhere: StoreElsewhere? {
        guard let engine = storeEngine else { return nil }
        let bases = engine.config.bases.map(RecordedTraffic.url)
        // Nobody has all of an answer where each engine has a part of the samples.
        if bases.count > 1 { return StoreElsewhere(url: bases.joined(separator: ", "), isExact: true, ask: nil) }
        return StoreElsewhere(url: bases[0], isExact: engine.config.isExact) {
            (path, form) throws(StorageError) in
            let answer = try await engine.ask(path, form: form)
            return WebResponse(
                status: answer.status,
                headers: [("Content-Type", answer.type)],
                body: .bytes(answer.body)
            )
        }
    }

    /// Sends and reads by a configuration from now on.
    func applyRemotes(_ config: PrometheusConfig) async {
        let writes = config.remoteWrites + (options.config.storage.remote?.writes ?? [])
        await remote?.apply(writes, externalLabels: config.global.externalLabels)
        await reading.apply(config.remoteReads, externalLabels: config.global.externalLabels)
    }

    /// The figures of remote write and remote read.
    var remoteFamilies: [MetricFamily] { (remote?.families ?? []) + reading.families }

    /// How the queues of remote write stand.
    var remoteStatus: [RemoteQueueStatus] {
        get async {
            let queues = await remote?.status() ?? []
            return queues.map { queue in
                RemoteQueueStatus(
                    name: queue.name,
                    url: queue.url,
                    fields: [
                        ("version", Double(queue.version)), ("shards", Double(queue.shards)),
                        ("shardsDesired", queue.desired), ("shardsMin", Double(queue.minShards)),
                        ("shardsMax", Double(queue.maxShards)), ("pending", Double(queue.pending)),
                        ("sent", Double(queue.sent)), ("failed", Double(queue.failed)),
                        ("retried", Double(queue.retried)), ("dropped", Double(queue.dropped)),
                        ("entriesBehind", Double(queue.behind)), ("newestSent", queue.newestSent),
                        ("attempts", Double(queue.attempts)),
                        ("lastErrorTime", Double(queue.lastErrorTime) / 1e9),
                        ("lastSuccess", Double(queue.lastSuccess) / 1e9),
                    ],
                    lastError: queue.lastError
                )
            }
        }
    }
}
