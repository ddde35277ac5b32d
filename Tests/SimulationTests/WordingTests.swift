import ConfigTree
import Promenade
import Simulation
import Testing

/// What the log and reports say, in people's words and units.
@Suite(.timeLimit(.minutes(5))) struct WordingTests {
    @Test func `the log has people's units`() async throws {
        let text = """
            duration: 20m
            services:
              shop:
                metrics:
                  hits: {type: counter, rate: 1/s}
                  seconds: {type: histogram, median: 80ms, p99: 900ms}
                  queue: {type: gauge, value: 3}
            events:
              - {at: 1m, do: skew, service: shop, by: -90s, for: 1m}
              - {at: 3m, do: skew, service: shop, by: 250ms}
              - {at: 4m, do: set, service: shop, metric: seconds, median: 400ms, p99: 3s, for: 1m}
              - {at: 6m, do: set, service: shop, metric: hits, rate: 5/m}
              - {at: 6m, do: set, service: shop, metric: hits, rate: 2.5/s}
              - {at: 6m, do: set, service: shop, metric: hits, rate: 0}
              - {at: 7m, do: set, service: shop, metric: queue, value: 1.5}
              - {at: 8m, do: fault, service: shop, fault: {status: 503, times: 2}, for: 1m}
              - {at: 10m, do: fault, service: shop, fault: {flapping: {good: 3, bad: 1}}, for: 1m30s}
              - {at: 12m, do: fault, service: shop, fault: {refused: {times: 2}}, for: 1m}
            """
        let log = try await TestWorlds.run(text).lines(" event ")
        #expect(
            log.map { String($0.dropFirst(48)) } == [
                "skew shop by -1m30s for 1m", "skew shop by 0s", "skew shop by 250ms",
                "set shop seconds median 400ms p99 3s for 1m", "set shop seconds median as before",
                "set shop seconds p99 as before", "set shop hits rate 5/m", "set shop hits rate 2.5/s",
                "set shop hits rate 0/s", "set shop queue value 1.5", "fault shop-1 status 503, 2 times for 1m",
                "heal shop-1", "fault shop-1 flapping, good 3, bad 1 for 1m30s", "heal shop-1",
                "fault shop-1 refused, 2 times for 1m", "heal shop-1",
            ],
            "\(log.joined(separator: "\n"))"
        )
    }

    @Test func `an event that finds no instance says so`() async throws {
        let text = """
            duration: 5m
            services: {shop: {instances: 2}}
            events:
              - {at: 1m, do: scale, service: shop, instances: 1}
              - {at: 2m, do: kill, service: shop, instance: 2}
              - {at: 3m, do: start, service: shop, instance: any}
              - {at: 4m, do: restart, service: shop, instance: 2}
            """
        let log = try await TestWorlds.run(text).lines(" event ").dropFirst()
        let expected = [
            "kill no instance of shop is shop-2, as it has 1", "start no instance of shop is down",
            "restart no instance of shop is shop-2, as it has 1",
        ]
        #expect(log.map { String($0.dropFirst(48)) } == expected, "\(log.joined(separator: "\n"))")
    }

    @Test func `what should be absent is told with its values and their moments`() async throws {
        let text = """
            duration: 5m
            stack: {global: {scrape_interval: 15s}}
            services: {shop: {instances: 2, metrics: {queue: {type: gauge, value: 3}}}}
            events: [{at: 61s, do: kill, service: shop, instance: 2}]
            expect:
              - {at: 2m7s, that: 'absent(queue)'}
              - {at: 2m, that: 'absent_over_time(queue{instance="shop-2"}[2m]) == 1'}
              - {at: 2m, that: 'absent({job="shop", __name__=~"q.*"})'}
              - {at: 2m, that: 'absent(queue{instance="shop-2"})'}
            """
        let report = try await TestWorlds.run(text).report
        let reasons = report.states.map { $0.verdict?.reasons.filter { !$0.hasPrefix("scrape failed") } ?? [] }
        #expect(
            reasons[0] == [
                "last seen: no series", "queue is there:",
                "  queue{instance=\"shop-1\", job=\"shop\"} 3, last sample at +2m",
            ]
        )
        #expect(reasons[1].suffix(2).first == "queue{instance=\"shop-2\"} is there:", "\(reasons[1])")
        #expect(reasons[1].last == "  queue{instance=\"shop-2\", job=\"shop\"} 3, last sample at +1m", "\(reasons[1])")
        #expect(reasons[2].last == "  queue{instance=\"shop-1\", job=\"shop\"} 3, last sample at +2m", "\(reasons[2])")
        #expect(report.states[3].isMet)
    }

    @Test func `a world made smaller is told by what it was made smaller for, and what relied on the rest is marked`()
        async throws
    {
        let text = """
            duration: 10m
            services: {shop: {instances: 2, metrics: {a: {type: gauge, value: 1}}}}
            events:
              - {at: 2m, do: set, service: shop, metric: a, value: 2}
              - {at: 3m, do: kill, service: shop, instance: 1}
            expect:
              - {at: 5m, that: sum(a) == 2}
              - {at: 8m, that: min(a) == 3}
              - {at: 4m, that: count(up == 1) == 2}
              - {at: 1m, that: count(up) == 2}
            """
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        var options = World.Options(seed: 1)
        let whole = try await WorldThread.run { try await WorldStudy.report(scenario, World.Options(seed: 1)) }
        #expect(whole.states.map(\.isMet) == [true, false, false, true])
        // What failed first is what it is made smaller for.
        #expect(whole.firstFailed == 2)
        let kept = try await WorldStudy.shrink(scenario, whole, options: options).kept
        #expect(kept == [1])
        options.leftOut = [0]
        let settled = options
        let smaller = try await WorldThread.run { try await WorldStudy.report(scenario, settled) }
        let lines = smaller.text(smallerThan: whole).split(separator: "\n").filter { !$0.hasPrefix(" ") }
        #expect(
            lines == [
                "not met at 4m: count(up == 1) == 2", "not met at 8m: min(a) == 3",
                "only in the smaller world, where events are left out that they may rely on:",
                "not met at 5m: sum(a) == 2",
            ],
            "\(lines.joined(separator: "\n"))"
        )
    }
}
