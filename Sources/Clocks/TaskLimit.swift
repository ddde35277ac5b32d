/// A reason besides cancellation why a task is to give up: the deadline of a query, the end of the process. And what it may hold.
///
/// Set for a task and its children; whatever computes for long within them, in any room, looks at ``isOver`` now and then, and
/// whatever makes much of what others send asks with ``hold(_:)`` before it does.
public struct TaskLimit: Sendable {
    /// The answer to who asks for memory.
    public enum Grant: Sendable {
        /// Nobody counts.
        case free
        /// There is so much; it counts until the object is let go.
        case held(any AnyObject & Sendable)
        /// There is not so much.
        case refused
    }

    private let hasPassed: @Sendable () -> Bool
    private let granted: @Sendable (_ bytes: Int) -> Grant

    /// A limit that is over once `hasPassed` says so; that is asked often, by many threads.
    /// - Parameter granted: asked for memory, with the number of bytes.
    public init(
        holding granted: @escaping @Sendable (_ bytes: Int) -> Grant = { _ in .free },
        _ hasPassed: @escaping @Sendable () -> Bool
    ) {
        self.hasPassed = hasPassed
        self.granted = granted
    }

    @TaskLocal private static var current: TaskLimit?

    /// Whether the current task should give up: it has a limit, and that has passed or the task was cancelled. Never for tasks
    /// without one, so that what is computed half is seen by nobody but those who look at their limit afterwards.
    public static var isOver: Bool {
        guard let current else { return false }
        return Task.isCancelled || current.hasPassed()
    }

    /// The limit of the current task, if it has one, that is over as well once `hasPassed` says so.
    public static func sooner(_ hasPassed: @escaping @Sendable () -> Bool) -> TaskLimit {
        guard let current else { return TaskLimit(hasPassed) }
        return TaskLimit(holding: current.granted) { current.hasPassed() || hasPassed() }
    }

    /// Asks for so many bytes on behalf of the current task.
    public static func hold(_ bytes: Int) -> Grant { current?.granted(bytes) ?? .free }

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
