import Promenade
import Testing

/// Random worlds, checked against what has to be true of every world.
@Suite(.timeLimit(.minutes(5))) struct SelfTestTests {
    @Test func `what is pushed after the server lost its data is there when the Pushgateway comes back, in memory too`()
        async throws
    {
        let outcome = try await TestWorlds.verdicts(
            """
            duration: 5m
            stack: {global: {scrape_interval: 10s}, scrape_configs: [{job_name: gateway, honor_labels: true, static_configs: [{targets: ['localhost:9091']}]}]}
            events:
              - {at: 1m, do: restart, part: prometheus, keep_data: false}
              - {at: 2m, do: push, job: late, body: "rows 42"}
              - {at: 3m, do: restart, part: pushgateway}
            expect:
              - {at: 4m, that: 'rows == 42'}
            """
        )
        #expect(outcome == "+")
    }

    @Test func `a counter that falls is told, unless its process began anew then`() {
        let series = CounterFalls([10_000, 20_000, 30_000, 40_000, 50_000], [1, 5, 2, 3, 0])
        let (first, second) = (
            CounterFalls.Fall(from: 20_000, to: 30_000), CounterFalls.Fall(from: 40_000, to: 50_000)
        )
        #expect(series.falls == [first, second])
        #expect(series.unexplained(by: [25_000...25_000, 41_000...90_000]) == nil)
        #expect(series.unexplained(by: [25_000...25_000]) == second)
        #expect(series.unexplained(by: [10_000...19_999, 48_000...48_000]) == first)
    }

    @Test func `random worlds lose nothing and answer as they have to`() async throws {
        #if DEBUG
            let count: UInt64 = 100
        #else
            let count: UInt64 = 2000
        #endif
        let outcome = try await SelfTest.run(1...count, jobs: 2)
        #expect(outcome.failures.isEmpty, "\(outcome.text)")
        #expect(outcome.worlds == count && outcome.samples > 100 * outcome.worlds)
        // The mishaps did happen.
        #expect(outcome.reopenings > outcome.worlds / 2 && outcome.refusals > outcome.worlds / 20)
    }
}
