import Exposition
import Logging
import MetricModel
import RemoteStorage
import Scrape
import Synchronization
import TSDB
import Testing

/// A store in memory of which all is sent on to a receiver.
struct SendingStore {
    static let base: Timestamp = 1_700_000_000_000
    let store: TimeSeriesDatabase
    let writer: RemoteWriter

    /// Runs `body` with such a store.
    /// - Parameters:
    ///   - fields: further fields of the entry of `remote_write`.
    ///   - queue: further fields of `queue_config`.
    static func run(
        _ url: String,
        _ fields: [String] = [],
        queue: [String] = [],
        metadata: [String: MetricMetadata] = [:],
        flushDeadline: Int64 = RemoteWriter.longestFlush,
        _ body: (SendingStore) async throws -> Void
    ) async throws {
        let usual = ["batch_send_deadline: 10ms", "min_backoff: 5ms", "max_backoff: 40ms", "max_shards: 1"]
        let named = Set(queue.map { $0.prefix { $0 != ":" } })
        let queue = usual.filter { !named.contains($0.prefix { $0 != ":" }) } + queue
        let entry = ["url: \"\(url)\"", "name: r", "queue_config: {\(queue.joined(separator: ", "))}"] + fields
        let config = try RemoteWriterTests.parsed("remote_write: [{\(entry.joined(separator: ", "))}]").remoteWrites
        let store = TimeSeriesDatabase.inMemory(clock: SystemClock())
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let writer = RemoteWriter(
            source: store,
            clock: SystemClock(),
            logger: logger,
            version: "3.5.0",
            flushDeadline: flushDeadline,
            metadata: { metadata }
        )
        await writer.apply(config, externalLabels: [])
        let task = Task { await writer.run() }
        while try await store.feedCursors()["r"] == nil { try await SystemClock().sleep(milliseconds: 2) }
        try await body(SendingStore(store: store, writer: writer))
        task.cancel()
        await task.value
    }

    static let version2 = ["protobuf_message: io.prometheus.write.v2.Request"]

    /// Appends one sample of each series, as a scrape does.
    func append(
        _ samples: [(labels: Labels, value: Double)],
        at time: Timestamp = base,
        starts: [Timestamp] = [],
        exemplars: [(Int, Exemplar)] = []
    ) async throws {
        var batch = SampleBatch(timestamp: time)
        batch.series = try await store.resolve(samples.map(\.labels))
        batch.values = samples.map(\.value)
        batch.startTimestamps = starts
        batch.exemplars = exemplars.map { .init(series: batch.series[$0.0], exemplar: $0.1) }
        let report = try await store.append(batch)
        #expect(report.appended == samples.count)
        #expect(report.rejectedExemplars == 0)
    }

    /// How the queue stands.
    func status() async throws -> RemoteStatus { try #require(await writer.status().first) }

    /// Waits until the queue stands so.
    func until(_ isSo: (RemoteStatus) -> Bool) async throws {
        while !isSo(try await status()) { try await SystemClock().sleep(milliseconds: 2) }
    }

    /// Waits until nothing waits any more.
    func settle(sent: Int) async throws {
        try await until { $0.sent + $0.failed + $0.dropped >= sent && $0.behind == 0 && $0.pending == 0 }
    }
}
