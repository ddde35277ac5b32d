import Exposition
import MetricModel
import TSDB
import Testing
import Web

/// What is sent is taken, refused and counted as the specifications ask for: the cases of Prometheus's compliance suite for receivers
/// (prometheus/compliance, `remotewrite/receiver`), in its order.
@Suite("Receiver compliance", .timeLimit(.minutes(5))) struct RemoteWriteReceiverTests {
    private static let now: Timestamp = 1_700_000_000_000

    /// A server, and what it has stored.
    private struct Receiver {
        let store: TimeSeriesDatabase
        private let server: PrometheusServer

        init() {
            let clock = ManualClock(now: RemoteWriteReceiverTests.now)
            store = TimeSeriesDatabase.inMemory(clock: clock)
            var settings = PrometheusSettings()
            settings.isRemoteWriteEnabled = true
            server = PrometheusServer.still(store, clock: clock, settings: settings)
        }

        func answer(
            _ body: [UInt8],
            type: String = "application/x-protobuf;proto=io.prometheus.write.v2.Request",
            coding: String = "snappy"
        ) async -> Answer {
            let headers = WebHeaders([
                ("Content-Type", type), ("Content-Encoding", coding), ("X-Prometheus-Remote-Write-Version", "2.0.0"),
            ])
            let request = WebRequest(method: .post, target: "/api/v1/write", headers: headers, body: body)
            let found = await server.makeRouter().respond(to: request)
            func written(_ kind: String) -> Int? {
                found.header("X-Prometheus-Remote-Write-\(kind)-Written").flatMap { Int($0) }
            }
            return Answer(
                status: found.status,
                text: String(decoding: (try? await found.wholeBody()) ?? [], as: UTF8.self),
                written: [written("Samples"), written("Histograms"), written("Exemplars")]
            )
        }

        func send(_ request: RemoteWriteRequest) async -> Answer {
            await answer(Snappy.encode(request.encoded(as: .version2)))
        }

        func stored() async throws -> [SeriesColumns] {
            try await store.select(SelectRequest(matchers: [], start: .min, end: .max, isSorted: true))
        }
    }

    private struct Answer {
        var status: Int
        var text: String
        /// Samples, histograms, exemplars.
        var written: [Int?]
    }

    private static func request(_ series: [Labels], value: Double = 1, at time: Timestamp = now) -> RemoteWriteRequest {
        var request = RemoteWriteRequest()
        for labels in series { request.append(labels, timestamps: [time], values: [value]) }
        return request
    }

    private static let version1 = "application/x-protobuf"

    // MARK: Requests

    static let forms: [(type: String, coding: String, status: Int)] = [
        ("application/json", "snappy", 415), ("image/png", "snappy", 415), ("text/plain; charset=utf-8", "snappy", 415),
        ("application/x-protobuf;proto=io.prometheus.write.v3.Request", "snappy", 415),
        ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "gzip", 415),
        ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "deflate", 415),
        ("application/x-protobuf;proto=io.prometheus.write.v2.Request", "snappy", 400), (version1, "snappy", 400),
    ]

    @Test(arguments: forms) func `wrong types and codings are 415, damaged bodies 400`(
        type: String,
        coding: String,
        status: Int
    )
        async throws
    {
        let receiver = Receiver()
        var body = Snappy.encode(Self.request([["__name__": "up"]]).encoded(as: .version2))
        body[0] = 0xff
        let answer = await receiver.answer(body, type: type, coding: coding)
        #expect(answer.status == status && !answer.text.isEmpty)
        #expect(try await receiver.stored().isEmpty)
    }

    @Test func `version 1 is taken, with its type and by default`() async throws {
        let receiver = Receiver()
        for (index, type) in [Self.version1, "application/x-protobuf;proto=prometheus.WriteRequest"].enumerated() {
            let request = Self.request([["__name__": "up", "i": "\(index)"]])
            let answer = await receiver.answer(Snappy.encode(request.encoded(as: .version1)), type: type)
            // Nothing is said of what was written: that is version 2's.
            #expect(answer.status == 204 && answer.written == [nil, nil, nil])
        }
        #expect(try await receiver.stored().count == 2)
    }

    // MARK: Samples

    static let values: [Double] = [1, SpecialValue.stale, SpecialValue.nan, .infinity, -.infinity]
    static let metrics: [(labels: Labels, isGood: Bool)] = [
        (["__name__": "up"], true), (["__name__": "up", "job": "testjob", "instance": "localhost:9090"], true),
        (["__name__": "up", "job": "test\njob\n"], true),
        (["__name__": "resource.cpu.usage", "job.name": "testjob"], true),
        (["__name__": "resource cpu usage", "job name": "testjob"], true), (["job": "testjob"], false), ([:], false),
        (["__name__": ""], false),
    ]

    @Test(arguments: values, metrics.indices) func `a sample is taken or refused, whatever its value`(
        value: Double,
        index: Int
    )
        async throws
    {
        let receiver = Receiver()
        let (labels, isGood) = Self.metrics[index]
        let answer = await receiver.send(Self.request([labels], value: value))
        #expect(answer.status == (isGood ? 204 : 400))
        #expect(answer.written == [isGood ? 1 : 0, 0, 0])
        let stored = try await receiver.stored()
        #expect(stored.map(\.labels) == (isGood ? [labels] : []))
        #expect(stored.flatMap(\.values).map(\.bitPattern) == (isGood ? [value.bitPattern] : []))
    }

    static let many: [(series: [Labels], good: Int)] = [
        ([["__name__": "up", "i": "1"], ["__name__": "up", "i": "2"], ["__name__": "up", "i": "3"]], 3),
        ([["i": "1"], ["i": "2"]], 0), ([["i": "0"], ["__name__": "up", "i": "1"], ["__name__": "up", "i": "2"]], 2),
    ]

    @Test(arguments: many) func `what is good of a request is taken, and counted`(series: [Labels], good: Int)
        async throws
    {
        let receiver = Receiver()
        let answer = await receiver.send(Self.request(series))
        #expect(answer.status == (good == series.count ? 204 : 400))
        #expect(answer.written == [good, 0, 0])
        #expect(answer.text.isEmpty == (good == series.count))
        #expect(try await receiver.stored().count == good)
    }

    @Test func `the start of a counter is kept`() async throws {
        let receiver = Receiver()
        var request = RemoteWriteRequest()
        request.append(
            ["__name__": "http_requests_total"],
            timestamps: [Self.now],
            values: [100],
            startTimestamps: [Self.now - 3_600_000],
            exemplars: [Exemplar(labels: ["trace_id": "a"], value: 100, timestamp: Self.now)],
            metadata: MetricMetadata(type: .counter, help: "Requests", unit: "requests")
        )
        let answer = await receiver.send(request)
        #expect(answer.status == 204 && answer.written == [1, 0, 1])
        #expect(try await receiver.stored().map(\.startTimestamps) == [[Self.now - 3_600_000]])
    }

    static let times: [(times: [Timestamp], status: Int, written: Int)] = [
        ([0, 1000], 204, 2), ([1000, 0], 400, 1), ([0, 0], 204, 2), ([599_000], 204, 1), ([3_600_000], 400, 0),
        ([-1000], 204, 1),
    ]

    @Test(arguments: times) func `samples out of order and far ahead are refused, the others taken`(
        times: [Timestamp],
        status: Int,
        written: Int
    ) async throws {
        let receiver = Receiver()
        var request = RemoteWriteRequest()
        for time in times { request.append(["__name__": "m"], timestamps: [Self.now + time], values: [1]) }
        let answer = await receiver.send(request)
        #expect(answer.status == status)
        #expect(answer.written == [written, 0, 0])
    }

    @Test func `histograms and exemplars far ahead are refused, too`() async throws {
        let receiver = Receiver()
        let later = Self.now + 3_600_000
        var request = RemoteWriteRequest()
        request.append(["__name__": "h"], histograms: [.init(timestamp: later, histogram: Self.histogram("pnz"))])
        request.append(
            ["__name__": "m"],
            timestamps: [Self.now],
            values: [1],
            exemplars: [Exemplar(labels: ["trace_id": "a"], value: 1, timestamp: later)]
        )
        let answer = await receiver.send(request)
        #expect(answer.status == 400 && answer.text.contains("out of bounds: timestamp is too far in the future"))
        #expect(answer.written == [1, 0, 0])
    }

    @Test func `the same request again is taken, other values at the same time are not`() async throws {
        let receiver = Receiver()
        let request = Self.request([["__name__": "m"]])
        #expect(await receiver.send(request).status == 204)
        #expect(await receiver.send(request).status == 204)
        let other = await receiver.send(Self.request([["__name__": "m"]], value: 2))
        #expect(other.status == 400 && other.written == [0, 0, 0])
        #expect(try await receiver.stored().map(\.values) == [[1]])
    }

    // MARK: Exemplars

    static let exemplars: [Labels] = [
        ["trace_id": "abc123def456"], ["trace_id": "xyz789", "span_id": "span123"], ["user_id": "user123"],
        ["trace_id": "trace456", "user": "admin", "endpoint": "/login"], [:],
        ["trace_id": "trace-with-dashes_and_underscores.123"], ["trace_id": "unicode_trace_测试 🌍"],
    ]

    @Test(arguments: exemplars.indices, [0, -123.456, 1e10, 1e-10, SpecialValue.nan, .infinity, -.infinity])
    func `exemplars are taken with their samples`(index: Int, value: Double) async throws {
        let receiver = Receiver()
        let exemplar = Exemplar(labels: Self.exemplars[index], value: value, timestamp: Self.now - 1000)
        var request = RemoteWriteRequest()
        request.append(["__name__": "m", "region": "🌍"], timestamps: [Self.now], values: [1], exemplars: [exemplar])
        let answer = await receiver.send(request)
        #expect(answer.status == 204)
        #expect(answer.written == [1, 0, 1])
        let stored = try await receiver.store.exemplars([[]], in: .ever).flatMap(\.exemplars)
        #expect(stored.map(\.labels) == [exemplar.labels])
        #expect(stored.map(\.value.bitPattern) == [value.bitPattern])
    }

    @Test func `several exemplars, of several series and times, are taken`() async throws {
        let receiver = Receiver()
        var request = RemoteWriteRequest()
        for minutes: Int64 in [-50, -1, 0] {
            let time = Self.now + minutes * 60_000
            let exemplar = Exemplar(labels: ["trace_id": "t\(minutes)"], value: 1, timestamp: time)
            request.append(["__name__": "latency"], timestamps: [time], values: [1], exemplars: [exemplar])
        }
        let other = Exemplar(labels: ["trace_id": "other"], value: 1, timestamp: Self.now)
        request.append(["__name__": "errors"], timestamps: [Self.now], values: [1], exemplars: [other])
        let answer = await receiver.send(request)
        #expect(answer.status == 204 && answer.written == [4, 0, 4])
    }

    static let orphans: [RemoteWriteRequest] = {
        var metadata = RemoteWriteRequest()
        metadata.append(["__name__": "orphan"], metadata: MetricMetadata(type: .counter, help: "h", unit: "u"))
        var exemplar = RemoteWriteRequest()
        exemplar.append(["__name__": "orphan"], exemplars: [Exemplar(labels: ["t": "1"], value: 1, timestamp: now)])
        return [metadata, exemplar]
    }()

    /// As Prometheus: a series without samples is refused, and the rest is taken.
    @Test(arguments: orphans.indices) func `metadata and exemplars without a sample are refused`(index: Int)
        async throws
    {
        let receiver = Receiver()
        var request = Self.orphans[index]
        request.append(["__name__": "good"], timestamps: [Self.now], values: [1])
        let answer = await receiver.send(request)
        #expect(answer.status == 400 && answer.written == [1, 0, 0])
        #expect(answer.text.contains("TimeSeries must contain at least one sample or histogram"))
    }

    // MARK: Histograms

    /// Positive, negative and zero buckets, buckets with bounds of their own, a count that is not their sum.
    private static func histogram(_ parts: String) -> NativeHistogram {
        var histogram = NativeHistogram()
        histogram.isInteger = true
        histogram.sum = 1
        if parts.contains("p") {
            histogram.positiveSpans = [.init(offset: 0, length: 2)]
            histogram.positiveBuckets = [1, 2]
            histogram.count += 3
        }
        if parts.contains("n") {
            histogram.negativeSpans = [.init(offset: 0, length: 1)]
            histogram.negativeBuckets = [4]
            histogram.count += 4
        }
        if parts.contains("z") {
            (histogram.zeroCount, histogram.zeroThreshold) = (2, 1e-128)
            histogram.count += 2
        }
        if parts.contains("c") {
            histogram.schema = NativeHistogram.customBoundsSchema
            histogram.customValues = [0.5, 1]
        }
        if parts.contains("!") { histogram.count += 7 }
        return histogram
    }

    static let histograms = ["pnz", "pc", "pz", "n", "z", "", "p", "pn", "p!", "n!"]

    @Test(arguments: histograms) func `histograms are taken, with all that may stand with them`(parts: String)
        async throws
    {
        let receiver = Receiver()
        let histogram = Self.histogram(parts)
        let isGood = !parts.contains("!")
        var request = RemoteWriteRequest()
        request.append(
            ["__name__": "request_duration_seconds", "service": "auth"],
            histograms: [.init(timestamp: Self.now, startTimestamp: Self.now - 1_800_000, histogram: histogram)],
            exemplars: [Exemplar(labels: ["trace_id": "slow"], value: 0.456, timestamp: Self.now)],
            metadata: MetricMetadata(type: .histogram, help: "Duration", unit: "seconds")
        )
        let answer = await receiver.send(request)
        #expect(answer.status == (isGood ? 204 : 400))
        #expect(answer.written[0] == 0 && answer.written[1] == (isGood ? 1 : 0))
        #expect(try await receiver.stored().flatMap(\.histograms) == (isGood ? [histogram] : []))
        if isGood { #expect(answer.written[2] == 1) }
    }

    @Test func `fifty series and fifty histograms, each with all of it`() async throws {
        let receiver = Receiver()
        var request = RemoteWriteRequest()
        for index in 0..<50 {
            let exemplar = Exemplar(labels: ["trace_id": "t\(index)"], value: 1, timestamp: Self.now)
            let metadata = MetricMetadata(type: .counter, help: "Number \(index)", unit: "count")
            let name = "counter_\(index)"
            request.append(
                ["__name__": name],
                timestamps: [Self.now],
                values: [1],
                exemplars: [exemplar],
                metadata: metadata
            )
            request.append(
                ["__name__": "histogram_\(index)"],
                histograms: [.init(timestamp: Self.now, histogram: Self.histogram(index % 2 == 0 ? "pnz" : "pz"))],
                exemplars: [exemplar]
            )
        }
        let answer = await receiver.send(request)
        #expect(answer.status == 204 && answer.written == [50, 50, 100])
        #expect(try await receiver.store.metadata()["counter_7"]?.help == "Number 7")
    }

    // MARK: Metadata

    static let metadata: [MetricMetadata] = [
        .init(type: .counter, help: "Total number of HTTP requests", unit: "requests"),
        .init(type: .gauge, help: "Test with\nnewlines and \"quotes\" äöü", unit: "bytes/sec"),
        .init(type: .histogram, help: "Duration", unit: "seconds"), .init(type: .counter, help: "", unit: ""),
        .init(type: .unknown, help: "Unknown", unit: ""), .init(type: .info, help: "Build", unit: ""),
        .init(type: .stateset, help: "States", unit: ""), .init(type: .summary, help: "Latency", unit: "seconds"),
        .init(type: .gaugehistogram, help: "Temperatures", unit: "celsius"),
    ]

    @Test(arguments: metadata) func `metadata of every type is kept`(metadata: MetricMetadata) async throws {
        let receiver = Receiver()
        var request = RemoteWriteRequest()
        request.append(["__name__": "m", "job": "test"], timestamps: [Self.now], values: [1], metadata: metadata)
        let answer = await receiver.send(request)
        #expect(answer.status == 204 && answer.written == [1, 0, 0])
        #expect(try await receiver.store.metadata()["m"] == metadata)
    }

    // MARK: What is repeated

    @Test(arguments: [RemoteWriteRequest.Version.version1, .version2])
    func `series that are sent again are the same, also after they were forgotten`(
        version: RemoteWriteRequest.Version
    ) async throws {
        let receiver = Receiver()
        let names = ["a", "b", "c"]
        func send(_ offset: Timestamp, _ names: [String]) async -> Int {
            var request = RemoteWriteRequest()
            for name in names {
                request.append(
                    ["__name__": name, "job": "test"],
                    timestamps: [Self.now + offset, Self.now + offset + 1],
                    values: [Double(offset), 1],
                    metadata: version == .version2 ? .init(type: .gauge, help: name) : nil
                )
            }
            let type =
                version == .version1 ? Self.version1 : "application/x-protobuf;proto=io.prometheus.write.v2.Request"
            return await receiver.answer(Snappy.encode(request.encoded(as: version)), type: type).status
        }
        #expect(await send(0, names) == 204)
        #expect(await send(10, names.reversed()) == 204)
        let both: [Double] = [0, 1, 10, 1]
        #expect(try await receiver.stored().map(\.values) == [both, both, both])
        let matchers = ["a", "b"].map { [LabelMatcher("__name__", equals: $0)] }
        try await receiver.store.delete(matchers, in: .ever)
        try await receiver.store.cleanTombstones()
        for hours: Int64 in 1...2 { try await receiver.store.maintain(now: Self.now + hours * 3_600_000) }
        #expect(try await receiver.store.statistics(limit: 1).totalSeries == 1)
        #expect(await send(20, names + ["d"]) == 204)
        #expect(try await receiver.stored().map(\.values) == [[20, 1], [20, 1], both + [20, 1], [20, 1]])
    }
}
