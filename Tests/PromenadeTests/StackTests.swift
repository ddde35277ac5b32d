import MetricModel
import PromQL
import Promenade
import PromenadeTesting
import PrometheusClient
import PrometheusClientPush
import Testing
import Web

@Suite(.timeLimit(.minutes(5))) struct StackTests {
    @Test func `the three servers are scraped`() async throws {
        try await withStack { stack in
            await stack.scrape()
            for job in ["prometheus", "pushgateway", "demo"] {
                let up = try await stack.value("up{job=\"\(job)\"}")
                #expect(up == 1, "\(job)")
            }
            let requests = try await stack.value("request_count_total")
            #expect(requests == 0)
        }
    }

    @Test func `the server tells about its scraper and its engine`() async throws {
        try await withStack { stack in
            let range = try await stack.stack.engine.range(
                query: "up",
                from: 0,
                to: 1000,
                step: 1000,
                reader: stack.stack.store
            )
            #expect(range.annotations.isEmpty)
            await stack.scrape(job: "prometheus")
            for (query, expected) in [
                ("prometheus_target_scrape_pools_total", 3),
                ("sum(prometheus_sd_discovered_targets{name=\"scrape\"})", 3),
                ("prometheus_target_scrape_pool_targets{scrape_job=\"demo\"}", 1),
                ("count(prometheus_engine_query_duration_seconds)", 12),
                ("prometheus_engine_queries_concurrent_max", 20),
                ("prometheus_engine_queries", 0),
                ("prometheus_engine_query_duration_seconds_count{slice=\"result_sort\"}", 1),
                ("prometheus_engine_query_duration_histogram_seconds_count{slice=\"inner_eval\"}", 1),
            ] as [(String, Double)] {
                let value = try await stack.value(query)
                #expect(value == expected, "\(query)")
            }
        }
    }

    @Test(.timeLimit(.minutes(5))) func `the store is maintained again and again`() async throws {
        let clock = ManualClock()
        try await withStack(config: "scrape_configs: []", clock: clock) { stack in
            let store = stack.stack.store
            // Each time a block of samples is over, maintenance closes it.
            for _ in 0..<2 {
                var batch = SampleBatch(timestamp: clock.now)
                batch.series = try await store.resolve([Labels([Label(name: "__name__", value: "m")])])
                batch.values = [1]
                _ = try await store.append(batch)
                #expect(try await store.statistics(limit: 1).chunks == 1)
                while try await store.statistics(limit: 1).chunks > 0, !Task.isCancelled {
                    clock.advance(milliseconds: 3_600_000)
                    await Task.yield()
                }
            }
        }
    }

    @Test func `a push is scraped with the labels it came with`() async throws {
        try await withStack { stack in
            let time = Gauge("backup_time", help: "When.")
            time.set(42)
            try await Pusher(url: stack.pushgatewayURL, job: "backup").collector(time).grouping("db", "x").push()
            await stack.scrape(job: "pushgateway")
            let pushed = try await stack.value("backup_time{job=\"backup\",db=\"x\",exported_job=\"\"}")
            #expect(pushed == 42)
        }
    }

    @Test func `stacks live side by side and leave nothing listening`() async throws {
        let ports = try await withStack { first in
            try await withStack { second in
                #expect(first.addresses.prometheus.port != second.addresses.prometheus.port)
                return [first.addresses.prometheus, second.addresses.prometheus]
            }
        }
        for address in ports {
            // The port is free again: another stack can have it.
            try await withStack(flags: ["--web.listen-address=127.0.0.1:\(address.port)"]) { stack in
                #expect(stack.addresses.prometheus.port == address.port)
            }
        }
    }

    @Test func `a port in use is told in one line`() async throws {
        try await withStack { stack in
            let taken = "127.0.0.1:\(stack.addresses.prometheus.port)"
            await #expect {
                try await withStack(flags: ["--web.listen-address=\(taken)"]) { _ in }
            } throws: { error in
                "\(error)" == "listen tcp \(taken): bind: address already in use"
            }
        }
    }

    @Test func `a host that there is none of is told in one line`() async throws {
        await #expect {
            try await withStack(flags: ["--web.listen-address=%zz:0"]) { _ in }
        } throws: { error in
            "\(error)" == "listen tcp %zz:0: lookup %zz: no such host"
        }
    }
}
