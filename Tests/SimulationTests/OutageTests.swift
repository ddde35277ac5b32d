import Foundation
import Promenade
import Simulation
import Testing

/// Kills of parts of the stack, outages of a remote storage, and real sockets.
@Suite(.timeLimit(.minutes(5))) struct OutageTests {
    private static let shop = """
        seed: 5
        duration: 20m
        services: {shop: {instances: 2, metrics: {orders_total: {type: counter, rate: 3/s}}}}
        """

    private static let remote = """
        stack:
          global: {scrape_interval: 10s, evaluation_interval: 10s, external_labels: {site: here}}
          remote_write: [{url: "http://far:9090/api/v1/write", name: far}]
          scrape_configs: [{job_name: own, static_configs: [{targets: ["localhost:9090"]}]}]
        """

    @Test func `what is stored while a remote storage is away gets there afterwards, and figures tell how much waits`()
        async throws
    {
        let text = """
            \(Self.shop)
            \(Self.remote)
            events:
              - {at: 5m, do: remote_write_outage, for: 5m}
              - {at: 15m, do: remote_write_outage, fault: {status: 503}, for: 1m}
            expect:
              - {at: 4m, remote: true, that: 'count(orders_total{site="here"}) == 2'}
              - {at: 4m, that: 'absent(orders_total{site="here"})'}
              - {at: 9m45s, remote: true, that: 'max(time() - timestamp(orders_total)) > 280'}
              - {at: 9m55s, that: 'prometheus_remote_storage_samples_pending > 300'}
              - {at: 10m10s, remote: true, that: 'min(count_over_time(orders_total[5m])) >= 29'}
              - {at: 10m30s, that: 'prometheus_remote_storage_samples_pending < 100'}
              - {at: 20m, remote: true, that: 'min(count_over_time(orders_total[19m])) >= 113'}
              - {at: 20m, remote: true, that: 'orders_total offset 5m == 0'}
            """
        let outcome = try await TestWorlds.run(text)
        let verdicts = outcome.report.states.map { $0.verdict?.isMet == true ? "+" : "-" }.joined()
        #expect(verdicts == "+++++++-", "\(outcome.report.text)\n\(outcome.log.joined(separator: "\n"))")
        let refused = "Post \"http://far:9090/api/v1/write\": dial tcp far:9090: connect: connection refused"
        #expect(outcome.lines("fails: \(refused)").count == 1)
        #expect(outcome.lines("fails: server returned HTTP status 503").count == 1)
        #expect(outcome.lines("is taken again").count == 2)
        #expect(outcome.report.text.contains("not met at 20m: remote orders_total offset 5m == 0"))
    }

    @Test func `sending goes on after a restart and after a kill where it was left off, in memory and in a file`()
        async throws
    {
        let text = """
            \(Self.shop)
            \(Self.remote)
            events:
              - {at: 4m, do: remote_write_outage, for: 6m}
              - {at: 6m, do: restart, part: prometheus}
              - {at: 8m, do: kill, part: prometheus, for: 5s}
            expect: [{at: 20m, remote: true, that: 'min(count_over_time(orders_total[19m])) >= 112'}]
            """
        try await TestFolder.with { folder in
            let memory = try await TestWorlds.run(text)
            let file = try await TestWorlds.run(text, keeping: .folder(folder))
            #expect(memory.report.isGood, "\(memory.report.text)\n\(memory.log.joined(separator: "\n"))")
            #expect(memory.log == file.log)
            #expect(memory.dump == file.dump)
        }
    }

    @Test func `a server that is killed has all that it acknowledged, and its alerts wait as long as they had waited`()
        async throws
    {
        let text = """
            seed: 5
            duration: 20m
            stack:
              global: {scrape_interval: 10s, evaluation_interval: 10s}
              rules: {groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 15m}]}]}
            services: {shop: {instances: 2, metrics: {orders_total: {type: counter, rate: 3/s}}}}
            events:
              - {at: 2m, do: kill, service: shop, instance: 1}
              - {at: 3m, do: push, job: backup, body: rows 42}
              - {at: 6m, do: kill, part: prometheus}
              - {at: 7m, do: start, part: prometheus}
              - {at: 8m, do: kill, part: pushgateway, for: 1m}
            expect:
              - {at: 6m30s, that: 'orders_total{instance="shop-2"}'}
              - {at: 8m30s, that: 'up{job="pushgateway"} == 0'}
              - {at: 10m, that: 'rows == 42'}
              - {never: 'rate(orders_total[1m]) < 0'}
              - {notified: Down, after: 17m, within: 2m}
              - {at: 20m, that: 'count_over_time(orders_total{instance="shop-2"}[19m]) == 108'}
            """
        try await TestFolder.with { folder in
            let memory = try await TestWorlds.run(text)
            let file = try await TestWorlds.run(text, keeping: .folder(folder))
            #expect(memory.report.isGood, "\(memory.report.text)\n\(memory.log.joined(separator: "\n"))")
            #expect(file.report.text == memory.report.text)
            #expect(memory.log == file.log)
            #expect(memory.dump == file.dump)
        }
    }

    @Test func `a world over real sockets is the same to the byte`() async throws {
        let text = """
            \(Self.shop)
            stack: {global: {scrape_interval: 10s, evaluation_interval: 10s}}
            batches: {backup: {every: 2m, takes: 5s, fails: 20%, metrics: {backup_rows: {type: gauge, value: took}}}}
            events:
              - {at: 5m, do: kill, service: shop, instance: 1, for: 1m}
              - {at: 7m, do: fault, service: shop, instance: 2, fault: {latency: 30s}, for: 1m}
              - {at: 9m, do: push, job: bad, body: "rows one", refused: true}
              - {at: 11m, do: restart, part: pushgateway, down: 30s}
              - {at: 13m, do: delete_group, job: backup}
            """
        let without = try await TestWorlds.run(text)
        let with = try await TestWorlds.run("sockets: true\n" + text)
        #expect(with.log == without.log)
        // How long requests are, with all their headers, is the client's affair.
        func samples(_ outcome: TestWorlds.Outcome) -> [Substring] {
            String(decoding: outcome.dump, as: UTF8.self).split(separator: "\n")
                .filter { !$0.contains("pushgateway_http_push_size_bytes") }
        }
        #expect(samples(with) == samples(without))
        #expect(samples(with).count > 1000)
    }

    @Test func `over real sockets a program that is no part of the world is scraped, without them it is not there`()
        async throws
    {
        let exporter = try await OneAnswerServer.start("# TYPE real_total counter\nreal_total 7\n")
        let text = """
            duration: 1m
            stack:
              global: {scrape_interval: 10s}
              scrape_configs: [{job_name: real, static_configs: [{targets: ["127.0.0.1:\(exporter.port)"]}]}]
            expect: [{at: 50s, that: 'real_total{job="real"} == 7'}]
            """
        let with = try await TestWorlds.verdicts("sockets: true\n" + text)
        let without = try await TestWorlds.verdicts(text)
        await exporter.stop()
        #expect(with == "+")
        #expect(without == "-")
    }
}
