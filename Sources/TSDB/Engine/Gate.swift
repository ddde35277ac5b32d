import MetricModel
import Synchronization

/// Something that happens once, with an outcome, and that others wait for.
final class Gate: Sendable {
    private enum State {
        case closed([CheckedContinuation<StorageError?, Never>])
        case open(StorageError?)
    }

    private let state = Mutex(State.closed([]))
    /// Whether all is well: whoever passes later needs no lock for that.
    private let isWell = Atomic(false)

    /// Lets everybody through, or fails them.
    func open(_ failure: StorageError? = nil) {
        let waiting = state.withLock { state -> [CheckedContinuation<StorageError?, Never>] in
            guard case .closed(let waiting) = state else { return [] }
            state = .open(failure)
            if failure == nil { isWell.store(true, ordering: .releasing) }
            return waiting
        }
        for continuation in waiting { continuation.resume(returning: failure) }
    }

    /// How it went, with `nil` inside where all is well; `nil` while the gate is closed.
    var outcome: StorageError?? {
        state.withLock { state in
            if case .open(let failure) = state { .some(failure) } else { nil }
        }
    }

    /// Returns once the gate is open.
    func pass() async throws(StorageError) {
        if isWell.load(ordering: .acquiring) { return }
        let failure: StorageError?
        if let known = outcome {
            failure = known
        } else {
            failure = await withCheckedContinuation { continuation in
                let already: StorageError?? = state.withLock { state in
                    switch state {
                    case .open(let failure): return .some(failure)
                    case .closed(let waiting):
                        state = .closed(waiting + [continuation])
                        return nil
                    }
                }
                if let already { continuation.resume(returning: already) }
            }
        }
        if let failure { throw failure }
    }
}
