internal import MetricModel
internal import Synchronization

/// Memory that several tasks write to, each its own rows.
struct SharedRows: @unchecked Sendable {
    let base: UnsafeMutablePointer<Double>
}

/// Spreading work on rows over the cores.
enum ParallelRows {
    /// Less work than this (in values touched) is not worth a second task.
    static let threshold = 200_000

    /// Which piece comes next; tasks take one after the other.
    private final class Pieces: Sendable {
        private let next = Atomic(0)

        func take() -> Int { next.wrappingAdd(1, ordering: .relaxed).oldValue }
    }

    /// Calls `body` for stretches of `0..<count`, on several cores where `work` (values touched in all) is worth it. The answers
    /// are in the order of the stretches.
    static func map<Result: Sendable>(
        _ count: Int,
        work: Int,
        _ body: @escaping @Sendable (Range<Int>) -> Result
    ) async -> [Result] {
        guard count > 0 else { return [] }
        if work < threshold || count == 1 { return [body(0..<count)] }
        let chunks = min(count, work < threshold * 8 ? 2 : 8)
        let pieces = Pieces()
        return await withTaskGroup(of: [(Int, Result)].self) { group in
            // No more tasks than cores: a query is not to keep threads from the others.
            for _ in 0..<min(chunks, max(2, EvaluationThreads.cores)) {
                group.addTask { @concurrent in
                    var answers: [(Int, Result)] = []
                    while true {
                        let piece = pieces.take()
                        guard piece < chunks else { return answers }
                        answers.append((piece, body(count * piece / chunks..<count * (piece + 1) / chunks)))
                    }
                }
            }
            var results: [Result?] = Array(repeating: nil, count: chunks)
            for await answers in group { for (piece, result) in answers { results[piece] = result } }
            return results.compactMap { $0 }
        }
    }
}
