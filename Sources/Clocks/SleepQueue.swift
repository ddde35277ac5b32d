import Synchronization

/// Those who sleep, by when they are to wake, behind one timer for all. Whoever is cancelled is gone at once: a sleep of the language's
/// own stays in memory until it is due.
package final class SleepQueue: Sendable {
    /// One who sleeps. Touched under the queue's lock only.
    private final class Sleeper: @unchecked Sendable {
        let deadline: Int64
        var continuation: CheckedContinuation<Void, any Error>?
        var isCancelled = false
        /// Where it stands in the heap; negative for nowhere.
        var place = -1

        init(_ deadline: Int64) { self.deadline = deadline }
    }

    private struct State {
        /// Each wakes no later than the two that stand below it.
        var heap: [Sleeper] = []
        /// What timers are set to, the next one last: each was set when it was earlier than all before.
        var armed: [Int64] = []

        /// Moves one up or down to where it belongs.
        mutating func settle(_ sleeper: Sleeper, at start: Int) {
            var place = start
            while place > 0, heap[(place - 1) / 2].deadline > sleeper.deadline {
                put(heap[(place - 1) / 2], at: place)
                place = (place - 1) / 2
            }
            while true {
                var below = 2 * place + 1
                if below + 1 < heap.count, heap[below + 1].deadline < heap[below].deadline { below += 1 }
                if below >= heap.count || heap[below].deadline >= sleeper.deadline { break }
                put(heap[below], at: place)
                place = below
            }
            put(sleeper, at: place)
        }

        private mutating func put(_ sleeper: Sleeper, at place: Int) {
            heap[place] = sleeper
            sleeper.place = place
        }

        mutating func add(_ sleeper: Sleeper) {
            heap.append(sleeper)
            settle(sleeper, at: heap.count - 1)
        }

        mutating func remove(_ sleeper: Sleeper) {
            let place = sleeper.place
            guard place >= 0 else { return }
            sleeper.place = -1
            let last = heap.removeLast()
            if last !== sleeper { settle(last, at: place) }
        }

        /// What the timer is to be set to, if it is to be set anew.
        mutating func next() -> Int64? {
            guard let first = heap.first, first.deadline < armed.last ?? .max else { return nil }
            armed.append(first.deadline)
            return first.deadline
        }
    }

    /// Who sleeps.
    private let state = Mutex(State())
    private let hasOneTimer: Bool
    private let earliness: Int64
    /// Called under the lock, so that what is asked for last is what was wanted last.
    private let arm: @Sendable (_ deadline: Int64) -> Void

    /// Nobody sleeps yet.
    /// - Parameters:
    ///   - hasOneTimer: whether one moment takes the place of that before, and may come a little early.
    ///   - earliness: by how much a timer may come early where each moment has one of its own, in nanoseconds.
    ///   - arm: has ``wake(at:)`` called at a moment.
    package init(hasOneTimer: Bool = false, earliness: Int64 = 0, arm: @escaping @Sendable (_ deadline: Int64) -> Void)
    {
        self.hasOneTimer = hasOneTimer
        self.earliness = earliness
        self.arm = arm
    }

    /// How many sleep.
    package var count: Int { state.withLock { $0.heap.count } }

    /// Returns when it is woken at that moment or later.
    /// - Throws: `CancellationError` if the task is cancelled before.
    package func sleep(until deadline: Int64) async throws {
        let sleeper = Sleeper(deadline)
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Void, any Error>) in
                let isCancelled = state.withLock { state in
                    if sleeper.isCancelled { return true }
                    sleeper.continuation = continuation
                    state.add(sleeper)
                    if let next = state.next() { arm(next) }
                    return false
                }
                if isCancelled { continuation.resume(throwing: CancellationError()) }
            }
        } onCancel: {
            let continuation = state.withLock { state in
                sleeper.isCancelled = true
                state.remove(sleeper)
                return sleeper.continuation.take()
            }
            continuation?.resume(throwing: CancellationError())
        }
    }

    /// Wakes those whose time has come.
    package func wake(at now: Int64) {
        while true {
            let woken = state.withLock { state -> CheckedContinuation<Void, any Error>? in
                guard let first = state.heap.first, first.deadline <= now else {
                    if hasOneTimer { state.armed = [] }
                    while let last = state.armed.last, last <= now + earliness { state.armed.removeLast() }
                    if let next = state.next() { arm(next) }
                    return nil
                }
                state.remove(first)
                return first.continuation.take()
            }
            guard let woken else { return }
            woken.resume()
        }
    }
}
