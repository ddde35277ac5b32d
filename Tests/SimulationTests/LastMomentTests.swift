import Promenade
import Simulation
import Testing

/// The last moment of a span, of which several things happen one after the other.
@Suite(.timeLimit(.minutes(5))) struct LastMomentTests {
    private static let start = """
        duration: 10m
        stack:
          global: {scrape_interval: 15s, evaluation_interval: 30s}
          rules: {groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 1m}]}]}
        services:
          api: {instances: 2, metrics: {users_total: {type: counter, rate: 10/s, grows: {label: user, rate: 1/m, max: 5}}}}
        batches: {b: {every: 1m, takes: 15s, metrics: {x: {type: gauge, value: 1}}}}
        events:
          - {at: 5m, do: kill, service: api, instance: 2}
          - {at: 8m, do: start, service: api, instance: 2}
        expect:

        """

    /// Expectations, and whether they are met.
    static let cases: [(line: String, isMet: Bool)] = [
        // By the rules, which come after the scrapes of that moment.
        ("{after: 5m, within: 1m, that: 'ALERTS{alertstate=\"firing\"}'}", true),
        ("{after: 5m, within: 59s, that: 'ALERTS{alertstate=\"firing\"}'}", false),
        ("{notified: Down, after: 5m, within: 1m}", true), ("{not_notified: Down, after: 5m, within: 1m}", false),
        ("{not_notified: Down, from: 5m, to: 6m}", true),
        // By the scrape of the second instance, which comes after that of the first.
        ("{after: 5m1s, within: 2m59s, that: 'sum(up{job=\"api\"}) == 2'}", true),
        ("{after: 5m1s, within: 2m58s, that: 'sum(up{job=\"api\"}) == 2'}", false),
        // By a scrape that comes after the push of that moment.
        ("{after: 1m, within: 15s, that: x}", true), ("{after: 1m, within: 14s, that: x}", false),
        // At the end of the scenario, which is in a span without an end.
        ("{from: 10m, never: 'up == 1'}", false), ("{from: 9m, to: 10m, never: 'vector(time() % 3600) >= 600'}", true),
    ]

    @Test func `what happens at it counts, in whatever order`() async throws {
        let report = try await TestWorlds.run(Self.start + Self.cases.map { "  - \($0.line)\n" }.joined()).report
        for (state, (line, isMet)) in zip(report.states, Self.cases) {
            #expect(state.isMet == isMet, "\(line): \(report.text)")
        }
    }

    @Test func `what is counted by a label's value that comes begins at 0`() async throws {
        let text =
            Self.start + """
                  - {at: 4m, that: 'users_total{user="user-5",instance="api-1"} == 0'}
                  - {at: 4m15s, that: 'users_total{user="user-5",instance="api-1"} == 150'}
                  - {at: 4m15s, that: 'users_total{user="user-1",instance="api-1"} == 2550'}
                  - {at: 9m, that: 'users_total{user="user-5",instance="api-2"} == 600'}

                """
        let report = try await TestWorlds.run(text).report
        #expect(report.isGood, "\(report.text)")
    }
}
