import MetricModel
import PromQL
import Promenade
import PromenadeTesting
import Scrape
import Testing

/// Time that passes when the test says so.
@Suite(.timeLimit(.minutes(5))) struct ManualTimeTests {
    static let start: Timestamp = 1_700_000_000_000

    @Test func `every scrape that falls due is done, at its exact time`() async throws {
        let config = """
            global: {scrape_interval: 15s}
            scrape_configs:
              - job_name: app
                static_configs: [{targets: [a:1, b:1]}]
              - {job_name: slow, scrape_interval: 25s, static_configs: [{targets: [c:1]}]}
            """
        try await withStack(config: config) { stack in
            stack.fault(.refused, job: "app")
            stack.fault(.refused, job: "slow")
            await stack.advance(by: .seconds(60))
            let answer = try await stack.query("up[5m]")
            guard case .matrix(let series) = answer.value else {
                Issue.record("no matrix")
                return
            }
            var times: [String: [Int64]] = [:]
            for row in 0..<series.count {
                let instance = series.labels[row]["instance"] ?? ""
                times[instance] = series.floats(row).map { (series.timestamps[$0] - Self.start) / 1000 }
            }
            #expect(times == ["a:1": [15, 30, 45, 60], "b:1": [15, 30, 45, 60], "c:1": [25, 50]])
        }
    }

    @Test func `of two who move the clock at once each goes on from where the one before ends`() async throws {
        let config = """
            global: {scrape_interval: 10s, evaluation_interval: 10s}
            rules: {groups: [{name: g, rules: [{record: ups, expr: sum(up)}]}]}
            """
        try await withStack(config: config) { stack in
            let (scrapes, scraped) = AsyncStream<Void>.makeStream()
            let (gate, open) = AsyncStream<Void>.makeStream()
            let slow = ScriptedTarget { request throws(TransportError) in
                scraped.yield()
                for await _ in gate { break }
                return .text("rows 1\n")
            }
            try await stack.add(slow, job: "app", instance: "one:1")
            async let one: Void = stack.advance(by: .seconds(60))
            for await _ in scrapes { break }
            async let two: Void = stack.advance(by: .seconds(90))
            for _ in 0..<1000 { await Task.yield() }
            open.finish()
            _ = await (one, two)
            #expect(stack.now - Self.start == 150_000)
            #expect(try await stack.value("count_over_time(up[10m])") == 15)
            #expect(try await stack.value("count_over_time(ups[10m])") == 15)
        }
    }

    @Test func `a target comes and goes while the stack runs`() async throws {
        try await withStack(config: "global: {scrape_interval: 10s}") { stack in
            let one = ScriptedTarget("rows 1\n")
            try await stack.add(one, job: "app", instance: "one:1", labels: ["zone": "x"])
            try await stack.add(
                ScriptedTarget { request throws(TransportError) in .text("rows 2\n") },
                job: "app",
                instance: "two:1"
            )
            await stack.advance(by: .seconds(20))
            try await stack.expect(
                "rows{job=\"app\",instance=\"one:1\",zone=\"x\"} == 1",
                "rows{instance=\"two:1\",zone=\"\"} == 2",
                "scalar(count(up)) == bool 2",
                "count_over_time(up{instance=\"one:1\"}[1m]) == 2"
            )
            #expect(one.requests.count == 2)
            #expect(one.requests.first?.headers.first { $0.name == "User-Agent" }?.value == "Prometheus/3.5.0")
            try await stack.remove(job: "app", instance: "one:1")
            #expect(try await stack.value("up") == 1)
            #expect(try await stack.value("rows") == 2)
            await stack.advance(by: .seconds(10))
            #expect(one.requests.count == 2)
            try await stack.remove(job: "app")
            #expect(try await stack.value("count({__name__=~\".+\"})") == nil)
            await #expect {
                try await stack.remove(job: "app")
            } throws: { "\($0)" == "there is no job \"app\"" }
        }
    }

    @Test func `settings of a job come with its target, and what is wrong with them is told`() async throws {
        try await withStack { stack in
            let app = ScriptedTarget("rows 1\n")
            try await stack.add(app, job: "app", config: "{scrape_interval: 5s, metrics_path: /m, honor_labels: true}")
            await stack.advance(by: .seconds(5))
            #expect(app.requests.map(\.url) == ["http://localhost:0/m"])
            for (target, config, words) in [
                ("http://a:1", "", "\"http://a:1\" is not a valid hostname"),
                ("a:1", "scrape_intervall: 5s", "did you mean scrape_interval?"),
                ("a:1", "job_name: x", "the job's name is the end of the path"),
                ("a:1", "static_configs: []", "targets and their labels do not stand in config"),
                ("a:1", "5", "cannot unmarshal"),
            ] {
                await #expect {
                    try await stack.add(target: target, job: "new", config: config)
                } throws: { "\($0)".contains(words) }
            }
            #expect(stack.stack.scraper.poolNames.contains("new") == false)
        }
    }

    @Test func `an expectation lets time pass until it holds`() async throws {
        try await withStack(config: "global: {scrape_interval: 15s}") { stack in
            let app = ScriptedTarget("rows 1\n")
            try await stack.add(app, job: "app")
            try await stack.expect("count_over_time(rows[1m]) >= 3", within: .seconds(60))
            #expect(stack.now == Self.start + 45_000)
            await #expect(throws: ExpectationFailed.self) {
                try await stack.expect("rows == 2", within: .seconds(10))
            }
            #expect(stack.now == Self.start + 55_000)
        }
    }

    @Test func `two scrapes at one moment make two samples`() async throws {
        try await withStack { stack in
            let app = ScriptedTarget("rows 1\n")
            try await stack.add(app, job: "app")
            await stack.scrape(job: "app")
            app.body = "rows 2\n"
            await stack.scrape(job: "app")
            #expect(try await stack.value("rows") == 2)
            #expect(try await stack.value("count_over_time(rows[1m])") == 2)
        }
    }

}
