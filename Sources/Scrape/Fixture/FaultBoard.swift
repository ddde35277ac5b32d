import MetricModel
import Synchronization

/// Which faults there are now, and the targets that live in this process. For test fixtures.
public final class FaultBoard: Sendable {
    /// Answers a scrape in this process.
    public typealias Handler = @Sendable (TargetRequest) async throws(TransportError) -> TargetResponse

    /// Where a fault is.
    struct Place: Hashable {
        var job: String
        /// Host and port; empty for all targets of the job.
        var target = ""
    }

    private struct State {
        var targets: [Place: RunningFault] = [:]
        var pushes: RunningFault?
        var remoteWrites: RunningFault?
        var handlers: [Place: Handler] = [:]
    }

    /// The faults with what they have to remember.
    private let state = Mutex(State())

    /// No faults.
    public init() {}

    // MARK: Setting

    /// Lets scrapes of a job (or of one of its targets) go wrong; `nil` makes them well again.
    public func set(_ fault: Fault?, job: String, target: String = "") {
        put(fault.map(RunningFault.init), job: job, target: target)
    }

    /// Lets scrapes go wrong as they did before, where the fault remembers something.
    package func put(_ fault: RunningFault?, job: String, target: String = "") {
        state.withLock { $0.targets[Place(job: job, target: target)] = fault }
    }

    /// Lets pushes and deletions go wrong; `nil` makes them well again.
    public func setPushes(_ fault: Fault?) { putPushes(fault.map(RunningFault.init)) }

    /// Lets pushes go wrong as they did before, where the fault remembers something.
    package func putPushes(_ fault: RunningFault?) { state.withLock { $0.pushes = fault } }

    /// Lets what is sent to a remote storage go wrong; `nil` makes it well again.
    package func putRemoteWrites(_ fault: RunningFault?) { state.withLock { $0.remoteWrites = fault } }

    /// Takes all faults away.
    public func clear() {
        state.withLock { state in
            state.targets = [:]
            state.pushes = nil
            state.remoteWrites = nil
        }
    }

    /// Lets scrapes of a target be answered in this process; `nil` ends that.
    package func setHandler(_ handler: Handler?, job: String, target: String) {
        state.withLock { $0.handlers[Place(job: job, target: target)] = handler }
    }

    /// The faults that there are, by job and target.
    package var all: (targets: [(job: String, target: String, fault: Fault)], pushes: Fault?) {
        state.withLock { state in
            let targets = state.targets.map { ($0.key.job, $0.key.target, $0.value.fault) }
            return (targets.sorted { ($0.0, $0.1) < ($1.0, $1.1) }, state.pushes?.fault)
        }
    }

    // MARK: Asking

    /// Whether there are no faults of scrapes and no targets of this process.
    var isQuiet: Bool { state.withLock { $0.targets.isEmpty && $0.handlers.isEmpty } }

    func handler(job: String, target: String) -> Handler? {
        state.withLock { $0.handlers[Place(job: job, target: target)] }
    }

    private func running(_ job: String, _ target: String) -> RunningFault? {
        state.withLock { $0.targets[Place(job: job, target: target)] ?? $0.targets[Place(job: job)] }
    }

    /// What goes wrong with this scrape, counted as one.
    func takeScrape(job: String, target: String, url: String) -> Fault.Kind? { running(job, target)?.take(url) }

    /// What goes wrong with this push, counted as one.
    package func takePush() -> Fault.Kind? { state.withLock { $0.pushes }?.take("") }

    /// What goes wrong with this request to a remote storage, counted as one.
    package func takeRemoteWrite() -> Fault.Kind? { state.withLock { $0.remoteWrites }?.take("") }

    /// The body of a target whose counters were reset.
    func reset(_ body: [UInt8], job: String, target: String, url: String) -> [UInt8] {
        running(job, target)?.reset(body, of: url) ?? body
    }
}
