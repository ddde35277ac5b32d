import Synchronization

/// The memory for bodies of requests that the servers of a process have all together: each alone may be as long as its route allows, but
/// five hundred connections may not bring as much each.
///
/// Short bodies count for nothing, so that whoever fills it keeps out nobody but those who send much.
final class BodyBudget: Sendable {
    /// The most bytes for all at a time.
    static let standard = 512 << 20
    /// So many bytes of each body are free.
    static let free = 1 << 20

    private let limit: Int
    /// The bytes that are taken.
    private let taken = Atomic(0)

    init(limit: Int = BodyBudget.standard) { self.limit = limit }

    /// The part of one body; given back when it is let go.
    final class Share: Sendable {
        private let budget: BodyBudget
        private let taken = Atomic(0)

        init(_ budget: BodyBudget) { self.budget = budget }

        deinit { budget.taken.wrappingSubtract(taken.load(ordering: .relaxed), ordering: .relaxed) }

        /// Makes it enough for a body of so many bytes.
        /// - Returns: `false` where there is no room for it.
        func grow(to bytes: Int) -> Bool {
            let more = bytes - BodyBudget.free - taken.load(ordering: .relaxed)
            if more <= 0 { return true }
            let (_, all) = budget.taken.wrappingAdd(more, ordering: .relaxed)
            taken.wrappingAdd(more, ordering: .relaxed)
            return all <= budget.limit
        }
    }

    /// For one more body.
    func share() -> Share { Share(self) }
}
