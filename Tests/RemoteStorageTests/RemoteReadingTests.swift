import Exposition
import Logging
import MetricModel
import NIOCore
import NIOHTTP1
import NIOPosix
import RemoteStorage
import Scrape
import Synchronization
import TSDB
import Testing

/// A server that answers remote read from a list of series, or as it is told to.
private final class Answerer: Sendable {
    struct Answer: Sendable {
        var status = 200
        var type = "application/x-protobuf"
        var body: [UInt8] = []
    }

    let requests = Mutex<[RemoteReadRequest]>([])
    let answer: Mutex<Answer>
    private let channel: any Channel

    init(_ answer: Answer) async throws {
        self.answer = Mutex(answer)
        let box = Box()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(box))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        box.answerer.withLock { $0 = self }
    }

    convenience init(_ series: [SeriesColumns]) async throws {
        var response = RemoteReadResponse()
        response.append(series)
        try await self.init(Answer(body: Snappy.encode(response.bytes)))
    }

    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)/read" }

    func close() async { try? await channel.close() }

    private final class Box: Sendable {
        let answerer = Mutex<Answerer?>(nil)
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let box: Box
        private var body: [UInt8] = []

        init(_ box: Box) { self.box = box }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head: body = []
            case .body(let part): body.append(contentsOf: part.readableBytesView)
            case .end:
                guard let answerer = box.answerer.withLock({ $0 }) else { return }
                if let message = try? RemoteReadRequest(decoding: Snappy.decode(body)) {
                    answerer.requests.withLock { $0.append(message) }
                }
                let answer = answerer.answer.withLock { $0 }
                let headers = HTTPHeaders([
                    ("Content-Length", "\(answer.body.count)"), ("Content-Type", answer.type),
                ])
                let status = HTTPResponseStatus(statusCode: answer.status)
                let head = HTTPResponseHead(version: .http1_1, status: status, headers: headers)
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}

