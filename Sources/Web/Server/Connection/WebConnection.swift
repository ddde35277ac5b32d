import Exposition
import NIOCore
import Scrape
import Synchronization

/// What those who answer a request know of the connection that it came on.
final class WebConnection: Sendable {
    /// What is called when the client goes away.
    private struct Departure {
        var isOver = false
        var onLeave: (@Sendable () -> Void)?
    }

    /// Address and port of the client; empty where there is no connection.
    let remoteAddress: String
    /// Tells the client that it may send the body, where it waits for that.
    let sendContinue: @Sendable () -> Void
    /// Where answers that take no time are made; `nil` without a connection.
    let executor: LoopExecutor?
    /// The memory for what is sent.
    let bodies: BodyBudget
    private let pipelined = Atomic(false)
    /// Who waits for the client's departure.
    private let departure = Mutex(Departure())

    /// A connection of a client.
    init(
        remoteAddress: String,
        executor: LoopExecutor,
        bodies: BodyBudget,
        sendContinue: @escaping @Sendable () -> Void
    ) {
        self.remoteAddress = remoteAddress
        self.executor = executor
        self.bodies = bodies
        self.sendContinue = sendContinue
    }

    /// No connection: the request comes from this program.
    init() {
        remoteAddress = ""
        executor = nil
        bodies = BodyBudget()
        sendContinue = {}
    }

    /// Whether the client has sent more requests than it had answers for: it is answered where others do not wait for that.
    var isPipelined: Bool {
        get { pipelined.load(ordering: .relaxed) }
        set { pipelined.store(newValue, ordering: .relaxed) }
    }

    /// The client has gone away, or sends nothing more: whoever works for it stops.
    func clientHasLeft() {
        let waiting = departure.withLock { departure in
            departure.isOver = true
            defer { departure.onLeave = nil }
            return departure.onLeave
        }
        waiting?()
    }

    /// Runs something in a task of its own, not on the connection's thread; the task is cancelled where the client goes away, as Go's
    /// server does.
    /// - Parameter executor: the threads to run it on; `nil` for those that everything runs on.
    func working<Value: Sendable>(
        on executor: (any TaskExecutor)? = nil,
        _ work: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        let task = Task(executorPreference: executor ?? globalConcurrentExecutor) { try await work() }
        let isOver = departure.withLock { departure in
            departure.onLeave = { task.cancel() }
            return departure.isOver
        }
        if isOver { task.cancel() }
        defer { departure.withLock { $0.onLeave = nil } }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
