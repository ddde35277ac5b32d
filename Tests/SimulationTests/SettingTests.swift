import Promenade
import Simulation
import Testing

/// What is set for a while, and what a scenario becomes that is made shorter.
@Suite(.timeLimit(.minutes(5))) struct SettingTests {
    private static let start = """
        seed: 5
        duration: 30m
        stack: {global: {scrape_interval: 10s, evaluation_interval: 10s}}
        services:
          app:
            metrics:
              v: {type: gauge, value: 1, step: [{at: 5m, to: 3}, {at: 20m, to: 9}]}
              leaks: {type: gauge, value: 100, leak: 60/m}
              c_total: {type: counter, rate: 10/s, step: {at: 5m, to: 20/s}}
              h: {type: histogram, rate: 100/s, median: 80ms, p99: 900ms, buckets: [0.05, 0.1, 0.5, 1, 5]}
              s: {type: summary, rate: 10/s, median: 100ms, p99: 1s, quantiles: [0.5, 0.99]}

        """

    static let worlds: [(name: String, text: String, verdicts: String)] = [
        (
            "what is set for a while is then as it was, with the steps that came meanwhile",
            """
            events:
              - {at: 10m, do: set, service: app, metric: v, value: 7, for: 5m}
              - {at: 18m, do: set, service: app, metric: v, value: 5, for: 4m}
              - {at: 4m, do: set, service: app, metric: c_total, rate: 1/s, for: 10m}
              - {at: 10m, do: set, service: app, metric: h, median: 2s, p99: 4s, for: 5m}
            expect:
              - {from: 10m, to: 15m, always: v == 7}
              - {from: 15m, to: 18m, always: v == 3}
              - {at: 19m, that: v == 5}
              - {at: 21m, that: v == 9}
              - {at: 23m, that: v == 9}
              - {at: 4m50s, that: 'abs(rate(c_total[40s]) - 1) < 0.1'}
              - {at: 13m, that: 'abs(rate(c_total[2m]) - 20) < 0.1'}
              - {at: 17m, that: 'abs(rate(c_total[2m]) - 20) < 0.1'}
              - {at: 9m, that: 'histogram_quantile(0.5, rate(h_bucket[2m])) < 0.1'}
              - {at: 14m, that: 'histogram_quantile(0.5, rate(h_bucket[2m])) > 1'}
              - {at: 18m, that: 'histogram_quantile(0.5, rate(h_bucket[2m])) < 0.1'}
              - {never: 'rate(c_total[1m]) < 0 or rate(h_bucket[1m]) < 0'}
            """, "++++++++++++"
        ),
        (
            "of several that overlap the last one is seen, and what is set for good ends them",
            """
            events:
              - {at: 6m, do: set, service: app, metric: v, value: 7, for: 10m}
              - {at: 8m, do: set, service: app, metric: v, value: 8, for: 4m}
              - {at: 6m, do: set, service: app, metric: leaks, value: 0, for: 4m}
              - {at: 7m, do: set, service: app, metric: leaks, value: 5}
              - {at: 17m, do: set, service: app, metric: c_total, rate: 2/s, for: 10m}
              - {at: 18m, do: set, service: app, metric: c_total, rate: 4/s}
            expect:
              - {from: 6m, to: 8m, always: v == 7}
              - {from: 8m, to: 12m, always: v == 8}
              - {from: 12m, to: 16m, always: v == 7}
              - {from: 16m, to: 20m, always: v == 3}
              - {at: 7m, that: leaks == 5}
              - {at: 12m, that: abs(leaks - 305) < 10}
              - {at: 29m, that: 'abs(rate(c_total[1m]) - 4) < 0.1'}
            """, "+++++++"
        ),
        (
            "instances that come meanwhile have it, too, and gauges go on from where they were",
            """
            events:
              - {at: 6m, do: set, service: app, metric: v, value: 7, for: 10m}
              - {at: 6m, do: set, service: app, metric: leaks, value: 0, for: 4m}
              - {at: 8m, do: scale, service: app, instances: 3}
              - {at: 8m, do: restart, service: app, instance: 1}
            expect:
              - {from: 8m10s, to: 16m, always: count(v == 7) == 3}
              - {from: 16m10s, to: 20m, always: count(v == 3) == 3}
              - {at: 9m50s, that: 'max(leaks) < 130'}
              - {at: 11m, that: 'abs(leaks{instance="app-1"} - 160) < 10'}
            """, "++++"
        ),
        (
            "a percentile that is set for good is what was written, during what is set for a while and after it",
            """
            events:
              - {at: 5m, do: set, service: app, metric: s, median: 1s, p99: 5s, for: 10m}
              - {at: 7m, do: set, service: app, metric: s, p99: 2s}
              - {at: 9m, do: scale, service: app, instances: 2}
              - {at: 20m, do: set, service: app, metric: s, median: 200ms, for: 2m}
            expect:
              - {at: 6m, that: 'abs(s{quantile="0.5"} - 1) < 1e-4 and ignoring(quantile) abs(s{quantile="0.99"} - 5) < 1e-4'}
              - {at: 8m, that: 'abs(s{quantile="0.5"} - 1) < 1e-4 and ignoring(quantile) abs(s{quantile="0.99"} - 2) < 1e-4'}
              - {at: 10m, that: 'count(abs(s{quantile="0.99"} - 2) < 1e-4) == 2 and count(abs(s{quantile="0.5"} - 1) < 1e-4) == 2'}
              - {at: 16m, that: 'count(abs(s{quantile="0.99"} - 2) < 1e-4) == 2 and count(abs(s{quantile="0.5"} - 0.1) < 1e-4) == 2'}
              - {at: 21m, that: 'count(abs(s{quantile="0.99"} - 4) < 1e-4) == 2 and count(abs(s{quantile="0.5"} - 0.2) < 1e-4) == 2'}
              - {at: 23m, that: 'count(abs(s{quantile="0.99"} - 2) < 1e-4) == 2 and count(abs(s{quantile="0.5"} - 0.1) < 1e-4) == 2'}
            """, "++++++"
        ),
    ]

    @Test(arguments: worlds.indices) func `what is set for a while ends`(_ index: Int) async throws {
        let world = Self.worlds[index]
        let outcome = try await TestWorlds.run(Self.start + world.text)
        let verdicts = outcome.report.states.map { $0.verdict?.isMet == true ? "+" : "-" }.joined()
        #expect(
            verdicts == world.verdicts,
            "\(world.name)\n\(outcome.report.text)\n\(outcome.log.joined(separator: "\n"))"
        )
    }

    @Test func `the log tells of its beginning and its end`() async throws {
        let text = Self.start + "events: [{at: 6m, do: set, service: app, metric: v, value: 7, for: 10m}]\n"
        let lines = try await TestWorlds.run(text).lines(" event ").map { $0.split(separator: " ").dropFirst(2) }
        #expect(
            lines.map { $0.joined(separator: " ") } == [
                "event set app v value 7 for 10m", "event set app v value as before",
            ]
        )
    }

    /// A scenario in which everything comes late.
    private static let late = """
        duration: 1h
        stack:
          global: {scrape_interval: 10s, evaluation_interval: 10s}
          rules: {groups: [{name: g, rules: [{alert: Down, expr: up == 0}]}]}
        services: {shop: {metrics: {n: {type: gauge, value: 1, step: {at: 50m, to: 2}}}}}
        batches:
          b: {every: 40m, first: 30m, metrics: {took: {type: gauge, value: took}}}
          c: {cron: "45 9 * * *", metrics: {other: {type: gauge, value: took}}}
        events: [{at: 40m, do: kill, service: shop}]
        expect:
          - {at: 5m, that: n == 1}
          - {at: 45m, that: up == 0}
          - {never: n == 2}
          - {from: 20m, never: n == 2}
          - {from: 20m, to: 30m, always: n == 1}
          - {after: 40m, within: 5m, that: up == 0}
          - {notified: Down, after: 40m, within: 1m}
          - {not_notified: Down, after: 20m, within: 1m}

        """

    @Test func `what a scenario that is made shorter does not reach is no mistake, and open`() async throws {
        let whole = try await TestWorlds.run(Self.late).report
        #expect(whole.states.map { $0.verdict?.isMet == true ? "+" : "-" }.joined() == "++++++++", "\(whole.text)")
        let scenario = try ScenarioFile.read(
            text: Array(Self.late.utf8),
            file: "test.yml",
            settings: ["duration=10m"]
        )
        let study = try await WorldStudy.run(scenario, seeds: 1...1, jobs: 1, options: World.Options(seed: 1))
        let words = study.reports[0].states.map { $0.isMet ? "+" : $0.isOpen ? "o" : "-" }.joined()
        #expect(words == "+o+ooooo", "\(study.reports[0].text)")
        // What is not reached is told as it is written.
        #expect(
            study.reports[0].states.map(\.spec.title) == [
                "at 5m: n == 1", "at 45m: up == 0", "never from 0s to 10m: n == 2", "never from 20m to the end: n == 2",
                "always from 20m to 30m: n == 1", "from 40m to 45m: up == 0", "notified from 40m to 41m: Down",
                "not notified from 20m to 21m: Down",
            ]
        )
        #expect(throws: (any Error).self) {
            _ = try ScenarioFile.read(
                text: Array(Self.late.utf8),
                file: "test.yml",
                settings: ["events.0.at=2h"]
            )
        }
    }
}
