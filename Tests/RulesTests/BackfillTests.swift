import MetricModel
import PromQL
import Rules
import Testing

/// Rules over what is stored already.
@Suite(.timeLimit(.minutes(5))) struct BackfillTests {
    /// Series that cannot be changed.
    private struct History: SampleReader {
        let series: [SeriesColumns]

        func select(_ request: SelectRequest) async throws(StorageError) -> [SeriesColumns] {
            let span = request.start...max(request.start, request.end)
            return series.compactMap { columns in
                guard request.matchers.allSatisfy({ $0.matches(columns.labels) }) else { return nil }
                var result = SeriesColumns(labels: columns.labels)
                for (time, value) in zip(columns.timestamps, columns.values) where span.contains(time) {
                    result.timestamps.append(time)
                    result.values.append(value)
                }
                for (time, histogram) in zip(columns.histogramTimestamps, columns.histograms) where span.contains(time)
                {
                    result.histogramTimestamps.append(time)
                    result.histograms.append(histogram)
                }
                return result.timestamps.isEmpty && result.histogramTimestamps.isEmpty ? nil : result
            }
        }
        func series(_ matcherSets: [[LabelMatcher]], in span: TimeSpan) async throws(StorageError)
            -> LabelSets
        { LabelSets([]) }
    }

    @Test func `alerts have the spans that they would have had, and later rules see earlier ones`() async throws {
        // 1 from 0 to 590 s, 0 from 600 to 890 s, 1 again.
        let times = (0..<120).map { Timestamp($0) * 10_000 }
        let history = History(
            series: [
                SeriesColumns(
                    labels: ["__name__": "up", "job": "a"],
                    timestamps: times,
                    values: times.map { $0 >= 600_000 && $0 < 900_000 ? 0 : 1 }
                )
            ]
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

    private static func run(_ history: History, _ rule: String, _ more: String = "", until end: Timestamp) async throws
        -> RuleBackfill.Result
    {
        let file = try RuleScript.rules(#"{"groups": [{"name": "g"\#(more), "rules": [\#(rule)]}]}"#)
        var group = RuleGroupDefinition(file: "f", name: "g", interval: 30_000)
        group.rules = file.groups[0].rules
        group.limit = file.groups[0].limit
        return await RuleBackfill(engine: PromQLEngine(clock: ManualClock()), reader: history).run(
            [group],
            from: 0,
            to: end
        )
    }

    /// Values at multiples of 30 s; `nil` ends the series there.
    private static func columns(_ labels: Labels, _ values: [Double?]) -> SeriesColumns {
        SeriesColumns(
            labels: labels,
            timestamps: values.indices.map { Timestamp($0) * 30_000 },
            values: values.map { $0 ?? SpecialValue.stale }
        )
    }

    @Test func `where a rule finds nothing its series ends, and goes on later`() async throws {
        let history = History(series: [Self.columns(["__name__": "m", "i": "1"], [1, 2, nil, nil, 5, 6, nil, nil])])
        let result = try await Self.run(history, #"{"record": "r", "expr": "m * 2"}"#, until: 210_000)
        let series = try #require(result.series.first)
        #expect(series.labels == ["__name__": "r", "i": "1"])
        #expect(series.timestamps == [0, 30_000, 60_000, 120_000, 150_000, 180_000])
        #expect(series.values.map(SpecialValue.isStale) == [false, false, true, false, false, true])
        #expect([0, 1, 3, 4].map { series.values[$0] } == [2, 4, 10, 12])
    }

    @Test func `ends are found from one slice of evaluations to the next`() async throws {
        // 2000 evaluations are made at once: the series ends where the second slice begins, and at the end of all of it.
        let values = (0..<4100).map { $0 < 2000 || (2500..<4000).contains($0) ? 1.0 : nil }
        let result = try await Self.run(
            History(series: [Self.columns(["__name__": "m"], values)]),
            #"{"record": "r", "expr": "m"}"#,
            until: 4099 * 30_000
        )
        let series = try #require(result.series.first)
        #expect(series.values.count == 3502)
        let ends = series.values.indices.filter { SpecialValue.isStale(series.values[$0]) }
        #expect(ends.map { series.timestamps[$0] } == [2000 * 30_000, 4000 * 30_000])
    }

    @Test func `two series may become one as long as only one is there at a time`() async throws {
        let first = Self.columns(["__name__": "m", "i": "1"], [1, 2, nil, nil, nil, nil])
        let second = Self.columns(["__name__": "m", "i": "2"], [nil, nil, nil, 4, 5, 6])
        let rule = #"{"record": "r", "expr": "m", "labels": {"i": ""}}"#
        let result = try await Self.run(History(series: [second, first]), rule, until: 150_000)
        #expect(result.failures.isEmpty)
        #expect(result.series.map(\.timestamps) == [[0, 30_000, 60_000, 90_000, 120_000, 150_000]])
        let overlapping = Self.columns(["__name__": "m", "i": "3"], [nil, 2])
        let failed = try await Self.run(History(series: [first, overlapping]), rule, until: 150_000)
        #expect(
            failed.failures.map(\.reason) == [
                "vector contains metrics with the same labelset after applying rule labels"
            ]
        )
    }

    @Test func `an evaluation beyond the limit is left out, and the others are not`() async throws {
        let history = History(
            series: (0..<3).map { Self.columns(["__name__": "m", "i": "\($0)"], [1, 1, $0 == 2 ? 1 : nil]) }
        )
        let result = try await Self.run(
            history,
            #"{"record": "r", "expr": "m"}"#,
            #", "limit": 2"#,
            until: 90_000
        )
        #expect(result.failures.map(\.reason) == ["exceeded limit of 2 with 3 series"])
        #expect(result.series.map(\.labels) == [["__name__": "r", "i": "2"]])
        #expect(result.series.first?.timestamps == [60_000, 90_000])
    }

    @Test func `alerts before and after an evaluation that failed are told`() async throws {
        // Two alerts at 60 s, where one is allowed; one before and one after.
        let history = History(
            series: [
                Self.columns(["__name__": "m", "i": "1"], [1, 1, 1, nil, nil, nil]),
                Self.columns(["__name__": "m", "i": "2"], [nil, nil, 1, nil, nil, 1]),
            ]
        )
        let result = try await Self.run(history, #"{"alert": "A", "expr": "m"}"#, #", "limit": 1"#, until: 150_000)
        #expect(result.failures.map(\.reason) == ["exceeded limit of 1 with 2 alerts"])
        #expect(result.spans.map { $0.labels["i"] } == ["1", "2"])
        #expect(result.spans.map(\.pending) == [0, 150_000])
    }

    @Test func `what is stored of a rule's series is read beside what it finds now`() async throws {
        let stored = Self.columns(["__name__": "r"], Array(repeating: 10, count: 10))
        let source = Self.columns(["__name__": "m"], Array(repeating: nil, count: 10) + [0, 0])
        let file = try RuleScript.rules(
            #"{"groups": [{"name": "g", "rules": [{"record": "r", "expr": "m"}, {"record": "all", "expr": "sum_over_time(r[10m])"}]}]}"#
        )
        var group = RuleGroupDefinition(file: "f", name: "g", interval: 30_000)
        group.rules = file.groups[0].rules
        let backfill = RuleBackfill(
            engine: PromQLEngine(clock: ManualClock()),
            reader: History(series: [source, stored])
        )
        let result = await backfill.run([group], from: 300_000, to: 330_000)
        #expect(result.series.first { $0.labels.name == "all" }?.values == [100, 100])
    }

    @Test func `native histograms are kept`() async throws {
        var histogram = NativeHistogram()
        (histogram.count, histogram.sum) = (3, 2)
        (histogram.positiveSpans, histogram.positiveBuckets) = ([.init(offset: 0, length: 2)], [1, 2])
        let history = History(
            series: [
                SeriesColumns(
                    labels: ["__name__": "h"],
                    histogramTimestamps: [0, 30_000, 60_000],
                    histograms: [histogram, histogram, histogram]
                )
            ]
        )
        let result = try await Self.run(history, #"{"record": "r", "expr": "h"}"#, until: 60_000)
        let series = try #require(result.series.first)
        #expect(series.histogramTimestamps == [0, 30_000, 60_000])
        #expect(series.histograms.map(\.count) == [3, 3, 3])
        #expect(series.values.isEmpty)
    }
}
