import MetricModel
import PromQL
import Synchronization

/// A thread for lessons, which does one request after the other: a hundred learners who go on at the same moment wait for
/// each other, but none takes from the time that another one may compute.
final class LessonLane: Sendable {
    private let threads: EvaluationThreads
    /// The request that came last.
    private let last = Mutex<Task<Void, Never>?>(nil)

    init() {
        // Lessons give way to everything else.
        threads = EvaluationThreads(EvaluationThreads.Lane(limit: 1, niceness: 15))
    }

    /// Does this after all that came before.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        let task = last.withLock { last in
            let before = last
            let task = Task(executorPreference: threads) {
                await before?.value
                return await body()
            }
            last = Task(executorPreference: threads) { _ = await task.value }
            return task
        }
        return await task.value
    }
}
