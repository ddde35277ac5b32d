/// A reason besides cancellation why a task is to give up: the deadline of a query, the end of the process.
///
/// Set for a task and its children; whatever computes for long within them, in any room, looks at ``isOver`` now and then.
public struct TaskLimit: Sendable {
    private let hasPassed: @Sendable () -> Bool

    /// A limit that is over once `hasPassed` says so; that is asked often, by many threads.
    public init(_ hasPassed: @escaping @Sendable () -> Bool) { self.hasPassed = hasPassed }

    @TaskLocal private static var current: TaskLimit?

    /// Whether the current task should give up: it has a limit, and that has passed or the task was cancelled. Never for tasks
    /// without one, so that what is computed half is seen by nobody but those who look at their limit afterwards.
    public static var isOver: Bool {
        guard let current else { return false }
        return Task.isCancelled || current.hasPassed()
    }

    /// Runs `body` under this limit.
    public func run<Result: Sendable, Failure: Error>(
        _ body: () async throws(Failure) -> Result
    ) async throws(Failure) -> Result {
        let outcome = await Self.$current.withValue(self) { () async -> Swift.Result<Result, Failure> in
            do throws(Failure) {
                return .success(try await body())
            } catch {
                return .failure(error)
            }
        }
        return try outcome.get()
    }
}
