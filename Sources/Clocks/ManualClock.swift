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
        /// How often somebody fell asleep or woke up.
        var changes = 0
        var watchers: [Watcher] = []
        var abandoned: Set<Int> = []

        /// A number by which somebody who waits is known.
        mutating func nextNumber() -> Int {
            nextSleeper += 1
            return nextSleeper
        }

        /// Notes that somebody fell asleep or woke up, and hands over those who wait for that.
        mutating func takeWatchers() -> [Watcher] {
            changes += 1
            defer { watchers = [] }
            return watchers
        }
    }

    private struct Watcher {
        var id: Int
        var continuation: CheckedContinuation<Void, any Error>
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
        let (nanoseconds, isTooMuch) = milliseconds.multipliedReportingOverflow(by: 1_000_000)
        advance(nanoseconds: isTooMuch ? .max : nanoseconds)
    }

    /// The last moment that it is moved to, in nanoseconds since 1970: the year 2250, after any scenario, so that sums of moments and
    /// spans are numbers, too. One that was set to a later moment stands still.
    public static let end: Int64 = 8_835_955_200 * 1_000_000_000

    /// Moves the time, not beyond ``end``, and wakes whoever waited for a moment up to the new one, earliest first.
    public func advance(nanoseconds: Int64) {
        let (woken, watchers) = state.withLock { state in
            let step = min(nanoseconds, max(0, min(Self.end - state.wall, Self.end - state.steady)))
            state.wall += step
            state.steady += step
            let due = state.sleepers.filter { $0.deadline <= state.steady }.sorted { $0.deadline < $1.deadline }
            state.sleepers.removeAll { $0.deadline <= state.steady }
            return (due, due.isEmpty ? [] : state.takeWatchers())
        }
        for sleeper in woken { sleeper.continuation.resume() }
        for watcher in watchers { watcher.continuation.resume() }
    }

    /// Sets the wall's time forward or back, as whoever administers a machine does; nobody wakes, as no time passes.
    public func jump(nanoseconds: Int64) {
        state.withLock { $0.wall += nanoseconds }
    }

    /// How often somebody fell asleep on this clock or woke up; for ``change(after:)``.
    public var changes: Int { state.withLock { $0.changes } }

    /// Waits until exactly so many tasks sleep on this clock.
    /// - Throws: `CancellationError` if the task is cancelled before, as by a test's time limit.
    public func waitForSleepers(_ count: Int) async throws {
        while true {
            let (sleepers, changes) = state.withLock { ($0.sleepers.count, $0.changes) }
            if sleepers == count { return }
            try await change(after: changes)
        }
    }

    /// Waits until somebody falls asleep or wakes up, unless that has happened since there were so many ``changes``.
    /// - Throws: `CancellationError` if the task is cancelled before.
    public func change(after known: Int) async throws {
        try Task.checkCancellation()
        let id = state.withLock { $0.nextNumber() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isCancelled: Bool? = state.withLock { state in
                    if state.abandoned.remove(id) != nil { return true }
                    if state.changes != known { return false }
                    state.watchers.append(Watcher(id: id, continuation: continuation))
                    return nil
                }
                switch isCancelled {
                case .none: break
                case .some(true): continuation.resume(throwing: CancellationError())
                case .some(false): continuation.resume()
                }
            }
        } onCancel: {
            let watcher = state.withLock { state -> Watcher? in
                if let index = state.watchers.firstIndex(where: { $0.id == id }) {
                    return state.watchers.remove(at: index)
                }
                state.abandoned.insert(id)
                return nil
            }
            watcher?.continuation.resume(throwing: CancellationError())
        }
        state.withLock { _ = $0.abandoned.remove(id) }
    }

    /// Waits until the clock has been moved to `deadline`.
    public func sleep(untilSteady deadline: Int64) async throws {
        try Task.checkCancellation()
        let id = state.withLock { $0.nextNumber() }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                var watchers: [Watcher] = []
                let early: (any Error)?? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return .some(CancellationError()) }
                    if state.steady >= deadline { return .some(nil) }
                    state.sleepers.append(Sleeper(id: id, deadline: deadline, continuation: continuation))
                    watchers = state.takeWatchers()
                    return nil
                }
                for watcher in watchers { watcher.continuation.resume() }
                switch early {
                case .none: break
                case .some(.none): continuation.resume()
                case .some(.some(let error)): continuation.resume(throwing: error)
                }
            }
        } onCancel: {
            let (sleeper, watchers) = state.withLock { state -> (Sleeper?, [Watcher]) in
                if let index = state.sleepers.firstIndex(where: { $0.id == id }) {
                    return (state.sleepers.remove(at: index), state.takeWatchers())
                }
                state.cancelled.insert(id)
                return (nil, [])
            }
            sleeper?.continuation.resume(throwing: CancellationError())
            for watcher in watchers { watcher.continuation.resume() }
        }
        state.withLock { _ = $0.cancelled.remove(id) }
    }
}
