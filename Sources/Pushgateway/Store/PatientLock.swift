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
    private let isLong = Atomic(false)

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

    /// Waits until those who take long, as far as they are there, are done.
    package func pass() async {
        await turn.enter()
        turn.leave()
    }

    /// Runs `action`, which is brief, once those who take long are done.
    package func later(_ action: @escaping @Sendable () -> Void) {
        Task {
            await pass()
            action()
        }
    }

    /// Waits until it is the turn of somebody who takes long. What has to follow is ``alone(_:)``, on a thread for such.
    package func enter() async { await turn.enter() }

    /// Runs `body`, which takes long, and lets the next one in.
    package func alone<Value: Sendable>(_ body: (inout State) -> Value) -> Value {
        isLong.store(true, ordering: .releasing)
        defer {
            isLong.store(false, ordering: .releasing)
            turn.leave()
        }
        return state.withLock { body(&$0) }
    }
}

extension PatientLock.Attempt: Sendable where Value: Sendable {}
