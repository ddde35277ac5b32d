import Foundation
import MetricModel
import MetricStorageTesting
import StorageFaults
import TSDB
import Testing

/// What becomes of a store whose disk fails at some operation: a clear error, no crash, and nothing lost that was acknowledged.
@Suite(.timeLimit(.minutes(5))) struct FaultTests {
    // The steps are not inlined: the compiler of 6.3 crashes on the one large coroutine that an optimized build makes of them.

    /// What was acknowledged.
    private struct Acknowledged {
        var steps = Set<Int>()
        /// The step that was refused.
        var refused: Int?
        var record: Int?
        var errors: [StorageError] = []
    }

    private static let seriesCount = 8

    private static func value(_ step: Int, _ series: Int) -> Double { Double(step * 7 + series) + 0.5 }

    private static func row(_ stream: StreamRef?, _ series: [SeriesRef], _ step: Int) -> SampleBatch {
        var batch = SampleBatch(stream: stream, timestamp: base + Int64(step) * 1000)
        batch.series = series
        batch.values = series.indices.map { value(step, $0) }
        return batch
    }

    /// Rows, records, blocks, merging and deleting, until the end or the first error.
    @inline(never) private static func work(_ store: TimeSeriesDatabase, _ acknowledged: inout Acknowledged) async {
        do throws(StorageError) {
            let stream = try await store.openStream()
            let series = try await store.resolve(
                (0..<seriesCount).map {
                    Labels(["__name__": "m", "i": "\($0)", "long": String(repeating: "x", count: 300)])
                }
            )
            for step in 0..<60 {
                acknowledged.refused = step
                if try await store.append(row(step % 5 == 4 ? nil : stream, series, step)).appended == seriesCount {
                    acknowledged.steps.insert(step)
                }
                acknowledged.refused = nil
                if step % 6 == 0 {
                    try await store.apply([("t", [1], Array("\(step)".utf8))])
                    acknowledged.record = step
                }
                if step % 7 == 6 { try await store.maintain(now: base + 10_000_000 * Int64(step)) }
            }
            try await store.record([("m", MetricMetadata(type: .gauge, help: "h", unit: ""))])
            try await store.cleanTombstones()
        } catch {
            acknowledged.errors.append(error)
        }
    }

    /// Everything that was acknowledged is there, and every value is right; nothing else is there (`isExact`), or what was refused.
    @inline(never) private static func check(
        _ store: TimeSeriesDatabase,
        _ acknowledged: Acknowledged,
        _ place: Comment,
        isExact: Bool = false
    ) async throws {
        #expect(try await store.problems() == [], place)
        let found = try await store.all([LabelMatcher("__name__", equals: "m")])
        if !acknowledged.steps.isEmpty { #expect(found.count == seriesCount, place) }
        for columns in found {
            let index = Int(columns.labels["i"] ?? "") ?? -1
            let steps = columns.timestamps.map { Int($0 - base) / 1000 }
            let refused = acknowledged.refused.map { isExact ? [] : [$0] } ?? []
            #expect(Set(steps).isSuperset(of: acknowledged.steps), place)
            #expect(Set(steps).subtracting(acknowledged.steps).isSubset(of: refused), place)
            #expect(steps == steps.sorted() && Set(steps).count == steps.count, place)
            #expect(columns.values == steps.map { value($0, index) }, place)
        }
        if let record = acknowledged.record {
            let kept = try await store.records(in: "t").first.flatMap { Int(String(decoding: $0.value, as: UTF8.self)) }
            #expect(kept.map { $0 >= record } == true, place)
        }
    }

    private static func expected(_ fault: FaultyFiles.Fault) -> Set<StorageError.Code> {
        switch fault {
        case .fullDisk: [.diskFull]
        case .failedWrite, .failedSync, .tornWrite, .failedRead: [.inputOutput]
        case .shortRead: [.inputOutput, .corrupt]
        }
    }

    /// Of a new file nothing is relied on before it is whole, so that one wait for the disk is enough. Where that fails there is no file.
    @Test func aNewFileWaitsForTheDiskOnce() async throws {
        let files = FaultyFiles()
        var options = StoreOptions()
        options.fileSystem = files.name
        options.durability = .device
        let given = options
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            files.fail(.failedSync, after: 0)
            #expect(throws: StorageError.self) {
                try TimeSeriesDatabase.open(path: path, options: given, clock: ManualClock())
            }
            #expect(files.heal())
            #expect(!FileManager.default.fileExists(atPath: path))
            files.fail(.failedSync, after: 1)
            let store = try TimeSeriesDatabase.open(path: path, options: given, clock: ManualClock())
            #expect(store.refusal == nil)
            #expect(!files.heal())
            try await store.close()
        }
    }

    /// What the last transactions write goes into the database once: the log waits for the disk, and then the database.
    @Test func theEndWaitsForTheDiskTwice() async throws {
        let files = FaultyFiles()
        var options = StoreOptions()
        options.fileSystem = files.name
        let given = options
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            let store = try TimeSeriesDatabase.open(path: path, options: given, clock: ManualClock())
            let stream = try await store.openStream()
            let series = try await store.resolve((0..<5000).map { ["__name__": "m", "i": "\($0)"] })
            var generator = SeededGenerator(seed: 5)
            for step in 0..<120 {
                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step) * 1000)
                batch.series = series
                batch.values = series.map { _ in Double(bitPattern: generator.next() >> 2) }
                #expect(try await store.append(batch).appended == series.count)
            }
            // A checkpoint that was begun is over with this.
            try await store.apply([("t", [1], [2])])
            files.fail(.failedSync, after: 2)
            try await store.close()
            #expect(!files.heal())
            let again = try TimeSeriesDatabase.open(path: path, options: given, clock: ManualClock())
            #expect(try await again.series([], in: .ever).count == series.count)
            try await again.close()
        }
    }

    @Test(
        arguments: [FaultyFiles.Fault.fullDisk, .failedWrite, .failedSync, .tornWrite, .failedRead],
        [StoreOptions.Durability.process, .device]
    )
    func aFailingDiskLosesNothing(_ fault: FaultyFiles.Fault, _ durability: StoreOptions.Durability) async throws {
        let files = FaultyFiles()
        var options = StoreOptions()
        options.fileSystem = files.name
        options.durability = durability
        options.retention = nil
        options.headSamples = 100
        options.headAge = 5000
        let given = options
        try await withTemporaryFolder { folder in
            var happened = 0
            var place = 0
            while true {
                let outcome = try await Self.oneFault(
                    fault,
                    after: place,
                    files,
                    given,
                    in: folder + "/\(place)"
                )
                happened += outcome.happened
                if outcome.isLast { break }
                place += place < 12 ? 1 : 13
            }
            #expect(happened > 3)
        }
    }

    /// A store whose disk fails after some operations, used before, while and after it does, and opened anew.
    private static func oneFault(
        _ fault: FaultyFiles.Fault,
        after place: Int,
        _ files: FaultyFiles,
        _ options: StoreOptions,
        in path: String
    ) async throws -> (happened: Int, isLast: Bool) {
        try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        let file = path + "/stack.db"
        let comment: Comment = "\(fault) \(options.durability) \(place)"
        var acknowledged = Acknowledged()
        files.fail(fault, after: place)
        var happened = 0
        do {
            happened += try await use(fault, files, options, file, &acknowledged, comment)
        } catch {
            acknowledged.errors.append(try #require(error as? StorageError))
        }
        let isOver = files.heal()
        for error in acknowledged.errors {
            #expect(expected(fault).contains(error.code), "\(place): \(error)")
            #expect(error.message.contains("stack.db"), "\(place): \(error)")
        }
        if isOver { happened += 1 }
        let isLast = !isOver && acknowledged.errors.isEmpty
        let again = try TimeSeriesDatabase.open(path: file, options: options, clock: ManualClock())
        // A full disk takes nothing of what it refuses; of other failures nobody knows.
        try await check(again, acknowledged, comment, isExact: fault == .fullDisk)
        try await goOn(again, &acknowledged, comment)
        try await again.close()
        try FileManager.default.removeItem(atPath: path)
        return (happened, isLast)
    }

    /// Uses a store on a failing disk, and goes on with it once the disk has recovered where it can; how often it did.
    @inline(never) private static func use(
        _ fault: FaultyFiles.Fault,
        _ files: FaultyFiles,
        _ options: StoreOptions,
        _ file: String,
        _ acknowledged: inout Acknowledged,
        _ comment: Comment
    ) async throws -> Int {
        let store = try TimeSeriesDatabase.open(path: file, options: options, clock: ManualClock())
        await work(store, &acknowledged)
        var happened = 0
        let keepsOpen = fault == .fullDisk || fault == .failedWrite || fault == .failedSync
        if keepsOpen, !acknowledged.errors.isEmpty {
            // The store goes on where the disk does.
            files.heal()
            happened += 1
            try await goOnAfterFault(store, &acknowledged, comment)
        }
        try await store.close()
        return happened
    }

    /// The same where the disk has just recovered: what could not be read when the store was opened is not read later either.
    @inline(never) private static func goOnAfterFault(
        _ store: TimeSeriesDatabase,
        _ acknowledged: inout Acknowledged,
        _ place: Comment
    ) async throws {
        do {
            try await goOn(store, &acknowledged, place, isExact: true)
        } catch {
            let error = try #require(error as? StorageError)
            #expect(acknowledged.steps.isEmpty && acknowledged.errors.contains(error), place)
        }
    }

    /// What was refused is not seen, and is taken once it comes again; a later row is taken; and everything is there.
    @inline(never) private static func goOn(
        _ store: TimeSeriesDatabase,
        _ acknowledged: inout Acknowledged,
        _ place: Comment,
        isExact: Bool = false
    ) async throws {
        let series = try await store.resolve(
            (0..<seriesCount).map {
                Labels(["__name__": "m", "i": "\($0)", "long": String(repeating: "x", count: 300)])
            }
        )
        if let refused = acknowledged.refused {
            if isExact { try await check(store, acknowledged, place, isExact: true) }
            #expect(try await store.append(row(nil, series, refused)).appended == seriesCount, place)
            acknowledged.steps.insert(refused)
            acknowledged.refused = nil
        }
        let step = 1000 + acknowledged.steps.count
        #expect(try await store.append(row(nil, series, step)).appended == seriesCount, place)
        acknowledged.steps.insert(step)
        try await check(store, acknowledged, place)
    }

    @Test(arguments: [FaultyFiles.Fault.shortRead, .failedRead])
    func aFailingReadNeverGivesWrongValues(_ fault: FaultyFiles.Fault) async throws {
        let files = FaultyFiles()
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            var options = StoreOptions()
            options.retention = nil
            options.headAge = 5000
            var acknowledged = Acknowledged()
            let store = try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
            await Self.work(store, &acknowledged)
            try await store.close()
            options.fileSystem = files.name
            var place = 0
            var failures = 0
            while true {
                files.fail(fault, after: place)
                do {
                    let reader = try TimeSeriesDatabase.openForReading(
                        path: path,
                        options: options,
                        clock: ManualClock()
                    )
                    let isDamaged = try await !reader.problems().isEmpty
                    let found = try await reader.all()
                    let records = try await reader.records(in: "t")
                    let isWhole =
                        found.count == Self.seriesCount && records.map(\.value) == [Array("54".utf8)]
                        && found.allSatisfy { $0.timestamps.count == 60 }
                    #expect(isWhole || isDamaged, "\(place)")
                    if isDamaged { failures += 1 }
                    for columns in found where columns.labels.name == "m" {
                        let index = Int(columns.labels["i"] ?? "") ?? -1
                        let right = columns.timestamps.map { Self.value(Int($0 - base) / 1000, index) }
                        #expect(columns.values == right, "\(place)")
                    }
                    try await reader.close()
                } catch {
                    let error = try #require(error as? StorageError)
                    #expect(Self.expected(.shortRead).contains(error.code), "\(place): \(error)")
                    failures += 1
                }
                if !files.heal() { break }
                place += 1
            }
            #expect(place > 5 && failures > 3)
        }
    }
}
