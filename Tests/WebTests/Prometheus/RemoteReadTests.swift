import Exposition
import MetricModel
import PromQL
import TSDB
import Testing
import Web

/// What a reader elsewhere may ask for at once.
@Suite(.timeLimit(.minutes(5))) struct RemoteReadTests {
    private static let now: Timestamp = 1_700_000_000_000

    private static func server(memory: Int, timeout: Int64 = 60_000) async throws -> PrometheusServer {
        let clock = ManualClock(now: now)
        let store = TimeSeriesDatabase.inMemory(clock: clock)
        let references = try await store.resolve((0..<10).map { ["__name__": "m", "a": "\($0)"] })
        for step in 0..<100 {
            var batch = SampleBatch(timestamp: now - 100_000 + Int64(step) * 1000)
            batch.series = references
            batch.values = references.map { _ in Double(step) }
            _ = try await store.append(batch)
        }
        let environment = PrometheusEnvironment.still(configuration: "")
        var options = PromQLEngine.Options()
        options.maximumBytes = memory
        options.maximumBytesInAll = memory
        options.timeout = timeout
        return PrometheusServer.still(store, clock: clock, options: options, environment: environment)
    }

    private static func ask(
        _ server: PrometheusServer,
        _ queries: Int,
        matchers: Int = 1,
        accepted: [UInt64] = []
    ) async throws -> (Int, [UInt8]) {
        var message = RemoteReadRequest()
        let matcher = RemoteReadRequest.Matcher(type: 0, name: "__name__", value: "m")
        let matchers = [RemoteReadRequest.Matcher](repeating: matcher, count: matchers)
        message.queries = .init(repeating: .init(start: 0, end: now, matchers: matchers), count: queries)
        message.accepted = accepted
        let request = WebRequest(method: .post, target: "/api/v1/read", body: Snappy.encode(message.encoded()))
        let response = await server.makeRouter().respond(to: request)
        return (response.status, try await response.wholeBody())
    }

    @Test func `an answer holds no more than a query may, and gives all of it back`() async throws {
        let server = try await Self.server(memory: 1 << 20)
        for _ in 0..<3 {
            for (queries, status) in [(1, 200), (30, 200), (100, 400), (1000, 400)] {
                let (found, body) = try await Self.ask(server, queries)
                #expect(found == status)
                if found == 200 {
                    let results = try RemoteReadResponse.decode(Snappy.decode(body))
                    #expect(results.count == queries)
                    #expect(results.allSatisfy { $0.series.count == 10 && $0.values.count == 1000 })
                } else {
                    let text = "query processing would hold more than 1MiB in memory in query execution\n"
                    #expect(String(decoding: body, as: UTF8.self) == text)
                }
            }
        }
    }

    @Test func `what cannot be held is not even read`() async throws {
        let (status, body) = try await Self.ask(Self.server(memory: 1 << 10), 1)
        #expect(status == 400)
        #expect(String(decoding: body, as: UTF8.self).hasPrefix("query processing would hold more than 1KiB"))
    }

    @Test func `a long answer comes whole`() async throws {
        let (status, body) = try await Self.ask(Self.server(memory: 1 << 30), 1000)
        #expect(status == 200)
        #expect(body.count > 1 << 20)
        #expect(try RemoteReadResponse.decode(Snappy.decode(body)).count == 1000)
    }

    @Test func `it takes no longer than a query may`() async throws {
        let (status, body) = try await Self.ask(Self.server(memory: 1 << 30, timeout: -1), 1)
        #expect(status == 503)
        #expect(String(decoding: body, as: UTF8.self) == "remote read timed out\n")
    }

    @Test(arguments: [
        (1001, 1, 0, "more than 1000 queries in a request\n"), (1, 1001, 0, "more than 1000 matchers in a query\n"),
        (1, 1, 101, "more than 100 response types in a request\n"),
    ])
    func `requests have a size`(queries: Int, matchers: Int, accepted: Int, message: String) async throws {
        let (status, body) = try await Self.ask(
            Self.server(memory: 1 << 30),
            queries,
            matchers: matchers,
            accepted: [UInt64](repeating: 0, count: accepted)
        )
        #expect(status == 400)
        #expect(String(decoding: body, as: UTF8.self) == message)
    }
}
