import Synchronization

/// An answer that one waits for, from whoever gives it first; what comes later is left out.
package final class OneAnswer<Value: Sendable>: Sendable {
    private struct State {
        var value: Value?
        var continuation: CheckedContinuation<Value, Never>?
    }

    /// What came, and who waits for it.
    private let state = Mutex(State())

    /// Nothing came yet.
    package init() {}

    /// Gives the answer.
    package func give(_ value: Value) {
        let continuation = state.withLock { state in
            if state.value == nil { state.value = value }
            return state.continuation.take()
        }
        continuation?.resume(returning: value)
    }

    /// Waits for the answer; once.
    /// - Parameter givenUp: the answer for a task that is cancelled.
    package func wait(or givenUp: Value) async -> Value {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let known = state.withLock { state in
                    if state.value == nil { state.continuation = continuation }
                    return state.value
                }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            give(givenUp)
        }
    }
}

extension EvaluationThreads {
    /// Runs on these threads what may not come back for long, as a look into a folder on a slow disk, and waits for it no longer than its
    /// caller does: where that is cancelled, nobody waits any more, and what runs ends with its next look at its limit.
    /// - Parameters:
    ///   - milliseconds: after so many its limit is over.
    ///   - isPatient: whether it is waited for until it ends nevertheless.
    ///   - isOver: another reason why it is to end.
    /// - Returns: `nil` where it was given up.
    package func wait<Result: Sendable>(
        milliseconds: Int64,
        isPatient: Bool = false,
        isOver: @escaping @Sendable () -> Bool = { false },
        for body: @escaping @Sendable () -> Result
    ) async -> Result? {
        let machine = SystemClock()
        let end = machine.steadyNanoseconds.plus(milliseconds * 1_000_000)
        let limit = TaskLimit { machine.steadyNanoseconds > end || isOver() }
        let answer = OneAnswer<Result?>()
        let work = Task(executorPreference: self) { await limit.run { answer.give(body()) } }
        let timer =
            isPatient
            ? nil
            : Task {
                // What looks at its limit comes back by itself.
                if (try? await machine.sleep(milliseconds: milliseconds + 1000)) != nil { answer.give(nil) }
            }
        let result = await answer.wait(or: nil)
        timer?.cancel()
        if result == nil { work.cancel() }
        return result
    }
}
