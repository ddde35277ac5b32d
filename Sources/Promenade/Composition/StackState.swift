import MetricModel
import Synchronization
import Web

/// What changes while a stack runs: how far it is, and which configuration is in use.
final class StackState: Sendable {
    struct Current: Sendable {
        var phase = PrometheusEnvironment.Phase.starting
        var config: StackConfig
        /// When the last reload failed, in nanoseconds since 1970; `nil` where it did not.
        var failedReload: Int64?
        var isLastReloadGood: Bool { failedReload == nil }
        var lastReload: Int64
        var addresses: StackAddresses?
    }

    /// What is so now.
    private let current: Mutex<Current>

    init(config: StackConfig, now: Int64) {
        current = Mutex(Current(config: config, lastReload: now))
    }

    var now: Current { current.withLock { $0 } }

    var phase: PrometheusEnvironment.Phase { current.withLock { $0.phase } }

    func enter(_ phase: PrometheusEnvironment.Phase) { current.withLock { $0.phase = phase } }

    func reloaded(_ config: StackConfig, at seconds: Int64) {
        current.withLock { current in
            current.config = config
            current.failedReload = nil
            current.lastReload = seconds
        }
    }

    func bound(_ addresses: StackAddresses) { current.withLock { $0.addresses = addresses } }

    /// Notes that a reload failed; several in a row failed since the first.
    func reloadFailed(at nanoseconds: Int64) {
        current.withLock { $0.failedReload = $0.failedReload ?? nanoseconds }
    }
}
