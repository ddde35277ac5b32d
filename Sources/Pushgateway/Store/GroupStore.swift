public import MetricModel
public import Exposition
import Synchronization

/// The gateway's groups: takes pushes and deletions, keeps them in a ``RecordStore``, and writes expositions.
///
/// Pushes to all groups are taken one after the other under one lock (``PatientLock``), which is held for some microseconds; they become
/// durable in batches: whoever comes while a batch is being written goes into the next one. Readers are answered once what they saw is
/// durable; a batch that cannot be stored is taken back, with those that came after it.
public final class GroupStore: Sendable {
    struct Inner {
        var state = PushgatewayState()
        var isWriting = false
        /// Whether there are changes that no batch has taken yet.
        var isChanged = false
        /// How many groups there were after the last batch that was stored; counts while changes are on their way.
        var storedCount = 0
        var waiters: [Waiter] = []
        var lastStorageError: StorageError?

        /// Whether all that is seen is stored.
        var isDurable: Bool { !isWriting && !isChanged }
    }

    /// Somebody who waits until the changes so far are durable.
    struct Waiter {
        var resume: @Sendable (StorageError?) -> Void
        /// Is called where they could not be stored, once they are taken back.
        var afterFailure: @Sendable (inout Inner) -> Void
    }

    /// What touches more series takes long.
    private static let longSize = 2000
    /// How the gateway behaves.
    public let options: PushgatewayOptions
    /// What the gateway counts about itself.
    public let metrics: GatewayMetrics
    let clock: any StackClock
    let records: (any RecordStore)?
    /// Runs what has many tasks go on, so that their threads are woken once.
    let together: @Sendable (() -> Void) -> Void
    /// Protects the groups and the queue of those who wait for their change to be durable.
    let lock: PatientLock<Inner>
    /// What kept it from taking pushes when that was looked at last.
    let knownProblem = Mutex<String?>(nil)
    /// What was asked for of late.
    let history: Mutex<PushHistory>

    /// No groups yet; see ``restore()``.
    /// - Parameters:
    ///   - records: where groups are kept; `nil` to keep them in memory only.
    ///   - together: runs what has many tasks go on at once.
    public init(
        options: PushgatewayOptions = PushgatewayOptions(),
        clock: any StackClock,
        metrics: GatewayMetrics,
        records: (any RecordStore)? = nil,
        together: @escaping @Sendable (() -> Void) -> Void = { $0() }
    ) {
        self.options = options
        self.clock = clock
        self.metrics = metrics
        self.records = records
        self.together = together
        history = Mutex(PushHistory(limit: options.historyLimit))
        var inner = Inner()
        inner.state.own.add(metrics.constantFamilies(), replacesHelp: true)
        inner.state.isKept = records != nil
        lock = PatientLock(inner, longSize: Self.longSize)
    }

    /// Reads the groups that were kept.
    /// - Returns: how many records could not be read.
    @discardableResult
    public func restore() async throws(StorageError) -> Int {
        guard let records else { return 0 }
        let stored = try await records.records(in: GroupRecord.table)
        var damaged = 0
        for entry in stored {
            guard let record = GroupRecord(entry.value) else {
                damaged += 1
                continue
            }
            lock.now { inner in
                inner.state.restore(record)
                inner.storedCount = inner.state.groups.count
            }
        }
        return damaged
    }

    /// How many groups are stored.
    public var groupCount: Int {
        let now = clock.wallNanoseconds
        func count(_ inner: Inner) -> Int { inner.isDurable ? inner.state.groups.count : inner.storedCount }
        let found = lock.attempt({ $0.state.size(at: now, 0) }) { inner in
            _ = inner.state.deleteExpired(now: now)
            return count(inner)
        }
        switch found {
        case .done(let count): return count
        // Those whose time has come are still among them.
        case .tooLong, .busy: return lock.now { count($0) }
        }
    }

    /// What keeps the gateway from taking pushes; `nil` where nothing does. While a change takes long, as it was before.
    public var problem: String? {
        let found = lock.brief { inner -> String? in
            if inner.waiters.count >= options.queueLimit { return "write queue is full" }
            return inner.lastStorageError.map { "storing pushed metrics failed: \($0.message)" }
        }
        return knownProblem.withLock { known in
            if let found { known = found }
            return known
        }
    }

