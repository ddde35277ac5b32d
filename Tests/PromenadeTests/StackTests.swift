import MetricModel
import Promenade
import PromenadeTesting
import PrometheusClient
import PrometheusClientPush
import Testing
import Web

@Suite struct StackTests {
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
}
