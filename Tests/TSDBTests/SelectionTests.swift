import MetricModel
import TSDB
import Testing

/// Which series matchers find, in whatever way they are looked for.
@Suite(.timeLimit(.minutes(5))) struct SelectionTests {
    struct Condition: Sendable {
        var name: String
        var operation: LabelMatcher.Operator
        var value: String

        init(_ name: String, _ operation: LabelMatcher.Operator, _ value: String) {
            (self.name, self.operation, self.value) = (name, operation, value)
        }
    }

    static let conditions: [[Condition]] = [
        [Condition("__name__", .equal, "m3")],
        [Condition("__name__", .equal, "m3"), Condition("zone", .matches, "z[12]")],
        [Condition("__name__", .equal, "m3"), Condition("zone", .matches, "z1|")],
        [Condition("__name__", .equal, "m3"), Condition("zone", .notEqual, "z2")],
        [Condition("__name__", .equal, "m3"), Condition("zone", .notMatches, "z[12]")],
        [Condition("__name__", .equal, "m3"), Condition("zone", .notMatches, "z.*|")],
        [Condition("__name__", .equal, "m3"), Condition("zone", .matches, "x.*")],
        [
            Condition("__name__", .equal, "m3"), Condition("zone", .matches, ".+"),
            Condition("node", .notMatches, "n[0-5]"),
        ],
        [Condition("zone", .matches, "z[12]"), Condition("node", .equal, "n7")],
        [Condition("zone", .matches, "z[12]"), Condition("node", .matches, "n.")],
    ]

    @Test(arguments: conditions)
    func `series are found by matchers`(_ conditions: [Condition]) async throws {
        let matchers = try conditions.map { try LabelMatcher($0.name, $0.operation, $0.value) }
        let clock = ManualClock(now: 1_700_000_000_000)
        let store = TimeSeriesDatabase.inMemory(options: StoreOptions(), clock: clock)
        var all: [Labels] = []
        for metric in 0..<10 {
            for node in 0..<12 {
                var pairs = [Label(name: "__name__", value: "m\(metric)"), Label(name: "node", value: "n\(node)")]
                if node % 4 != 0 { pairs.append(Label(name: "zone", value: "z\(node % 4)")) }
                all.append(Labels(pairs))
            }
        }
        var batch = SampleBatch(timestamp: clock.now)
        batch.series = try await store.resolve(all)
        batch.values = all.map { _ in 1 }
        _ = try await store.append(batch)
        let wanted = all.filter { labels in matchers.allSatisfy { $0.matches(labels) } }
        // The second time labels are those that were kept.
        for _ in 0..<2 {
            let request = SelectRequest(matchers: matchers, start: clock.now, end: clock.now)
            let found = try await store.select(request)
            #expect(found.map(\.labels).sorted() == wanted.sorted())
        }
    }
}
