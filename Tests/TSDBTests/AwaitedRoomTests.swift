import Foundation
import MetricModel
import MetricStorageTesting
import StorageFaults
import Synchronization
import TSDB
import Testing

/// A store that was opened for reading because there was no room for its log: what becomes of it once there is.
@Suite(.timeLimit(.minutes(5))) struct AwaitedRoomTests {
    private static let seriesCount = 50

    /// Whether those who read are to end.
    private final class Queries: Sendable {
        let areOver = Mutex(false)
    }

    private static func options(_ files: FaultyFiles) -> StoreOptions {
        var options = StoreOptions()
        options.fileSystem = files.name
        options.retention = nil
        return options
    }

    private static func open(_ path: String, _ files: FaultyFiles) throws -> TimeSeriesDatabase {
        try TimeSeriesDatabase.open(path: path, options: options(files), clock: ManualClock())
    }

    @discardableResult
    private static func append(_ store: TimeSeriesDatabase, _ steps: Range<Int>) async throws -> Int {
        let series = try await store.resolve((0..<seriesCount).map { ["__name__": "m", "i": "\($0)"] })
        var taken = 0
        for step in steps {
            var batch = SampleBatch(timestamp: base + Int64(step) * 1000)
            batch.series = series
            batch.values = series.indices.map { Double(step * 1000 + $0) }
            taken += try await store.append(batch).appended
        }
        return taken
    }

    private static func check(_ store: TimeSeriesDatabase, _ steps: Int, _ place: Comment) async throws {
        let found = try await store.all()
        #expect(found.count == seriesCount, place)
        for columns in found {
            let index = Int(columns.labels["i"] ?? "") ?? -1
            #expect(columns.timestamps == (0..<steps).map { base + Int64($0) * 1000 }, place)
            #expect(columns.values == (0..<steps).map { Double($0 * 1000 + index) }, place)
        }
    }

    /// A store with 100 rows that was stopped cleanly, and is opened where there is no room.
    private func withoutRoom(_ body: (String, FaultyFiles, TimeSeriesDatabase) async throws -> Void) async throws {
        try await withTemporaryFolder { folder in
            let files = FaultyFiles()
            let path = folder + "/stack.db"
            let first = try Self.open(path, files)
            #expect(try await Self.append(first, 0..<100) == 100 * Self.seriesCount)
            try await first.apply([("t", [1], [2])])
            try await first.close()
            files.failIndex()
            let store = try Self.open(path, files)
            #expect(store.refusal?.code == .diskFull)
            try await body(path, files, store)
            try await store.close()
        }
    }

    @Test func `it is read, told, and written to once there is room`() async throws {
        try await withoutRoom { path, files, store in
            let message = try #require(store.refusal?.message)
            #expect(message.contains("no space left") && message.hasSuffix("; it is written to once there is room"))
            #expect(try await store.problems() == [message])
            for _ in 0..<3 {
                await #expect(throws: StorageError.self) { try await Self.append(store, 100..<101) }
                await #expect(throws: StorageError.self) { try await store.maintain(now: base) }
                try await Self.check(store, 100, "without room")
                #expect(try await store.feedEnd() > 0)
            }
            // Who has it says so all the time: what another one would write is not known here.
            let other = #expect(throws: StorageError.self) { _ = try Self.open(path, files) }
            #expect(other?.code == .locked)
            files.heal()
            try await store.maintain(now: base + 100_000)
            #expect(store.refusal == nil)
            #expect(try await store.problems() == [])
            #expect(try await Self.append(store, 100..<150) == 50 * Self.seriesCount)
            try await store.apply([("t", [3], [4])])
            try await Self.check(store, 150, "with room")
            try await store.close()
            #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
            let again = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
            #expect(try await again.problems() == [])
            try await Self.check(again, 150, "again")
            #expect(try await again.records(in: "t").map(\.value) == [[2], [4]])
            try await again.close()
        }
    }

    @Test func `what is written then is there after an end at any moment`() async throws {
        try await withoutRoom { path, files, store in
            files.heal()
            try await store.maintain(now: base + 100_000)
            try await Self.append(store, 100..<110)
            try await withTemporaryFolder { folder in
                for suffix in ["", "-wal"] {
                    try FileManager.default.copyItem(atPath: path + suffix, toPath: folder + "/stack.db" + suffix)
                }
                let copy = try TimeSeriesDatabase.open(path: folder + "/stack.db", clock: ManualClock())
                try await Self.check(copy, 110, "copy")
                try await copy.close()
            }
        }
    }

    @Test func `queries that go on meanwhile see what is there`() async throws {
        for _ in 0..<20 {
            try await withoutRoom { _, files, store in
                let queries = Queries()
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<3 {
                        group.addTask {
                            while !queries.areOver.withLock({ $0 }) {
                                let request = SelectRequest(matchers: [], start: .min, end: .max)
                                let found = try await store.select(request)
                                #expect(found.count == Self.seriesCount)
                                #expect(found.allSatisfy { $0.timestamps.count >= 100 })
                                await Task.yield()
                            }
                        }
                    }
                    files.heal()
                    // While somebody reads as if nobody wrote, it is tried again.
                    while store.refusal != nil, !Task.isCancelled {
                        do { try await store.maintain(now: base + 100_000) } catch {
                            #expect((error as? StorageError)?.code == .locked)
                        }
                    }
                    // More than what the log holds before it gets into the database.
                    try await Self.append(store, 100..<400)
                    queries.areOver.withLock { $0 = true }
                    try await group.waitForAll()
                }
                try await Self.check(store, 400, "at the end")
            }
        }
    }

    @Test(arguments: ["lock", "database"])
    func `where somebody else may have written meanwhile, it stays so`(_ file: String) async throws {
        try await withoutRoom { path, files, store in
            let other = file == "lock" ? path + ".lock" : path
            try FileManager.default.moveItem(atPath: other, toPath: other + ".old")
            try FileManager.default.copyItem(atPath: other + ".old", toPath: other)
            files.heal()
            await #expect(throws: StorageError.self) { try await store.maintain(now: base) }
            #expect(store.refusal?.message.contains("start anew") == true)
            await #expect(throws: StorageError.self) { try await Self.append(store, 100..<101) }
        }
    }

    /// What an older file becomes when it is written to is not what was read of it.
    @Test func `an older file is read, and not brought up on the way`() async throws {
        try await withoutRoom { path, files, store in
            // No longer read by anybody of this process, as the file is altered past the store.
            try await store.close()
            files.heal()
            try executeSQL(
                path,
                """
                DROP TABLE series_group; PRAGMA user_version = 3;
                CREATE TABLE label_pair (id INTEGER PRIMARY KEY, name TEXT NOT NULL, value TEXT NOT NULL);
                CREATE TABLE series (id INTEGER PRIMARY KEY, pairs BLOB NOT NULL);
                """
            )
            files.failIndex()
            let older = try Self.open(path, files)
            #expect(older.refusal?.message.hasSuffix("; start anew once there is room") == true)
            files.heal()
            await #expect(throws: StorageError.self) { try await older.maintain(now: base) }
            #expect(older.refusal?.code == .diskFull)
            try await older.close()
        }
    }
}
