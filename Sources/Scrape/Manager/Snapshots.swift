public import MetricModel

/// A target that is scraped, as `/api/v1/targets` shows it.
public struct ActiveTarget: Sendable {
    /// The pool's name, which is the job's.
    public var scrapePool: String
    /// The target.
    public var target: ScrapeTarget
    /// Its labels before relabelling.
    public var discoveredLabels: Labels
    /// How it fares.
    public var report: TargetReport
    /// The URL as others reach it.
    public var globalURL: String
}

/// A target that relabelling dropped.
public struct DroppedTarget: Sendable {
    /// The pool's name, which is the job's.
    public var scrapePool: String
    /// Its labels before relabelling.
    public var discoveredLabels: Labels
}

/// One pool with its targets.
public struct PoolSnapshot: Sendable {
    /// The pool's name, which is the job's.
    public var name: String
    /// The job's configuration.
    public var config: ScrapeConfig
    /// The targets that are scraped, by URL and labels.
    public var active: [ActiveTarget]
    /// Those that were dropped, as far as they are remembered.
    public var dropped: [DroppedTarget]
    /// How many were dropped.
    public var droppedCount: Int
    /// How discovery goes, one for each of the job's mechanisms.
    public var discovery: [DiscoverySnapshot]
}

/// How one discovery mechanism of a job goes.
public struct DiscoverySnapshot: Sendable {
    /// `static`, `file`, `http` or `dns`.
    public var mechanism: String
    /// Groups found.
    public var groups: [TargetGroup]
    /// Why the last look failed; empty where it did not.
    public var lastError: String
    /// When it was last looked (milliseconds since 1970); `nil` before the first look.
    public var lastRefresh: Timestamp?
}

/// What a target's exposition says about one metric family.
public struct TargetMetadata: Sendable {
    /// The target's public labels.
    public var target: Labels
    /// The family's name.
    public var family: String
    /// What is said.
    public var metadata: MetricMetadata
}
