/// Memory that several tasks write to, each its own rows.
struct SharedRows: @unchecked Sendable {
    let base: UnsafeMutablePointer<Double>
}

/// Spreading work on rows over the cores.
enum ParallelRows {
    /// Less work than this (in values touched) is not worth a second task.
    static let threshold = 200_000

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
        let ranges = (0..<chunks).map { count * $0 / chunks..<count * ($0 + 1) / chunks }
        return await withTaskGroup(of: (Int, Result).self) { group in
            for (index, range) in ranges.enumerated() {
                group.addTask { @concurrent in (index, body(range)) }
            }
            var results: [Result?] = Array(repeating: nil, count: chunks)
            for await (index, result) in group { results[index] = result }
            return results.compactMap { $0 }
        }
    }
}
