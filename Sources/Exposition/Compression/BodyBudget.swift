import Synchronization

/// The memory that bodies have all together, those of requests to the servers of a process or those of targets' answers: each alone may
/// be as long as its route or job allows, but five hundred connections may not bring as much each.
///
/// Short bodies count for nothing, so that whoever fills it keeps out nobody but those who send much.
package final class BodyBudget: Sendable {
    /// The most bytes for all at a time.
    package static let standard = 512 << 20
    /// So many bytes of each body are free.
    package static let free = 1 << 20

    private let limit: Int
    /// Whether a body that is alone has room whatever its length, which others bound.
    private let alwaysHoldsOne: Bool
    /// The bytes that are taken.
    private let taken = Atomic(0)

    /// The memory for that many bytes.
    package init(limit: Int = BodyBudget.standard, alwaysHoldsOne: Bool = false) {
        self.limit = limit
        self.alwaysHoldsOne = alwaysHoldsOne
    }

    /// The part of one body; given back when it is let go. It grows for one caller at a time.
    package final class Share: Sendable {
        private let budget: BodyBudget
        private let taken = Atomic(0)

        init(_ budget: BodyBudget) { self.budget = budget }

        deinit { budget.taken.wrappingSubtract(taken.load(ordering: .relaxed), ordering: .relaxed) }

        /// Makes it enough for a body of so many bytes.
        /// - Returns: `false` where there is no room for it.
        package func grow(to bytes: Int) -> Bool {
            let own = taken.load(ordering: .relaxed)
            let more = bytes - BodyBudget.free - own
            if more <= 0 { return true }
            // What is refused takes nothing: of many that grow together, each would else keep out all others.
            var all = budget.taken.load(ordering: .relaxed)
            while true {
                if more > budget.limit - all, !budget.alwaysHoldsOne || all > own { return false }
                let (isTaken, seen) = budget.taken.weakCompareExchange(
                    expected: all,
                    desired: all + more,
                    ordering: .relaxed
                )
                if isTaken { break }
                all = seen
            }
            taken.wrappingAdd(more, ordering: .relaxed)
            return true
        }
    }

    /// For one more body.
    package func share() -> Share { Share(self) }
}

extension [UInt8] {
    /// Makes room for so many bytes in all, and for as many more where there is room: growing copies what is there.
    /// - Parameters:
    ///   - limit: more is never needed.
    ///   - room: asked before, whether there may be so many.
    mutating func reserve(_ size: Int, limit: Int, room: (Int) -> Bool) throws(CompressionError) {
        if size <= capacity { return }
        var wanted = Swift.max(size, Swift.min(capacity * 2, limit))
        if !room(wanted) {
            wanted = Swift.min(wanted, size + size / 4)
            guard room(wanted) else { throw .noRoom }
        }
        reserveCapacity(wanted)
    }
}
