import Synchronization

/// What the scraper counts about itself.
final class ScrapeCounters: Sendable {
    /// The values of the counters, by the name that Prometheus gives them.
    struct Values: Sendable {
        var pools = 0
        var poolsFailed = 0
        var poolReloads = 0
        var poolReloadsFailed = 0
        var exceededTargetLimit = 0
        var exceededLabelLimits = 0
        var exceededBodySize = 0
        var exceededSampleLimit = 0
        var exceededBucketLimit = 0
        var cacheFlushForced = 0
        var duplicates = 0
        var outOfOrder = 0
        var outOfBounds = 0
        var exemplarsOutOfOrder = 0
        var scrapes = 0
        var samples = 0
        /// Lengths of the intervals between scrapes, by the configured interval.
        var intervals: [String: RecentDurations] = [:]
        var reloadLengths: [String: RecentDurations] = [:]
        var syncLengths: [String: RecentDurations] = [:]
        var syncs: [String: Int] = [:]
        var syncFailures: [String: Int] = [:]
        var scrapeDurations = RecentDurations()
    }

    /// The counters.
    private let values = Mutex(Values())

    var current: Values { values.withLock { $0 } }

    func update(_ change: (inout Values) -> Void) { values.withLock { change(&$0) } }
}

/// The last durations (in seconds) of something, for quantiles over a sliding window, and its sum and count over all time.
struct RecentDurations: Sendable {
    private(set) var sum = 0.0
    private(set) var count = 0
    /// Counts of durations up to 0.01, 0.1, 1 and 10 seconds.
    private(set) var buckets = [0, 0, 0, 0]
    private var recent: [Double] = []
    private var next = 0

    /// The bounds of ``buckets``.
    static let bounds = [0.01, 0.1, 1, 10]
    private static let window = 500

    mutating func observe(_ seconds: Double) {
        sum += seconds
        count += 1
        for (index, bound) in Self.bounds.enumerated() where seconds <= bound { buckets[index] += 1 }
        if recent.count < Self.window {
            recent.append(seconds)
        } else {
            recent[next] = seconds
            next = (next + 1) % Self.window
        }
    }

    /// The value below which a share of the recent durations lies; NaN where there is none.
    func quantile(_ share: Double) -> Double {
        guard !recent.isEmpty else { return .nan }
        let sorted = recent.sorted()
        let rank = (share * Double(sorted.count)).rounded(.up)
        return sorted[max(0, min(sorted.count - 1, Int(rank) - 1))]
    }
}
