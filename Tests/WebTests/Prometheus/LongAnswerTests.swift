import ConfigTree
import Exposition
import MetricModel
import Synchronization
import TSDB
import Testing
import Web

/// Answers that are long because single samples are: native histograms.
@Suite(.timeLimit(.minutes(5))) struct LongAnswerTests {
    private static let start: Timestamp = 1_700_000_000_000

    /// A server with histograms of so many buckets each, every second, and a series of numbers between theirs.
    private static func server(buckets: Int, samples: Int) async throws -> PrometheusServer {
        let clock = ManualClock(now: start + Int64(samples) * 1000)
        let store = TimeSeriesDatabase.inMemory(clock: clock)
        var settings = PrometheusSettings()
        settings.isRemoteWriteEnabled = true
        let server = PrometheusServer.still(store, clock: clock, settings: settings)
        var histogram = NativeHistogram()
        histogram.schema = 8
        histogram.positiveSpans = [.init(offset: 0, length: UInt32(buckets))]
        histogram.positiveBuckets = Array(repeating: 1, count: buckets)
        histogram.count = Double(buckets)
        let times = (0..<samples).map { start + Int64($0) * 1000 }
        var request = RemoteWriteRequest()
        for name in ["a", "c"] {
            request.append(
                ["__name__": "h", "i": name],
                histograms: times.map { .init(timestamp: $0, histogram: histogram) }
            )
        }
        request.append(["__name__": "h", "i": "b"], timestamps: times, values: times.map { _ in 1 })
        let headers = WebHeaders([
            ("Content-Type", "application/x-protobuf;proto=io.prometheus.write.v2.Request"),
            ("Content-Encoding", "snappy"), ("X-Prometheus-Remote-Write-Version", "2.0.0"),
        ])
        let body = Snappy.encode(request.encoded(as: .version2))
        let write = WebRequest(method: .post, target: "/api/v1/write", headers: headers, body: body)
        let written = await server.makeRouter().respond(to: write)
        #expect(written.status == 204)
        return server
    }

    /// An answer, and the pieces that it comes in.
    private static func answer(_ server: PrometheusServer, _ path: String) async throws -> (ConfigNode, [Int]) {
        let found = await server.makeRouter().respond(to: WebRequest(method: .get, target: "/api/v1/" + path))
        let pieces = Mutex<[[UInt8]]>([])
        switch found.body {
        case .stream(let produce): try await produce(WebBodyWriter { bytes in pieces.withLock { $0.append(bytes) } })
        case .bytes, .buffer, .none: pieces.withLock { $0.append([]) }
        }
        let all = try await found.wholeBody()
        return (try JSONReader.parse(all, file: "answer"), pieces.withLock { $0.map(\.count) })
    }

    @Test(arguments: [1, 5000]) func `a series goes out in pieces where its histograms are many or long`(
        _ buckets: Int
    ) async throws {
        let samples = 60
        let server = try await Self.server(buckets: buckets, samples: samples)
        let query = "query_range?query=h&start=1700000000&end=1700000059&step=1"
        let (answer, pieces) = try await Self.answer(server, query)
        let result = answer["data"]?["result"]?.items ?? []
        #expect(result.map { $0["metric"]?["i"]?.text } == ["a", "b", "c"])
        for series in result {
            let isNumbers = series["metric"]?["i"]?.text == "b"
            let found = series[isNumbers ? "values" : "histograms"]?.items ?? []
            #expect(found.compactMap { $0.items?.first?.text } == (0..<samples).map { "\(1_700_000_000 + $0)" })
            if isNumbers { continue }
            #expect(found.allSatisfy { ($0.items ?? []).last?["buckets"]?.items?.count == buckets })
        }
        // A histogram of 5,000 buckets is some 300 KB; those of one bucket are no long answer.
        if buckets > 1 { #expect(pieces.count > samples && pieces.max() ?? 0 < 1 << 20) }
    }

    @Test func `a series of many numbers goes out in pieces, too`() async throws {
        let clock = ManualClock(now: Self.start)
        let store = TimeSeriesDatabase.inMemory(clock: clock)
        let references = try await store.resolve([["__name__": "m", "i": "a"], ["__name__": "m", "i": "b"]])
        let count = 10_500
        for index in 0..<count {
            var batch = SampleBatch(timestamp: Self.start - Int64(count - index) * 100)
            batch.series = references
            batch.values = [Double(index), 0.5]
            _ = try await store.append(batch)
        }
        let server = PrometheusServer.still(store, clock: clock, settings: PrometheusSettings())
        let (answer, pieces) = try await Self.answer(server, "query?query=m[2h]&time=1700000000")
        let result = answer["data"]?["result"]?.items ?? []
        #expect(result.map { $0["metric"]?["i"]?.text } == ["a", "b"])
        let values = result.map { $0["values"]?.items?.compactMap { $0.items?.last?.text } }
        #expect(values == [(0..<count).map { "\($0)" }, Array(repeating: "0.5", count: count)])
        #expect(pieces.count > 4 && pieces.max() ?? 0 < 1 << 18)
    }

    @Test func `few histograms that are long are a long answer`() async throws {
        let server = try await Self.server(buckets: 20_000, samples: 1)
        let (answer, pieces) = try await Self.answer(server, "query?query=h&time=1700000000")
        let result = answer["data"]?["result"]?.items ?? []
        #expect(result.compactMap { $0["histogram"]?.items?.last?["buckets"]?.items?.count } == [20_000, 20_000])
        #expect(pieces.count > 1)
    }
}
