package import ConfigTree
import Exposition
package import MetricModel
import Web

/// What is still to be scraped: targets that never were, and what the Pushgateway holds. A push, or a target, and no scrape is the
/// commonest reason why an expectation finds nothing.
package struct ScrapeEvidence: Sendable, Hashable {
    /// A target.
    package struct Target: Sendable, Hashable {
        package var job: String
        package var url: String
        /// When its last scrape began, in milliseconds since 1970; `nil` where it never was scraped.
        package var lastScrape: Timestamp?

        package init(job: String, url: String, lastScrape: Timestamp?) {
            self.job = job
            self.url = url
            self.lastScrape = lastScrape
        }
    }

    /// A series that the Pushgateway holds.
    struct Pushed: Sendable, Hashable {
        var series: ObservedSeries
        /// When, in milliseconds since 1970; `nil` for the Pushgateway's own.
        var time: Timestamp?
    }

    /// All targets.
    package var targets: [Target] = []
    private var pushed: [Pushed] = []
    private var gateway: TargetPlace?

    package init() {}

    /// Reads what a Pushgateway exposes.
    /// - Parameter url: where the Pushgateway is.
    package mutating func read(exposition bytes: [UInt8], of url: String) {
        gateway = TargetPlace(url: url)
        pushed = Self.pushed(bytes)
    }

    /// From 1970 to the year 10000.
    private static let secondsTo10000 = 253_402_300_800.0

    private static func pushed(_ bytes: [UInt8]) -> [Pushed] {
        var series: [ObservedSeries] = []
        var groups: [(labels: [Label], time: Timestamp)] = []
        bytes.withUnsafeBytes { bytes in
            var parser = ScrapeParser(bytes, format: .text)
            while let entry = try? parser.next() {
                guard case .series = entry else { continue }
                let labels = Labels(parser.labels().filter { !$0.value.isEmpty })
                // Another server may say anything.
                if labels.name == "push_time_seconds", (0..<secondsTo10000).contains(parser.value) {
                    let group = labels.filter { $0.name != Labels.metricName }
                    groups.append((group, Timestamp((parser.value * 1000).rounded())))
                }
                series.append(ObservedSeries(labels, GoNumber.text(parser.value, .json)))
            }
        }
        // The group with the most labels is the likeliest, where metrics have labels of their own.
        groups.sort { ($0.labels.count, $0.time) > ($1.labels.count, $1.time) }
        return series.map { series in
            let group = groups.first { $0.labels.allSatisfy { series.labels[$0.name] == $0.value } }
            return Pushed(series: series, time: group?.time)
        }
    }

    /// What is still to be scraped that a selector asks for, and how.
    /// - Parameter stored: the series with the selector's name.
    func explain(_ selector: NamedSelector, stored: [ObservedSeries]) -> [String] {
        func fits(_ labels: Labels) -> Bool { selector.matchers.allSatisfy { $0.matches(labels) } }
        let readers = targets.filter { target in
            guard let gateway, let place = TargetPlace(url: target.url) else { return false }
            return place.port == gateway.port && place.path.hasSuffix("/metrics")
        }
        let waiting = pushed.filter { pushed in
            let isScraped = readers.contains { ($0.lastScrape ?? .min) > pushed.time ?? .min }
            return pushed.series.labels.name == selector.name && fits(pushed.series.labels) && !isScraped
                && !stored.contains { Self.isSame($0, pushed.series) }
        }
        if let first = waiting.max(by: { ($0.time ?? 0) < ($1.time ?? 0) }) {
            let more = waiting.count > 1 ? " (and \(waiting.count - 1) more)" : ""
            let time = first.time.map { ", pushed \(CivilTime.rfc3339(nanoseconds: $0 * 1_000_000))" } ?? ""
            let head = "the Pushgateway has \(first.series)\(more)\(time)"
            guard let reader = readers.first else { return [head + ", but no job scrapes it"] }
            return [head + " and not scraped since: " + Self.advice(reader.job)]
        }
        // What other jobs would expose is nobody's question where the metric is known and the selector names no job.
        let isOfJobs = selector.matchers.contains { $0.name == "job" }
        if stored.contains(where: { fits($0.labels) }) || !(stored.isEmpty || isOfJobs) { return [] }
        let jobs = Set(targets.filter { $0.lastScrape == nil }.map(\.job)).sorted().filter { job in
            selector.matchers.allSatisfy { $0.name != "job" || $0.matches(job) }
        }
        guard let first = jobs.first else { return [] }
        if jobs.count > 1 {
            return ["the jobs \(jobs.joined(separator: ", ")) were not scraped yet: " + Self.advice("")]
        }
        let missing = targets.filter { $0.job == first && $0.lastScrape == nil }
        let isWhole = missing.count == targets.count { $0.job == first }
        let what =
            isWhole ? "the job \(first) was" : "\(missing.map(\.url).joined(separator: ", ")) of the job \(first) was"
        return ["\(what) not scraped yet: " + Self.advice(first)]
    }

    /// How a job is scraped at once; all where none is named.
    private static func advice(_ job: String) -> String {
        let parameter = job.isEmpty ? "" : "job=\(URLText.query(job))&"
        return
            "scrape(\(job.isEmpty ? "" : GoText.quoted(job))) does it at once (POST /api/v1/scrape?\(parameter)wait=true)"
    }

    /// Whether a stored series is what was pushed, under the labels that a scrape gives it.
    private static func isSame(_ stored: ObservedSeries, _ pushed: ObservedSeries) -> Bool {
        stored.value == pushed.value
            && pushed.labels.allSatisfy { label in
                stored.labels[label.name] == label.value || stored.labels["exported_" + label.name] == label.value
            }
    }
}

extension ScrapeEvidence.Target {
    /// Reads the targets out of an answer of `/api/v1/targets`.
    package static func all(inTargets answer: ConfigNode) -> [Self] {
        (answer["data"]?["activeTargets"]?.items ?? []).map { target in
            let last = RFC3339.parse(Array((target["lastScrape"]?.text ?? "").utf8))
            return Self(
                job: target["scrapePool"]?.text ?? "",
                url: target["scrapeUrl"]?.text ?? "",
                // Never is the year 1.
                lastScrape: last.flatMap { $0.seconds < 0 ? nil : $0.seconds * 1000 + $0.nanoseconds / 1_000_000 }
            )
        }
    }
}
