import MetricModel
import PromQL
import Rules
import Testing

/// Rules over what is stored already.
@Suite(.timeLimit(.minutes(5))) struct BackfillTests {
    /// One series that cannot be changed.
    private struct History: SampleReader {
        let columns: SeriesColumns

        func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
            guard request.matchers.allSatisfy({ $0.matches(columns.labels) }) else { return [] }
            let kept = columns.timestamps.indices.filter {
                columns.timestamps[$0] >= request.start && columns.timestamps[$0] <= request.end
            }
            if kept.isEmpty { return [] }
            return [
                SeriesColumns(
                    labels: columns.labels,
                    timestamps: kept.map { columns.timestamps[$0] },
                    values: kept.map { columns.values[$0] }
                )
            ]
        }
        func series(_ matcherSets: [[LabelMatcher]], start: Timestamp, end: Timestamp) async throws(StorageError)
            -> LabelSets
        { LabelSets([]) }
        func labelNames(_ matcherSets: [[LabelMatcher]], start: Timestamp, end: Timestamp) async throws(StorageError)
            -> [String]
        { [] }
        func labelValues(_ name: String, _ matcherSets: [[LabelMatcher]], start: Timestamp, end: Timestamp)
            async throws(StorageError) -> [String]
        { [] }
        func exemplars(_ matcherSets: [[LabelMatcher]], start: Timestamp, end: Timestamp) async throws(StorageError)
            -> [SeriesExemplars]
        { [] }
    }

    @Test func `alerts have the spans that they would have had, and later rules see earlier ones`() async throws {
        // 1 from 0 to 590 s, 0 from 600 to 890 s, 1 again.
        let times = (0..<120).map { Timestamp($0) * 10_000 }
        let history = History(
            columns: SeriesColumns(
                labels: ["__name__": "up", "job": "a"],
                timestamps: times,
                values: times.map { $0 >= 600_000 && $0 < 900_000 ? 0 : 1 }
            )
        )
        let file = try RuleScript.rules(
            #"{"groups": [{"name": "g", "interval": "30s", "rules": [{"record": "u", "expr": "up + 0"}, {"alert": "Down", "expr": "u == 0", "for": "1m"}]}]}"#
        )
        var group = RuleGroupDefinition(file: "f", name: "g", interval: 30_000)
        group.rules = file.groups[0].rules
        let backfill = RuleBackfill(engine: PromQLEngine(clock: ManualClock()), reader: history)
        let result = await backfill.run([group], from: 0, to: 1_190_000)
        #expect(result.failures.isEmpty)
        let span = try #require(result.spans.first)
        #expect([span.pending, span.firing, span.end] == [600_000, 660_000, 900_000])
        #expect(result.series.map(\.labels.name) == ["ALERTS", "ALERTS", "ALERTS_FOR_STATE", "u"])
        #expect(result.series.last?.values.count == 40)
        // The pending series ends when the firing one begins.
        #expect(
            result.series.first { $0.labels["alertstate"] == "pending" }?.timestamps == [600_000, 630_000, 660_000]
        )
    }
}
