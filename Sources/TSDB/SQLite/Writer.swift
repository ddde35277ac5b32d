import Dispatch
import MetricModel
import Synchronization

/// The only connection that writes. Whatever is waiting when it gets to work is committed in one transaction.
final class Writer: Sendable {
    /// A change, run inside the transaction.
    typealias Operation = @Sendable (Connection) throws(StorageError) -> Void

    private struct State {
        var pending: [(ticket: UInt64, operation: Operation)] = []
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
    /// Writes what has to be there before anything else (new series); returns what to do once it is committed.
    private let before: Mutex<(@Sendable (Connection) throws(StorageError) -> (@Sendable () -> Void)?)?> = Mutex(nil)

    init(_ connection: Connection) { self.connection = connection }

    /// Sets what is written first in each transaction.
    func setPrologue(_ prologue: @escaping @Sendable (Connection) throws(StorageError) -> (@Sendable () -> Void)?) {
        before.withLock { $0 = prologue }
    }

    /// Takes a change; changes are carried out in the order of this call.
    func enqueue(_ operation: @escaping Operation) -> UInt64 {
        let (ticket, isFirst) = state.withLock { state in
            state.lastTicket += 1
            state.pending.append((state.lastTicket, operation))
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
            var failures: [UInt64: StorageError] = [:]
            do {
                try commit(batch.map(\.operation))
            } catch {
                // One change that cannot be carried out must not take the others along.
                if batch.count == 1 {
                    failures[last.ticket] = error
                } else {
                    for entry in batch {
                        do { try commit([entry.operation]) } catch { failures[entry.ticket] = error }
                    }
                }
            }
            let ready = state.withLock { state in
                state.committed = last.ticket
                var ready: [(CheckedContinuation<StorageError?, Never>, StorageError?)] = []
                state.waiting.removeAll { entry in
                    guard entry.ticket <= last.ticket else { return false }
                    ready.append((entry.continuation, failures.removeValue(forKey: entry.ticket)))
                    return true
                }
                state.failures.merge(failures) { $1 }
                return ready
            }
            for (continuation, failure) in ready { continuation.resume(returning: failure) }
        }
    }

    private func commit(_ operations: [Operation]) throws(StorageError) {
        if connection.isClosed { throw Writer.closed }
        var afterwards: (@Sendable () -> Void)?
        let prologue = before.withLock { $0 }
        try connection.transaction { () throws(StorageError) in
            afterwards = try prologue?(connection)
            for operation in operations { try operation(connection) }
        }
        afterwards?()
    }
}