    // MARK: - Changing

    /// Takes a push. When the call returns the push is durable.
    public func push(_ request: PushRequest) async -> PushOutcome {
        await kept(PreparedPush(request))
    }

    /// Takes a push in the text format. When the call returns the push is durable.
    ///
    /// A body that differs from the last one to its group in nothing but values is not parsed.
    /// - Parameter room: asked whether there is room for so many bytes that the text becomes.
    /// - Throws: what is wrong with the text, in the original's words.
    public func push(
        text body: [UInt8],
        to key: GroupingKey,
        mode: PushRequest.Mode,
        timeToLive: Int64? = nil,
        room: (@Sendable (_ bytes: Int) -> Bool)? = nil
    ) async throws(ExpositionError) -> PushOutcome {
        let shape = mode == .addUp ? nil : BodyShape(body)
        if let shape, let repeated = await keptRepeated(shape, body, key, mode, timeToLive) { return repeated }
        let families = try SharedRoom.asking(room, for: body.count) { () throws(ExpositionError) in
            try PushRequest.parser(utf8Names: options.allowsUTF8Names).parse(body)
        }
        let request = PushRequest(key: key, families: families, mode: mode, timeToLive: timeToLive)
        let size = try request.check()
        if let room, !room(size) { throw .noRoom }
        return await kept(PreparedPush(request, source: shape.map { ($0, body) }))
    }

    /// What became of a push in the end.
    private static func outcome(_ kept: (result: PushOutcome, error: StorageError?)) -> PushOutcome {
        guard let error = kept.error else { return kept.result }
        return PushOutcome(verdict: .failed(error.message), wasThere: kept.result.wasThere)
    }

    private func keptRepeated(
        _ shape: BodyShape,
        _ body: [UInt8],
        _ key: GroupingKey,
        _ mode: PushRequest.Mode,
        _ timeToLive: Int64?
    ) async -> PushOutcome? {
        guard let values = BodyValues(body, at: shape.values) else { return nil }
        let kept = await change({ $0.state.size(at: clock.wallNanoseconds, values.ends.count) }) { inner in
            // Not before it is its turn: pushes are told in the order in which they are taken.
            let now = clock.wallNanoseconds
            _ = inner.state.deleteExpired(now: now)
            let wasThere = inner.state.holds(key)
            let isRepeated = inner.state.applyRepeated(
                key,
                shape,
                values,
                mode: mode,
                now: now,
                timeToLive: timeToLive ?? options.timeToLive
            )
            return (isRepeated ? PushOutcome(verdict: self.taken, wasThere: wasThere) : nil, isRepeated)
        }
        return kept.result.map { Self.outcome(($0, kept.error)) }
    }

    private var taken: PushOutcome.Verdict { options.checksConsistency ? .accepted : .acceptedUnchecked }

    private func kept(_ prepared: PreparedPush) async -> PushOutcome {
        let shapes = options.checksConsistency ? metrics.requestFamilyShapes() : (false, false)
        return Self.outcome(
            await change({ $0.state.size(at: clock.wallNanoseconds, $0.state.size(of: prepared)) }) { inner in
                let now = clock.wallNanoseconds
                _ = inner.state.deleteExpired(now: now)
                let wasThere = inner.state.holds(prepared.key)
                let verdict = self.judge(prepared, shapes, &inner.state, now: now)
                return (PushOutcome(verdict: verdict, wasThere: wasThere), true)
            }
        )
    }

    /// Changes the groups as a push wants it, where that may be.
    private func judge(
        _ prepared: PreparedPush,
        _ shapes: (Bool, Bool),
        _ state: inout PushgatewayState,
        now: Int64
    ) -> PushOutcome.Verdict {
        if prepared.hasTimestamps {
            let message = "pushed metrics must not have timestamps"
            state.setFailure(prepared.key, error: message, now: now)
            return options.checksConsistency ? .refused(Self.refusal(message)) : .acceptedUnchecked
        }
        let push = Self.adapt(prepared, &state)
        if options.checksConsistency {
            Self.add(shapes, to: &state)
            if let message = state.check(push, now: now)?.message {
                state.setFailure(push.key, error: message, now: now)
                return .refused(Self.refusal(message))
            }
        }
        state.apply(push, now: now, timeToLive: push.timeToLive ?? options.timeToLive)
        return taken
    }

