import MetricModel
import PromQL

/// A thread for lessons, which does one request after the other: a hundred learners who go on at the same moment wait for
/// each other, but none takes from the time that another one may compute.
final class LessonLane: Sendable {
    private let threads: EvaluationThreads
    private let turnstile = Turnstile()

    init() {
        // Lessons give way to everything else.
        threads = EvaluationThreads(EvaluationThreads.Lane(limit: 1, niceness: 15))
    }

    /// Does this after all that came before.
    func run<Value: Sendable>(_ body: @escaping @Sendable () async -> Value) async -> Value {
        await Task(executorPreference: threads) { [turnstile] in
            await turnstile.enter()
            defer { turnstile.leave() }
            return await body()
        }.value
    }
}
