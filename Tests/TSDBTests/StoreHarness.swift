import CSQLite
import Foundation
import MetricModel
import MetricStorageTesting
import TSDB
import Testing

typealias AnyStore = any MetricStore & RecordStore

/// The stores that pass the conformance suite.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory
    case file

    var testDescription: String { rawValue }

    /// Runs `body` with an empty store of the kind.
    func withStore(
        _ options: StoreOptions = StoreOptions(),
        _ body: (AnyStore) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        switch self {
        case .memory:
            let store = TimeSeriesDatabase.inMemory(options: options, clock: clock)
            try await body(store)
        case .file:
            try await withTemporaryFolder { folder in
                let store = try TimeSeriesDatabase.open(path: folder + "/stack.db", options: options, clock: clock)
                try await body(store)
                try await store.close()
            }
        }
    }
}

extension StoreKind {
    /// Stores of the kind, for the requirements of the contract.
    var factory: StorageFactory {
        StorageFactory(name: rawValue) { settings, body in
            var options = StoreOptions()
            options.retention = settings.retention
            options.clockPatience = 0
            options.outOfOrderWindow = settings.outOfOrderWindow
            options.exemplarCapacity = settings.exemplarCapacity
            try await withStore(options, body)
        }
    }
}

/// Runs `body` with the path of a new folder that is removed afterwards.
func withTemporaryFolder(_ body: (String) async throws -> Void) async throws {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("store-\(UUID().uuidString)").path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try await body(folder)
}

/// Runs statements on a file past the store.
func executeSQL(_ path: String, _ sql: String) throws {
    var handle: OpaquePointer?
    defer { sqlite3_close_v2(handle) }
    try #require(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil) == SQLITE_OK)
    try #require(
        sqlite3_exec(handle, sql, nil, nil, nil) == SQLITE_OK,
        "\(sqlite3_errmsg(handle).map { String(cString: $0) } ?? "")"
    )
}
