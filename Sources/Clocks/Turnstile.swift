import Synchronization

/// Lets one task at a time through, in the order in which they came.
package final class Turnstile: Sendable {
    private struct State {
        var isTaken = false
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    /// Who is within, and who waits.
    private let state = Mutex(State())

    package init() {}

    /// How many are within or wait.
    package var count: Int { state.withLock { $0.waiting.count + ($0.isTaken ? 1 : 0) } }

    /// How many wait.
    package var waiting: Int { state.withLock { $0.waiting.count } }

    /// Waits until nobody else is within. Whoever has entered leaves.
    package func enter() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                if state.isTaken {
                    state.waiting.append(continuation)
                    return false
                }
                state.isTaken = true
                return true
            }
            if isFree { continuation.resume() }
        }
    }

    /// Lets the next one in.
    package func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            if state.waiting.isEmpty {
                state.isTaken = false
                return nil
            }
            return state.waiting.removeFirst()
        }
        next?.resume()
    }

    /// Runs `body` alone.
    package func alone<Result, Failure: Error>(
        _ body: () async throws(Failure) -> sending Result
    ) async throws(Failure) -> sending Result {
        await enter()
        defer { leave() }
        return try await body()
    }
}
