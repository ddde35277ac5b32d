import ConfigTree
import MetricModel
import Promenade
public import Scrape
import Web

/// Targets that come and go, and what goes wrong with them.
extension TestStack {
    /// Adds a target that lives in the test to a job. It is scraped from now on, for the first time when an interval has passed
    /// (``advance(by:)``) or when asked to (``scrape(job:)``).
    /// - Parameters:
    ///   - target: the target; the closure or the text that it was made with answers the scrapes.
    ///   - job: the job, a new one or one that is there.
    ///   - instance: its address as it stands in the label `instance`.
    ///   - labels: labels of its series, besides.
    ///   - config: settings of the job as in `scrape_configs`, in YAML or JSON: `{"scrape_interval":"5s"}`.
    public func add(
        _ target: ScriptedTarget,
        job: String,
        instance: String = "localhost:0",
        labels: [String: String] = [:],
        config: String = ""
    ) async throws {
        stack.faults?.setHandler(
            { request throws(TransportError) in try await target.respond(to: request) },
            job: job,
            target: instance
        )
        try await add(target: instance, job: job, labels: labels, config: config)
    }

    /// Adds a target outside of this process to a job.
    public func add(
        target address: String,
        job: String,
        labels: [String: String] = [:],
        config: String = ""
    ) async throws {
        func text(_ value: String) -> ConfigNode { ConfigNode(.scalar(.init(value, isPlain: false))) }
        func entry(_ name: String, _ value: ConfigNode) -> ConfigNode.Entry { .init(key: text(name), value: value) }
        var entries = [
            entry("targets", ConfigNode(.sequence([text(address)]))),
            entry(
                "labels",
                ConfigNode(.mapping(labels.sorted { $0.key < $1.key }.map { entry($0.key, text($0.value)) }))
            ),
        ]
        if !config.isEmpty {
            entries.append(entry("config", try YAMLReader.parse(Array(config.utf8), file: "config")))
        }
        let request = ConfigNode(.mapping(entries))
        let failure = await stack.setTargets(job: job, request: request, adds: true, waits: false)
        if let failure { throw StackRefusal(description: failure.message) }
    }

    /// Ends a job, or only one of its targets. Their series are stale when this returns.
    public func remove(job: String, instance: String = "") async throws {
        await stack.leaveMoment(job: job)
        if let failure = await stack.removeTargets(job: job, target: instance) {
            throw StackRefusal(description: failure.message)
        }
        stack.faults?.setHandler(nil, job: job, target: instance)
    }

    /// Lets the scrapes of a job (or of one of its targets) go wrong; `nil` makes them well again.
    public func fault(_ fault: Fault?, job: String, instance: String = "") {
        stack.faults?.set(fault, job: job, target: instance)
    }

    /// Why the last scrape of a job's target (of its first one that failed, without an instance) went wrong; empty where it did
    /// not.
    public func lastScrapeError(job: String, instance: String = "") -> String {
        let targets = stack.scraper.pools(named: job).flatMap(\.active).filter { target in
            instance.isEmpty || target.target.labels[TargetLabel.address] == instance
        }
        return targets.map(\.report.lastError).first { !$0.isEmpty } ?? ""
    }

    /// Lets pushes and deletions go wrong; `nil` makes them well again.
    public func faultPushes(_ fault: Fault?) { stack.faults?.setPushes(fault) }
}

/// Why the stack did not do what the test asked for.
public struct StackRefusal: Error, CustomStringConvertible {
    /// What was wrong, and what would be right.
    public let description: String
}
