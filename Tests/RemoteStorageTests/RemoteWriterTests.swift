import ConfigTree
import Exposition
import Foundation
import Logging
import MetricModel
import NIOCore
import NIOHTTP1
import NIOPosix
import RemoteStorage
import Scrape
import StorageFaults
import Synchronization
import TSDB
import Testing

/// A receiver that counts, and answers what it is told to.
private final class Receiver: Sendable {
    /// A sample by series and time.
    struct Key: Hashable {
        var labels: Labels
        var timestamp: Timestamp
    }

    let counts = Mutex<[Key: Int]>([:])
    let statuses = Mutex<[Int]>([])
    private let channel: any Channel

    init(version: RemoteWriteRequest.Version = .version1) async throws {
        let box = Box()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(box, version))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        box.receiver.withLock { $0 = self }
    }

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/api/v1/write" }
    var total: Int { counts.withLock { $0.values.reduce(0, +) } }
    var distinct: Int { counts.withLock { $0.count } }
    var doubled: Int { counts.withLock { $0.values.count { $0 > 1 } } }

    func close() async { try? await channel.close() }

    fileprivate func take(_ body: [UInt8], _ version: RemoteWriteRequest.Version) -> (Int, RemoteWriteRequest?) {
        let status = statuses.withLock { $0.isEmpty ? 204 : $0.removeFirst() }
        guard status < 300, let message = try? Snappy.decode(body),
            let request = try? RemoteWriteRequest(decoding: message, version: version)
        else { return (status, nil) }
        counts.withLock { counts in
            for series in request.series {
                for index in series.samples {
                    counts[Key(labels: series.labels, timestamp: request.timestamps[index]), default: 0] += 1
                }
            }
        }
        return (status, request)
    }

    private final class Box: Sendable {
        let receiver = Mutex<Receiver?>(nil)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let box: Box
        private let version: RemoteWriteRequest.Version
        private var body: [UInt8] = []

        init(_ box: Box, _ version: RemoteWriteRequest.Version) {
            self.box = box
            self.version = version
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head: body = []
            case .body(let part): body.append(contentsOf: part.readableBytesView)
            case .end:
                let (status, request) = box.receiver.withLock { $0 }?.take(body, version) ?? (500, nil)
                var headers = HTTPHeaders([("Content-Length", "0")])
                if version == .version2, let request {
                    headers.add(name: "X-Prometheus-Remote-Write-Samples-Written", value: "\(request.values.count)")
                    headers.add(name: "X-Prometheus-Remote-Write-Histograms-Written", value: "0")
                    headers.add(name: "X-Prometheus-Remote-Write-Exemplars-Written", value: "0")
                }
                let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: headers)
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}

