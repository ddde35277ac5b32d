import MetricModel
import PromQL
import Synchronization
import Testing

@Suite(.timeLimit(.minutes(5))) struct EvaluationThreadsTests {
    /// Whether the code that asks runs on these threads.
    fileprivate static func isOn(_ threads: EvaluationThreads) -> Bool {
        let own = threads.asUnownedTaskExecutor()
        // What a task prefers, it does not run on yet.
        return EvaluationThreads.isCurrent && withUnsafeCurrentTask { $0?.unownedTaskExecutor == own }
    }

    @Test("Tasks run on them, with all that they begin, and there are no more than the limit", .timeLimit(.minutes(5)))
    func running() async {
        let threads = EvaluationThreads(EvaluationThreads.Lane(limit: 3, niceness: 1))
        let total = await withTaskExecutorPreference(threads) {
            await withTaskGroup(of: Int.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        await Task.yield()
                        return Self.isOn(threads) ? number : -1000
                    }
                }
                return await group.reduce(0, +)
            }
        }
        #expect(total == 19_900)
        #expect(1...3 ~= threads.threadCount)
    }

    @Test("A task that keeps one thread does not keep the others' tasks", .timeLimit(.minutes(5)))
    func sharing() async {
        let threads = EvaluationThreads(EvaluationThreads.Lane(limit: 2, niceness: 0))
        let flag = Flag()
        await withTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: threads) { while !flag.isSet.load(ordering: .relaxed) {} }
            group.addTask(executorPreference: threads) { flag.isSet.store(true, ordering: .relaxed) }
        }
        let isEnded = flag.isSet.load(ordering: .relaxed)
        #expect(isEnded)
    }

    @Test("Threads that a burst of tasks has made are there for the next one", .timeLimit(.minutes(5)))
    func bursts() async {
        // No more than there are cores: those stay, however long nothing comes.
        let limit = EvaluationThreads.cores
        let threads = EvaluationThreads(EvaluationThreads.Lane(limit: limit + 3, niceness: 0))
        let count = Count()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<limit {
                group.addTask(executorPreference: threads) {
                    count.value.add(1, ordering: .relaxed)
                    while count.value.load(ordering: .relaxed) < limit {}
                }
            }
        }
        #expect(threads.threadCount == limit)
    }

    private final class Count: Sendable {
        let value = Atomic(0)
    }

    private final class Flag: Sendable {
        let isSet = Atomic(false)
    }

    @Test("An engine evaluates on its threads, unless it is asked from others of that kind", .timeLimit(.minutes(5)))
    func engine() async throws {
        let own = EvaluationThreads(.queries(concurrency: 1))
        let rules = EvaluationThreads(.rules)
        let engine = PromQLEngine(clock: ManualClock(), threads: own)
        _ = try await engine.instant(query: "m", at: 0, reader: Asking(threads: own))
        try await withTaskExecutorPreference(rules) {
            _ = try await engine.instant(query: "m", at: 0, reader: Asking(threads: rules))
        }
        await #expect(throws: PromQLError.self) {
            try await engine.instant(query: "m", at: 0, reader: Asking(threads: rules))
        }
    }

    /// A reader that fails where it is not asked on certain threads.
    private struct Asking: SampleReader {
        let threads: EvaluationThreads

        func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
            if EvaluationThreadsTests.isOn(threads) { return [] }
            throw StorageError(.unsupported, "on other threads")
        }
        func series(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> LabelSets { [] }
        func labelNames(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
            -> [String]
        { [] }
        func labelValues(_ name: String, _ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
            -> [String]
        { [] }
        func exemplars(_ sets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError) -> [SeriesExemplars] {
            []
        }
    }
}
