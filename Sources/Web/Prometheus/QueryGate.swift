import Synchronization

/// Lets only so many queries run at a time; the others wait their turn.
final class QueryGate: Sendable {
    private struct Waiter {
        var id: Int
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var running = 0
        var next = 0
        var waiting: [Waiter] = []
        var cancelled: Set<Int> = []
    }

    /// The most at a time.
    let limit: Int
    /// Who runs and who waits.
    private let state = Mutex(State())

    init(limit: Int) { self.limit = max(1, limit) }

    /// How many run or wait.
    var active: Int { state.withLock { $0.running + $0.waiting.count } }

    /// Waits for a turn; `false` where the task is cancelled before. Every `true` is paid back by ``leave()``.
    func enter() async -> Bool {
        let isFree = state.withLock { state in
            guard state.running < limit else { return false }
            state.running += 1
            return true
        }
        if isFree { return true }
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let verdict: Bool? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return false }
                    if state.running < limit {
                        state.running += 1
                        return true
                    }
                    state.waiting.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let verdict { continuation.resume(returning: verdict) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                if let index = state.waiting.firstIndex(where: { $0.id == id }) {
                    return state.waiting.remove(at: index)
                }
                state.cancelled.insert(id)
                return nil
            }
            waiter?.continuation.resume(returning: false)
        }
    }

    /// Gives the turn back.
    func leave() {
        let next = state.withLock { state -> Waiter? in
            if state.waiting.isEmpty {
                state.running -= 1
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.continuation.resume(returning: true)
    }
}
