internal import MetricModel

/// When a query has to stop: its deadline, and the cancellation of its task.
struct QueryLimits: Sendable {
    let clock: any StackClock
    /// The steady reading of the clock at which the query has run too long.
    let deadline: Int64

    /// Whether to give up. Cheap enough for every few rows; to be asked from the query's task or its children.
    var isOver: Bool { Task.isCancelled || clock.steadyNanoseconds >= deadline }

    func check(in place: String = "expression evaluation") throws(PromQLError) {
        if clock.steadyNanoseconds >= deadline { throw .timedOut(in: place) }
        if Task.isCancelled { throw .canceled(in: place) }
    }
}
