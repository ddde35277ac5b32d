package import ConfigTree
import MetricModel
package import Simulation

/// A small random world, as a scenario file, and what a trial does to it besides. All of it follows from the seed.
package struct TrialScenario: Sendable {
    /// What all chance follows from.
    package let seed: UInt64
    /// The file, so that a failing world can be looked at with `promenade simulate`.
    package private(set) var text = ""
    /// Whether samples go to a file.
    let isStored: Bool
    /// Whether the disk fails at some time.
    let hasDiskFault: Bool
    /// Whether the wall's clock is set at some time.
    let jumps: Bool
    /// Whether something has a clock of its own, so that its samples have timestamps.
    private(set) var isSkewed = false
    /// When the configuration changes, in milliseconds from the start.
    private(set) var reloads: [Int64] = []
    /// Names of the services.
    private(set) var services: [String] = []
    /// Metrics that count.
    private(set) var counters: [String] = []
    private var chance: RandomStream

    /// The world of a seed.
    package init(seed: UInt64) {
        self.seed = seed
        var chance = RandomStream(seed: seed, name: "trial")
        isStored = chance.happens(0.6)
        let isFaulty = chance.happens(0.4)
        hasDiskFault = isStored && isFaulty
        jumps = chance.happens(0.15)
        self.chance = chance
        write()
    }

    /// The scenario.
    /// - Throws: `ConfigError` where the generator writes what the reader refuses.
    package func scenario() throws(ConfigError) -> Scenario {
        try ScenarioFile.read(text: Array(text.utf8), file: "trial-\(seed).yml")
    }

    private mutating func pick<Element>(_ list: [Element]) -> Element {
        list[Int(chance.whole(0...Int64(list.count - 1)))]
    }

    private mutating func number(_ range: ClosedRange<Int64>) -> Int64 { chance.whole(range) }

    private mutating func write() {
        let duration = number(90...420)
        var lines = ["name: trial \(seed)", "seed: \(seed)", "duration: \(duration)s"]
        lines += [
            "stack:", "  global: {scrape_interval: \(pick([5, 10, 15]))s, evaluation_interval: \(pick([5, 15, 30]))s}",
        ]
        lines += ["  demo_server: {enabled: false}", "  scrape_configs:"]
        lines.append("    - {job_name: gateway, honor_labels: true, static_configs: [{targets: ['localhost:9091']}]}")
        lines += ["  rules:", "    groups:", "      - name: trial", "        rules:"]
        lines.append("          - {record: 'job:up:sum', expr: sum by (job) (up)}")
        lines.append("          - {alert: Down, expr: up == 0, for: \(pick([0, 10, 30]))s}")
        lines.append("services:")
        var counts: [Int64] = []
        for index in 0..<number(1...2) {
            let name = "svc\(index)"
            services.append(name)
            counts.append(number(1...3))
            lines += ["  \(name):", "    instances: \(counts[Int(index)])"]
            if chance.happens(0.08) {
                isSkewed = true
                lines.append("    skew: \(number(-20...20))s")
            }
            lines.append("    metrics:")
            lines += metrics(of: name)
        }
        writeBatches(&lines)
        lines.append("events:")
        for _ in 0..<number(1...7) {
            let time = number(1...duration)
            let words = event(counts)
            if words.hasPrefix("do: scale") { reloads.append(time * 1000) }
            if words.hasPrefix("do: start") {
                // Only what is down can be started.
                lines.append("  - {at: \(number(1...time))s, \(words.replacing("do: start", with: "do: kill"))}")
            }
            lines.append("  - {at: \(time)s, \(words)}")
        }
        text = lines.joined(separator: "\n") + "\n"
        // What would do nothing is a mistake; without it something else may do nothing.
        while true {
            let idle = ScenarioFile.linesOfIdleEvents(text)
            if idle.isEmpty { return }
            lines = lines.enumerated().filter { !idle.contains($0.offset + 1) }.map(\.element)
            text = lines.joined(separator: "\n") + "\n"
        }
    }

    private mutating func metrics(of service: String) -> [String] {
        var lines = [
            "      \(service)_total: {type: counter, rate: \(number(0...50))/s, noise: \(number(0...30))%, "
                + "labels: {code: {\"200\": 90%, \"500\": 10%}}}"
        ]
        counters.append(service + "_total")
        if chance.happens(0.5) { lines.append("      \(service)_queue: {type: gauge, walk: 3, start: 10, min: 0}") }
        if chance.happens(0.3) {
            lines.append(
                "      \(service)_seconds: {type: histogram, rate: 3/s, median: 80ms, p99: 900ms, buckets: [0.1, 1]}"
            )
            counters += ["_seconds_bucket", "_seconds_count"].map { service + $0 }
        }
        if chance.happens(0.15) {
            lines.append(
                "      \(service)_native: {type: histogram, rate: 3/s, native: true, median: 80ms, p99: 900ms}"
            )
        }
        if chance.happens(0.15) {
            lines.append("      \(service)_summary: {type: summary, rate: 2/s}")
            counters.append(service + "_summary_count")
        }
        return lines
    }

    private mutating func writeBatches(_ lines: inout [String]) {
        guard chance.happens(0.5) else { return }
        lines += ["batches:", "  nightly:", "    every: \(number(20...90))s", "    takes: \(number(1...9))s"]
        lines += ["    deliver: \(pick(["push", "add", "delete_after", "endpoint"]))", "    fails: 20%"]
        lines.append("    metrics: {nightly_rows: {type: gauge, value: \(number(1...99))}}")
    }

    private mutating func event(_ counts: [Int64]) -> String {
        let index = Int(number(0...Int64(services.count - 1)))
        let whom = "service: \(services[index])"
        let which = ", instance: \(number(1...counts[index]))"
        switch number(0...9) {
        case 0, 1: return "do: kill, \(whom)\(which), for: \(number(1...90))s"
        case 2: return "do: restart, \(whom)\(which)"
        case 3: return "do: kill, \(whom)\(which)"
        case 4: return "do: start, \(whom)\(which)"
        case 5: return "do: scale, \(whom), instances: \(number(0...4))"
        case 6: return "do: deploy, \(whom), labels: {version: v\(number(1...3))}"
        case 7: return "do: set, \(whom), metric: \(services[index])_total, rate: \(number(0...90))/s"
        case _:
            let faults = [
                "refused", "closed", "truncated", "{latency: 1s}", "{latency: 30s}", "{status: 503}", "reset_counters",
                "{body: \"<html>\"}", "{content_type: text/html}", "{flapping: {good: 1, bad: 2}}",
            ]
            return "do: fault, \(whom)\(which), fault: \(pick(faults)), for: \(number(1...60))s"
        }
    }
}
