import MetricModel
import Rules
import TSDB
import Testing

/// What rules write beside what is there already.
@Suite(.timeLimit(.minutes(5))) struct RuleWritingTests {
    static let time: Timestamp = 1_700_000_100_000
    static let labels: Labels = ["__name__": "r", "a": "1"]

    private static func refusals(_ samples: [RuleSample]) async throws -> [String] {
        let sink = StoreSink(TimeSeriesDatabase.inMemory(options: StoreOptions(), clock: ManualClock(now: time)))
        var refusals: [String] = []
        for sample in samples { refusals += try await sink.write([sample], group: "g").map(\.reason) }
        return refusals
    }

    @Test func `another value at the same time is refused with both values, as Prometheus tells it`() async throws {
        let text = "duplicate sample for timestamp 1700000100000; overrides not allowed: "
        let (one, two) = (
            RuleSample(labels: Self.labels, timestamp: Self.time, value: 1),
            RuleSample(labels: Self.labels, timestamp: Self.time, value: 2.5e-7)
        )
        #expect(try await Self.refusals([one, one]) == [])
        #expect(try await Self.refusals([one, two]) == [text + "existing 1, new value 2.5e-07"])
        var three = NativeHistogram()
        three.count = 3
        three.zeroCount = 3
        let histogram = RuleSample(labels: Self.labels, timestamp: Self.time, value: 0, histogram: three)
        #expect(try await Self.refusals([histogram, one]) == [text + "existing is a histogram, new value 1"])
        #expect(try await Self.refusals([one, histogram]) == ["duplicate sample for timestamp"])
    }

    @Test func `a series with more labels is another one`() async throws {
        let more = RuleSample(labels: ["__name__": "r", "a": "1", "b": "2"], timestamp: Self.time, value: 9)
        let (one, two) = (
            RuleSample(labels: Self.labels, timestamp: Self.time, value: 1),
            RuleSample(labels: Self.labels, timestamp: Self.time, value: 2)
        )
        let refusals = try await Self.refusals([more, one, two])
        #expect(refusals.count == 1)
        #expect(refusals.first?.hasSuffix("existing 1, new value 2") == true)
    }
}
