import Dispatch
import MetricModel
import Synchronization

/// The only connection that writes. Whatever is waiting when it gets to work is committed in one transaction.
final class Writer: Sendable {
    /// A change, run inside the transaction.
    typealias Operation = @Sendable (Connection) throws(StorageError) -> Void

    private struct Entry {
        var ticket: UInt64
        /// Operations of one chain build on each other: where one fails, those after it fail too.
        var chain: Int?
        var operation: Operation
    }

    private struct State {
        var pending: [Entry] = []
        var lastTicket: UInt64 = 0
        var committed: UInt64 = 0
        var failures: [UInt64: StorageError] = [:]
        var waiting: [(ticket: UInt64, continuation: CheckedContinuation<StorageError?, Never>)] = []
        var isScheduled = false
        var bytes = 0
    }

    private let state = Mutex(State())
    private let queue = DispatchQueue(label: "store writer")
    private let connection: Connection
    /// Writes what has to be there before anything else (new series).
    private let prologue = Mutex<Prologue?>(nil)

    /// A closure kept in a structure: one that stands in a `Mutex` by itself is wrapped once more with each access.
    private struct Prologue {
        /// Returns what to do once it is committed.
        var run: @Sendable (Connection) throws(StorageError) -> (@Sendable () -> Void)?
    }

    /// The last chain of which a change failed, and why.
    private let brokenChain = Mutex<(chain: Int, reason: StorageError)>((-1, Writer.closed))

    init(_ connection: Connection) { self.connection = connection }

    /// Sets what is written first in each transaction.
    func setPrologue(_ prologue: @escaping @Sendable (Connection) throws(StorageError) -> (@Sendable () -> Void)?) {
        self.prologue.withLock { $0 = Prologue(run: prologue) }
    }

    /// Takes a change; changes are carried out in the order of this call.
    ///
    /// Where a change with a `chain` fails, later ones of this or an earlier chain fail as well.
    func enqueue(chain: Int? = nil, _ operation: @escaping Operation) -> UInt64 {
        let (ticket, isFirst) = state.withLock { state in
            state.lastTicket += 1
            state.pending.append(Entry(ticket: state.lastTicket, chain: chain, operation: operation))
            defer { state.isScheduled = true }
            return (state.lastTicket, !state.isScheduled)
        }
        if isFirst { queue.async { self.drain() } }
        return ticket
    }

    /// Returns once the change is committed.
    func committed(_ ticket: UInt64) async throws(StorageError) {
        let failure = await withCheckedContinuation { (continuation: CheckedContinuation<StorageError?, Never>) in
            let outcome: StorageError?? = state.withLock { state in
                if state.committed >= ticket { return .some(state.failures.removeValue(forKey: ticket)) }
                state.waiting.append((ticket, continuation))
                return nil
            }
            if let outcome { continuation.resume(returning: outcome) }
        }
        if let failure { throw failure }
    }

    /// Takes a change and returns once it is committed.
    func run(_ operation: @escaping Operation) async throws(StorageError) {
        try await committed(enqueue(operation))
    }

    /// Runs something outside of a transaction, in turn with the changes.
    func outside<Result: Sendable>(
        _ body: @escaping @Sendable (Connection) -> Swift.Result<Result, StorageError>
    ) async throws(StorageError) -> Result {
        let result = await withCheckedContinuation { continuation in
            queue.async {
                continuation.resume(
                    returning: self.connection.isClosed ? .failure(Writer.closed) : body(self.connection)
                )
            }
        }
        return try result.get()
    }

    private static let closed = StorageError(.inputOutput, "the store is closed")

    private func drain() {
        while true {
            let batch = state.withLock { state in
                let batch = state.pending
                state.pending = []
                if batch.isEmpty { state.isScheduled = false }
                return batch
            }
            guard let last = batch.last else { return }
            let failures = carryOut(batch)
            let ready = state.withLock { state in
                state.committed = last.ticket
                var ready: [(CheckedContinuation<StorageError?, Never>, StorageError?)] = []
                var awaited = Set<UInt64>()
                state.waiting.removeAll { entry in
                    guard entry.ticket <= last.ticket else { return false }
                    ready.append((entry.continuation, failures[entry.ticket]))
                    awaited.insert(entry.ticket)
                    return true
                }
                state.failures.merge(failures.filter { !awaited.contains($0.key) }) { $1 }
                return ready
            }
            for (continuation, failure) in ready { continuation.resume(returning: failure) }
        }
    }

    /// Commits all in one transaction, or, where that fails, one by one. Gives what failed.
    private func carryOut(_ batch: [Entry]) -> [UInt64: StorageError] {
        var failures: [UInt64: StorageError] = [:]
        let broken = brokenChain.withLock { $0 }
        let sound = batch.filter { $0.chain.map { $0 > broken.chain } ?? true }
        for entry in batch where entry.chain.map({ $0 <= broken.chain }) ?? false {
            failures[entry.ticket] = broken.reason
        }
        if sound.isEmpty { return failures }
        do {
            try commit(sound.map(\.operation))
        } catch {
            // One change that cannot be carried out must not take the others along.
            for entry in sound {
                let broken = brokenChain.withLock { $0 }
                if let chain = entry.chain, chain <= broken.chain {
                    failures[entry.ticket] = broken.reason
                    continue
                }
                do throws(StorageError) {
                    if sound.count == 1 { throw error }
                    try commit([entry.operation])
                } catch {
                    failures[entry.ticket] = error
                    if let chain = entry.chain { brokenChain.withLock { $0 = (chain, error) } }
                }
            }
        }
        return failures
    }

    private func commit(_ operations: [Operation]) throws(StorageError) {
        if connection.isClosed { throw Writer.closed }
        var afterwards: (@Sendable () -> Void)?
        let prologue = prologue.withLock { $0 }
        try connection.transaction { () throws(StorageError) in
            afterwards = try prologue?.run(connection)
            for operation in operations { try operation(connection) }
        }
        afterwards?()
    }
}
