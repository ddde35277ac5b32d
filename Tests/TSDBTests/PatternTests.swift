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
        let each = try (10..<30).map { [try LabelMatcher("a", .matches, "v\($0)[0-9]*")] }
        let sets = each + each + [[LabelMatcher("__name__", equals: "m"), LabelMatcher("a", equals: "v5")]]
        // v10 to v29, v100 to v299, and v5.
        #expect(try await store.series(sets, in: .ever).count == 221)
        #expect(try await store.labelValues("a", sets, in: .ever).count == 221)
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
        let late = Looks()
        await #expect(throws: StorageError.self) {
            try await TaskLimit { late.isOver() }.run { try await store.delete(sets, in: .ever) }
        }
        #expect(try await store.series([], in: .ever).count == 300)
        try await store.delete([[LabelMatcher("a", equals: "none")]], in: .ever)
        #expect(try await store.series([], in: .ever).count == 300)
        try await store.delete(sets, in: .ever)
        #expect(try await store.series([], in: .ever).count == 79)
        try await store.delete([], in: .ever)
        #expect(try await store.series([], in: .ever).count == 0)
    }

    @Test("Of many conditions all hold, however often one is repeated, and the task's limit ends them in between")
    func manyConditions() async throws {
        let store = try await Self.store(300)
        let kept = try (10..<100).map { try LabelMatcher("a", .notMatches, "v\($0)[0-9]*") }
        let matchers = kept + kept + [try LabelMatcher("a", .notEqual, ""), LabelMatcher("__name__", equals: "m")]
        let request = SelectRequest(matchers: matchers, start: 0, end: 2000)
        #expect(try await store.select(request).count == 10)
        let looks = Looks()
        let error = await #expect(throws: StorageError.self) {
            try await TaskLimit { looks.isOver() }.run { try await store.select(request) }
        }
        #expect(error?.code == .cancelled)
    }

    @Test("Names that only look the same have values of their own")
    func composedNames() async throws {
        let store = TimeSeriesDatabase.inMemory(options: StoreOptions(), clock: ManualClock())
        let names = ["\u{E9}", "e\u{301}"]
        var batch = SampleBatch(timestamp: 1000)
        batch.series = try await store.resolve(names.map { Labels([Label(name: $0, value: "x1")]) })
        batch.values = [1, 2]
        _ = try await store.append(batch)
        let sets = [
            [try LabelMatcher(names[0], .matches, "x[0-9]")], [try LabelMatcher(names[1], .matches, "[a-z]1")],
        ]
        #expect(try await store.series(sets, in: .ever).count == 2)
        try await store.delete(sets, in: .ever)
        #expect(try await store.series([], in: .ever).count == 0)
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
