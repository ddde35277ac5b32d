import Exposition
import MetricModel
import Synchronization
import Testing

import Pushgateway

/// Records in memory, as a store on disk would keep them.
final class MemoryRecords: RecordStore {
    struct State {
        var tables: [String: [[UInt8]: [UInt8]]] = [:]
        var batches = 0
        var failure: StorageError?
        /// The number of the one batch that fails.
        var failingBatch = 0
    }

    let state = Mutex(State())

    func apply(_ changes: [(table: String, key: [UInt8], value: [UInt8]?)]) async throws(StorageError) {
        let failure = state.withLock { state -> StorageError? in
            if let failure = state.failure { return failure }
            state.batches += 1
            if state.batches == state.failingBatch { return StorageError(.diskFull, "no space left") }
            for change in changes { state.tables[change.table, default: [:]][change.key] = change.value }
            return nil
        }
        if let failure { throw failure }
    }

    func records(in table: String) async throws(StorageError) -> [(key: [UInt8], value: [UInt8])] {
        state.withLock { state in
            (state.tables[table] ?? [:]).map { ($0.key, $0.value) }.sorted { $0.0.lexicographicallyPrecedes($1.0) }
        }
    }
}

/// A gateway on a manual clock that stands at 1,700,000,000 seconds.
struct Fixture {
    let clock = ManualClock()
    let records = MemoryRecords()
    let store: GroupStore

    init(_ options: PushgatewayOptions = PushgatewayOptions()) {
        store = Fixture.store(options, clock, records)
    }

    static func store(_ options: PushgatewayOptions, _ clock: ManualClock, _ records: MemoryRecords) -> GroupStore {
        let metrics = GatewayMetrics(clock: clock, build: [Label(name: "version", value: "1")])
        return GroupStore(options: options, clock: clock, metrics: metrics, records: records)
    }

    static func key(_ path: String, utf8Names: Bool = false) throws -> GroupingKey {
        try GroupingKey(parsingPath: Array(path.utf8), utf8Names: utf8Names)
    }

    @discardableResult
    func push(_ path: String, _ text: String, mode: PushRequest.Mode = .replaceGroup, timeToLive: Int64? = nil)
        async throws -> PushOutcome.Verdict
    {
        let families = try FamilyTextParser(validation: .utf8).parse(Array(text.utf8))
        return await store.push(
            PushRequest(key: try Fixture.key(path), families: families, mode: mode, timeToLive: timeToLive)
        ).verdict
    }

    /// What `/api/v1/metrics` lists.
    var groupsJSON: String { get async { await Fixture.groupsJSON(store) } }

    static func groupsJSON(_ store: GroupStore) async -> String {
        var passage = await store.passage()
        var json: [UInt8] = []
        while let piece = await store.nextGroupsJSON(&passage) { json += piece }
        return String(decoding: json, as: UTF8.self)
    }

    /// The lines of the exposition that belong to pushed families.
    func lines(_ prefix: String = "") async -> [String] {
        guard case .text(let text) = await store.exposition() else { return [] }
        return String(decoding: text.bytes, as: UTF8.self).split(separator: "\n").map(String.init)
            .filter { !$0.hasPrefix("#") && !$0.hasPrefix("pushgateway_") && $0.hasPrefix(prefix) }
    }
}
