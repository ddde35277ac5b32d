import Exposition
import Foundation
import MetricModel
import PromenadeTesting

/// The benchmarks of Promenade: `make bench`, or one of them: `make bench BENCH=query`.
@main struct Main {
    static func main() async {
        var arguments = Array(CommandLine.arguments.dropFirst())
        var hours = 6
        if let index = arguments.firstIndex(of: "--hours"), index + 1 < arguments.count {
            hours = Int(arguments[index + 1]) ?? hours
            arguments.removeSubrange(index...(index + 1))
        }
        do {
            let meter = Meter(only: arguments, budget: 1)
            try await parse(meter)
            try await store(meter, hours: hours)
            try await gateway(meter)
            try await simulation(meter)
            try await meter.measure("start: a whole stack until it is ready, and its end") { _ in
                try await withStack { _ in }
            }
        } catch {
            print("failed: \(error)")
            exit(1)
        }
    }

    /// Simulated time: a day of the shipped stack, and an hour of twenty targets with 500 series.
    private static func simulation(_ meter: Meter) async throws {
        guard meter.wantsAny(["simulate"]) else { return }
        let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().deletingLastPathComponent().path
        let day = "duration: 1d\nstack: {file: stack.yml}"
        try await meter.measure("simulate: a day of the shipped stack.yml", units: 51_843, unit: "scrape") { _ in
            _ = try await simulate(scenario: day, file: root + "/day.yml")
        }
        let hour = """
            duration: 1h
            stack: {global: {scrape_interval: 15s}}
            services:
              shop:
                instances: 20
                metrics:
                  requests_total: {type: counter, rate: 300/s, daily: 60%, noise: 10%, labels: {path: 1..400}}
                  queue_length: {type: gauge, walk: 2, start: 10, min: 0, labels: {queue: 1..100}}
            """
        try await meter.measure("simulate: 20 targets of 500 series for an hour", units: 2_410_000, unit: "sample") {
            _ in
            _ = try await simulate(scenario: hour)
        }
    }

    /// Reading what targets expose.
    private static func parse(_ meter: Meter) async throws {
        var data = BenchmarkData(hours: 1)
        let text = Array(data.exposition().utf8)
        let count = Double(data.labels.count)
        let forms = [
            ("parse: text, 2,000 series", text), ("parse: OpenMetrics, 2,000 series", text + Array("# EOF\n".utf8)),
        ]
        for (name, bytes) in forms {
            try await meter.measure(name, units: count, unit: "sample") { _ in
                try bytes.withUnsafeBytes { body in
                    let format: ScrapeFormat = name.contains("Open") ? .openMetrics : .text
                    var parser = ScrapeParser(body, format: format)
                    var total = 0.0
                    while let entry = try parser.next() {
                        if case .series = entry { total += parser.value }
                    }
                    guard total > 0 else { throw Wire.Failed(description: "nothing was read") }
                }
            }
        }
    }

    /// Appending, reading back, and the queries of the API.
    private static func store(_ meter: Meter, hours: Int) async throws {
        guard meter.wantsAny(["append", "select", "query"]) else { return }
        var data = BenchmarkData(hours: hours)
        let clock = ManualClock(now: data.end)
        try await withStack(config: "scrape_configs: []", clock: clock) { stack in
            let store = stack.stack.store
            let samples = data.count * data.labels.count
            let refs = try await store.resolve(data.labels)
            try await meter.measureOnce("append: \(hours) h of 2,000 series", units: Double(samples), unit: "sample") {
                for index in 0..<data.count {
                    var batch = SampleBatch(timestamp: data.end - Timestamp(data.count - index) * BenchmarkData.step)
                    batch.series = refs
                    batch.values = data.next()
                    let report = try await store.append(batch)
                    guard report.rejected.isEmpty else { throw Wire.Failed(description: "samples were refused") }
                    if index % 240 == 239 { try await store.maintain(now: batch.timestamp) }
                }
            }
            let matcher = LabelMatcher("__name__", equals: "node_hwmon_temp_celsius")
            let selected = Double(240 * data.count)
            try await meter.measure("select: 240 series, \(hours) h", units: selected, unit: "sample") { _ in
                let found = try await store.select(SelectRequest(matchers: [matcher], start: 0, end: data.end))
                guard found.count == 240 else { throw Wire.Failed(description: "\(found.count) series") }
            }
            let wire = try Wire(url: stack.url)
            for (name, path, parameters) in queries(hours) {
                try await meter.measure("query: " + name) { number in
                    // Another time each time, so that nothing kept helps.
                    let end = Int(data.end / 1000) - number % 40 * 60
                    try wire.ask("GET", path, parameters(end))
                }
            }
        }
    }

