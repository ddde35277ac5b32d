import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// Samples at the ends of what a timestamp can say, as a remote writer may send them.
@Suite(.timeLimit(.minutes(5))) struct FarTimesTests {
    @Test(arguments: StoreKind.allCases, [0, 60_000] as [Int64])
    func `times that no difference can be taken of are refused, and nothing is lost by it`(
        kind: StoreKind,
        window: Int64
    ) async throws {
        var options = StoreOptions()
        options.outOfOrderWindow = window
        options.retention = 3_600_000
        try await kind.withStore(options) { store in
            let far: [(Timestamp, Double)] = [.min, .min + 1, -(1 << 62), 1 << 62, .max].map { ($0, 1) }
            #expect(try await store.put(["__name__": "far"], far).allSatisfy { $0 == .outOfBounds })
            #expect(try await store.put(["__name__": "m"], [(1_700_000_000_000, 1)]) == [nil])
            #expect(try await store.put(["__name__": "far"], far).allSatisfy { $0 == .outOfBounds })
            try await store.maintain(now: 1_700_000_001_000)
            #expect(try await store.points("m").count == 1)
            #expect(try await store.points("far").isEmpty)
        }
    }
}
