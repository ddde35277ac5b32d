import Synchronization

/// A clock that moves only when told: what tests and simulated time use.
public final class ManualClock: StackClock {
    private struct Sleeper {
        var id: Int
        var deadline: Int64
        var continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var wall: Int64
        var steady: Int64 = 0
        var nextSleeper = 0
        var sleepers: [Sleeper] = []
        var cancelled: Set<Int> = []
    }

    /// The time and those who sleep.
    private let state: Mutex<State>

    /// A clock that stands at `now` (milliseconds since 1970).
    public init(now: Timestamp = 1_700_000_000_000) {
        state = Mutex(State(wall: now * 1_000_000))
    }

    /// The wall time it was moved to.
    public var wallNanoseconds: Int64 { state.withLock { $0.wall } }

    /// How far it was moved.
    public var steadyNanoseconds: Int64 { state.withLock { $0.steady } }

    /// How many tasks are asleep on this clock.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    /// The earliest moment that somebody waits for; `nil` where nobody sleeps.
    public var nextDeadline: Int64? { state.withLock { $0.sleepers.map(\.deadline).min() } }

    /// Moves the time and wakes whoever waited for a moment up to the new one, earliest first.
    public func advance(milliseconds: Int64) {
        advance(nanoseconds: milliseconds * 1_000_000)
    }

    /// Moves the time and wakes whoever waited for a moment up to the new one, earliest first.
    public func advance(nanoseconds: Int64) {
        let woken = state.withLock { state in
            state.wall += nanoseconds
            state.steady += nanoseconds
            let due = state.sleepers.filter { $0.deadline <= state.steady }.sorted { $0.deadline < $1.deadline }
            state.sleepers.removeAll { $0.deadline <= state.steady }
            return due
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    /// Waits until the clock has been moved to `deadline`.
    public func sleep(untilSteady deadline: Int64) async throws {
        try Task.checkCancellation()
        let id = state.withLock { state in
            state.nextSleeper += 1
            return state.nextSleeper
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let early: (any Error)?? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .some(CancellationError()) }
                    if state.steady >= deadline { return .some(nil) }
                    state.sleepers.append(Sleeper(id: id, deadline: deadline, continuation: continuation))
                    return nil
                }
                switch early {
                case .none: break
                case .some(.none): continuation.resume()
                case .some(.some(let error)): continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            let sleeper = state.withLock { state -> Sleeper? in
                if let index = state.sleepers.firstIndex(where: { $0.id == id }) {
                    return state.sleepers.remove(at: index)
                }
                state.cancelled.insert(id)
                return nil
            }
            sleeper?.continuation.resume(throwing: CancellationError())
        }
        state.withLock { _ = $0.cancelled.remove(id) }
    }
}
