import MetricModel
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Protects a state that is mostly held for some microseconds, and now and then for long.
///
/// Whoever does little takes it on the thread that calls. Those who take long come one after the other, on threads that nobody else is served
/// by; who comes meanwhile waits without a thread: those of connections and of the database have others to serve.
package final class PatientLock<State>: Sendable {
    /// How it went with an attempt.
    package enum Attempt<Value> {
        case done(Value)
        /// It would take long.
        case tooLong
        /// Somebody takes long.
        case busy
    }

    /// What touches more than so much takes long.
    private let longSize: Int
    private let state: Mutex<State>
    /// Lets those who take long in, one at a time.
    private let turn = Turnstile()
    /// Changed while ``waiting`` is locked.
    private let isLong = Atomic(false)
    /// Those who wait until nobody takes long.
    private let waiting = Mutex<[CheckedContinuation<Void, Never>]>([])

    /// - Parameter longSize: what touches more than so much takes long.
    package init(_ state: consuming sending State, longSize: Int) {
        self.state = Mutex(state)
        self.longSize = longSize
    }

    /// Runs `body` unless somebody takes long.
    /// - Parameter size: about how much it touches.
    package func attempt<Value: Sendable>(
        _ size: (borrowing State) -> Int,
        _ body: (inout State) -> Value
    ) -> Attempt<Value> {
        while !isLong.load(ordering: .acquiring) {
            let found = state.withLockIfAvailable { state -> Attempt<Value> in
                size(state) > longSize ? .tooLong : .done(body(&state))
            }
            if let found { return found }
            sched_yield()
        }
        return .busy
    }

    /// Runs `body`, which is brief; `nil` where somebody takes long.
    package func brief<Value: Sendable>(_ body: (inout State) -> Value) -> Value? {
        switch attempt({ _ in 0 }, body) {
        case .done(let value): value
        case .tooLong, .busy: nil
        }
    }

    /// Runs `body` on the thread that calls, however long that waits: at the start, and where nobody is served by it.
    package func now<Value: Sendable>(_ body: (inout State) -> Value) -> Value { state.withLock { body(&$0) } }

    /// Waits while somebody takes long. Those who take long after that come when whoever waited had his chance.
    package func pass() async {
        await withCheckedContinuation { continuation in
            let isFree = waiting.withLock { waiting in
                if !isLong.load(ordering: .relaxed) { return true }
                waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    /// Runs `action`, which is brief, once nobody takes long.
    package func later(_ action: @escaping @Sendable () -> Void) {
        Task {
            await pass()
            action()
        }
    }

    /// Waits until it is the turn of somebody who takes long. What has to follow is ``alone(_:)``, on a thread for such.
    package func enter() async { await turn.enter() }

    /// Runs `body`, which takes long, and lets the others in.
    package func alone<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
        waiting.withLock { _ in isLong.store(true, ordering: .releasing) }
        defer {
            let released = waiting.withLock { waiting in
                isLong.store(false, ordering: .releasing)
                defer { waiting = [] }
                return waiting
            }
            for continuation in released { continuation.resume() }
            turn.leave()
        }
        return state.withLock { body(&$0) }
    }

    /// Runs `body` when it is its turn, on threads for what takes long; then `action`.
    package func later<Value: Sendable>(
        alone body: @escaping @Sendable (inout State) -> Value,
        then action: @escaping @Sendable (Value) -> Void
    ) {
        Task {
            await enter()
            action(await EvaluationThreads.run(on: .reading) { self.alone(body) })
        }
    }
}

extension PatientLock.Attempt: Sendable where Value: Sendable {}
