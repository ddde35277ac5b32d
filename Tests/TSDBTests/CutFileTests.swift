import Foundation
import MetricModel
import MetricStorageTesting
import StorageFaults
import Synchronization
import TSDB
import Testing

/// Files that are cut short while the store is open.
@Suite(.timeLimit(.minutes(5))) struct CutFileTests {
    /// Which file, how many bytes are left of it, and what is there of it afterwards.
    private static let cuts: [(suffix: String, length: Int, left: Left)] = [
        ("-wal", 0, .some), ("-wal", 40, .some), ("-wal", 20_000, .some), ("-shm", 0, .all), ("-shm", 4096, .all),
        ("", 4096, .unknown),
    ]

    private enum Left { case all, some, unknown }

    private static let rows = 20

    private static func row(_ store: TimeSeriesDatabase, _ step: Int) async throws {
        let series = try await store.resolve((0..<50).map { ["__name__": "m", "step": "\(step)", "i": "\($0)"] })
        var batch = SampleBatch(timestamp: base + Int64(step) * 1000)
        batch.series = series
        batch.values = series.map { _ in Double(step) }
        #expect(try await store.append(batch).appended == 50)
    }

    private static func open(_ path: String, _ files: FaultyFiles) throws -> TimeSeriesDatabase {
        var options = StoreOptions()
        options.fileSystem = files.name
        return try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
    }

    private static func error(_ body: () async throws -> Void) async -> StorageError? {
        do {
            try await body()
            return nil
        } catch { return error as? StorageError }
    }

    @Test(arguments: cuts.indices) func `nothing is acknowledged any more, and what was stored is not spoilt`(
        _ index: Int
    ) async throws {
        let (suffix, length, left) = Self.cuts[index]
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let store = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
            for step in 0..<Self.rows { try await Self.row(store, step) }
            #expect(store.refusal == nil)
            #expect(truncate(path + suffix, off_t(length)) == 0)
            for _ in 0..<2 {
                let refused = await Self.error { try await Self.row(store, Self.rows) }
                #expect(refused?.code == .readOnly)
                let message = refused?.message ?? ""
                #expect(message.contains("stack.db\(suffix) was cut short"), "\(message)")
            }
            #expect(await Self.error { try await store.apply([("t", [1], [1])]) }?.code == .readOnly)
            #expect(await Self.error { try await store.maintain(now: base + 86_400_000) }?.code == .readOnly)
            #expect(store.refusal?.message.contains("cut short") == true)
            // What cannot be read is told, too.
            let unread = await Self.error { _ = try await store.records(in: "t") }
            #expect(suffix == "-wal" || unread?.code == .readOnly)
            // Longer again it is not what it was.
            if length == 0 {
                #expect(truncate(path + suffix, 1 << 20) == 0)
                #expect(await Self.error { try await Self.row(store, Self.rows) }?.code == .readOnly)
                #expect(truncate(path + suffix, 0) == 0)
            }
            try? await store.close()
            if left == .unknown { return }

            let again = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
            let found = try await again.all([LabelMatcher("__name__", equals: "m")])
            #expect(found.allSatisfy { Double($0.labels["step"] ?? "") == $0.values.first })
            #expect((found.count == 50 * Self.rows) == (left == .all), "\(found.count)")
            #expect(try await again.problems().contains { $0.contains("write-ahead log") } == (left == .some))
            try await Self.row(again, Self.rows)
            try await again.close()
        }
    }

    /// Which file, how many bytes are left of it, and after how many writes of a commit.
    private static let moments: [(suffix: String, length: Int, writes: Int)] = [
        ("-wal", 0, 0), ("-wal", 0, 1), ("-wal", 0, 3), ("-wal", 40, 0), ("-wal", 20_000, 0), ("-wal", 20_000, 2),
        ("-shm", 0, 0), ("-shm", 0, 1), ("-shm", 0, 3),
    ]

    @Test(arguments: moments.indices) func `nothing of it is acknowledged and lost where it happens in a commit`(
        _ index: Int
    ) async throws {
        let (suffix, length, writes) = Self.moments[index]
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let files = FaultyFiles()
            let store = try Self.open(path, files)
            for step in 0..<Self.rows { try await Self.row(store, step) }
            let isCut = Atomic(false)
            files.interfere(before: .write, after: writes) {
                isCut.store(truncate(path + suffix, off_t(length)) == 0, ordering: .relaxed)
            }
            // What lies in the log is all there is of it. Of the log's index another is made at the next start.
            let first = await Self.error { try await Self.row(store, Self.rows) }
            let wasCut = isCut.load(ordering: .relaxed)
            #expect(wasCut)
            if suffix == "-wal" { #expect(first?.message.contains("cut short") == true) }
            let next = await Self.error { try await Self.row(store, Self.rows + 1) }
            #expect(next?.code == .readOnly && next?.message.contains("cut short") == true)
            try? await store.close()
            if suffix == "-wal" { return }

            let again = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
            let found = try await again.all([LabelMatcher("__name__", equals: "m")])
            #expect(found.count == 50 * (Self.rows + (first == nil ? 1 : 0)))
            try await again.close()
        }
    }

    @Test(arguments: [0, 1, 2, 5]) func `a commit that reads old pages as the log's index is cut is refused`(
        _ reads: Int
    ) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let files = FaultyFiles()
            let store = try Self.open(path, files)
            func put(_ value: UInt8) async throws {
                try await store.apply((0..<UInt8(200)).map { ("t", [$0], [UInt8](repeating: value, count: 600)) })
            }
            try await put(1)
            try await put(2)
            // What was written is read from the log again once other pages have taken its place.
            try await store.apply([("t", [255], [UInt8](repeating: 7, count: 4 << 20))])
            let isCut = Atomic(false)
            files.interfere(before: .read, after: reads) {
                isCut.store(truncate(path + "-shm", 0) == 0, ordering: .relaxed)
            }
            let refused = await Self.error { try await put(3) }
            let wasCut = isCut.load(ordering: .relaxed)
            #expect(wasCut)
            #expect(refused?.code == .readOnly, "\(refused?.message ?? "acknowledged")")
            #expect(refused?.message.contains("cut short") == true)
            try? await store.close()

            let again = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
            let found = try await again.records(in: "t").filter { $0.value.count == 600 }
            #expect(found.count == 200 && found.allSatisfy { $0.value.allSatisfy { $0 == 2 } })
            #expect(try await again.problems() == [])
            try await again.close()
        }
    }

    @Test func `a database that gets shorter by itself is not taken for one that was cut`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let files = FaultyFiles()
            let store = try Self.open(path, files)
            let large = [UInt8](repeating: 7, count: 4 << 20)
            for key in 0..<UInt8(3) { try await store.apply([("t", [key], large)]) }
            for key in 0..<UInt8(3) { try await store.apply([("t", [key], nil)]) }
            try await store.maintain(now: base)
            let before = try #require(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
            let seen = Mutex<[String?]>([])
            files.interfere(before: .sync, after: 1) { seen.withLock { $0.append(store.refusal?.message) } }
            // Brings the log into the database, once it is long enough; the next one waits for that.
            for key in 0..<UInt8(2) { try await store.apply([("t", [key], [1])]) }
            let after = try #require(FileManager.default.attributesOfItem(atPath: path)[.size] as? Int)
            #expect(after < before / 2, "\(before) \(after)")
            let refusals = seen.withLock { $0 }
            #expect(refusals == [nil])
            try await Self.row(store, 0)
            try await store.close()
        }
    }
}