/// Samples that others have are read with one's own, and what they do not bring is told.
@Suite(.timeLimit(.minutes(5))) struct RemoteReadingTests {
    private static let now: Timestamp = 1_700_000_000_000
    private static let hour: Timestamp = 3_600_000

    /// A store with `m{i="0"}` and `m{i="1"}`, every minute of the last ten hours but the first five.
    private static func store(_ clock: ManualClock) async throws -> TimeSeriesDatabase {
        let store = TimeSeriesDatabase.inMemory(clock: clock)
        let series = try await store.resolve([["__name__": "m", "i": "0"], ["__name__": "m", "i": "1"]])
        for minute in stride(from: 300, through: 0, by: -60) {
            var batch = SampleBatch(timestamp: now - Int64(minute) * 60_000)
            batch.series = series
            batch.values = [Double(minute), Double(-minute)]
            _ = try await store.append(batch)
        }
        return store
    }

    /// Runs `body` with a reader that asks by such a configuration.
    private static func reading(
        _ config: String,
        labels: [Label] = [],
        _ body: (RemoteReading, TimeSeriesDatabase) async throws -> Void
    ) async throws {
        let clock = ManualClock(now: now)
        let store = try await store(clock)
        var logger = Logger(label: "test")
        logger.logLevel = .critical
        let reading = RemoteReading(store: store, clock: clock, logger: logger, version: "3.5.0") {
            (try? await store.statistics(limit: 0))?.minTime
        }
        await reading.apply(
            try RemoteWriterTests.parsed("remote_read: [\(config)]").remoteReads,
            externalLabels: labels
        )
        try await body(reading, store)
        await reading.close()
    }

    private static func request(_ start: Timestamp, _ matchers: [LabelMatcher] = []) -> SelectRequest {
        SelectRequest(matchers: [LabelMatcher("__name__", equals: "m")] + matchers, start: start, end: now)
    }

    private static let far = [
        SeriesColumns(
            labels: ["__name__": "m", "i": "0"],
            timestamps: [now - 11 * hour, now - 6 * hour, now - 5 * hour],
            values: [7, 8, 9]
        ),
        SeriesColumns(labels: ["__name__": "m", "i": "2"], timestamps: [now - 6 * hour], values: [SpecialValue.stale]),
    ]

    @Test func `one's own samples go before those of others`() async throws {
        let answerer = try await Answerer(Self.far)
        try await Self.reading("{url: \"\(answerer.url)\"}") { reading, _ in
            let reader = reading.forQuery()
            let found = try await reader.select(Self.request(Self.now - 10 * Self.hour))
            #expect(found.map { $0.labels["i"] } == ["0", "1", "2"])
            // What lies before the span is not taken, and of one time the store's sample.
            #expect(found[0].timestamps.first == Self.now - 6 * Self.hour)
            #expect(found[0].values == [8, 300, 240, 180, 120, 60, 0])
            #expect(found[1].values.count == 6)
            #expect(SpecialValue.isStale(found[2].values[0]))
            #expect(reader.shortfalls.isEmpty)
            let asked = try #require(answerer.requests.withLock { $0.first })
            #expect(asked.accepted == [1, 0])
            #expect(asked.queries.first?.matchers == [.init(type: 0, name: "__name__", value: "m")])
            // Up to four hours after the first sample that is here.
            #expect(asked.queries.first?.end == Self.now - Self.hour)
            let sets = try await reader.series(
                [[LabelMatcher("i", .matches, "0|2")]],
                in: TimeSpan(start: 0, end: Self.now)
            )
            #expect(sets.map { $0["i"] } == ["0", "2"])
            #expect(try await reader.labelValues("i", [], in: TimeSpan(start: 0, end: Self.now)) == ["0", "1"])
        }
        await answerer.close()
    }

    @Test func `who is not needed is not asked`() async throws {
        let answerer = try await Answerer(Self.far)
        try await Self.reading("{url: \"\(answerer.url)\", required_matchers: {i: \"0\"}}") { reading, store in
            let late = try await reading.select(Self.request(Self.now - Self.hour / 2, [.init("i", equals: "0")]))
            #expect(late.count == 1)
            #expect(try await reading.select(Self.request(0)).count == 2)
            #expect(answerer.requests.withLock { $0.isEmpty })
            #expect(try await reading.select(Self.request(0, [.init("i", equals: "0")])).first?.values.count == 8)
            #expect(answerer.requests.withLock { $0.count } == 1)
            await reading.apply([], externalLabels: [])
            #expect(reading.forQuery() is TimeSeriesDatabase)
        }
        try await Self.reading("{url: \"\(answerer.url)\", read_recent: true}") { reading, _ in
            _ = try await reading.select(Self.request(Self.now - 60_000))
            #expect(answerer.requests.withLock { $0.last?.queries.first?.end } == Self.now)
        }
        await answerer.close()
    }

    @Test func `external labels are asked for and taken off`() async throws {
        var far = Self.far
        far[1].labels = ["__name__": "m", "i": "2", "zone": "eu"]
        let answerer = try await Answerer(far)
        let zone = [Label(name: "zone", value: "eu")]
        try await Self.reading("{url: \"\(answerer.url)\"}", labels: zone) { reading, _ in
            let found = try await reading.select(Self.request(0))
            #expect(found.last?.labels == ["__name__": "m", "i": "2"])
            #expect(answerer.requests.withLock { $0.last?.queries[0].matchers.last?.value } == "eu")
            // Whoever asks for the label gets it.
            _ = try await reading.select(Self.request(0, [.init("zone", equals: "us")]))
            #expect(answerer.requests.withLock { $0.last?.queries[0].matchers.map(\.value) } == ["m", "us"])
        }
        try await Self.reading("{url: \"\(answerer.url)\", filter_external_labels: false}", labels: zone) {
            reading,
            _ in
            let found = try await reading.select(Self.request(0))
            #expect(found.last?.labels["zone"] == "eu")
            #expect(answerer.requests.withLock { $0.last?.queries[0].matchers.count } == 1)
        }
        await answerer.close()
    }

    static let wrong: [(answer: (status: Int, type: String, body: [UInt8]), told: String)] = [
        (
            (500, "text/plain", Array("broken\nwide\n".utf8)),
            "returned http status 500 Internal Server Error: broken\nwide"
        ),
        ((200, "text/html", []), "unsupported content type: text/html"),
        ((200, "application/x-protobuf", [9, 9, 9]), "error reading response: "),
        ((200, "application/x-protobuf", Snappy.encode([])), "responses: want 1, got 0"),
        ((200, "application/x-protobuf", Snappy.encode([0x0a, 0x7f])), "unable to unmarshal response body: "),
        (
            (200, "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse", [1, 0, 0, 0, 0, 0]),
            "chunkedReader: corrupted frame; checksum mismatch"
        ),
    ]

    @Test(arguments: wrong)
    fileprivate func `what others do not bring is told, and one's own is there`(
        answer: (status: Int, type: String, body: [UInt8]),
        told: String
    ) async throws {
        let answerer = try await Answerer(.init(status: answer.status, type: answer.type, body: answer.body))
        try await Self.reading("{url: \"\(answerer.url)\", name: there}") { reading, _ in
            let reader = reading.forQuery()
            let found = try await reader.select(Self.request(0))
            #expect(found.count == 2)
            #expect(reader.shortfalls.count == 1)
            #expect(reader.shortfalls.first?.hasPrefix("remote_read: ") == true)
            #expect(reader.shortfalls.first?.contains(told) == true, "\(reader.shortfalls)")
            let total = try #require(reading.families.first { $0.name.hasSuffix("_queries_total") })
            #expect(total.metrics.count == 1)
            #expect(total.metrics[0].labels.contains(Label(name: "code", value: "\(answer.status)")))
        }
        await answerer.close()
    }

    @Test func `one that cannot be reached is told by name of what went wrong`() async throws {
        try await Self.reading("{url: \"http://127.0.0.1:1/read\"}") { reading, _ in
            let reader = reading.forQuery()
            let found = try await reader.select(Self.request(0))
            #expect(found.count == 2)
            #expect(
                reader.shortfalls == [
                    "remote_read: error sending request: Post \"http://127.0.0.1:1/read\": dial tcp 127.0.0.1:1: connect: "
                        + "connection refused"
                ]
            )
        }
    }

    @Test func `histograms come as samples where chunks cannot be read`() async throws {
        // A frame with one series of one chunk of kind 2.
        let chunk: [UInt8] = [0x18, 2, 0x22, 1, 0]
        let series: [UInt8] = [0x12, UInt8(chunk.count)] + chunk
        let message: [UInt8] = [0x0a, UInt8(series.count)] + series
        var sum: UInt32 = ~0
        for byte in message {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = sum & 1 == 1 ? sum >> 1 ^ 0x82f6_3b78 : sum >> 1 }
        }
        sum = ~sum
        let check = (0..<4).map { UInt8(truncatingIfNeeded: sum >> (24 - 8 * $0)) }
        let answerer = try await Answerer(
            .init(
                type: "application/x-streamed-protobuf; proto=prometheus.ChunkedReadResponse",
                body: [UInt8(message.count)] + check + message
            )
        )
        try await Self.reading("{url: \"\(answerer.url)\"}") { reading, _ in
            let reader = reading.forQuery()
            _ = try await reader.select(Self.request(0))
            #expect(answerer.requests.withLock { $0.map(\.accepted) } == [[1, 0], [0]])
        }
        await answerer.close()
    }
}
