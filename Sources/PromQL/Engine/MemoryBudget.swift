internal import MetricModel
internal import Synchronization

/// How many bytes may be held: by a query, or by all of them together.
///
/// Counted is what grows with the data: the values of results, and the labels that functions write. A query needs some times as
/// much while it copies.
package final class MemoryBudget: Sendable {
    /// The most bytes.
    let limit: Int
    /// Who pays as well.
    private let whole: MemoryBudget?
    private let used = Atomic(0)

    init(limit: Int, whole: MemoryBudget? = nil) {
        self.limit = limit
        self.whole = whole
    }

    /// How many bytes are held now.
    var held: Int { used.load(ordering: .relaxed) }

    /// How many more may be held.
    package var rest: Int { max(0, min(limit - held, whole?.rest ?? .max)) }

    func take(_ bytes: Int) throws(PromQLError) {
        let now = used.wrappingAdd(bytes, ordering: .relaxed).newValue
        do throws(PromQLError) {
            if now > limit { throw whole == nil ? .tooManyBytesInAll(limit) : .tooManyBytes(limit) }
            try whole?.take(bytes)
        } catch {
            used.wrappingSubtract(bytes, ordering: .relaxed)
            throw error
        }
    }

    func give(_ bytes: Int) {
        used.wrappingSubtract(bytes, ordering: .relaxed)
        whole?.give(bytes)
    }
}

/// Bytes that are held as long as this lives.
package final class MemoryCharge: Sendable {
    private let budget: MemoryBudget
    private let bytes = Atomic(0)

    /// Nothing yet.
    package init(_ budget: MemoryBudget) { self.budget = budget }

    /// Nothing yet, of the same budget.
    package convenience init(sharing other: MemoryCharge) { self.init(other.budget) }

    deinit { budget.give(bytes.load(ordering: .relaxed)) }

    /// Takes more.
    /// - Throws: where the budget has no more.
    package func add(_ more: Int) throws(PromQLError) {
        try budget.take(more)
        bytes.wrappingAdd(more, ordering: .relaxed)
    }

    /// How many more bytes there may be.
    package var rest: Int { budget.rest }
}

extension Labels {
    /// How many bytes a set of labels of its own takes.
    var heldBytes: Int { encoded.count + 40 }
}

extension PromQLError {
    static func tooManyBytes(_ limit: Int) -> PromQLError {
        PromQLError(
            .execution,
            "query processing would hold more than \(ByteSize(bytes: Int64(limit))) in memory in query execution"
        )
    }

    static func tooManyBytesInAll(_ limit: Int) -> PromQLError {
        PromQLError(
            .execution,
            "all queries together would hold more than \(ByteSize(bytes: Int64(limit))) in memory in query execution"
        )
    }
}