/// What is stored arrives, once, whatever happens on the way.
@Suite(.serialized, .timeLimit(.minutes(5))) struct RemoteWriterTests {
    private static let base: Timestamp = 1_700_000_000_000

    private static func config(_ url: String, _ more: String = "") throws -> [RemoteWriteConfig] {
        let text =
            "remote_write: [{url: \"\(url)\", name: r, queue_config: {batch_send_deadline: 20ms, max_samples_per_send: 50, "
            + "capacity: 200, min_backoff: 10ms, max_backoff: 50ms, max_shards: 3, min_shards: 3}\(more)}]"
        return try parsed(text).remoteWrites
    }

    static func parsed(_ text: String) throws -> PrometheusConfig {
        let problems = ConfigProblems(file: "p.yml")
        let node = try YAMLReader.parse(Array(text.utf8), file: "p.yml")
        let root = ConfigSection(node, type: "config.plain", path: "", problems: problems)
        let config = PrometheusConfig(reading: root, context: ConfigContext())
        root.finish()
        try problems.throwIfAny()
        return config
    }

    private static func writer(_ source: any FeedSource) -> RemoteWriter {
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        return RemoteWriter(source: source, clock: SystemClock(), logger: logger, version: "3.5.0") { [:] }
    }

    /// Appends some scrapes of ten series.
    private static func append(_ store: any MetricStore, steps: Range<Int>) async throws {
        let stream = try await store.openStream()
        let series = try await store.resolve((0..<10).map { Labels(["__name__": "m", "i": "\($0)"]) })
        for step in steps {
            var batch = SampleBatch(stream: step % 7 == 6 ? nil : stream, timestamp: base + Int64(step) * 1000)
            batch.series = series
            batch.values = (0..<10).map { Double(step + $0) }
            let report = try await store.append(batch)
            #expect(report.appended == 10)
        }
    }

    private static func until(_ isSo: () -> Bool) async throws {
        while !isSo() { try await SystemClock().sleep(milliseconds: 5) }
    }

    /// Runs a writer while `body` runs.
    private static func sending(
        _ store: any FeedSource,
        _ configs: [RemoteWriteConfig],
        labels: [Label] = [],
        _ body: (RemoteWriter) async throws -> Void
    ) async throws {
        let writer = writer(store)
        await writer.apply(configs, externalLabels: labels)
        let task = Task { await writer.run() }
        try await until { !writer.families.isEmpty }
        // The queue begins behind what is there when it has looked.
        while try await store.feedCursors()["r"] == nil { try await SystemClock().sleep(milliseconds: 2) }
        try await body(writer)
        task.cancel()
        await task.value
    }

    @Test func `over restarts and failures nothing is lost and nothing doubled`() async throws {
        let receiver = try await Receiver()
        let configs = try Self.config(receiver.url)
        try await withFolder { folder in
            var steps = 0
            for round in 0..<4 {
                var options = StoreOptions()
                options.headSamples = 100
                options.retention = nil
                let store = try TimeSeriesDatabase.open(
                    path: folder + "/stack.db",
                    options: options,
                    clock: SystemClock()
                )
                try await Self.sending(store, configs) { _ in
                    receiver.statuses.withLock { $0 = [500, 204, 503, 503, 204] }
                    try await Self.append(store, steps: steps..<steps + 60)
                    // What the head had is in a block before it is sent, in every other round.
                    if round % 2 == 0 { try await store.maintain(now: Self.base + 3_600_000 * Int64(round + 1)) }
                    steps += 60
                    if round != 1 { try await Self.until { receiver.distinct == steps * 10 } }
                }
                try await store.close()
            }
            #expect(receiver.distinct == steps * 10)
            #expect(receiver.doubled == 0)
        }
        await receiver.close()
    }

    @Test func `what came while nobody sent is sent later`() async throws {
        let receiver = try await Receiver()
        let configs = try Self.config(receiver.url)
        try await withFolder { folder in
            let path = folder + "/stack.db"
            let first = try TimeSeriesDatabase.open(path: path, clock: SystemClock())
            try await Self.sending(first, configs) { _ in }
            try await Self.append(first, steps: 0..<30)
            try await first.close()
            let second = try TimeSeriesDatabase.open(path: path, clock: SystemClock())
            try await Self.append(second, steps: 30..<40)
            try await Self.sending(second, configs) { _ in try await Self.until { receiver.distinct == 400 } }
            try await second.close()
        }
        #expect(receiver.doubled == 0)
        await receiver.close()
    }

    @Test func `labels, rules and version 2, from memory`() async throws {
        let receiver = try await Receiver(version: .version2)
        let configs = try Self.config(
            receiver.url,
            ", protobuf_message: io.prometheus.write.v2.Request, write_relabel_configs: "
                + "[{source_labels: [i], regex: '[0-4]', action: drop}]"
        )
        let store = TimeSeriesDatabase.inMemory(clock: SystemClock())
        try await Self.sending(store, configs, labels: [Label(name: "site", value: "a")]) { writer in
            try await Self.append(store, steps: 0..<10)
            try await Self.until { receiver.distinct == 50 }
            while await writer.status().first?.behind != 0 { try await SystemClock().sleep(milliseconds: 5) }
            let status = try #require(await writer.status().first)
            #expect(status.sent == 50)
            #expect(status.dropped == 50)
        }
        #expect(receiver.counts.withLock { $0.keys.allSatisfy { $0.labels["site"] == "a" } })
        await receiver.close()
    }

    @Test func `who follows a store in memory anew reads all that comes, whether what was before is dropped or not`()
        async throws
    {
        for width in [10, 2000] {
            let store = TimeSeriesDatabase.inMemory(clock: SystemClock())
            let start = try await store.feedEnd()
            try await store.feedSave("r") { FeedCursor(row: start) }
            let stream = try await store.openStream()
            let series = try await store.resolve((0..<width).map { Labels(["__name__": "m", "i": "\($0)"]) })
            func append(_ step: Int) async throws {
                var batch = SampleBatch(stream: stream, timestamp: Self.base + Int64(step) * 1000)
                batch.series = series
                batch.values = (0..<width).map { Double((step &+ $0 &* 2_654_435_761) & 0xffff_ffff) / 7 }
                _ = try await store.append(batch)
            }
            for step in 0..<150 { try await append(step) }
            let end = try await store.feedEnd()
            try await store.feedSave("r") { FeedCursor(row: end) }
            let reader = try await store.feed(after: end)
            try await append(150)
            let entries = try await reader.next(limit: 10)
            #expect(entries.flatMap(\.batches).map(\.values.count) == [width])
            #expect(entries.map(\.row) == [end + 1])
        }
    }

    /// A store that was opened for reading because there was no room for its log.
    @Test(arguments: [true, false])
    func `a store that waits for room is followed once there is some`(_ isKnown: Bool) async throws {
        let receiver = try await Receiver()
        let configs = try Self.config(receiver.url)
        try await withFolder { folder in
            let path = folder + "/stack.db"
            let files = FaultyFiles()
            var options = StoreOptions()
            options.fileSystem = files.name
            let first = try TimeSeriesDatabase.open(path: path, options: options, clock: SystemClock())
            if isKnown { try await Self.sending(first, configs) { _ in } }
            try await Self.append(first, steps: 0..<10)
            try await first.close()
            files.failIndex()
            let store = try TimeSeriesDatabase.open(path: path, options: options, clock: SystemClock())
            #expect(store.refusal?.code == .diskFull)
            let writer = Self.writer(store)
            await writer.apply(configs, externalLabels: [])
            let task = Task { await writer.run() }
            if isKnown { try await Self.until { receiver.distinct == 100 } }
            files.heal()
            // While somebody reads as if nobody wrote, it is tried again.
            while store.refusal != nil { try? await store.maintain(now: Self.base) }
            var step = 10
            while receiver.distinct < (isKnown ? 200 : 100) {
                try await Self.append(store, steps: step..<step + 1)
                step += 1
                try await SystemClock().sleep(milliseconds: 5)
            }
            task.cancel()
            await task.value
            #expect(try await store.feedCursors()["r"] != nil)
            try await store.close()
        }
        await receiver.close()
    }

    @Test func `what is refused for good is counted and not sent again`() async throws {
        let receiver = try await Receiver()
        receiver.statuses.withLock { $0 = Array(repeating: 400, count: 3) }
        let store = TimeSeriesDatabase.inMemory(clock: SystemClock())
        try await Self.sending(store, try Self.config(receiver.url)) { writer in
            try await Self.append(store, steps: 0..<1)
            while await writer.status().first?.failed != 10 { try await SystemClock().sleep(milliseconds: 5) }
            let status = try #require(await writer.status().first)
            #expect(status.lastError.hasPrefix("server returned HTTP status 400 Bad Request"))
        }
        #expect(receiver.total == 0)
        await receiver.close()
    }
}

/// A folder that is there while `body` runs.
private func withFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("remote-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    try await body(folder.path)
}
