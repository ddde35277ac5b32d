internal import MetricModel
internal import Synchronization

/// A gate that lets so many queries run at a time; the others wait in order.
public final class ActiveQueries: Sendable {
    /// What became of waiting.
    enum Admission: Sendable {
        case admitted
        case cancelled
        case expired
        case closed
    }

    private struct Waiter {
        var id: Int
        var continuation: CheckedContinuation<Admission, Never>
    }

    private struct State {
        var running = 0
        var nextID = 0
        var waiters: [Waiter] = []
        /// Who has asked for a place and not got an answer yet.
        var asking: Set<Int> = []
        /// Who of them was told to stop waiting before it had begun to.
        var early: [Int: Admission] = [:]
    }

    /// The most queries at a time.
    public let limit: Int
    /// Who runs and who waits.
    private let state = Mutex(State())
    /// Whether queries are to end; beside the lock, since every query looks at it all the time.
    private let isOver = Atomic(false)

    /// A gate for so many queries at a time; 0 for no limit.
    public init(limit: Int) { self.limit = limit }

    /// Whether ``close()`` was called.
    public var isClosed: Bool { isOver.load(ordering: .relaxed) }

    /// Ends all queries, those that wait and those that run, and lets no more in. For the end of the process.
    public func close() {
        isOver.store(true, ordering: .sequentiallyConsistent)
        let waiters = state.withLock { state -> [Waiter] in
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.continuation.resume(returning: .closed) }
    }

    /// How many run now.
    public var runningCount: Int { state.withLock { $0.running } }

    /// How many wait.
    public var waitingCount: Int { state.withLock { $0.waiters.count } }

    /// Waits for a place until the clock reaches the deadline or the task is cancelled.
    func enter(until deadline: Int64, clock: any StackClock) async -> Admission {
        if isClosed { return .closed }
        let id = state.withLock { state -> Int? in
            if limit <= 0 || state.running < limit {
                state.running += 1
                return nil
            }
            state.nextID += 1
            state.asking.insert(state.nextID)
            return state.nextID
        }
        guard let id else { return .admitted }
        let alarm = Task { [weak self] in
            do {
                try await clock.sleep(untilSteady: deadline)
            } catch {
                return
            }
            self?.stop(id, .expired)
        }
        let admission = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let answer: Admission? = state.withLock { state in
                    if let early = state.early.removeValue(forKey: id) { return early }
                    if isClosed { return .closed }
                    if state.running < limit {
                        state.running += 1
                        return .admitted
                    }
                    state.waiters.append(Waiter(id: id, continuation: continuation))
                    return nil
                }
                if let answer { continuation.resume(returning: answer) }
            }
        } onCancel: {
            stop(id, .cancelled)
        }
        alarm.cancel()
        state.withLock { state in
            state.asking.remove(id)
            state.early[id] = nil
        }
        return admission
    }

    private func stop(_ id: Int, _ admission: Admission) {
        let waiter = state.withLock { state -> Waiter? in
            guard let index = state.waiters.firstIndex(where: { $0.id == id }) else {
                if state.asking.contains(id) { state.early[id] = admission }
                return nil
            }
            return state.waiters.remove(at: index)
        }
        waiter?.continuation.resume(returning: admission)
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
        next?.continuation.resume(returning: .admitted)
    }
}
