import MetricModel
import Synchronization
import Web

/// What changes while a stack runs: how far it is, and which configuration is in use.
final class StackState: Sendable {
    struct Current: Sendable {
        var phase = PrometheusEnvironment.Phase.starting
        var config: StackConfig
        var isLastReloadGood = true
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
            current.isLastReloadGood = true
            current.lastReload = seconds
        }
    }

    func bound(_ addresses: StackAddresses) { current.withLock { $0.addresses = addresses } }

    func reloadFailed() { current.withLock { $0.isLastReloadGood = false } }
}
