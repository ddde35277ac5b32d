public import MetricModel
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Tells the second of two that come to it from the first.
private final class Handover: Sendable {
    private let hasFirst = Atomic(false)

    func isSecond() -> Bool { hasFirst.exchange(true, ordering: .acquiringAndReleasing) }
}

/// How changes become durable, and who waits for that.
extension GroupStore {
    private var isKept: Bool { records != nil }

    /// What `body` sees, once it is durable. Where that fails `body` is run again on what is left.
    /// - Parameter size: about how many series it looks at; one that is only written out counts a tenth.
    func whenDurable<Result: Sendable>(
        size: @escaping @Sendable (borrowing Inner) -> Int,
        _ body: @escaping @Sendable (inout Inner) -> Result
    ) async -> Result {
        let clock = clock
        let seenAgain = Mutex<Result?>(nil)
        let (seen, failure) = await settled({ $0.state.size(at: clock.wallNanoseconds, size($0)) }) { inner in
            _ = inner.state.deleteExpired(now: clock.wallNanoseconds)
            let seen = body(&inner)
            guard !inner.isDurable else { return (seen, nil) }
            return (
                seen,
                { inner in
                    let again = body(&inner)
                    seenAgain.withLock { $0 = again }
                }
            )
        }
        return failure == nil ? seen : seenAgain.withLock { $0 } ?? seen
    }

    /// Returns once everything that was changed before is durable, or taken back because it could not be stored.
    @discardableResult
    public func persist() async -> StorageError? {
        await change({ _ in 0 }) { inner in ((), !inner.isDurable) }.error
    }

    /// Runs `body` and, where it says that something has changed, waits until that is durable, or taken back because it could not
    /// be stored.
    func change<Result: Sendable>(
        _ size: @Sendable (borrowing Inner) -> Int,
        _ body: @Sendable (inout Inner) -> (result: Result, isChanged: Bool)
    ) async -> (result: Result, error: StorageError?) {
        await settled(size) { inner in
            let (result, isChanged) = body(&inner)
            guard isChanged, self.isKept else { return (result, nil) }
            inner.isChanged = true
            return (result, { _ in })
        }
    }

    /// Runs `body` and, where it says what is to be done in case of a failure, waits until all that was changed up to then is
    /// durable, or taken back. Both under one lock: else a batch that fails in between would take back what nobody waits for yet.
    private func settled<Result: Sendable>(
        _ size: @Sendable (borrowing Inner) -> Int,
        _ body: @Sendable (inout Inner) -> (Result, afterFailure: (@Sendable (inout Inner) -> Void)?)
    ) async -> (result: Result, error: StorageError?) {
        while true {
            let attempt =
                await withCheckedContinuation { continuation in
                    switch lock.attempt(size, { self.settle(&$0, continuation, body) }) {
                    case .done(let settling): goOn(settling, continuation)
                    case .tooLong: continuation.resume(returning: .tooLong)
                    case .busy: continuation.resume(returning: .busy)
                    }
                } as Attempted<Result>
            switch attempt {
            case .done(let settled): return settled
            case .busy: await lock.pass()
            case .tooLong:
                await lock.enter()
                let settled = await EvaluationThreads.run(on: .reading) {
                    await withCheckedContinuation { continuation in
                        goOn(lock.alone { self.settle(&$0, continuation, body) }, continuation)
                    } as Attempted<Result>
                }
                if case .done(let settled) = settled { return settled }
            }
        }
    }

    /// What came of an attempt in the end.
    private typealias Attempted<Result> = PatientLock<Inner>.Attempt<(result: Result, error: StorageError?)>

    /// What is to be done once the lock is free.
    private enum Settling<Result: Sendable>: Sendable {
        /// Nobody has to wait.
        case early(Result)
        /// Somebody waits.
        case waiting(starts: Bool)
    }

    private func settle<Result: Sendable>(
        _ inner: inout Inner,
        _ continuation: CheckedContinuation<Attempted<Result>, Never>,
        _ body: (inout Inner) -> (Result, afterFailure: (@Sendable (inout Inner) -> Void)?)
    ) -> Settling<Result> {
        let (result, afterFailure) = body(&inner)
        guard let afterFailure else { return .early(result) }
        inner.waiters.append(
            Waiter(resume: { continuation.resume(returning: .done((result, $0))) }, afterFailure: afterFailure)
        )
        defer { inner.isWriting = true }
        return .waiting(starts: !inner.isWriting)
    }

