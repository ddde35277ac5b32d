import MetricModel
import PromQL

/// A thread of its own for a world: what its parts wait for is done there, one thing after the other.
package enum WorldThread {
    /// Runs a world on a new thread.
    package static func run<Result: Sendable>(
        _ body: @escaping @Sendable () async throws -> Result
    ) async throws -> Result {
        let thread = EvaluationThreads(EvaluationThreads.Lane(limit: 1, niceness: 0))
        // A task does not hold on to the threads that it prefers.
        defer { withExtendedLifetime(thread) {} }
        let task = Task(executorPreference: thread) { try await body() }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }
}