    static func refusal(_ message: String) -> String {
        "pushed metrics are invalid or inconsistent with existing metrics: \(message)"
    }

    /// The families about requests exist from their first request on.
    static func add(_ shapes: (hasCounts: Bool, hasSummaries: Bool), to state: inout PushgatewayState) {
        if shapes.hasCounts { state.own.add([GatewayMetrics.countShape], replacesHelp: false) }
        if shapes.hasSummaries { state.own.add(GatewayMetrics.summaryShapes, replacesHelp: false) }
    }

    /// A push that adds up becomes one that replaces families by their sums.
    static func adapt(_ prepared: PreparedPush, _ state: inout PushgatewayState) -> PreparedPush {
        guard prepared.mode == .addUp, let group = state.groups[prepared.key] else { return prepared }
        var push = prepared
        for (name, family) in prepared.pushed where !Group.isTimestamp(name.text) {
            guard let existing = group.family(named: name.text)?.decoded() else { continue }
            push.replace(CounterAggregation.add(family, to: existing, key: prepared.key))
        }
        return push
    }

    /// Deletes a group. When the call returns that is durable.
    /// - Returns: whether it held pushed metrics, and what went wrong in storing the deletion.
    @discardableResult
    public func delete(_ key: GroupingKey) async -> (wasThere: Bool, error: StorageError?) {
        let size = { @Sendable (inner: borrowing Inner) in
            inner.state.size(at: self.clock.wallNanoseconds, inner.state.seriesCount(of: key))
        }
        let (wasThere, error) = await change(size) { inner in
            _ = inner.state.deleteExpired(now: clock.wallNanoseconds)
            defer { inner.state.delete(key) }
            return (inner.state.holds(key), true)
        }
        return (wasThere, error)
    }

    /// Deletes all groups.
    /// - Returns: what went wrong in storing it.
    @discardableResult
    public func wipe() async -> StorageError? {
        await change({ $0.state.seriesCount }) { inner in
            for key in Array(inner.state.groups.keys) { inner.state.delete(key) }
            return ((), true)
        }.error
    }

    /// Deletes the groups whose labels satisfy all matchers of at least one list.
    /// - Returns: how many, and what went wrong in storing it; `nil` where the task's limit was over before all were looked at, so that
    ///   nothing was deleted.
    public func delete(matching sets: [[LabelMatcher]]) async -> (count: Int?, error: StorageError?) {
        // Patterns may take long: nobody waits for them.
        let known = await change({ $0.state.groups.count / 10 }) { (Array($0.state.groups.keys), false) }.result
        let keys = known.filter { key in
            !TaskLimit.isOver && sets.contains { matchers in matchers.allSatisfy { $0.matches(key[$0.name] ?? "") } }
        }
        if TaskLimit.isOver { return (nil, nil) }
        let (count, error) = await change({ $0.state.seriesCount }) { inner in
            let present = keys.filter { inner.state.groups[$0] != nil }
            for key in present { inner.state.delete(key) }
            return (present.count, true)
        }
        return (error == nil ? count : 0, error)
    }

    /// Deletes groups whose time has come, as long as the task is not cancelled.
    public func expireGroups() async {
        while (try? await clock.sleep(milliseconds: 1000)) != nil {
            await deleteExpired()
            await tryStoringAgain()
        }
    }

    /// Deletes the groups whose time is over now.
    public func deleteExpired() async {
        let now = clock.wallNanoseconds
        _ = await change({ $0.state.size(at: now, 0) }) { inner in ((), inner.state.deleteExpired(now: now) > 0) }
    }

    // MARK: - History

    /// Remembers a request.
    /// - Returns: The number by which it is remembered.
    @discardableResult
    public func remember(_ record: PushRecord) -> UInt64 {
        history.withLock { history in
            history.append(record)
            return history.count
        }
    }
}
