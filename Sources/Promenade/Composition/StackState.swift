import MetricModel
import Synchronization
import Web

/// What changes while a stack runs: how far it is, and which configuration is in use.
final class StackState: Sendable {
    /// A configuration that could not be used.
    struct FailedReload: Sendable {
        /// When reloads began to fail, in nanoseconds since 1970.
        var nanoseconds: Int64
        /// What is wrong, in Prometheus's words.
        var message: String
        /// What is wrong with file, line and field.
        var place: String
    }

    struct Current: Sendable {
        var phase = PrometheusEnvironment.Phase.starting
        var config: StackConfig
        /// How reloads have failed since the last good one; `nil` where none did.
        var failedReload: FailedReload?
        /// By which changes of the configuration's files are noticed, as they were when they were last read.
        var fileStamps: [String: [Int64]?] = [:]
        var isLastReloadGood: Bool { failedReload == nil }
        var lastReload: Int64
        var addresses: StackAddresses?
        /// Targets that have followed the stack's servers.
        var moves: [OwnTargets.Move] = []
    }

    /// What is so now.
    private let current: Mutex<Current>

    /// Where is told what happens.
    let events: StackEvents

    init(config: StackConfig, now: Int64, events: StackEvents) {
        self.events = events
        current = Mutex(Current(config: config, lastReload: now))
    }

    var now: Current { current.withLock { $0 } }

    var phase: PrometheusEnvironment.Phase { current.withLock { $0.phase } }

    func enter(_ phase: PrometheusEnvironment.Phase) {
        current.withLock { $0.phase = phase }
        switch phase {
        case .starting, .ready: break
        case .stopping: events.end()
        }
    }

    func reloaded(_ config: StackConfig, at seconds: Int64) {
        current.withLock { current in
            current.config = config
            current.failedReload = nil
            current.lastReload = seconds
        }
    }

    func moved(_ moves: [OwnTargets.Move]) { current.withLock { $0.moves = moves } }

    func bound(_ addresses: StackAddresses) { current.withLock { $0.addresses = addresses } }

    /// Notes the state of the files that were read.
    func read(_ stamps: [String: [Int64]?]) { current.withLock { $0.fileStamps = stamps } }

    /// Notes that a reload failed; several in a row failed since the first, and the last one's reason counts.
    func reloadFailed(_ failure: FailedReload) {
        current.withLock { current in
            var failure = failure
            failure.nanoseconds = current.failedReload?.nanoseconds ?? failure.nanoseconds
            current.failedReload = failure
        }
    }
}
