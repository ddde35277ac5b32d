internal import MetricModel
internal import Synchronization

/// A gate that lets so many queries run at a time; the others wait in order.
public final class ActiveQueries: Sendable {
    private struct Waiter {
        var id: Int
        var continuation: CheckedContinuation<Bool, Never>
    }

    private struct State {
        var running = 0
        var nextID = 0
        var waiters: [Waiter] = []
        var cancelled: Set<Int> = []
    }

    /// The most queries at a time.
    public let limit: Int
    /// Who runs and who waits.
    private let state = Mutex(State())

    /// A gate for so many queries at a time; 0 for no limit.
    public init(limit: Int) { self.limit = limit }

    /// How many run now.
    public var runningCount: Int { state.withLock { $0.running } }

    /// How many wait.
    public var waitingCount: Int { state.withLock { $0.waiters.count } }

    /// Waits for a place. Answers `false` where the task was cancelled before there was one.
    func enter() async -> Bool {
        let id = state.withLock { state -> Int? in
            if limit <= 0 || state.running < limit {
                state.running += 1
                return nil
            }
            state.nextID += 1
            return state.nextID
        }
        guard let id else { return true }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Bool? = state.withLock { state in
                    if state.cancelled.remove(id) != nil { return false }
                    if state.running < limit {
                        state.running += 1
                        return true
                    }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                    state.cancelled.insert(id)
                    return nil
                }
                return state.waiters.remove(at: index)
            }
            waiter?.continuation.resume(returning: false)
        }
    }

    /// Gives a place back.
    func leave() {
        let next = state.withLock { state -> Waiter? in
            if state.waiters.isEmpty {
                state.running -= 1
                return nil
            }
            return state.waiters.removeFirst()
        }
        next?.continuation.resume(returning: true)
    }
}
