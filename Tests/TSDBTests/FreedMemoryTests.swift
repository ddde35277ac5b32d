import MetricModel
import MetricStorageTesting
import Synchronization
import TSDB
import Testing

/// A store says when it has let go of so much that the process can give memory back.
@Suite(.timeLimit(.minutes(5))) struct FreedMemoryTests {
    @Test(arguments: StoreKind.allCases)
    func `a head that becomes a block is told, and nothing else`(_ kind: StoreKind) async throws {
        let told = Mutex(0)
        var options = StoreOptions()
        options.headSamples = 100
        options.memoryFreed = { told.withLock { $0 += 1 } }
        try await kind.withStore(options) { store in
            var next = base
            for (count, expected) in [(100, 0), (1, 1), (0, 1), (100, 1), (1, 2)] {
                let points = (0..<count).map { (next + Int64($0) * 1000, Double($0)) }
                next += Int64(count) * 1000
                #expect(try await store.put(["__name__": "m"], points).allSatisfy { $0 == nil })
                try await store.maintain(now: next)
                #expect(told.withLock { $0 } == expected, "after \(count) more")
            }
        }
    }

    @Test(arguments: StoreKind.allCases)
    func `a head that is closed early is told as well`(_ kind: StoreKind) async throws {
        let (told, teller) = AsyncStream.makeStream(of: Void.self)
        var options = StoreOptions()
        options.headSamples = 100
        options.memoryFreed = { teller.yield() }
        try await kind.withStore(options) { store in
            let points = (0...200).map { (base + Int64($0) * 1000, Double($0)) }
            let refused = try await store.put(["__name__": "m"], points)
            #expect(refused.allSatisfy { $0 == nil })
            for await _ in told { break }
            let found = try await store.points("m")
            #expect(found.count == points.count)
        }
    }
}
