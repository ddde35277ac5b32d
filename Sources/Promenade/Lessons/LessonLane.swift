package import MetricModel
import PromQL

/// A thread for lessons, which does one request after the other: a hundred learners who go on at the same moment wait for
/// each other, but none takes from the time that another one may compute. Of one learner only one request waits here, the
/// others behind it: whoever asks for much at once does not make others wait for all of it.
package final class LessonLane: Sendable {
    private let threads: EvaluationThreads
    private let turnstile = Turnstile()

    package init() {
        // Lessons give way to everything else.
        threads = EvaluationThreads(EvaluationThreads.Lane(limit: 1, niceness: 15))
    }

    /// How many learners have something done or wait here.
    package var count: Int { turnstile.count }

    /// Does this after one thing for each learner who came before.
    /// - Parameter own: where the requests of this learner wait for each other.
    package func run<Value: Sendable>(
        _ own: Turnstile,
        _ body: @escaping @Sendable () async -> Value
    ) async -> Value {
        await own.enter()
        defer { own.leave() }
        return await Task(executorPreference: threads) { [turnstile] in
            await turnstile.enter()
            defer { turnstile.leave() }
            return await body()
        }.value
    }
}
