import Synchronization

/// What discovery counts about itself.
final class DiscoveryCounters: Sendable {
    /// A mechanism of a job.
    struct Place: Hashable, Sendable {
        var mechanism: String
        var job: String
    }

    struct Values: Sendable {
        var received = 0
        var updates = 0
        var failedConfigs = 0
        var dnsLookups = 0
        var dnsFailures = 0
        var fileReadErrors = 0
        var fileScans = RecentDurations()
        var httpFailures = 0
        var refreshes: [Place: RecentDurations] = [:]
        var refreshFailures: [Place: Int] = [:]
        /// When files were last changed, in seconds, by name.
        var fileTimes: [String: Double] = [:]
    }

    /// The counters.
    private let values = Mutex(Values())

    var current: Values { values.withLock { $0 } }

    func update(_ change: (inout Values) -> Void) { values.withLock { change(&$0) } }
}
