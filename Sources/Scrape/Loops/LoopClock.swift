import MetricModel

/// The system's clock, whose sleepers are woken by the timer of a loop and go on on its thread: no other thread is woken for them.
struct LoopClock: StackClock {
    let executor: LoopExecutor
    private let system = SystemClock()

    init(_ executor: LoopExecutor) { self.executor = executor }

    var wallNanoseconds: Int64 { system.wallNanoseconds }

    var steadyNanoseconds: Int64 { system.steadyNanoseconds }

    func sleep(untilSteady deadline: Int64) async throws {
        try Task.checkCancellation()
        if deadline > steadyNanoseconds { try await executor.sleepers.sleep(until: deadline) }
    }
}
