import Foundation
import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// Copies of a store as one file.
@Suite(.timeLimit(.minutes(5))) struct SnapshotTests {
    @Test(arguments: StoreKind.allCases)
    func aSnapshotIsAFileThatCanBeOpened(_ kind: StoreKind) async throws {
        try await kind.withStore { store in
            let stream = try await store.openStream()
            for part in 0..<2 {
                for name in ["a", "b"] {
                    let points = (0..<50).map { (base + Int64(part * 50 + $0) * 1000, Double(part * 50 + $0)) }
                    try await store.put(["__name__": name], points, stream: stream)
                }
                if part == 0 { try await store.maintain(now: base + 10_000_000) }
            }
            let series = try await store.resolve([["__name__": "h"]])
            var batch = SampleBatch(timestamp: base)
            batch.histograms = [.init(series: series[0], timestamp: base, histogram: NativeHistogram())]
            batch.exemplars = [.init(series: series[0], exemplar: Exemplar(labels: ["t": "1"], value: 2))]
            _ = try await store.append(batch)
            try await store.record([("a", MetricMetadata(type: .gauge, help: "help", unit: "u"))])
            try await store.apply([("t", [1], [2])])
            try await store.delete(
                [[LabelMatcher("__name__", equals: "b")]],
                in: TimeSpan(start: .min, end: base + 9000)
            )
            let whole = try await store.all()
            try await withTemporaryFolder { folder in
                let path = folder + "/stack.db"
                try await store.snapshot(toFile: path)
                #expect(try FileManager.default.contentsOfDirectory(atPath: folder) == ["stack.db"])
                await #expect(throws: StorageError.self) { try await store.snapshot(toFile: path) }
                // What comes later is not in it.
                try await store.put(["__name__": "a"], [(base + 200_000, 1)], stream: stream)
                var options = StoreOptions()
                options.retention = nil
                let copy = try TimeSeriesDatabase.open(path: path, options: options, clock: ManualClock())
                #expect(try await copy.problems() == [])
                let found = try await copy.all()
                #expect(found.map(\.labels) == whole.map(\.labels) && found.map(\.labels.name) == ["a", "b", "h"])
                #expect(found.map(\.timestamps) == whole.map(\.timestamps) && found[1].timestamps.count == 90)
                #expect(found.map(\.values) == whole.map(\.values) && found[2].histograms == whole[2].histograms)
                #expect(try await copy.metadata()["a"]?.unit == "u")
                #expect(try await copy.records(in: "t").map(\.value) == [[2]])
                #expect(try await copy.exemplars([], in: .ever).map(\.labels.name) == ["h"])
                // Series keep their numbers apart from those that come.
                try await copy.put(["__name__": "c"], [(base + 300_000, 1)])
                #expect(try await copy.all().map(\.labels.name) == ["a", "b", "c", "h"])
                try await copy.close()
            }
        }
    }
}
