import CSQLite
import Foundation
import MetricModel
import TSDB
import Testing

typealias AnyStore = any MetricStore & RecordStore

/// The stores that pass the conformance suite.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case memory
    case sqlite

    var testDescription: String { rawValue }

    /// Runs `body` with an empty store of the kind.
    func withStore(
        _ options: StoreOptions = StoreOptions(),
        _ body: (AnyStore) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        switch self {
        case .memory:
            try await body(MemoryStore(options: options, clock: clock))
        case .sqlite:
            try await withTemporaryFolder { folder in
                let store = try SQLiteStore.open(path: folder + "/stack.db", options: options, clock: clock)
                try await body(store)
                try await store.close()
            }
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

/// A time that tests count from.
let base: Timestamp = 1_700_000_000_000

extension SampleReader {
    /// All samples that satisfy the matchers, sorted by labels.
    func all(
        _ matchers: [LabelMatcher] = [],
        start: Timestamp = .min,
        end: Timestamp = .max
    ) async throws -> [SeriesColumns] {
        let request = SelectRequest(matchers: matchers, start: start, end: end, isSorted: true)
        let all = try await select(request)
        try await expectInParts(all, request)
        return all
    }

    /// Whether the same comes back where few series are read at a time.
    private func expectInParts(_ all: [SeriesColumns], _ request: SelectRequest) async throws {
        let selection = try await selection(request)
        var parts: [SeriesColumns] = []
        for first in stride(from: 0, to: selection.count, by: 3) {
            parts += try selection.read(first..<min(first + 3, selection.count))
        }
        parts.sort { $0.labels < $1.labels }
        #expect(parts.map(\.labels) == all.map(\.labels))
        for (part, whole) in zip(parts, all) {
            #expect(part.timestamps == whole.timestamps && part.histogramTimestamps == whole.histogramTimestamps)
            #expect(part.values.map(\.bitPattern) == whole.values.map(\.bitPattern))
            #expect(part.startTimestamps == whole.startTimestamps && part.histograms == whole.histograms)
        }
    }

    /// Times and values of the only series of that name.
    func points(_ name: String, start: Timestamp = .min, end: Timestamp = .max) async throws -> [Point] {
        let found = try await all([LabelMatcher("__name__", equals: name)], start: start, end: end)
        guard let only = found.first else { return [] }
        return zip(only.timestamps, only.values).map { Point($0, $1) }
    }
}

/// A sample, compared bit for bit.
struct Point: Equatable, CustomStringConvertible {
    var time: Timestamp
    var bits: UInt64

    init(_ time: Timestamp, _ value: Double) {
        self.time = time
        bits = value.bitPattern
    }

    var description: String { "\(Double(bitPattern: bits))@\(time)" }
}

extension MetricStore {
    /// Appends single samples of one series, one batch each; gives the rejections in order.
    @discardableResult
    func put(
        _ labels: Labels,
        _ points: [(Timestamp, Double)],
        stream: StreamRef? = nil
    ) async throws -> [AppendReport.Rejection?] {
        let series = try await resolve([labels])
        var rejections: [AppendReport.Rejection?] = []
        for (time, value) in points {
            var batch = SampleBatch(stream: stream, timestamp: time)
            batch.series = series
            batch.values = [value]
            rejections.append(try await append(batch).rejected.first?.reason)
        }
        return rejections
    }
}
