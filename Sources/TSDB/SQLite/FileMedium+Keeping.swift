import CSQLite
import MetricModel
import Synchronization

/// What is done with the file once it is open.
extension FileMedium {
    /// Lets the file grow to so many pages of 4 KiB only, for tests of what happens then.
    func limitPages(_ count: Int) async throws(StorageError) {
        try await writable().outside { connection in
            do throws(StorageError) {
                return .success(try connection.execute("PRAGMA max_page_count = \(count)"))
            } catch {
                return .failure(error)
            }
        }
    }

    /// How many transactions failed.
    var failedWrites: UInt64 { backend.writer?.failureCount ?? 0 }

    /// Writes out what is pending and closes.
    func close() async throws(StorageError) {
        guard let writer = backend.writer, refusal == nil else {
            try await engine.shutDown(closesHead: false)
            backend.closeReaders()
            coming.withLock { $0 = nil }
            if let writer = backend.writer {
                // One that came meanwhile has nothing else to do.
                if refusal == nil { try await end(writer) } else if writer.loss != nil { await writer.abandon() }
            }
            lock?.release()
            return
        }
        var failure: StorageError?
        writer.beginEnd()
        do { try await engine.shutDown(closesHead: true) } catch { failure = error }
        backend.closeReaders()
        do throws(StorageError) {
            try await end(writer)
        } catch {
            failure = failure ?? error
            await writer.abandon()
        }
        lock?.release()
        if let failure { throw failure }
    }

    private func end(_ writer: Writer) async throws(StorageError) {
        try await writer.outside(isShrinking: true) { connection in
            // The file ends without a WAL, so that the folder holds just the data. All that was acknowledged is on the disk already.
            for step in ["synchronous = NORMAL", "incremental_vacuum", "wal_checkpoint(TRUNCATE)"] {
                sqlite3_exec(connection.handle, "PRAGMA \(step)", nil, nil, nil)
            }
            connection.close()
            return .success(())
        }
    }

    /// Writes a consistent copy as one file.
    func snapshot(toFile path: String) async throws(StorageError) {
        try await engine.loaded.pass()
        guard fileSize(path) == 0 else {
            throw StorageError(.inputOutput, "\(path) is there already: a snapshot needs a new file")
        }
        // A reader of the folder sees the whole file or none.
        let part = path + ".part"
        SnapshotFile.discard(part)
        StoreFiles.close(part)
        do throws(StorageError) {
            try backend.read { (connection) throws(StorageError) in
                let statement = try connection.statement("VACUUM INTO ?")
                defer { statement.reset() }
                statement.bind(1, part)
                _ = try statement.step()
            }
            try SnapshotFile.keep(part, as: path)
        } catch {
            SnapshotFile.discard(part)
            throw error
        }
    }

    // MARK: - Records

    /// Applies record changes in one transaction.
    func apply(_ changes: [RecordChange]) async throws(StorageError) {
        try await engine.loaded.pass()
        try await writable().run { (connection) throws(StorageError) in try SQLiteBackend.insert(changes, connection) }
    }

    /// Applies record changes in one transaction, and tells on the writer's thread, so that no other has to be woken.
    func apply(_ changes: [RecordChange], whenDone: @escaping @Sendable (StorageError?) -> Void) {
        guard let outcome = engine.loaded.outcome else { return applyInTask(changes, whenDone: whenDone) }
        if let outcome { return whenDone(outcome) }
        do throws(StorageError) {
            try writable().start(whenDone) { (connection) throws(StorageError) in
                try SQLiteBackend.insert(changes, connection)
            }
        } catch {
            whenDone(error)
        }
    }

    /// All records of a table, by key. Damaged ones are left out; ``problems()`` names those found at the start.
    func records(in table: String) async throws(StorageError) -> [(key: [UInt8], value: [UInt8])] {
        try await engine.loaded.pass()
        return try backend.read { (connection) throws(StorageError) in
            let isSound = try RowChecksum.condition(Schema.recordColumns, in: connection)
            let statement = try connection.statement(
                "SELECT \"key\", value FROM record WHERE \"table\" = ? AND \(isSound) ORDER BY 1"
            )
            defer { statement.reset() }
            statement.bind(1, table)
            var records: [(key: [UInt8], value: [UInt8])] = []
            while try statement.step() { records.append((Array(statement.blob(0)), Array(statement.blob(1)))) }
            return records
        }
    }
}
