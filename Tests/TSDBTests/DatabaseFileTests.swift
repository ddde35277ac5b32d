import Foundation
import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// What only a store in a file has to do.
@Suite(.timeLimit(.minutes(5))) struct DatabaseFileTests {
    private static func open(_ folder: String, _ options: StoreOptions = StoreOptions()) throws -> TimeSeriesDatabase {
        try TimeSeriesDatabase.open(path: folder + "/stack.db", options: options, clock: ManualClock())
    }

    /// Writes `steps` rows of `count` series in one stream.
    @discardableResult
    private static func fill(_ store: TimeSeriesDatabase, series count: Int, steps: Range<Int>) async throws -> Int {
        let stream = try await store.openStream()
        let series = try await store.resolve((0..<count).map { Labels(["__name__": "m", "i": "\($0)"]) })
        var taken = 0
        for step in steps {
            var batch = SampleBatch(stream: stream, timestamp: base + Int64(step) * 15_000)
            batch.series = series
            batch.values = (0..<count).map { Double(step * ($0 + 1)) }
            taken += try await store.append(batch).appended
        }
        return taken
    }

    private static func check(_ found: [SeriesColumns], series count: Int, steps: Range<Int>) {
        #expect(found.count == count)
        for columns in found {
            let index = Int(columns.labels["i"] ?? "") ?? -1
            #expect(columns.timestamps == steps.map { base + Int64($0) * 15_000 })
            #expect(columns.values == steps.map { Double($0 * (index + 1)) })
        }
    }

    private static func code(_ body: () async throws -> Void) async -> StorageError.Code? {
        do {
            try await body()
            return nil
        } catch { return (error as? StorageError)?.code }
    }

    @Test func aPathThatIsTooLongIsToldAsThat() async throws {
        try await withTemporaryFolder { folder in
            let parts = [String](repeating: String(repeating: "x", count: 99), count: 5)
            let long = ([folder] + parts).joined(separator: "/")
            try FileManager.default.createDirectory(atPath: long, withIntermediateDirectories: true)
            let refused = #expect(throws: StorageError.self) { _ = try Self.open(long) }
            #expect(refused?.message.contains("longer than SQLite can have it, choose a shorter one") == true)
        }
    }

    @Test func everythingIsThereAfterARestart() async throws {
        try await withTemporaryFolder { folder in
            var store = try Self.open(folder)
            try await Self.fill(store, series: 10, steps: 0..<50)
            try await store.record([("m", MetricMetadata(type: .counter, help: "h", unit: "u"))])
            let a = try await store.resolve([["__name__": "a"]])
            var batch = SampleBatch(timestamp: base)
            batch.histograms = [.init(series: a[0], timestamp: base, histogram: NativeHistogram())]
            batch.exemplars = [.init(series: a[0], exemplar: Exemplar(labels: ["t": "1"], value: 2))]
            _ = try await store.append(batch)
            try await store.delete(
                [[LabelMatcher("i", equals: "3")]],
                in: TimeSpan(start: .min, end: base + 10 * 15_000)
            )
            try await Self.fill(store, series: 10, steps: 50..<60)
            for _ in 0..<3 {
                try await store.close()
                let files = try FileManager.default.contentsOfDirectory(atPath: folder).sorted()
                #expect(files == ["stack.db", "stack.db.lock"])
                store = try Self.open(folder)
                #expect(try await store.problems().isEmpty)
                let found = try await store.all([LabelMatcher("__name__", equals: "m")])
                Self.check(found.filter { $0.labels["i"] != "3" }, series: 9, steps: 0..<60)
                Self.check(found.filter { $0.labels["i"] == "3" }, series: 1, steps: 11..<60)
                #expect(try await store.metadata()["m"]?.help == "h")
                #expect(try await store.exemplars([], in: .ever).map(\.labels.name) == ["a"])
                #expect(try await store.all([LabelMatcher("__name__", equals: "a")]).first?.histograms.count == 1)
            }
            // The newest samples are known again: the same one passes, another one or an older one does not.
            let verdicts = try await store.put(
                ["__name__": "m", "i": "0"],
                [(base + 59 * 15_000, 59), (base + 59 * 15_000, 1), (base + 58 * 15_000, 58), (base + 60 * 15_000, 60)]
            )
            #expect(verdicts == [nil, .duplicate, .outOfOrder, nil])
            try await store.close()
        }
    }

    @Test func aSecondWriterIsToldWhoHasTheStore() async throws {
        try await withTemporaryFolder { folder in
            let store = try Self.open(folder)
            #expect {
                _ = try Self.open(folder)
            } throws: { error in
                let error = error as? StorageError
                return error?.code == .locked
                    && error?.message.contains("\(ProcessInfo.processInfo.processIdentifier)") == true
            }
            try await Self.fill(store, series: 3, steps: 0..<20)
            try await store.maintain(now: base + 86_400_000)
            try await Self.fill(store, series: 3, steps: 20..<30)
            // Reading is possible all the same, and sees what is committed.
            let reader = try TimeSeriesDatabase.openForReading(path: folder + "/stack.db", clock: ManualClock())
            Self.check(try await reader.all(), series: 3, steps: 0..<30)
            #expect(await Self.code { _ = try await reader.append(SampleBatch(timestamp: 0)) } == .readOnly)
            #expect(await Self.code { try await reader.apply([("t", [1], [1])]) } == .readOnly)
            try await reader.close()
            try await store.close()
            #expect(await Self.code { _ = try await store.append(SampleBatch(timestamp: 0)) } == .inputOutput)
            #expect(await Self.code { try await store.apply([("t", [1], [1])]) } == .inputOutput)
        }
    }

    @Test func filesOfOthersAreRefused() async throws {
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            try await Self.open(folder).close()
            try executeSQL(path, "PRAGMA user_version = 99")
            #expect(await Self.code { _ = try Self.open(folder) } == .newerVersion)
            try FileManager.default.removeItem(atPath: path)
            try executeSQL(path, "CREATE TABLE t (x)")
            #expect(await Self.code { _ = try Self.open(folder) } == .corrupt)
            try Data("not a database, but long enough to be looked at".utf8).write(to: URL(fileURLWithPath: path))
            #expect(await Self.code { _ = try Self.open(folder) } == .corrupt)
            #expect(await Self.code { _ = try Self.open(folder + "/missing") } == .inputOutput)
            #expect(
                await Self.code {
                    _ = try TimeSeriesDatabase.openForReading(path: folder + "/no.db", clock: ManualClock())
                }
                    == .readOnly
            )
        }
    }

    @Test func aSnapshotIsAWholeStoreInOneFile() async throws {
        try await withTemporaryFolder { folder in
            let store = try Self.open(folder)
            try await Self.fill(store, series: 5, steps: 0..<20)
            try await store.maintain(now: base + 86_400_000)
            try await Self.fill(store, series: 5, steps: 20..<30)
            try await store.apply([("t", [1], [2])])
            try FileManager.default.createDirectory(atPath: folder + "/copy", withIntermediateDirectories: true)
            try await store.snapshot(toFile: folder + "/copy/stack.db")
            try await Self.fill(store, series: 5, steps: 30..<40)
            try await store.close()
            let copy = try Self.open(folder + "/copy")
            Self.check(try await copy.all(), series: 5, steps: 0..<30)
            #expect(try await copy.records(in: "t").map(\.value) == [[2]])
            try await copy.close()
        }
    }

    @Test func theFileShrinksAsDataGoes() async throws {
        var options = StoreOptions()
        options.retention = nil
        options.acceptedAge = nil
        options.retentionSize = 300_000
        try await withTemporaryFolder { folder in
            let store = try Self.open(folder, options)
            var generator = SeededGenerator(seed: 1)
            let stream = try await store.openStream()
            let series = try await store.resolve((0..<100).map { Labels(["__name__": "r", "i": "\($0)"]) })
            for day in 0..<8 {
                for step in 0..<200 {
                    var batch = SampleBatch(
                        stream: stream,
                        timestamp: base + Int64(day) * 86_400_000 + Int64(step) * 400_000
                    )
                    batch.series = series
                    batch.values = series.map { _ in Double(bitPattern: generator.next() >> 4) }
                    _ = try await store.append(batch)
                }
                try await store.maintain(now: base + Int64(day + 1) * 86_400_000 + 7_200_000)
            }
            let figures = try await store.statistics(limit: 1)
            #expect(figures.bytesOnDisk < 450_000 && (figures.minTime ?? 0) > base + 5 * 86_400_000)
            #expect(try await store.all().first?.values.isEmpty == false)
            try await store.close()
        }
    }

    @Test func aFullDiskIsToldAndNothingAcknowledgedIsLost() async throws {
        try await withTemporaryFolder { folder in
            var store = try Self.open(folder)
            try await Self.fill(store, series: 20, steps: 0..<10)
            try await store.limitPages(60)
            let stream = try await store.openStream()
            let series = try await store.resolve((0..<20).map { Labels(["__name__": "m", "i": "\($0)"]) })
            var generator = SeededGenerator(seed: 9)
            var acknowledged = 0
            var failure: StorageError?
            for step in 10..<5000 {
                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step) * 15_000)
                batch.series = series
                batch.values = series.map { _ in Double(bitPattern: generator.next() >> 2) }
                do {
                    _ = try await store.append(batch)
                    acknowledged = step
                } catch {
                    failure = error as? StorageError
                    break
                }
            }
            #expect(failure?.code == .diskFull && failure?.message.contains("no space left") == true)
            // Reading goes on, and so does writing once there is room again.
            #expect(try await store.all().first?.timestamps.count ?? 0 >= acknowledged)
            try await store.limitPages(1_000_000)
            let next = acknowledged + 2
            var batch = SampleBatch(stream: stream, timestamp: base + Int64(next) * 15_000)
            batch.series = series
            batch.values = series.map { _ in 1 }
            #expect(try await store.append(batch).appended == 20)
            try await store.close()
            store = try Self.open(folder)
            let times = try await store.all().first?.timestamps ?? []
            #expect(Set(times).isSuperset(of: (0...acknowledged).map { base + Int64($0) * 15_000 }))
            #expect(times.last == base + Int64(next) * 15_000)
            try await store.close()
        }
    }

    @Test func whatBuildsOnALostJournalRowIsNotAcknowledged() async throws {
        try await withTemporaryFolder { folder in
            let store = try Self.open(folder)
            let streams = 6
            let values: @Sendable (Int, Int) -> [Double] = { stream, step in
                (0..<30).map { (index: Int) -> Double in
                    if index % 3 == 0 { return Double(stream) }
                    return Double(step * 31 + index * stream) + 0.5
                }
            }
            var acknowledged = [Set<Int>](repeating: [], count: streams)
            for round in 0..<4 {
                // Full in every other round, while several streams append at once.
                try await store.limitPages(round % 2 == 0 ? 1 : 1_000_000)
                let taken = await withTaskGroup(of: (Int, Set<Int>).self) { group in
                    for number in 0..<streams {
                        group.addTask { @concurrent in
                            var taken = Set<Int>()
                            guard let stream = try? await store.openStream(),
                                let series = try? await store.resolve(
                                    (0..<30).map { Labels(["__name__": "c", "s": "\(number)", "i": "\($0)"]) }
                                )
                            else { return (number, taken) }
                            for step in round * 40..<round * 40 + 40 {
                                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step) * 1000)
                                batch.series = series
                                batch.values = values(number, step)
                                if (try? await store.append(batch)) != nil { taken.insert(step) }
                            }
                            return (number, taken)
                        }
                    }
                    return await group.reduce(into: [(Int, Set<Int>)]()) { $0.append($1) }
                }
                for (number, steps) in taken { acknowledged[number].formUnion(steps) }
            }
            #expect(acknowledged.allSatisfy { $0.count >= 80 } && acknowledged.contains { $0.count < 160 })
            // As after a kill: only the journal has it.
            try FileManager.default.createDirectory(atPath: folder + "/copy", withIntermediateDirectories: true)
            for file in ["stack.db", "stack.db-wal"] {
                try FileManager.default.copyItem(atPath: folder + "/" + file, toPath: folder + "/copy/" + file)
            }
            let copy = try Self.open(folder + "/copy")
            #expect(try await copy.problems().isEmpty)
            for columns in try await copy.all() {
                let number = Int(columns.labels["s"] ?? "") ?? 0
                let index = Int(columns.labels["i"] ?? "") ?? 0
                let steps = columns.timestamps.map { Int(($0 - base) / 1000) }
                #expect(Set(steps).isSuperset(of: acknowledged[number]))
                #expect(columns.values == steps.map { values(number, $0)[index] })
            }
            try await copy.close()
            try await store.close()
        }
    }

    @Test func aTornJournalFileGivesWhatCameBefore() async throws {
        try await withTemporaryFolder { folder in
            let store = try Self.open(folder)
            try await Self.fill(store, series: 4, steps: 0..<60)
            // A copy of the files as they are now is what a crash of the machine could leave.
            let database = try Data(contentsOf: URL(fileURLWithPath: folder + "/stack.db"))
            let log = try Data(contentsOf: URL(fileURLWithPath: folder + "/stack.db-wal"))
            var generator = SeededGenerator(seed: 4)
            for round in 0..<30 {
                let torn = folder + "/torn\(round)"
                try FileManager.default.createDirectory(atPath: torn, withIntermediateDirectories: true)
                try database.write(to: URL(fileURLWithPath: torn + "/stack.db"))
                var rest = log.prefix(Int(generator.next() % UInt64(log.count)))
                if round % 2 == 0, rest.count > 5000 { rest[rest.count - 4000] ^= 0x55 }
                try rest.write(to: URL(fileURLWithPath: torn + "/stack.db-wal"))
                let other = try Self.open(torn)
                let found = try await other.all()
                let steps = found.first?.timestamps.count ?? 0
                if steps > 0 { Self.check(found, series: 4, steps: 0..<steps) }
                try await Self.fill(other, series: 4, steps: steps..<steps + 3)
                Self.check(try await other.all(), series: 4, steps: 0..<steps + 3)
                try await other.close()
            }
            try await store.close()
        }
    }

    @Test func damagedBytesNeverGiveWrongValues() async throws {
        try await withTemporaryFolder { folder in
            let store = try Self.open(folder)
            for part in 0..<4 {
                try await Self.fill(store, series: 200, steps: part * 50..<part * 50 + 50)
                if part < 3 { try await store.maintain(now: base + Int64(part + 1) * 10_000_000) }
            }
            try await store.snapshot(toFile: folder + "/whole.db")
            try await store.close()
            let whole = try Data(contentsOf: URL(fileURLWithPath: folder + "/whole.db"))
            var generator = SeededGenerator(seed: 8)
            var outcomes: [String: Int] = [:]
            for round in 0..<120 {
                var damaged = whole
                let place = Int(generator.next() % UInt64(whole.count))
                for offset in 0..<Int(1 + generator.next() % 64) where place + offset < damaged.count {
                    damaged[place + offset] = UInt8(truncatingIfNeeded: generator.next())
                }
                let path = folder + "/damaged.db"
                for suffix in ["", "-wal", "-shm"] { try? FileManager.default.removeItem(atPath: path + suffix) }
                try damaged.write(to: URL(fileURLWithPath: path))
                for isReadOnly in [true, false] {
                    let outcome = await Self.readDamaged(path, isReadOnly)
                    outcomes[outcome, default: 0] += 1
                    #expect(outcome != "wrong", "round \(round), byte \(place)")
                }
            }
            #expect(outcomes["whole", default: 0] > 0 && outcomes["error", default: 0] > 0, "\(outcomes)")
        }
    }

    /// Opens, reads, writes: what came of it. Every value that is given has to be right.
    private static func readDamaged(_ path: String, _ isReadOnly: Bool) async -> String {
        do {
            let store =
                isReadOnly
                ? try TimeSeriesDatabase.openForReading(path: path, clock: ManualClock())
                : try TimeSeriesDatabase.open(path: path, clock: ManualClock())
            var outcome = "whole"
            do {
                if try await !store.problems().isEmpty { outcome = "part" }
                for name in 0..<20 {
                    let found = try await store.all([LabelMatcher("i", equals: "\(name * 10)")])
                    if found.count != 1 || found[0].timestamps.count != 200 { outcome = "part" }
                    for columns in found where columns.labels.name == "m" {
                        let right = zip(columns.timestamps, columns.values).allSatisfy {
                            $1 == Double(($0 - base) / 15_000 * Int64(name * 10 + 1))
                        }
                        if !right { outcome = "wrong" }
                    }
                }
                if !isReadOnly { try await fill(store, series: 5, steps: 300..<303) }
            } catch {
                if outcome != "wrong" { outcome = "error" }
            }
            try? await store.close()
            return outcome
        } catch { return "error" }
    }

    @Test func importedColumnsJoinTheRest() async throws {
        try await withTemporaryFolder { folder in
            var options = StoreOptions()
            options.retention = nil
            let store = try Self.open(folder, options)
            try await Self.fill(store, series: 2, steps: 20_000..<20_010)
            var importer = try store.importer(bufferedSamples: 3000)
            let series = try await importer.resolve((0..<2).map { Labels(["__name__": "m", "i": "\($0)"]) })
            // One series in a long run, the other one backwards and in between.
            for step in 0..<20_000 {
                importer.append(series[0], base + Int64(step) * 15_000, Double(step))
                if importer.isFull { try await importer.flush() }
            }
            for step in (0..<20_000).reversed() {
                importer.append(series[1], base + Int64(step) * 15_000, Double(step * 2))
                if step % 1000 == 0 { importer.append(series[0], base + Int64(step) * 15_000, Double(step)) }
                if importer.isFull { try await importer.flush() }
            }
            let summary = try await importer.finish()
            #expect(summary.series == 2 && summary.minTime == base && summary.maxTime == base + 19_999 * 15_000)
            for _ in 0..<2 {
                Self.check(try await store.all(), series: 2, steps: 0..<20_010)
                try await store.maintain(now: base + 20 * 86_400_000)
            }
            try await store.close()
        }
    }

    @Test(arguments: [[20, 10, 30], [10, 20, 20], [10, 20, 30]])
    func importedRunsMayBeOutOfOrder(_ seconds: [Int64]) async throws {
        try await withTemporaryFolder { folder in
            var options = StoreOptions()
            options.retention = nil
            let store = try Self.open(folder, options)
            var importer = try store.importer()
            let series = try await importer.resolve([["__name__": "m"]])
            // Long enough to be coded at once where it is in order.
            let times = (0..<1500).map { base + seconds[$0 % 3] * 1000 + Int64($0 / 3) * 60_000 }
            let values = times.indices.map(Double.init)
            times.withUnsafeBufferPointer { times in
                values.withUnsafeBufferPointer { values in
                    importer.append(series[0], timestamps: times, values: values)
                }
            }
            _ = try await importer.finish()
            var expected: [Timestamp: Double] = [:]
            for (time, value) in zip(times, values) where expected[time] == nil { expected[time] = value }
            #expect(
                try await store.points("m") == expected.sorted { $0.key < $1.key }.map { ExactPoint($0.key, $0.value) }
            )
            try await store.close()
        }
    }

    @Test func bucketsOfAHistogramAreStoredAsDifferences() async throws {
        try await withTemporaryFolder { folder in
            let store = try Self.open(folder)
            let stream = try await store.openStream()
            let series = try await store.resolve((0..<12).map { Labels(["__name__": "b", "le": "\($0)"]) })
            var generator = SeededGenerator(seed: 77)
            var counts = [Double](repeating: 0, count: 12)
            var history: [[Double]] = []
            for step in 0..<600 {
                if step == 300 { counts = [Double](repeating: 0, count: 12) }
                for _ in 0..<40 {
                    for bucket in Int(generator.next() % 12)..<12 { counts[bucket] += 1 }
                }
                history.append(counts)
                var batch = SampleBatch(stream: stream, timestamp: base + Int64(step) * 1000)
                batch.series = series
                batch.values = counts
                _ = try await store.append(batch)
            }
            try await store.maintain(now: base + 86_400_000)
            for bucket in 0..<12 {
                let found = try await store.all(
                    [LabelMatcher("le", equals: "\(bucket)")],
                    start: base + 100_000,
                    end: base + 400_000
                )
                #expect(found.first?.values == history[100...400].map { $0[bucket] })
            }
            let all = try await store.all()
            for columns in all { #expect(columns.values == history.map { $0[Int(columns.labels["le"] ?? "") ?? 0] }) }
            try await store.close()
        }
    }
}
