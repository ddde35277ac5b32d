import Dispatch
import MetricModel
import Synchronization

/// The only connection that writes. Whatever is waiting when it gets to work is committed in one transaction.
final class Writer: Sendable {
    /// A change, run inside the transaction. It may be run again where the transaction failed.
    typealias Operation = @Sendable (Connection) throws(StorageError) -> Void

    /// What goes with each transaction.
    struct Hooks: Sendable {
        /// Writes what has to be there before anything else (new series).
        var begin: @Sendable (Connection) throws(StorageError) -> Void
        /// It is committed; nobody has been told yet.
        var commit: @Sendable () -> Void
        /// It was undone.
        var rollback: @Sendable () -> Void
    }

    private struct Entry {
        var operation: Operation
        /// Makes the change visible once it is committed.
        var apply: (@Sendable () -> Void)?
        /// Whether it goes into a transaction of its own.
        var isAlone: Bool
        /// Is told how it went.
        var done: (@Sendable (StorageError?) -> Void)?
    }

    private struct State {
        var pending: [Entry] = []
        var isScheduled = false
        /// How much else is to be done outside of transactions.
        var others = 0
        /// Whether nobody is at work and nothing waits.
        var isIdle: Bool { !isScheduled && others == 0 }
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "store writer")
    private let connection: Connection
    private let hooks = Mutex<Hooks?>(nil)
    private let files: Mutex<OpenedFiles>
    /// How many transactions failed.
    private let failures = Atomic(UInt64(0))
    /// What was wrong with the last transaction; `nil` where nothing was.
    private let lastFailure = Mutex<StorageError?>(nil)

    /// Whether the end brings all of the log into the database.
    private let isEnding = Atomic(false)
    /// Whether a commit waits for the device: then nobody carries out a change on a thread of their own.
    private let isDurable: Bool
    /// Pages in the log after which they are brought into the database.
    private static let fullLog: Int32 = 1000

    init(_ connection: Connection, path: String, isDurable: Bool) {
        self.connection = connection
        self.isDurable = isDurable
        let pageSize = try? connection.integer("PRAGMA page_size")
        files = Mutex(OpenedFiles(path, pageSize: pageSize ?? 4096))
        connection.watchLog()
    }

    /// How many transactions failed.
    var failureCount: UInt64 { failures.load(ordering: .relaxed) }

    /// Why the last change could not be stored; `nil` where it was.
    var failure: StorageError? { lastFailure.withLock { $0 } }

    /// What happened to the files while they were open, if anything.
    var loss: StorageError? { files.withLock { $0.loss() } }

    /// Why nothing can be read any more, if anything.
    var unreadable: StorageError? { files.withLock { $0.unreadable() } }

    /// Sets what goes with each transaction.
    func setHooks(_ new: Hooks) { hooks.withLock { $0 = new } }

    /// Takes a change; changes are carried out in the order in which they come. Returns once it is committed and applied.
    /// - Parameter isHere: whether it may be carried out on this thread where nobody else is at work: that takes less than waking
    ///   another one and being woken by it.
    func run(
        isAlone: Bool = false,
        isHere: Bool = false,
        _ operation: @escaping Operation,
        then apply: (@Sendable () -> Void)? = nil
    ) async throws(StorageError) {
        if isHere, !isDurable, takeTurn() {
            let entry = Entry(operation: operation, apply: apply, isAlone: isAlone, done: nil)
            // Nobody is there, so this waits for nobody, but for what came from outside of transactions in between; and it is here and
            // not there that it runs.
            let failure = queue.sync { commit([entry]) }
            goOn()
            if let failure { throw failure }
            return
        }
        let failure = await withCheckedContinuation { continuation in
            enqueue(
                Entry(operation: operation, apply: apply, isAlone: isAlone) { continuation.resume(returning: $0) }
            )
        }
        if let failure { throw failure }
    }

    /// Takes a change that no task waits for.
    /// - Parameter whenDone: is told on the writer's thread how it went.
    func start(_ whenDone: (@Sendable (StorageError?) -> Void)? = nil, _ operation: @escaping Operation) {
        enqueue(Entry(operation: operation, apply: nil, isAlone: false, done: whenDone))
    }

    /// Begins to work where nobody is at it.
    private func takeTurn() -> Bool {
        state.withLock { state in
            if !state.isIdle { return false }
            state.isScheduled = true
            return true
        }
    }

    private func enqueue(_ entry: Entry) {
        let isFirst = state.withLock { state in
            state.pending.append(entry)
            defer { state.isScheduled = true }
            return !state.isScheduled
        }
        if isFirst { queue.async { self.drain() } }
    }

    /// From now on nothing but the end brings the log into the database: what the last transactions write goes there once.
    func beginEnd() { isEnding.store(true, ordering: .relaxed) }

