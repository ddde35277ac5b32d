import Exposition
import MetricModel

/// The targets of one job. Confined to the manager's lock.
struct ScrapePool {
    /// A target with its loop.
    struct Active {
        var target: ScrapeTarget
        var discovered: [Label]
        var group: [Label]
        var status: TargetStatus
        var control: LoopControl
        var cache: ScrapeCache
        var stream: StreamRef?
        var task: Task<Void, Never>?
        /// When it is scraped next (steady), where scrapes are driven by hand.
        var due: Int64?
        /// Whether a loop for it was ever started.
        var hasStarted = false
    }

    var config: ScrapeConfig
    var transport: any TargetTransport
    var active: [ScrapeTarget.ID: Active] = [:]
    /// The targets in the order in which they were found.
    var order: [ScrapeTarget.ID] = []
    /// The targets in that order: what is done to each of them has to be the same in each run.
    var inOrder: [Active] { order.compactMap { active[$0] } }
    var dropped: [(discovered: [Label], group: [Label])] = []
    var droppedCount = 0
    var providers: [Provider] = []
    /// Tasks that wait to write the stale markers of targets that are gone.
    var lingering: [Int: Task<Void, Never>] = [:]

    /// One discovery mechanism and what it found.
    struct Provider {
        var config: DiscoveryConfig
        var groups: [String: TargetGroup] = [:]
        var order: [String] = []
        var lastError = ""
        var lastRefresh: Timestamp?
        var task: Task<Void, Never>?
    }

    /// Whether all its targets stand in the configuration.
    var isFixed: Bool { providers.allSatisfy { if case .fixed = $0.config { true } else { false } } }

    init(config: ScrapeConfig, transport: any TargetTransport) {
        self.config = config
        self.transport = transport
    }

    /// What relabelling made of everything that was found.
    struct Plan {
        var targets: [(id: ScrapeTarget.ID, target: ScrapeTarget, discovered: [Label], group: [Label])] = []
        var failures: [String] = []
        var dropped: [(discovered: [Label], group: [Label])] = []
        var droppedCount = 0
    }

    /// Builds the targets anew from what discovery found.
    func plan() -> Plan {
        var plan = Plan()
        var seen: Set<ScrapeTarget.ID> = []
        var surplus = 0
        for provider in providers {
            for source in provider.order {
                guard let group = provider.groups[source] else { continue }
                for (index, found) in group.targets.enumerated() {
                    // Nobody will look at it.
                    if index & 255 == 255, TaskLimit.isOver { return plan }
                    switch TargetBuilder.build(config, target: found, group: group.labels) {
                    case .target(let labels):
                        let target = ScrapeTarget(labels: labels, config: config)
                        let id = target.id
                        guard seen.insert(id).inserted else { continue }
                        if plan.targets.count < Self.targetLimit {
                            plan.targets.append((id, target, found, group.labels))
                        } else {
                            surplus += 1
                        }
                    case .dropped:
                        plan.droppedCount += 1
                        if config.keepDroppedTargets == 0 || plan.dropped.count < config.keepDroppedTargets {
                            plan.dropped.append((found, group.labels))
                        }
                    case .invalid(let reason):
                        plan.failures.append("instance \(index) in group \(group.source): \(reason)")
                    }
                }
            }
        }
        if surplus > 0 {
            plan.failures.append("\(surplus) targets are left out: a job has at most \(Self.targetLimit)")
        }
        return plan
    }

    /// The most targets of a job that are scraped: each takes some thirty kilobytes, and all of them take their turns.
    private static let targetLimit = 20_000

    /// The error that every scrape of the pool fails with, where there are too many targets.
    var targetLimitError: String? {
        let limit = config.limits.targets
        guard limit > 0, order.count > limit else { return nil }
        return "target_limit exceeded (number of targets: \(order.count), limit: \(limit))"
    }

    /// How samples of a target are to be read.
    static func rules(for target: ScrapeTarget, _ config: ScrapeConfig) -> SampleRules {
        var rules = SampleRules(
            labels: SampleLabels(
                target: target.publicLabels,
                honorLabels: config.honorLabels,
                rules: config.metricRelabelRules,
                validation: config.nameValidation,
                limits: config.limits
            )
        )
        rules.honorTimestamps = config.honorTimestamps
        rules.trackTimestampsStaleness = config.trackTimestampsStaleness
        rules.sampleLimit = Int(clamping: config.limits.samples)
        rules.bucketLimit = Int(clamping: config.nativeHistogramBucketLimit)
        if config.nativeHistogramMinBucketFactor > 1 {
            rules.maxSchema = HistogramResolution.schema(leastFactor: config.nativeHistogramMinBucketFactor)
        }
        rules.options.ignoresNativeHistograms =
            !target.flag(TargetBuilder.scrapeNativeHistograms, config.scrapeNativeHistograms)
        rules.options.keepsClassicHistograms =
            target.flag(TargetBuilder.alwaysScrapeClassicHistograms, config.alwaysScrapeClassicHistograms)
        rules.options.convertsClassicHistograms =
            target.flag(TargetBuilder.convertClassicHistograms, config.convertClassicHistogramsToNHCB)
        rules.fallback = config.fallbackProtocol?.format
        rules.extraMetrics = config.extraScrapeMetrics
        return rules
    }

    /// Whether what is remembered of a target's series stays true under another configuration.
    static func keepsMemory(_ old: ScrapeConfig, _ new: ScrapeConfig) -> Bool {
        var old = old
        var new = new
        for keyPath in [\ScrapeConfig.scrapeInterval, \.scrapeTimeout] {
            old[keyPath: keyPath] = PrometheusDuration(milliseconds: 0)
            new[keyPath: keyPath] = PrometheusDuration(milliseconds: 0)
        }
        old.limits.samples = 0
        new.limits.samples = 0
        old.client = HTTPClientConfig()
        new.client = HTTPClientConfig()
        return old == new
    }
}

extension ScrapeTarget {
    /// By which a target is recognised: its labels and its URL.
    struct ID: Hashable, Sendable {
        var labels: Labels
        var url: String
    }

    var id: ID { ID(labels: labels, url: url) }
}
