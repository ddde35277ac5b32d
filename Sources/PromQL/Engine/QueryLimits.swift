internal import MetricModel
internal import Synchronization

/// When a query has to stop: its deadline, the cancellation of its task, the end of the engine. And what it may hold.
///
/// A class, since threads that work on one query hand it on for each series: one count of references instead of three that they
/// would all write to.
final class QueryLimits: Sendable {
    /// The steady reading of the clock at which the query was asked.
    let started: Int64
    let clock: any StackClock
    /// The steady reading of the clock at which the query has run too long.
    let deadline: Int64
    /// Knows whether queries are to end.
    let queries: ActiveQueries
    /// The bytes that the query may hold.
    let memory: MemoryBudget
    /// What its text is read into: expressions, compiled patterns.
    private let texts: MemoryCharge
    /// Why no more of that may be held.
    private let refusal = Mutex<PromQLError?>(nil)

    init(
        started: Int64,
        clock: any StackClock,
        deadline: Int64,
        queries: ActiveQueries,
        memory: MemoryBudget
    ) {
        (self.started, self.clock, self.deadline) = (started, clock, deadline)
        (self.queries, self.memory) = (queries, memory)
        texts = MemoryCharge(memory)
    }

    /// The same, for whatever reads or computes in the query's task without knowing of queries.
    var task: TaskLimit {
        TaskLimit(
            holding: { bytes in
                do throws(PromQLError) {
                    try self.texts.add(bytes)
                    return .held(self.texts)
                } catch {
                    self.refusal.withLock { $0 = error }
                    return .refused
                }
            },
            { self.isOver }
        )
    }

    /// To be called where something could not be read: throws if that is because the limits were over.
    func checkReading() throws(PromQLError) {
        try check(in: "query execution")
        if let error = refusal.withLock({ $0 }) { throw error }
    }

    /// Whether to give up. Cheap enough for every few rows; to be asked from the query's task or its children.
    var isOver: Bool { Task.isCancelled || queries.isClosed || clock.steadyNanoseconds >= deadline }

    /// Whether to give up rather than to work on a histogram. Only looked at for one with very many buckets, as that takes longer than
    /// a look.
    @inline(__always)
    func isOver(before histogram: NativeHistogram) -> Bool { histogram.bucketCount > 1 << 10 && isOver }

    func check(in place: String = "expression evaluation") throws(PromQLError) {
        if clock.steadyNanoseconds >= deadline { throw .timedOut(in: place) }
        if queries.isClosed { throw .ending(in: place) }
        if Task.isCancelled { throw .canceled(in: place) }
    }

    /// A place for what a node holds.
    func charge(_ bytes: Int = 0) throws(PromQLError) -> MemoryCharge {
        let charge = MemoryCharge(memory)
        try charge.add(bytes)
        return charge
    }

    /// Sorts numbers of rows, and gives up in the middle of it where it has to.
    func sorted(
        _ rows: some Sequence<Int>,
        by precedes: (Int, Int) throws(PromQLError) -> Bool
    ) throws(PromQLError) -> [Int] {
        var order = Array(rows)
        var meter = WorkMeter(self)
        do {
            try order.sort { left, right in
                try meter.add(WorkMeter.interval / 256)
                return try precedes(left, right)
            }
        } catch let error as PromQLError {
            throw error
        } catch {
            throw PromQLError(.execution, "\(error)")
        }
        return order
    }
}

extension NativeHistogram {
    /// How many buckets there are to work on.
    var bucketCount: Int { positiveBuckets.count + negativeBuckets.count }
}

/// Counts the work of a loop, so that limits are looked at every now and then however its rounds differ.
struct WorkMeter {
    /// So much work (about as many values touched) may go by without a look: a fraction of a millisecond.
    static let interval = 1 << 16

    private let limits: QueryLimits
    private var left = WorkMeter.interval

    init(_ limits: QueryLimits) { self.limits = limits }

    /// Adds what was done or is about to be done.
    @inline(__always)
    mutating func add(_ work: Int) throws(PromQLError) {
        left &-= work
        if left < 0 { try look() }
    }

    /// Adds what was done; answers whether to give up, for those who cannot throw.
    @inline(__always)
    mutating func isOver(after work: Int) -> Bool {
        left &-= work
        guard left < 0 else { return false }
        left = WorkMeter.interval
        return limits.isOver
    }

    private mutating func look() throws(PromQLError) {
        left = WorkMeter.interval
        try limits.check()
    }
}
