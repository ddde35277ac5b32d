import MetricModel
import Testing

import Web

/// The demo server's visitors come as visitors do.
@Suite(.timeLimit(.minutes(5))) struct DemoTrafficTests {
    private func counts(rate: Double, seed: UInt64, seconds: Int64, each: Int64) -> [Int] {
        var arrivals = Arrivals(perSecond: rate, seed: seed)
        return stride(from: each, through: seconds, by: Int(each)).map { arrivals.take(until: $0 * 1_000_000_000) }
    }

    @Test(arguments: [(0.5, 1 as UInt64), (3, 2), (20, 7), (200, 99)])
    func `so many come on the average, and never the same number`(rate: Double, seed: UInt64) {
        let counts = counts(rate: rate, seed: seed, seconds: 30_000, each: 30)
        let mean = Double(counts.reduce(0, +)) / Double(counts.count)
        #expect(abs(mean / (30 * rate) - 1) < 0.05, "\(mean)")
        // The variance of what does not know of each other is the mean.
        let variance = counts.map { (Double($0) - mean) * (Double($0) - mean) }.reduce(0, +) / Double(counts.count)
        #expect(abs(variance / mean - 1) < 0.25, "\(variance) and \(mean)")
    }

    @Test func `the same seed gives the same visits, however often one looks`() {
        let fine = counts(rate: 3, seed: 5, seconds: 600, each: 1)
        let coarse = counts(rate: 3, seed: 5, seconds: 600, each: 30)
        #expect(coarse == stride(from: 0, to: 600, by: 30).map { fine[$0..<$0 + 30].reduce(0, +) })
        #expect(coarse != counts(rate: 3, seed: 6, seconds: 600, each: 30))
    }

    @Test func `what fails behind its own page's answer is told`() async throws {
        let server = try DemoServer(seed: 1, clock: ManualClock())
        let (failures, told) = AsyncStream.makeStream(of: APIFailure.self)
        let failure = APIFailure(.unavailable, "ask again")
        server.allow(
            DemoControl(
                isAllowed: true,
                status: { DemoControl.Status(mode: .serving, url: "http://demo") },
                apply: { _ in failure },
                failed: { told.yield($0) }
            )
        )
        let request = WebRequest(
            method: .post,
            target: "/api/v1/demo?do=restart",
            headers: WebHeaders([("Content-Type", "application/x-www-form-urlencoded")])
        )
        #expect(await server.makeRouter().respond(to: request).status == 200)
        #expect(await failures.first { _ in true } == failure)
    }

    @Test func `requests are made while the clock moves, and none without it`() async throws {
        let clock = ManualClock()
        let server = try DemoServer(seed: 1, clock: clock)
        let traffic = DemoTraffic(server: server, requestsPerSecond: 10, seed: 1, clock: clock)
        let task = Task { await traffic.run() }
        for _ in 0..<100 {
            while clock.sleeperCount == 0, !Task.isCancelled { await Task.yield() }
            clock.advance(milliseconds: 1000)
        }
        task.cancel()
        await task.value
        let answer = await server.makeRouter().respond(to: WebRequest(method: .get, target: "/metrics"))
        guard case .bytes(let bytes) = answer.body else {
            Issue.record("no text")
            return
        }
        let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
        let line = lines.first { $0.hasPrefix("request_count_total ") }
        let count = line.flatMap { Double($0.dropFirst("request_count_total ".count)) } ?? 0
        #expect(abs(count - 1000) < 150, "\(count)")
    }
}
