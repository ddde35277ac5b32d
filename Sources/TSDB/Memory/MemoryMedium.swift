import MetricModel
import Synchronization

/// A database at home in memory: the engine has all of it but the records.
final class MemoryMedium: StorageMedium {
    let engine: Engine
    private let records = Mutex<[String: [[UInt8]: [UInt8]]]>([:])

    init(_ engine: Engine) { self.engine = engine }

    var refusal: StorageError? { nil }
    var writeFailure: StorageError? { nil }
    var problems: [String] { [] }
    var failedWrites: UInt64 { 0 }

    func checkWritable() throws(StorageError) {}

    func takeUpWriting() async throws(StorageError) {}

    func close() async throws(StorageError) { try await engine.shutDown(closesHead: false) }

    func snapshot(toFile path: String) async throws(StorageError) {
        let state = try await engine.closedState()
        let records = records.withLock { $0 }
        let changes = records.flatMap { table, entries in
            entries.map { (table: table, key: $0.key, value: Optional($0.value)) }
        }
        try await SnapshotFile.write(state, changes, to: path)
    }

    func limitPages(_ count: Int) async throws(StorageError) {
        throw StorageError(.unsupported, "a database in memory has no pages; open one in a file")
    }

    func apply(_ changes: [RecordChange]) async throws(StorageError) { set(changes) }

    func apply(_ changes: [RecordChange], whenDone: @escaping @Sendable (StorageError?) -> Void) {
        set(changes)
        whenDone(nil)
    }

    private func set(_ changes: [RecordChange]) {
        records.withLock { records in
            for change in changes { records[change.table, default: [:]][change.key] = change.value }
        }
    }

    func records(in table: String) async throws(StorageError) -> [(key: [UInt8], value: [UInt8])] {
        records.withLock { $0[table] ?? [:] }.map { (key: $0.key, value: $0.value) }
            .sorted { $0.key.lexicographicallyPrecedes($1.key) }
    }
}