    private func goOn<Result: Sendable>(
        _ settling: Settling<Result>,
        _ continuation: CheckedContinuation<Attempted<Result>, Never>
    ) {
        switch settling {
        case .early(let result): continuation.resume(returning: .done((result, nil)))
        case .waiting(let starts): if starts { writeBatches() }
        }
    }

    /// What goes to the disk together.
    private struct Batch {
        var changes: PushgatewayState.Changes
        var waiters: [Waiter]
        /// How many groups there are once it is stored.
        var count: Int
    }

    /// Writes batch after batch until nobody waits. Nothing waits here: whoever has stored a batch goes on with the next one.
    private func writeBatches() {
        while true {
            switch lock.attempt({ $0.state.dirtySize / 10 }, { self.takeBatch(&$0) }) {
            case .busy: return lock.later { self.writeBatches() }
            case .tooLong:
                return lock.later(alone: { self.takeBatch(&$0) }) { batch in
                    if let batch, self.write(batch) { self.writeBatches() }
                }
            case .done(let batch): guard let batch, write(batch) else { return }
            }
        }
    }

    /// Has a batch stored.
    /// - Returns: whether the caller goes on with the next one; else whoever has stored it does.
    private func write(_ batch: Batch) -> Bool {
        // The second of the two, of those who store and of the caller, goes on; so nothing calls itself ever deeper.
        let handover = Handover()
        let goOn = { @Sendable in if handover.isSecond() { self.writeBatches() } }
        if let records, !batch.changes.records.isEmpty {
            records.apply(batch.changes.records) { failure in
                self.finish(batch, failure) {
                    // Those who have just been told, and those whose pushes have come, go first where they wait for this processor: so
                    // the next batch is one of many, and not of the one or two that came while this one was written.
                    sched_yield()
                    goOn()
                }
            }
        } else {
            finish(batch, nil, then: goOn)
        }
        return handover.isSecond()
    }

    private func takeBatch(_ inner: inout Inner) -> Batch? {
        guard !inner.waiters.isEmpty else {
            inner.isWriting = false
            return nil
        }
        defer {
            inner.waiters = []
            inner.isChanged = false
        }
        return Batch(changes: inner.state.takeChanges(), waiters: inner.waiters, count: inner.state.groups.count)
    }

    private func finish(_ batch: Batch, _ failure: StorageError?, then goOn: @escaping @Sendable () -> Void) {
        let settle = { @Sendable (inner: inout Inner) -> [Waiter] in
            if failure != nil || !batch.changes.records.isEmpty { inner.lastStorageError = failure }
            if failure == nil {
                inner.storedCount = batch.count
                return batch.waiters
            }
            let waiters = batch.waiters + Self.takeBack(batch.changes, &inner)
            inner.storedCount = inner.state.groups.count
            for waiter in waiters { waiter.afterFailure(&inner) }
            return waiters
        }
        let tell = { @Sendable (told: [Waiter]) in
            self.together { for waiter in told { waiter.resume(failure) } }
            goOn()
        }
        // To take back what is not stored is to make those groups anew, and whatever somebody was to be shown.
        switch lock.attempt({ failure == nil ? 0 : $0.state.seriesCount }, settle) {
        case .done(let told): tell(told)
        case .tooLong: lock.later(alone: settle, then: tell)
        case .busy: lock.later { self.finish(batch, failure, then: goOn) }
        }
    }

    /// Takes back what could not be stored and what was built on it; gives those who wait for the latter.
    private static func takeBack(_ changes: PushgatewayState.Changes, _ inner: inout Inner) -> [Waiter] {
        inner.state.takeBack(changes)
        inner.isChanged = false
        let late = inner.waiters
        inner.waiters = []
        return late
    }

    /// Finds out whether there is room again after a change could not be stored, so that nobody has to push for that.
    package func tryStoringAgain() async {
        guard case .some(.some) = lock.brief({ $0.lastStorageError }) else { return }
        let key = Array("storing".utf8)
        do throws(StorageError) {
            try await records?.apply([(GroupRecord.trialTable, key, [UInt8](repeating: 0, count: 4096))])
            try await records?.apply([(GroupRecord.trialTable, key, nil)])
        } catch {
            return
        }
        _ = lock.brief { $0.lastStorageError = nil }
    }
}