    /// Runs something outside of a transaction, in turn with the changes; not where the files are lost.
    /// - Parameter isShrinking: whether it makes files shorter.
    func outside<Result: Sendable>(
        isShrinking: Bool = false,
        _ body: @escaping @Sendable (Connection) -> Swift.Result<Result, StorageError>
    ) async throws(StorageError) -> Result {
        state.withLock { $0.others += 1 }
        let result = await withCheckedContinuation { continuation in
            queue.async {
                let result =
                    if self.connection.isClosed {
                        Swift.Result<Result, StorageError>.failure(Writer.closed)
                    } else if isShrinking {
                        self.unwatched { body(self.connection) }
                    } else {
                        self.loss.map { .failure($0) } ?? body(self.connection)
                    }
                self.state.withLock { $0.others -= 1 }
                continuation.resume(returning: result)
            }
        }
        return try result.get()
    }

    /// Runs what makes the files shorter, in turn.
    private func unwatched<Value>(_ body: () -> Result<Value, StorageError>) -> Result<Value, StorageError> {
        let loss = files.withLock { files in
            let loss = files.loss()
            if loss == nil { files.forgetLengths() }
            return loss
        }
        if let loss { return .failure(loss) }
        defer { if !connection.isClosed { files.withLock { $0.noteLengths() } } }
        return body()
    }

    /// Closes the connection where the files are lost; of a log that was cut short nothing may get into the database.
    func abandon() async {
        await withCheckedContinuation { continuation in
            queue.async {
                if self.files.withLock({ $0.isCut }) { self.connection.leaveLog() }
                self.connection.close()
                continuation.resume()
            }
        }
    }

    /// Brings what is in the log into the database. That waits for the device, so it is never done on somebody else's thread.
    private func checkpoint() {
        state.withLock { $0.others += 1 }
        queue.async {
            if !self.connection.isClosed, self.loss == nil, let length = try? self.connection.wholeLength() {
                // After pages were given back it gets shorter with this.
                self.files.withLock { $0.expectDatabase(length: length) }
                if self.connection.checkpoint() { self.files.withLock { $0.noteDatabase(length: length) } }
            }
            self.state.withLock { $0.others -= 1 }
        }
    }

    private static let closed = StorageError(.inputOutput, "the store is closed")

    /// Carries out what waits, and comes back for what came meanwhile, so that others get their turn.
    private func drain() {
        let batch = state.withLock { state in
            let batch = state.pending
            state.pending = []
            return batch
        }
        var first = 0
        while first < batch.count {
            var end = first + 1
            while !batch[first].isAlone, end < batch.count, !batch[end].isAlone { end += 1 }
            carryOut(batch[first..<end])
            first = end
        }
        goOn()
    }

    /// Ends a turn, and begins another one where something waits.
    private func goOn() {
        let isMore = state.withLock { state in
            state.isScheduled = !state.pending.isEmpty
            return state.isScheduled
        }
        if isMore { queue.async { self.drain() } }
    }

    /// Commits all in one transaction, or, where that fails, one by one: one change that cannot be carried out must not take the
    /// others along.
    private func carryOut(_ batch: ArraySlice<Entry>) {
        let failure = commit(batch)
        if failure != nil, batch.count > 1 {
            for index in batch.indices {
                let failure = commit(batch[index...index])
                batch[index].done?(failure)
            }
        } else {
            for entry in batch { entry.done?(failure) }
        }
    }

    private func commit(_ batch: ArraySlice<Entry>) -> StorageError? {
        if connection.isClosed { return Writer.closed }
        let failure = transact(batch)
        lastFailure.withLock { $0 = failure }
        return failure
    }

    private func transact(_ batch: ArraySlice<Entry>) -> StorageError? {
        let hooks = hooks.withLock { $0 }
        if let loss {
            failures.add(1, ordering: .relaxed)
            return loss
        }
        // A log that is begun anew is made shorter by the commit.
        let before = files.withLock { $0.forgetLog() }
        let covered = Connection.coveredPages
        do throws(StorageError) {
            try connection.transaction { () throws(StorageError) in
                try hooks?.begin(connection)
                for entry in batch { try entry.operation(connection) }
                // What was changed may be what stood there before, where the log's index was cut short.
                if Connection.coveredPages != covered, let loss { throw loss }
            }
        } catch {
            failures.add(1, ordering: .relaxed)
            files.withLock { $0.keepLog(before) }
            hooks?.rollback()
            // Where files were cut short pages are damaged, or not there, or nobody may write.
            return loss ?? error
        }
        if let loss = noteLog(before) {
            failures.add(1, ordering: .relaxed)
            hooks?.rollback()
            return loss
        }
        if connection.takePages(atLeast: Self.fullLog), !isEnding.load(ordering: .relaxed) { checkpoint() }
        hooks?.commit()
        for entry in batch { entry.apply?() }
        return nil
    }

    /// What a commit made of the log; that somebody cut it short meanwhile.
    private func noteLog(_ before: Int64) -> StorageError? {
        let pages = connection.newPages
        return files.withLock { files in
            if pages > 0 { return files.noteLog(pages: pages, hasPage: connection.hasLogPage) }
            files.keepLog(before)
            return nil
        }
    }
}
