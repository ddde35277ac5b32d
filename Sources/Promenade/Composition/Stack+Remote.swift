import Logging
import MetricModel
import RemoteStorage
import Scrape
import Web

extension Stack {
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
            flushDeadline: min(5000, options.flags.duration("storage.remote.flush-deadline").milliseconds),
            metadata: { (try? await store.metadata()) ?? [:] }
        )
    }

    /// What reads, here and elsewhere.
    static func makeReading(
        _ store: any MetricStore,
        _ clock: any StackClock,
        _ logger: Logger
    ) -> RemoteReading {
        RemoteReading(
            store: store,
            clock: clock,
            logger: logger,
            version: StackVersion.build.version,
            environment: ProcessEnvironment.all,
            earliest: { (try? await store.statistics(limit: 0))?.minTime }
        )
    }

    /// Sends and reads by a configuration from now on.
    func applyRemotes(_ config: PrometheusConfig) async {
        await remote?.apply(config.remoteWrites, externalLabels: config.global.externalLabels)
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
