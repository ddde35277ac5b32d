import MetricModel
import PromQL

/// Reads the selector of a deletion: `{job="batch",instance=~"a.*"}`.
enum GroupSelector {
    /// The most bytes of all selectors of a request.
    static let lengthLimit = 16 << 10
    /// How long it may take to find the groups, in nanoseconds.
    private static let timeLimit: Int64 = 2_000_000_000

    /// Pushes are taken by the threads that everything else runs on: they do not wait for somebody's patterns.
    private static let executor = EvaluationThreads(EvaluationThreads.Lane(limit: 1, niceness: 3))

    static func matchers(_ text: String) throws(ParseError) -> [LabelMatcher] {
        try PromQLParser().parseSelector(text)
    }

    /// The thread on which groups are selected, and how long that may take.
    static func threads(_ clock: any StackClock) -> Route.Threads {
        Route.Threads(executor: executor) { work in
            let start = clock.steadyNanoseconds
            return await TaskLimit { clock.steadyNanoseconds - start > timeLimit }.run(work)
        }
    }
}