    private typealias Parameters = (Int) -> [(String, String)]

    private static func queries(_ hours: Int) -> [(name: String, path: String, parameters: Parameters)] {
        let requests = "http_requests_total"
        func instant(_ query: String) -> (String, Parameters) {
            ("/api/v1/query", { [("query", query), ("time", "\($0)")] })
        }
        func range(_ query: String, _ span: Int, _ step: Int) -> (String, Parameters) {
            (
                "/api/v1/query_range",
                { [("query", query), ("start", "\($0 - span)"), ("end", "\($0)"), ("step", "\(step)")] }
            )
        }
        func names(_ path: String, _ own: [(String, String)] = []) -> (String, Parameters) {
            (path, { own + [("start", "\($0 - 3600)"), ("end", "\($0)")] })
        }
        let all = hours * 3600
        let quantile = "histogram_quantile(0.99, sum by (le, handler) (rate(http_request_duration_seconds_bucket[5m])))"
        let list: [(String, (String, Parameters))] = [
            ("instant selector, 240 series", instant("node_hwmon_temp_celsius")),
            ("instant sum by, 1,000 series", instant("sum by (code) (\(requests))")),
            ("instant rate[5m], 200 series", instant("rate(\(requests){code=\"201\"}[5m])")),
            (
                "instant regex, 1,000 series",
                instant("sum(\(requests){handler=~\"/api/v[12]/.*|/log(in|out)\",code!~\"5..\"})")
            ),
            ("instant topk(10) of sum rate", instant("topk(10, sum by (instance, handler) (rate(\(requests)[5m])))")),
            (
                "instant max_over_time[\(hours)h], 240 series",
                instant("max_over_time(node_hwmon_temp_celsius[\(hours)h])")
            ),
            (
                "instant subquery [\(hours)h:1m] of sum rate",
                instant("max_over_time(sum(rate(\(requests){code=\"500\"}[5m]))[\(hours)h:1m])")
            ),
            (
                "range \(hours)h/60s, one series",
                range("node_hwmon_temp_celsius{instance=\"10.0.0.10:9100\",sensor=\"temp3\"}", all, 60)
            ),
            ("range 1h/15s, 240 raw series", range("node_hwmon_temp_celsius", 3600, 15)),
            ("range 1h/15s, sum by (rate), 1,000 series", range("sum by (code) (rate(\(requests)[5m]))", 3600, 15)),
            (
                "range \(hours)h/5m, sum by (rate), 1,000 series",
                range("sum by (code) (rate(\(requests)[5m]))", all, 300)
            ),
            ("range \(hours)h/1m, histogram_quantile", range(quantile, all, 60)),
            ("label values (instance)", names("/api/v1/label/instance/values")),
            ("series API, 1,000 series", names("/api/v1/series", [("match[]", requests)])),
        ]
        return list.map { ($0.0, $0.1.0, $0.1.1) }
    }

    /// Pushing, and exposing what was pushed.
    private static func gateway(_ meter: Meter) async throws {
        try await withStack(config: "scrape_configs: []") { stack in
            let wire = try Wire(url: stack.pushgatewayURL)
            func body(_ group: Int) -> String {
                (0..<10).map {
                    "# TYPE batch_metric_\($0) gauge\nbatch_metric_\($0){kind=\"k\($0)\"} \(Double(group) * 1.5 + Double($0))\n"
                }.joined()
            }
            for group in 0..<1000 {
                try wire.ask("PUT", "/metrics/job/batch/instance/host\(group)", body: body(group))
            }
            try await meter.measure("push: 100 groups of 10 metrics beside 1,000", units: 100, unit: "push") { number in
                for group in 0..<100 {
                    try wire.ask("PUT", "/metrics/job/batch/instance/host\(group)", body: body(group + number))
                }
            }
            try await meter.measure("metrics: 1,000 groups of 10 metrics", units: 10_000, unit: "sample") { _ in
                let size = try wire.ask("GET", "/metrics")
                guard size > 500_000 else { throw Wire.Failed(description: "\(size) bytes") }
            }
        }
    }
}
