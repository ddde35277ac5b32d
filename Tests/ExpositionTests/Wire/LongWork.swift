import MetricModel
import Testing

/// Tests that compute for seconds do so on threads of their own: on those of all tasks they would hold up tests that wait for an answer.
struct LongWork: SuiteTrait, TestTrait, TestScoping {
    var isRecursive: Bool { true }

    func provideScope(
        for test: Test,
        testCase: Test.Case?,
        performing function: @concurrent @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(EvaluationThreads.reading) { try await function() }
    }
}

extension Trait where Self == LongWork {
    /// Runs on threads of their own.
    static var longWork: Self { Self() }
}
