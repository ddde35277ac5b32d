import AsyncHTTPClient
import MetricModel
import NIOCore
import NIOHTTP1
import PromQL
import Promenade
import PromenadeTesting
import Testing

/// Scrapes, pushes and health do not wait for queries.
@Suite(.serialized, .timeLimit(.minutes(5))) struct HeavyQueryTests {
    private static let config = """
        global:
          scrape_interval: 1s
          scrape_timeout: 1s
        scrape_configs:
          - job_name: gateway
            static_configs:
              - targets: [localhost:9091]
        """

    /// 1,000 series with a sample each second of the last minute.
    private static func fill(_ stack: TestStack) async throws {
        let store = stack.stack.store
        let labels = (0..<1000).map { Labels([Label(name: "__name__", value: "m"), Label(name: "i", value: "\($0)")]) }
        let series = try await store.resolve(labels)
        for second in 0..<60 {
            var batch = SampleBatch(timestamp: stack.now - 60_000 + Int64(second) * 1000)
            batch.series = series
            batch.values = series.indices.map { Double($0 + second) / 3 }
            _ = try await store.append(batch)
        }
    }

    private static func heavy(_ stack: TestStack, seconds: Int) async throws -> HTTPResponseStatus {
        let now = stack.now / 1000
        let url =
            stack.url
            + "/api/v1/query_range?query=sum_over_time((m%20@%20end())%5B1h:1s%5D)&start=\(now - 3600)&end=\(now)&step=1"
            + "&timeout=\(seconds)s"
        let response = try await HTTPClient.shared.execute(HTTPClientRequest(url: url), timeout: .seconds(60))
        return response.status
    }

    private static func post(_ url: String) async throws -> HTTPResponseStatus {
        var request = HTTPClientRequest(url: url)
        request.method = .POST
        request.body = .bytes(ByteBuffer(string: "pushed 1\n"))
        return try await HTTPClient.shared.execute(request, timeout: .seconds(60)).status
    }

    private static func isHealthy(_ stack: TestStack) async throws -> Bool {
        let request = HTTPClientRequest(url: stack.url + "/-/healthy")
        return try await HTTPClient.shared.execute(request, timeout: .seconds(60)).status == .ok
    }

    private static func running(_ stack: TestStack, _ count: Int) async throws -> [Task<HTTPResponseStatus, any Error>]
    {
        let queries = (0..<count).map { _ in Task { try await heavy(stack, seconds: 100) } }
        let gate = stack.stack.engine.activeQueries
        while gate.runningCount < count { try await stack.stack.clock.sleep(milliseconds: 10) }
        return queries
    }

    @Test("Pushes, health and scrapes each second go on while heavy queries run", .timeLimit(.minutes(2)))
    func besides() async throws {
        try await withStack(config: Self.config, clock: SystemClock()) { stack in
            try await Self.fill(stack)
            let queries = try await Self.running(stack, 2)
            let began = stack.now
            var times: [Timestamp] = []
            var pushes = 0
            while times.count < 4 || pushes < 20 {
                #expect(try await Self.post(stack.pushgatewayURL + "/metrics/job/batch") == .ok)
                #expect(try await Self.isHealthy(stack))
                pushes += 1
                let query = try await stack.query("up{job=\"gateway\"}[1m]")
                guard case .matrix(let rows) = query.value else { return }
                times = rows.timestamps.filter { $0 >= began }
                try await stack.stack.clock.sleep(milliseconds: 20)
            }
            #expect(stack.stack.engine.activeQueries.runningCount == 2)
            for query in queries { query.cancel() }
            for query in queries { _ = await query.result }
        }
    }

    @Test("Heavy queries end with the client that has gone, and with the process", .timeLimit(.minutes(2)))
    func ending() async throws {
        try await withStack(config: "scrape_configs: []", clock: SystemClock()) { stack in
            try await Self.fill(stack)
            let gate = stack.stack.engine.activeQueries
            for query in try await Self.running(stack, 2) { query.cancel() }
            while gate.runningCount > 0 { try await stack.stack.clock.sleep(milliseconds: 10) }
            let queries = try await Self.running(stack, 3)
            stack.stack.end()
            for query in queries { _ = await query.result }
            while gate.runningCount > 0 { try await stack.stack.clock.sleep(milliseconds: 10) }
        }
    }
}
