import Foundation
import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// Files that are damaged, removed, not ours, or cannot be written: what is sound is read, and the rest is told.
@Suite(.timeLimit(.minutes(5))) struct DamagedFileTests {
    private static let options: StoreOptions = {
        var options = StoreOptions()
        options.retention = nil
        options.headAge = 5000
        return options
    }()

    /// A file with some blocks, records and metadata.
    private static func fill(_ path: String) async throws {
        let store = try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
        let series = try await store.resolve((0..<40).map { ["__name__": "m", "i": "\($0)"] })
        for step in 0..<200 {
            var batch = SampleBatch(timestamp: base + Int64(step) * 1000)
            batch.series = series
            batch.values = series.indices.map { sin(Double(step * 40 + $0)) }
            _ = try await store.append(batch)
            if step % 40 == 39 { try await store.maintain(now: base + 10_000_000 * Int64(step)) }
        }
        try await store.record((0..<50).map { ("f\($0)", MetricMetadata(type: .gauge, help: "help", unit: "")) })
        try await store.apply((0..<50).map { ("t", [UInt8($0)], [UInt8](repeating: 7, count: 300)) })
        try await store.close()
    }

    private static func readAll(_ store: TimeSeriesDatabase) async throws {
        _ = try await store.problems()
        do throws(StorageError) {
            _ = try await store.select(SelectRequest(matchers: [], start: .min, end: .max))
        } catch {
            #expect(error.code == .corrupt, "\(error)")
        }
        do throws(StorageError) { _ = try await store.records(in: "t") } catch { #expect(error.code == .corrupt) }
        _ = try? await store.close()
    }

    @Test func whatIsSoundOfADamagedFileIsRead() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            try await Self.fill(path)
            let sound = try Data(contentsOf: URL(fileURLWithPath: path))
            var generator = SeededGenerator(seed: 4711)
            for round in 0..<60 {
                var bytes = sound
                let place: Int
                if round % 5 == 4 {
                    place = 4096 + Int(generator.next() % UInt64(sound.count - 4096))
                    bytes = bytes.prefix(place)
                } else {
                    place = round % 3 == 0 ? Int(generator.next() % 4096) : Int(generator.next() % UInt64(sound.count))
                    for index in place..<min(bytes.count, place + 64) { bytes[index] = UInt8(generator.next() & 255) }
                }
                try FileManager.default.removeItem(atPath: path)
                try bytes.write(to: URL(fileURLWithPath: path))
                do {
                    let store = try TimeSeriesDatabase.open(path: path, options: Self.options, clock: ManualClock())
                    try await Self.readAll(store)
                } catch {
                    let error = try #require(error as? StorageError)
                    #expect(place < 4096, "round \(round) at \(place): \(error)")
                    #expect(!error.message.contains("SQLite code 1)"), "\(error)")
                    #expect(error.message.contains("stack.db"), "\(error)")
                }
            }
        }
    }

    @Test(arguments: [1, 100, 511])
    func aFileOfFewBytesIsNoEmptyStore(_ count: Int) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            try await Self.fill(path)
            #expect(truncate(path, count) == 0)
            let error = #expect(throws: StorageError.self) {
                try TimeSeriesDatabase.open(path: path, options: Self.options, clock: ManualClock())
            }
            #expect(error?.code == .corrupt && error?.message.contains("\(count) byte(s)") == true)
            let text = Data("no database, but a text of some length\n".utf8)
            let long = (0..<40).reduce(Data()) { data, _ in data + text }
            try long.write(to: URL(fileURLWithPath: path))
            #expect(throws: StorageError.self) {
                try TimeSeriesDatabase.open(path: path, options: Self.options, clock: ManualClock())
            }
            #expect(try Data(contentsOf: URL(fileURLWithPath: path)) == long)
        }
    }

    @Test(arguments: ["", "-wal", "-shm", "-journal"])
    func aPipeInPlaceOfAFileIsNotWaitedFor(_ suffix: String) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            #expect(mkfifo(path + suffix, 0o600) == 0)
            let error = #expect(throws: StorageError.self) {
                try TimeSeriesDatabase.open(path: path, options: Self.options, clock: ManualClock())
            }
            #expect(error?.message == "\(path)\(suffix) is not a regular file: move it away")
        }
    }

    @Test func nothingIsLeftBesideAForeignDatabase() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            try executeSQL(path, "CREATE TABLE theirs (x); INSERT INTO theirs VALUES (1)")
            let error = #expect(throws: StorageError.self) {
                try TimeSeriesDatabase.open(path: path, options: Self.options, clock: ManualClock())
            }
            #expect(error?.message.contains("another program") == true)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["stack.db"])
        }
    }

    @Test(arguments: ["folder", "database", "log", "lock", "replaced"])
    func aStoreNoticesThatItsFilesAreGone(_ what: String) async throws {
        try await withTemporaryFolder { outer in
            let folder = outer + "/data"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let path = folder + "/stack.db"
            let store = try TimeSeriesDatabase.open(path: path, options: Self.options, clock: ManualClock())
            try await store.put(["__name__": "m"], [(base, 1)])
            #expect(store.refusal == nil)
            switch what {
            case "folder": try FileManager.default.removeItem(atPath: folder)
            case "database": try FileManager.default.removeItem(atPath: path)
            case "log": try FileManager.default.removeItem(atPath: path + "-wal")
            // Whoever makes it anew would write as well.
            case "lock": try FileManager.default.removeItem(atPath: path + ".lock")
            default:
                try FileManager.default.removeItem(atPath: path)
                try Data([1]).write(to: URL(fileURLWithPath: path))
            }
            for _ in 0..<2 {
                let word = what == "replaced" ? "replaced" : "removed"
                #expect(store.refusal?.message.contains(word) == true)
                await #expect(throws: StorageError.self) { try await store.put(["__name__": "m"], [(base + 1000, 2)]) }
                await #expect(throws: StorageError.self) { try await store.apply([("t", [1], [2])]) }
                #expect(try await store.points("m") == [ExactPoint(base, 1)])
            }
            #expect(try await store.statistics(limit: 0).failedWrites == 4)
            try await store.close()
        }
    }

    @Test func aLogThatIsRemovedBeforeTheFirstChangeIsMissed() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            for _ in 0..<2 {
                let store = try TimeSeriesDatabase.open(path: path, options: Self.options, clock: ManualClock())
                try FileManager.default.removeItem(atPath: path + "-wal")
                await #expect(throws: StorageError.self) { try await store.apply([("t", [1], [2])]) }
                // Who reads may have made a new one meanwhile.
                #expect(store.refusal?.message.contains("while the store was open") == true)
                try await store.close()
            }
        }
    }

    /// Bytes that change in the log, or an end that is missing, are told with what may be lost.
    @Test(arguments: ["flipped", "header", "cut", "sound", "sparse"])
    func damageOfTheLogIsTold(_ what: String) async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let store = try TimeSeriesDatabase.open(path: path, options: Self.options, clock: ManualClock())
            let points = (0..<100).map { (base + Int64($0) * 1000, Double($0)) }
            try await store.put(["__name__": "m"], points)
            // As a killed process leaves them.
            for suffix in ["", "-wal", "-shm"] {
                try FileManager.default.copyItem(atPath: path + suffix, toPath: folder + "/copy.db" + suffix)
            }
            let log = folder + "/copy.db-wal"
            var bytes = try Data(contentsOf: URL(fileURLWithPath: log))
            switch what {
            case "flipped": bytes[bytes.count / 2] ^= 1
            case "header": bytes[3] ^= 0x40
            case "cut": bytes = bytes.prefix(32 + (bytes.count / 4120 / 2) * 4120)
            default: break
            }
            try bytes.write(to: URL(fileURLWithPath: log))
            if what == "sparse" {
                // More than there is memory, of which nothing is on the disk.
                #expect(truncate(log, 1 << 38) == 0)
                try FileManager.default.removeItem(atPath: folder + "/copy.db-shm")
            }
            let copy = try TimeSeriesDatabase.open(
                path: folder + "/copy.db",
                options: Self.options,
                clock: ManualClock()
            )
            let problems = try await copy.problems()
            let found = try await copy.points("m")
            #expect(found == points.prefix(found.count).map { ExactPoint($0.0, $0.1) })
            if what == "sound" || what == "sparse" {
                #expect(problems == [] && found.count == 100)
            } else {
                #expect(found.count < 100)
                #expect(problems.first?.contains("page(s) are lost") == true, "\(problems)")
                if let last = found.last { #expect(problems.first?.contains("\(last.time)") == true) }
            }
            try await copy.close()
            try await store.close()
        }
    }

    @Test func onlyTheOwnerReadsTheFiles() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let store = try TimeSeriesDatabase.open(path: path, options: Self.options, clock: ManualClock())
            try await store.put(["__name__": "m"], [(base, 1)])
            try await store.snapshot(toFile: folder + "/snapshot.db")
            for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
                let attributes = try FileManager.default.attributesOfItem(atPath: folder + "/" + name)
                #expect(attributes[.posixPermissions] as? Int == 0o600, "\(name)")
            }
            try await store.close()
        }
    }

    /// A start that reads much back closes it, so that lives too short for that do not add up.
    @Test func whatAStartReadsBackIsClosed() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            var options = StoreOptions()
            options.retention = nil
            let store = try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
            let stream = try await store.openStream()
            let series = try await store.resolve((0..<1000).map { ["__name__": "m", "i": "\($0)"] })
            for step in 0..<600 {
                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step) * 1000)
                batch.series = series
                batch.values = [Double](repeating: Double(step), count: 1000)
                _ = try await store.append(batch)
            }
            for suffix in ["", "-wal"] {
                try FileManager.default.copyItem(atPath: path + suffix, toPath: folder + "/copy.db" + suffix)
            }
            try await store.close()
            let copy = try TimeSeriesDatabase.open(path: folder + "/copy.db", options: options, clock: ManualClock())
            // Maintenance comes after the closing that goes on.
            try await copy.cleanTombstones()
            var report = try await copy.report()
            for _ in 0..<200 where report.blocks.isEmpty {
                try await copy.cleanTombstones()
                report = try await copy.report()
            }
            #expect(report.blocks.map(\.samples) == [600_000] && report.headSamples == 0)
            try await copy.close()
        }
    }

    /// Of two samples at a time in what is imported the first counts, and the others are counted.
    @Test func theFirstOfTwoImportedSamplesCounts() async throws {
        try await StoreKind.file.withStore { store in
            let series = try await store.resolve([["__name__": "m"], ["__name__": "n"]])
            var importer = try #require(store as? TimeSeriesDatabase).importer()
            for (time, value) in [(0, 1.0), (1000, 2), (1000, 3), (500, 4), (0, 5)] {
                importer.append(series[0], base + Int64(time), value)
            }
            importer.append(series[1], base, 6)
            let summary = try await importer.finish()
            #expect(summary.samples == 4 && summary.duplicates == 2)
            #expect(
                try await store.points("m") == [
                    ExactPoint(base, 1), ExactPoint(base + 500, 4), ExactPoint(base + 1000, 2),
                ]
            )
        }
    }

    /// What is left of the files of a store that was ended by force, and what is told of it.
    private static let remains: [(name: String, remove: @Sendable (String) -> Void, told: String)] = [
        ("an empty database", { _ = truncate($0, 0) }, "belongs to the one that was there"),
        ("no database", { _ = unlink($0) }, "belongs to the one that was there"),
        ("no log", { _ = unlink($0 + "-wal") }, "was cut short or removed"),
        (
            "a log of zeros",
            { path in
                _ = truncate(path + "-wal", 0)
                _ = truncate(path + "-wal", 500_000)
            }, "was cut short or removed"
        ),
    ]

    @Test(arguments: remains.indices) func `what was acknowledged is not thrown away without a word`(_ index: Int)
        async throws
    {
        let (name, remove, told) = Self.remains[index]
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let store = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
            for key in 0..<UInt8(20) { try await store.apply([("t", [key], [1])]) }
            // What a kill leaves.
            let left = folder + "/left.db"
            for suffix in ["", "-wal", "-shm"] {
                try FileManager.default.copyItem(atPath: path + suffix, toPath: left + suffix)
            }
            try await store.close()
            remove(left)
            do {
                let again = try TimeSeriesDatabase.open(path: left, clock: ManualClock())
                let problems = try await again.problems()
                #expect(problems.contains { $0.contains(told) }, "\(name): \(problems)")
                try await again.close()
            } catch let error as StorageError {
                #expect(error.code == .corrupt && error.message.contains(told), "\(name): \(error.message)")
                #expect(FileManager.default.fileExists(atPath: left + "-wal"))
            }
        }
    }

    @Test func `a store has one writer by whatever name`() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let store = try TimeSeriesDatabase.open(path: path, clock: ManualClock())
            try await store.apply([("t", [1], [1])])
            #expect(symlink(path, folder + "/soft.db") == 0)
            #expect(link(path, folder + "/hard.db") == 0)
            #if os(Linux)
                let names = ["soft", "hard"]
            #else
                let names = ["soft"]
            #endif
            for name in names {
                let error = #expect(throws: StorageError.self) {
                    _ = try TimeSeriesDatabase.open(path: folder + "/\(name).db", clock: ManualClock())
                }
                #expect(error?.code == .locked, "\(name): \(String(describing: error))")
            }
            try await store.apply([("t", [2], [1])])
            try await store.close()
            let again = try TimeSeriesDatabase.open(path: folder + "/soft.db", clock: ManualClock())
            #expect(try await again.records(in: "t").count == 2)
            try await again.close()
        }
    }
}
