import Foundation
import MetricModel
import MetricStorageTesting
import StorageFaults
import TSDB
import Testing

/// Nothing is seen, acknowledged or remembered that is not in the file; what could not be written is taken back.
@Suite(.timeLimit(.minutes(5))) struct DurableFirstTests {
    /// Things that a store takes, and how to see whether they are there.
    enum Change: String, CaseIterable, Sendable, CustomTestStringConvertible {
        case newSeries, nextSample, lateSample, histogram, exemplar, metadata, record, tombstones, imported

        var testDescription: String { rawValue }

        static let name = LabelMatcher("__name__", equals: "m")

        func make(_ store: TimeSeriesDatabase) async throws {
            let series = try await store.resolve([
                self == .newSeries ? ["__name__": "m", "new": "1"] : ["__name__": "m"]
            ])
            var batch = SampleBatch(timestamp: base + 60_000)
            switch self {
            case .newSeries, .nextSample:
                batch.series = series
                batch.values = [7]
                #expect(try await store.append(batch).appended == 1)
            case .lateSample:
                batch.timestamp = base + 500
                batch.series = series
                batch.values = [7]
                #expect(try await store.append(batch).appended == 1)
            case .histogram:
                batch.histograms = [.init(series: series[0], timestamp: base + 60_000, histogram: NativeHistogram())]
                #expect(try await store.append(batch).appended == 1)
            case .exemplar:
                batch.exemplars = [.init(series: series[0], exemplar: Exemplar(labels: ["t": "2"], value: 2))]
                #expect(try await store.append(batch).rejectedExemplars == 0)
            case .metadata: try await store.record([("m", MetricMetadata(type: .gauge, help: "new", unit: ""))])
            case .record: try await store.apply([("t", [1], [2])])
            case .tombstones: try await store.delete([[Change.name]], in: TimeSpan(start: base, end: base + 1000))
            case .imported:
                var importer = try store.importer()
                importer.append(series[0], base + 60_000, 7)
                _ = try await importer.finish()
            }
        }
    }

    /// All that can be seen.
    private static func seen(_ store: TimeSeriesDatabase) async throws -> String {
        var lines: [String] = []
        for columns in try await store.all() {
            let points = zip(columns.timestamps, columns.values).map { "\($1)@\($0 - base)" }
            let histograms = columns.histogramTimestamps.map { "h@\($0 - base)" }
            lines.append("\(columns.labels) \(points + histograms)")
        }
        lines.append("\(try await store.series([], in: .ever).count) label sets")
        lines.append("\(try await store.labelNames([], in: .ever))")
        let exemplars = try await store.exemplars([], in: .ever).flatMap(\.exemplars).map(\.value)
        lines.append("exemplars \(exemplars)")
        lines.append("metadata \(try await store.metadata()["m"]?.help ?? "-")")
        lines.append("records \(try await store.records(in: "t").map(\.value))")
        return lines.joined(separator: "\n")
    }

    @Test(arguments: Change.allCases)
    func whatCouldNotBeWrittenIsTakenBackAndTakenTheNextTime(_ change: Change) async throws {
        let files = FaultyFiles()
        try await withTemporaryFolder { folder in
            let path = folder + "/stack.db"
            var options = StoreOptions()
            options.fileSystem = files.name
            options.retention = nil
            options.outOfOrderWindow = 3_600_000
            let store = try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
            try await store.put(["__name__": "m"], [(base, 1), (base + 1000, 2), (base + 2000, 3)])
            let before = try await Self.seen(store)
            for _ in 0..<2 {
                files.fail(.fullDisk, after: 0)
                await #expect(throws: StorageError.self) { try await change.make(store) }
                #expect(try await Self.seen(store) == before)
                files.heal()
            }
            // What another process would find now.
            try FileManager.default.copyItem(atPath: path, toPath: folder + "/copy.db")
            try FileManager.default.copyItem(atPath: path + "-wal", toPath: folder + "/copy.db-wal")
            options.fileSystem = nil
            let copy = try TimeSeriesDatabase.openForReading(
                path: folder + "/copy.db",
                options: options,
                clock: ManualClock()
            )
            #expect(try await Self.seen(copy) == before)
            try await change.make(store)
            let after = try await Self.seen(store)
            #expect(after != before)
            try await store.close()
            let again = try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
            #expect(try await Self.seen(again) == after)
            try await again.close()
        }
    }

    /// Repetitions and contradictions of what is not committed get no answer of their own.
    @Test func whoeverRepeatsWhatFailsIsToldSo() async throws {
        let files = FaultyFiles()
        try await withTemporaryFolder { folder in
            var options = StoreOptions()
            options.fileSystem = files.name
            let store = try TimeSeriesDatabase.open(path: folder + "/stack.db", options: options, clock: ManualClock())
            try await store.put(["__name__": "m"], [(base, 1)])
            let series = try await store.resolve([["__name__": "m"]])
            for round in 1..<20 {
                files.fail(.fullDisk, after: round % 3)
                let taken = await withTaskGroup(of: Int.self) { group in
                    for number in 0..<8 {
                        group.addTask {
                            var batch = SampleBatch(timestamp: base + Int64(round) * 1000)
                            batch.series = series
                            batch.values = [Double(round * 10 + number / 4)]
                            return (try? await store.append(batch))?.appended ?? 0
                        }
                    }
                    return await group.reduce(0, +)
                }
                files.heal()
                let found = try await store.points("m", start: base + Int64(round) * 1000)
                #expect((found.count == 1) == (taken > 0), "round \(round)")
            }
            try await store.close()
        }
    }

    /// A series that is looked up finds what is there, wherever that is.
    @Test(arguments: StoreKind.allCases)
    func repetitionsAreKnownAfterBlocksWereMadeAndImported(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            try await store.put(["__name__": "m"], [(base, 1), (base + 1000, 2)])
            try await store.maintain(now: base + 10_000_000)
            let series = try await store.resolve([["__name__": "m"], ["__name__": "h"]])
            if let sqlite = store as? TimeSeriesDatabase {
                var importer = try sqlite.importer()
                for step in 0..<3 { importer.append(series[0], base + Int64(step) * 500, Double(step) / 2 + 1) }
                _ = try await importer.finish()
            }
            let rejections = try await store.put(["__name__": "m"], [(base + 1000, 2), (base + 1000, 3), (base, 1)])
            #expect(rejections == [nil, .duplicate, .outOfOrder])
            var batch = SampleBatch(timestamp: base)
            batch.histograms = [.init(series: series[1], timestamp: base, histogram: NativeHistogram())]
            for _ in 0..<2 { #expect(try await store.append(batch).appended == 1) }
        }
    }

    /// In a batch, and between batches that wait together, the first of two late samples at a time counts.
    @Test func theFirstOfTwoLateSamplesCounts() async throws {
        try await withTemporaryFolder { folder in
            var options = StoreOptions()
            options.outOfOrderWindow = 3_600_000
            let store = try TimeSeriesDatabase.open(path: folder + "/stack.db", options: options, clock: ManualClock())
            let series = try await store.resolve([["__name__": "m"]])[0]
            var batch = SampleBatch(timestamp: 0)
            batch.series = [SeriesRef](repeating: series, count: 4)
            batch.timestamps = [base + 5000, base + 10_000, base + 5000, base + 7000]
            batch.values = [1, 2, 3, 4]
            #expect(try await store.append(batch).rejected.map(\.reason) == [.duplicate])
            let accepted = await withTaskGroup(of: Int.self) { group in
                for number in 0..<8 {
                    group.addTask {
                        var batch = SampleBatch(timestamp: base + 6000)
                        batch.series = [series]
                        batch.values = [Double(number)]
                        return (try? await store.append(batch))?.appended ?? 0
                    }
                }
                return await group.reduce(0, +)
            }
            #expect(accepted == 1)
            #expect(try await store.points("m").map(\.time) == [5000, 6000, 7000, 10_000].map { base + $0 })
            #expect(try await store.points("m").first?.bits == (1.0).bitPattern)
            try await store.close()
        }
    }
}
