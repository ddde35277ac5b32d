import ConfigTree
import Foundation
import MetricModel
import Promenade
import Rules
import Scrape
import Simulation
import Testing

/// What was recorded happens again.
@Suite(.timeLimit(.minutes(5))) struct RecordingTests {
    /// A world with what a scrape can meet with: a kill, a status, a broken body, latency, a batch that pushes.
    private static let scenario = """
        duration: 10m
        stack:
          global: {scrape_interval: 10s, evaluation_interval: 30s}
          scrape_configs:
            - {job_name: shop, static_configs: [{targets: [shop-1, shop-2]}]}
            - {job_name: gateway, honor_labels: true, static_configs: [{targets: ['localhost:9091']}]}
        services:
          shop: {instances: 2, metrics: {orders_total: {type: counter, rate: 3/s}, wait_seconds: {type: histogram, native: true}}}
        batches:
          backup: {every: 1m, takes: 5s, metrics: {backup_rows: {type: gauge, value: took}}}
        events:
          - {at: 1m, do: kill, service: shop, instance: 1, for: 1m}
          - {at: 3m, do: fault, service: shop, instance: 2, fault: {status: 503}, for: 1m}
          - {at: 5m, do: fault, service: shop, instance: 1, fault: {latency: 30s}, for: 1m}
          - {at: 7m, do: fault, service: shop, instance: 2, fault: {latency: 1s}, for: 1m}
          - {at: 8m, do: fault, service: shop, instance: 2, fault: {body: "<html>"}, for: 30s}
        """

    @Test func `a recording that is replayed gives the same samples`() async throws {
        let scenario = try ScenarioFile.read(text: Array(Self.scenario.utf8), file: "test.yml")
        let (dump, recording) = try await WorldThread.run {
            let world = try await World(scenario, World.Options(seed: 3))
            let recorder = WorldRecorder()
            try await world.begin()
            while try await world.step() != nil { recorder.look(world) }
            let dump = try await world.dump()
            try await world.stack.close()
            return (dump, recorder.recording)
        }
        #expect(recording.scrapes.count == 3 * 61)
        let (index, bodies) = recording.files()
        let text = recording.scenario(
            name: "again",
            start: scenario.start,
            end: scenario.start + scenario.duration / 1_000_000,
            stack: "stack.yml",
            index: "recording.jsonl"
        )
        try await TestFolder.with { folder in
            func write(_ name: String, _ bytes: [UInt8]) throws {
                try Data(bytes).write(to: URL(fileURLWithPath: folder + "/" + name))
            }
            try FileManager.default.createDirectory(atPath: folder + "/bodies", withIntermediateDirectories: true)
            try write("scenario.yml", Array(text.utf8))
            try write("recording.jsonl", Array(index.utf8))
            for body in bodies { try write(body.name, body.bytes) }
            let stack = """
                global: {scrape_interval: 10s, evaluation_interval: 30s}
                scrape_configs:
                  - {job_name: shop, scrape_native_histograms: true, static_configs: [{targets: [shop-1, shop-2]}]}
                  - {job_name: gateway, honor_labels: true, static_configs: [{targets: ['localhost:9091']}]}
                """
            // As a running stack shows it.
            let whole = Array((stack + "\nstorage: {tsdb: {out_of_order_time_window: 5m}}").utf8)
            let shown = try StackConfig(text: whole, file: "", context: ConfigContext()).prometheus.yaml
            #expect(shown.contains("outofordertimewindow: 300000"))
            try write("stack.yml", Array(shown.utf8))
            let again = try ScenarioFile.read(folder + "/scenario.yml")
            let copy = try await WorldThread.run {
                let world = try await World(again, World.Options(seed: 99))
                try await world.begin()
                try await world.run()
                let dump = try await world.dump()
                try await world.stack.close()
                return dump
            }
            #expect(copy.count > 100_000)
            #expect(copy == dump)
        }
    }

    @Test func `a job that was not recorded gets what another one got at that URL`() async throws {
        let text = """
            duration: 3m
            stack:
              global: {scrape_interval: 10s}
              scrape_configs:
                - {job_name: b, static_configs: [{targets: ['shop:80', 'other:80']}]}
                - {job_name: anew, static_configs: [{targets: ['shop:80', 'other:80', 'nobody:80']}]}
            expect:
              - {at: 1m, that: 'v{job="b", instance="shop:80"} == 2'}
              - {at: 1m, that: 'v{job="b", instance="other:80"} == 4'}
              - {at: 1m, that: 'v{job="anew", instance="shop:80"} == 1'}
              - {at: 1m, that: 'v{job="anew", instance="other:80"} == 4'}
              - {at: 1m, that: 'up{instance="nobody:80"} == 0'}
            """
        var scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        var recording = Recording()
        for (job, host, value) in [("b", "shop", 2), ("a", "shop", 1), ("c", "shop", 3), ("", "other", 4)] {
            var scrape = Recording.Scrape(time: scenario.start, url: "http://\(host):80/metrics")
            scrape.pool = job
            scrape.contentType = "text/plain; version=0.0.4"
            scrape.body = Array("v \(value)\n".utf8)
            recording.scrapes.append(scrape)
        }
        scenario.recording = recording
        let settled = scenario
        let study = try await WorldStudy.run(settled, seeds: 1...1, jobs: 1, options: World.Options(seed: 1))
        #expect(study.reports[0].isGood, "\(study.reports[0].text)")
    }

    @Test func `rules are written anew from what the API tells, and are read as the same`() throws {
        let json = #"""
            {"groups":[
              {"name":"shop","file":"/etc/rules/a.yml","interval":15,"limit":0,"rules":[
                {"state":"inactive","name":"Down","query":"up{job=\"shop\"} == 0","duration":90,"keepFiringFor":30.5,
                 "labels":{"severity":"page","team":"shop: \"one\""},"annotations":{"summary":"{{ $labels.instance }}\nis down"},
                 "alerts":null,"health":"ok","type":"alerting"},
                {"name":"job:up:sum","query":"sum by (job) (up)","labels":{"a":"b"},"health":"ok","type":"recording"}]},
              {"name":"other","file":"/etc/rules/b.yml","interval":60,"limit":3,"rules":[
                {"name":"one","query":"1","health":"ok","type":"recording"}]}]}
            """#
        let rules = RecordedRules(try JSONReader.parse(Array(json.utf8), file: "rules"))
        #expect(rules.files.map(\.name) == ["rules/1.yml", "rules/2.yml"])
        let config = rules.applied(
            to: "global:\n  scrape_interval: 15s\nrule_files:\n- /etc/rules/*.yml\nscrape_configs:\n- job_name: x\n"
        )
        #expect(
            config
                == "global:\n  scrape_interval: 15s\nscrape_configs:\n- job_name: x\nrule_files:\n- \"rules/1.yml\"\n- \"rules/2.yml\"\n"
        )
        func group(_ index: Int) throws -> RuleFile.Group {
            let node = try YAMLReader.parse(Array(rules.files[index].text.utf8), file: "x.yml")
            return try #require(try RuleFile(reading: node, file: "x.yml").groups.first)
        }
        let (one, two) = (try group(0), try group(1))
        #expect(one.name == "shop" && one.interval == 15_000 && one.rules.count == 2)
        #expect(one.rules[0].name == "Down" && one.rules[0].keepFiringFor == 30_500)
        #expect(one.rules[0].annotations.contains { $0.value == "{{ $labels.instance }}\nis down" })
        #expect(one.rules[0].labels.contains(Label(name: "team", value: "shop: \"one\"")))
        #expect(two.limit == 3 && two.interval == 60_000)
    }

    /// A configuration as a server shows it: the intervals of jobs, and those of its groups of rules, in seconds; then what is recorded of
    /// them: what the global section has, how many fields jobs keep, and how many groups keep theirs.
    static let intervals: [(global: String, jobs: [String], groups: [Int], recorded: String, kept: Int, own: Int)] = [
        ("15s 10s 15s", ["15s 10s", "15s 10s"], [15, 15], "15s 10s 15s", 0, 0),
        ("1m 10s 1m", ["5s 5s", "5s 5s"], [15, 15], "5s 5s 15s", 0, 0),
        ("1m 10s 1m", ["5s 5s", "5s 2s"], [15, 60], "5s 5s 1m", 1, 1),
        ("15s 10s 15s", ["15s 10s", "5s 5s"], [15, 5], "15s 10s 15s", 2, 1),
        ("1m 10s 1m", ["2m 10s", "5s 5s"], [], "1m 10s 1m", 3, 0),
    ]

    @Test(arguments: intervals.indices)
    func `intervals that jobs and groups have in common are recorded as the global ones`(
        _ index: Int
    ) throws {
        let (global, jobs, groups, recorded, kept, own) = Self.intervals[index]
        func words(_ text: String) -> [Substring] { text.split(separator: " ") }
        let times = words(global)
        var config = """
            global:
              scrape_interval: \(times[0])
              scrape_timeout: \(times[1])
              evaluation_interval: \(times[2])
            scrape_configs:

            """
        for (number, job) in jobs.enumerated() {
            config += """
                - job_name: j\(number)
                  scrape_interval: \(words(job)[0])
                  scrape_timeout: \(words(job)[1])
                  metrics_path: /metrics

                """
        }
        let items = groups.enumerated().map { number, interval in
            #"{"name":"g\#(number)","file":"a.yml","interval":\#(interval),"rules":[]}"#
        }
        let json = "{\"groups\":[\(items.joined(separator: ","))]}"
        let rules = RecordedRules(try JSONReader.parse(Array(json.utf8), file: "rules"), config: config)
        let text = rules.applied(to: config)
        let node = try YAMLReader.parse(Array(text.utf8), file: "stack.yml")
        let fields = ["scrape_interval", "scrape_timeout", "evaluation_interval"]
        #expect(fields.compactMap { node["global"]?[$0]?.text }.joined(separator: " ") == recorded, "\(text)")
        let remaining = (node["scrape_configs"]?.items ?? []).flatMap { job in fields.compactMap { job[$0] } }
        #expect(remaining.count == kept, "\(text)")
        let lines = rules.files.flatMap { $0.text.split(separator: "\n") }
        #expect(lines.count { $0.contains("interval:") } == own)
        // All have what they had.
        let before = try StackConfig(text: Array(config.utf8), file: "", context: ConfigContext())
        let after = try StackConfig(
            text: Array(text.replacing("- \"rules/1.yml\"", with: "- rules/1.yml").utf8),
            file: "",
            context: ConfigContext()
        )
        #expect(
            after.prometheus.scrapeConfigs.map(\.scrapeInterval)
                == before.prometheus.scrapeConfigs.map(\.scrapeInterval)
        )
        #expect(
            after.prometheus.scrapeConfigs.map(\.scrapeTimeout) == before.prometheus.scrapeConfigs.map(\.scrapeTimeout)
        )
    }

    @Test(arguments: [
        ("{\"time\":1}", "a line is a scrape or a push"), ("{\"scrape\":\"x\"}", "time is missing"),
        ("{\"push\":\"/metrics/job/x\",\"time\":1,\"method\":\"GET\"}", "method is PUT"),
        ("{\"scrape\":\"x\",\"time\":1,\"body\":\"../secret\"}", "cannot be read"), ("{", "index.jsonl"),
    ])
    func `a recording with a mistake is told with its line`(_ line: String, _ words: String) {
        let error = #expect(throws: (any Error).self) {
            try Recording(index: Array("\n\(line)\n".utf8), file: "index.jsonl") { _ in [] }
        }
        #expect(error.map { "\($0)" }?.contains(words) == true)
    }
}
