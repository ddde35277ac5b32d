import Foundation
import MetricModel
import TSDB
import Testing

/// What becomes of a store whose disk fails at some operation: a clear error, no crash, and nothing lost that was acknowledged.
@Suite(.timeLimit(.minutes(5))) struct FaultTests {
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
    private static func work(_ store: SQLiteStore, _ acknowledged: inout Acknowledged) async {
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
    private static func check(
        _ store: SQLiteStore,
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
        var happened = 0
        var place = 0
        try await withTemporaryFolder { folder in
            while true {
                let path = folder + "/\(place)"
                try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
                let file = path + "/stack.db"
                var acknowledged = Acknowledged()
                files.fail(fault, after: place)
                do {
                    let store = try SQLiteStore.open(path: file, options: options, clock: ManualClock())
                    await Self.work(store, &acknowledged)
                    if fault == .fullDisk || fault == .failedWrite || fault == .failedSync, !acknowledged.errors.isEmpty
                    {
                        // The store goes on where the disk does.
                        files.heal()
                        happened += 1
                        do {
                            try await Self.goOn(
                                store,
                                &acknowledged,
                                "\(fault) \(durability) \(place)",
                                isExact: true
                            )
                        } catch {
                            // What could not be read when the store was opened is not read later either.
                            let error = try #require(error as? StorageError)
                            #expect(acknowledged.steps.isEmpty && acknowledged.errors.contains(error), "\(place)")
                        }
                    }
                    do throws(StorageError) { try await store.close() } catch { acknowledged.errors.append(error) }
                } catch {
                    acknowledged.errors.append(try #require(error as? StorageError))
                }
                let isOver = files.heal()
                for error in acknowledged.errors {
                    #expect(Self.expected(fault).contains(error.code), "\(place): \(error)")
                    #expect(error.message.contains("stack.db"), "\(place): \(error)")
                }
                if isOver { happened += 1 }
                let again = try SQLiteStore.open(path: file, options: options, clock: ManualClock())
                // A full disk takes nothing of what it refuses; of other failures nobody knows.
                let isExact = fault == .fullDisk
                try await Self.check(again, acknowledged, "\(fault) \(durability) \(place)", isExact: isExact)
                try await Self.goOn(again, &acknowledged, "\(fault) \(durability) \(place)")
                try await again.close()
                try FileManager.default.removeItem(atPath: path)
                if !isOver, acknowledged.errors.isEmpty { break }
                place += place < 12 ? 1 : 13
            }
        }
        #expect(happened > 3)
    }

    /// What was refused is not seen, and is taken once it comes again; a later row is taken; and everything is there.
    private static func goOn(
        _ store: SQLiteStore,
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
            let store = try SQLiteStore.open(path: path, options: options, clock: ManualClock())
            await Self.work(store, &acknowledged)
            try await store.close()
            options.fileSystem = files.name
            var place = 0
            var failures = 0
            while true {
                files.fail(fault, after: place)
                do {
                    let reader = try SQLiteStore.openForReading(path: path, options: options, clock: ManualClock())
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
