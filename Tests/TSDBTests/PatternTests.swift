import MetricModel
import Synchronization
import TSDB
import Testing

/// Regular expressions over the values of labels.
@Suite(.timeLimit(.minutes(5))) struct PatternTests {
    private static func store(_ values: Int) async throws -> TimeSeriesDatabase {
        let store = TimeSeriesDatabase.inMemory(options: StoreOptions(), clock: ManualClock())
        let labels = (0..<values).map {
            Labels([Label(name: "__name__", value: "m"), Label(name: "a", value: "v\($0)")])
        }
        var batch = SampleBatch(timestamp: 1000)
        batch.series = try await store.resolve(labels)
        batch.values = batch.series.indices.map(Double.init)
        _ = try await store.append(batch)
        return store
    }

    private final class Looks: Sendable {
        let count = Atomic(0)
        func isOver() -> Bool { count.wrappingAdd(1, ordering: .relaxed).newValue > 3 }
    }

    @Test("Matching many values gives up at the task's limit", .timeLimit(.minutes(1)))
    func givingUp() async throws {
        let store = try await Self.store(5000)
        let matcher = try LabelMatcher("a", .matches, "v(.*[0-9]){1,90}x?")
        let request = SelectRequest(matchers: [matcher], start: 0, end: 2000)
        let looks = Looks()
        let error = await #expect(throws: StorageError.self) {
            try await TaskLimit { looks.isOver() }.run { try await store.select(request) }
        }
        #expect(error?.code == .cancelled)
        #expect(try await store.select(request).count == 5000)
    }

    @Test("Of many selections all that one of them finds is found, and the task's limit ends them in between")
    func manySelections() async throws {
        let store = try await Self.store(300)
        let each = try (0..<100).map { [try LabelMatcher("a", .matches, "v\($0)(0|1)?")] }
        let sets = each + each + [[LabelMatcher("__name__", equals: "m"), LabelMatcher("a", equals: "v299")]]
        // v0 to v99, the 40 of v100 to v299 that end in 0 or 1, and v299.
        #expect(try await store.series(sets, in: .ever).count == 141)
        #expect(try await store.labelValues("a", sets, in: .ever).count == 141)
        for read: @Sendable () async throws -> Int in [
            { try await store.series(sets, in: .ever).count }, { try await store.labelNames(sets, in: .ever).count },
            { try await store.labelValues("a", sets, in: .ever).count },
        ] {
            let looks = Looks()
            let error = await #expect(throws: StorageError.self) {
                try await TaskLimit { looks.isOver() }.run { try await read() }
            }
            #expect(error?.code == .cancelled)
        }
    }

    @Test(
        "What is found is what matches, whichever way the values are looked at",
        arguments: [
            ("v1.", 10), ("v1.*", 111), ("v(1|2)", 2), (".*", 200), (".+9", 20), ("", 0), ("x.*", 0), ("v\\d{2}", 90),
        ]
    )
    func matches(_ pattern: String, _ count: Int) async throws {
        let store = try await Self.store(200)
        let name = LabelMatcher("__name__", equals: "m")
        for (operation, expected) in [(LabelMatcher.Operator.matches, count), (.notMatches, 200 - count)] {
            let matcher = try LabelMatcher("a", operation, pattern)
            let found = try await store.select(SelectRequest(matchers: [name, matcher], start: 0, end: 2000))
            #expect(found.count == expected, "\(matcher)")
        }
    }
}
