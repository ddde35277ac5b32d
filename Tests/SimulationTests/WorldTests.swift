import Promenade
import Simulation
import Testing

@Suite(.timeLimit(.minutes(5))) struct WorldTests {
    static let tour = """
        name: tour
        seed: 7
        start: 2026-01-05T09:00:00Z
        duration: 30m
        stack:
          global: {scrape_interval: 15s, evaluation_interval: 15s}
          scrape_configs:
            - job_name: shop
              static_configs: [{targets: [shop-1, shop-2, shop-3]}]
            - job_name: pushgateway
              honor_labels: true
              static_configs: [{targets: [localhost:9091]}]
          rules:
            groups:
              - name: shop
                rules:
                  - {alert: InstanceDown, expr: up == 0, for: 1m}
        services:
          shop:
            instances: 3
            metrics:
              http_requests_total: {type: counter, rate: 20/s, daily: 60%, noise: 10%, labels: {code: {"200": 95%, "500": 5%}}}
              queue_length: {type: gauge, walk: 2, start: 10, min: 0}
              http_request_duration_seconds: {type: histogram, median: 80ms, p99: 900ms}
        batches:
          db_backup:
            every: 10m
            takes: 4s
            fails: 5%
            deliver: push
            grouping: {db: customers}
            metrics:
              db_backup_duration_seconds: {type: gauge, value: took}
              db_backup_last_success_timestamp_seconds: {type: gauge, value: now_on_success}
        events:
          - {at: 5m,  do: kill, service: shop, instance: 1}
          - {at: 9m,  do: start, service: shop, instance: 1}
          - {at: 12m, do: fault, service: shop, instance: 2, fault: {latency: 3s}, for: 2m}
          - {at: 15m, do: restart, part: pushgateway}
          - {at: 20m, do: delete_group, job: db_backup}
        expect:
          - {at: 5m16s, that: 'up{instance="shop-1"} == 0'}
          - {from: 5m30s, to: 9m, always: 'absent(queue_length{instance="shop-1"})'}
          - {after: 5m, within: 2m, that: 'ALERTS{alertname="InstanceDown",alertstate="firing"}'}
          - {never: 'rate(http_requests_total[1m]) < 0'}
          - {notified: InstanceDown, after: 5m, within: 3m}
        """

    @Test func `the tour holds what it expects`() async throws {
        let outcome = try await TestWorlds.run(Self.tour)
        #expect(outcome.report.isGood, "\(outcome.report.text)")
        #expect(outcome.report.scrapes == 484)
    }

    @Test func `targets that a reload takes away are gone one after the other, as they stood in the configuration`()
        async throws
    {
        let text = """
            duration: 8m
            stack: {scrape_configs: [{job_name: r, static_configs: [{targets: [r]}]}]}
            services: {r: {instances: 9, metrics: {v: {type: gauge, value: 1}}}}
            events:
              - at: 3m30s
                do: reload
                stack: {scrape_configs: [{job_name: r, static_configs: [{targets: [r-1]}]}]}
            expect: [\((2...9).map { "{after: 3m30s, within: 4m, that: 'absent(v{instance=\"r-\($0)\"})'}" }.joined(separator: ", "))]
            """
        let outcome = try await TestWorlds.run(text)
        #expect(outcome.report.isGood, "\(outcome.report.text)")
        // After each of them the world is looked at once.
        let looks = outcome.report.states.map(\.looks)
        #expect(looks == (0..<8).map { looks[0] + $0 })
    }

    @Test func `fifty seeds give the same bytes however many worlds run side by side, in memory or in a file`()
        async throws
    {
        let alone = try await Self.all(width: 1)
        let sideBySide = try await Self.all(width: 2, inFiles: true)
        #expect(Set(alone.map(\.dump)).count == alone.count)
        for (one, other) in zip(alone, sideBySide) {
            #expect(one.log == other.log)
            #expect(one.dump == other.dump)
            #expect(one.report.text == other.report.text)
            #expect(one.report.json == other.report.json)
        }
    }

    private static func all(width: Int, inFiles: Bool = false) async throws -> [TestWorlds.Outcome] {
        try await withThrowingTaskGroup(of: (UInt64, TestWorlds.Outcome).self) { group in
            var found: [UInt64: TestWorlds.Outcome] = [:]
            for seed in UInt64(1)...50 {
                if seed > width, let (seed, outcome) = try await group.next() { found[seed] = outcome }
                #if DEBUG
                    // Not optimized, all of them would take minutes to the end; a few are enough to meet all that happens then.
                    let until = seed <= 4 ? Int64.max : 600_000_000_000
                #else
                    let until = Int64.max
                #endif
                group.addTask {
                    if !inFiles { return (seed, try await TestWorlds.run(tour, seed: seed, until: until)) }
                    return try await TestFolder.with { folder in
                        (seed, try await TestWorlds.run(tour, seed: seed, keeping: .folder(folder), until: until))
                    }
                }
            }
            while let (seed, outcome) = try await group.next() { found[seed] = outcome }
            return (UInt64(1)...50).compactMap { found[$0] }
        }
    }
}
