import Foundation
import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// A real disk that is full: a small file system in memory, which only root may mount.
@Suite(.timeLimit(.minutes(5))) struct FullDiskTests {
    #if os(Linux)
        private static let maySkip: Comment = "only root can mount the small file system that this needs"

        /// Runs `body` with a folder of so many KiB; `false` where nothing can be mounted.
        private static func withSmallDisk(_ size: Int, _ body: (String) async throws -> Void) async throws -> Bool {
            try await withTemporaryFolderResult { folder in
                guard mount("tmpfs", folder, "tmpfs", 0, "size=\(size)k") == 0 else { return false }
                defer { umount2(folder, Int32(MNT_DETACH)) }
                try await body(folder)
                return true
            }
        }

        private static func withTemporaryFolderResult(_ body: (String) async throws -> Bool) async throws -> Bool {
            var result = false
            try await withTemporaryFolder { result = try await body($0) }
            return result
        }

        private static func batch(_ series: [SeriesRef], _ step: Int) -> SampleBatch {
            var batch = SampleBatch(timestamp: base + Int64(step) * 1000)
            batch.series = series
            batch.values = series.indices.map { sin(Double(step * 1000 + $0)) }
            return batch
        }

        @Test(arguments: [StoreOptions.Durability.process, .device])
        func whatAFullDiskRefusesIsNotThereAndIsTakenOnceThereIsRoom(_ durability: StoreOptions.Durability) async throws
        {
            let isMounted = try await Self.withSmallDisk(3072) { disk in
                var options = StoreOptions()
                options.retention = nil
                options.durability = durability
                let path = disk + "/stack.db"
                let store = try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
                let series = try await store.resolve((0..<200).map { ["__name__": "m", "i": "\($0)"] })
                var step = 0
                var refused: StorageError?
                while refused == nil, step < 5000 {
                    do throws(StorageError) {
                        _ = try await store.append(Self.batch(series, step))
                        step += 1
                    } catch { refused = error }
                }
                #expect(refused?.code == .diskFull, "\(String(describing: refused))")
                let times = (0..<step).map { base + Int64($0) * 1000 }
                // The same again is refused again, and neither is seen.
                for _ in 0..<3 {
                    await #expect(throws: StorageError.self) { try await store.append(Self.batch(series, step)) }
                    #expect(try await store.all().allSatisfy { $0.timestamps == times })
                }
                // What a process that is killed now leaves behind.
                try await withTemporaryFolder { folder in
                    for suffix in ["", "-wal", "-shm"] {
                        try FileManager.default.copyItem(atPath: path + suffix, toPath: folder + "/stack.db" + suffix)
                    }
                    let copy = try TimeSeriesDatabase.open(
                        path: folder + "/stack.db",
                        options: options,
                        clock: ManualClock()
                    )
                    #expect(try await copy.problems() == [])
                    #expect(try await copy.all().map(\.timestamps) == [[Timestamp]](repeating: times, count: 200))
                    #expect(try await copy.append(Self.batch(series, step)).appended == 200)
                    #expect(try await copy.all().allSatisfy { $0.timestamps.count == step + 1 })
                    try await copy.close()
                }
                // There is room again.
                #expect(mount("tmpfs", disk, "tmpfs", UInt(MS_REMOUNT), "size=64m") == 0)
                #expect(try await store.append(Self.batch(series, step)).appended == 200)
                #expect(try await store.append(Self.batch(series, step)).appended == 200)
                #expect(try await store.all().allSatisfy { $0.timestamps == times + [base + Int64(step) * 1000] })
                try await store.close()
                let again = try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
                #expect(try await again.all().allSatisfy { $0.timestamps.count == step + 1 })
                try await again.close()
            }
            if !isMounted { print("skipped: \(Self.maySkip)") }
        }

        @Test func aNewStoreForWhichThereIsNoRoomIsNoneAndIsMadeOnceThereIsRoom() async throws {
            var refused = 0
            // Up to what a new store takes.
            for size in stride(from: 4, through: 120, by: 4) {
                let isMounted = try await Self.withSmallDisk(size) { disk in
                    let path = disk + "/stack.db"
                    // A second start finds what the first has left.
                    for _ in 0..<2 {
                        let isNew = !FileManager.default.fileExists(atPath: path)
                        do throws(StorageError) {
                            let store = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
                            // What has tables is opened for reading.
                            let problems = try await store.problems()
                            #expect(problems.allSatisfy { $0.contains("opened for reading only") }, "\(problems)")
                            try? await store.close()
                        } catch {
                            #expect([.diskFull, .inputOutput].contains(error.code), "\(size) KiB: \(error)")
                            // Nothing that could be taken for a store is left.
                            let left = try FileManager.default.contentsOfDirectory(atPath: disk)
                            #expect(left == [] || !isNew, "\(size) KiB: \(left)")
                            refused += 1
                        }
                    }
                    #expect(mount("tmpfs", disk, "tmpfs", UInt(MS_REMOUNT), "size=64m") == 0)
                    let store = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
                    let series = try await store.resolve([["__name__": "m"]])
                    #expect(try await store.append(Self.batch(series, 0)).appended == 1)
                    try await store.close()
                }
                if !isMounted { return print("skipped: \(Self.maySkip)") }
            }
            #expect(refused > 0)
        }

        /// What stops cleanly leaves no log, and a start makes one, and its index, for which there has to be room.
        @Test func aStartOnAFullDiskReadsAndWritesOnceThereIsRoom() async throws {
            let isMounted = try await Self.withSmallDisk(600) { disk in
                let path = disk + "/stack.db"
                var store = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
                var series = try await store.resolve([["__name__": "m"]])
                _ = try await store.append(Self.batch(series, 0))
                try await store.close()
                try Self.fill(disk + "/ballast")
                store = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
                #expect(store.refusal?.code == .diskFull)
                #expect(store.refusal?.message.contains("it is written to once there is room") == true)
                #expect(try await store.all().map(\.timestamps.count) == [1])
                await #expect(throws: StorageError.self) { try await store.maintain(now: base) }
                try FileManager.default.removeItem(atPath: disk + "/ballast")
                try await store.maintain(now: base)
                #expect(store.refusal == nil)
                series = try await store.resolve([["__name__": "m"]])
                #expect(try await store.append(Self.batch(series, 1)).appended == 1)
                #expect(try await store.all().map(\.timestamps.count) == [2])
                try await store.close()
                let again = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
                #expect(try await again.problems() == [])
                #expect(try await again.all().map(\.timestamps.count) == [2])
                try await again.close()
            }
            if !isMounted { print("skipped: \(Self.maySkip)") }
        }

        /// Takes all the room that is left.
        private static func fill(_ path: String) throws {
            let file = open(path, O_WRONLY | O_CREAT, 0o600)
            #expect(file >= 0)
            let block = [UInt8](repeating: 1, count: 4096)
            while write(file, block, block.count) > 0 {}
            close(file)
        }

        @Test func aSnapshotThatHasNoRoomLeavesNothing() async throws {
            let isMounted = try await Self.withSmallDisk(64) { disk in
                for kind in StoreKind.allCases {
                    try await kind.withStore { store in
                        let series = try await store.resolve((0..<200).map { ["__name__": "m", "i": "\($0)"] })
                        for step in 0..<100 { _ = try await store.append(Self.batch(series, step)) }
                        await #expect(throws: StorageError.self) { try await store.snapshot(toFile: disk + "/copy.db") }
                        #expect(try FileManager.default.contentsOfDirectory(atPath: disk) == [])
                    }
                }
            }
            if !isMounted { print("skipped: \(Self.maySkip)") }
        }
    #endif
}
