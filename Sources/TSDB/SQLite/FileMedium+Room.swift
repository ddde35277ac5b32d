import MetricModel
import Synchronization

/// A store that was opened for reading because there was no room: it is written to once there is some.
extension FileMedium {
    /// Whether it waits for room now.
    private var isWaiting: Bool { awaitsRoom && backend.writer == nil && backend.refusal?.code == .diskFull }

    /// Tries to open for writing what was opened for reading because there was no room. What was read is what is there: this process
    /// has had the lock all the time.
    /// - Throws: why it cannot be written to yet, or never will.
    func takeUpWriting() async throws(StorageError) {
        guard isWaiting else { return }
        try await engine.enter()
        try await engine.maintenance.alone { () async throws(StorageError) in
            try await self.engine.enter()
            guard self.isWaiting else { return }
            do throws(StorageError) {
                try self.takeUp()
            } catch {
                switch error.code {
                case .corrupt, .newerVersion: self.backend.refuse(error)
                case .diskFull, .readOnly, .inputOutput, .locked, .tooManySamples, .cancelled, .unsupported: break
                }
                throw error
            }
        }
    }

    private func takeUp() throws(StorageError) {
        guard backend.isInPlace, lock?.isInPlace == true else {
            // Somebody else may have written to it.
            throw StorageError(
                .corrupt,
                "\(backend.path) or its lock was removed or replaced while the store was open for reading only: start anew"
            )
        }
        let writer: Writer
        if let already = coming.withLock({ $0 }) {
            writer = already
        } else {
            writer = try FileMedium.openWriter(backend.path, engine.options).writer
            lock?.sign()
            coming.withLock { $0 = writer }
        }
        // Pages change under those who believe that nobody writes: they are waited for.
        guard backend.expectWriter() else {
            throw StorageError(.locked, "\(backend.path) is being read: it is written to once that is over")
        }
        coming.withLock { $0 = nil }
        begin(writer)
    }
}
