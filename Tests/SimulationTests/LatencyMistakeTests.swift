import Testing

/// The median and the 99th percentile of a metric that several events set.
@Suite(.timeLimit(.minutes(5))) struct LatencyMistakeTests {
    /// Events about a histogram with a median of 80 ms and a 99th percentile of 900 ms, and what is told of them.
    static let cases: [(events: String, told: String)] = [
        ("{at: 1m, p99: 100ms}", ""), ("{at: 1m, p99: 50ms}", "[0].p99: p99 is less than the median (at least 80ms)"),
        // A median set later does not help, one set before does, wherever it stands.
        (
            "{at: 1m, p99: 50ms}, {at: 2m, median: 10ms}",
            "[0].p99: p99 is less than the median (at least 80ms)"
        ),
        ("{at: 2m, p99: 50ms}, {at: 1m, median: 10ms}", ""),
        (
            "{at: 2m, p99: 100ms}, {at: 1m, median: 200ms}",
            "[0].p99: p99 is less than the median (at least 200ms)"
        ),
        ("{at: 2m, p99: 100ms}, {at: 3m, median: 200ms}", ""),
        // A median takes the p99 with it, but not one that lasts.
        (
            "{at: 1m, p99: 300ms, for: 5m}, {at: 2m, median: 1s}",
            "[1].median: the median is greater than the p99 (at most 300ms, or a p99 as well)"
        ),
        ("{at: 1m, p99: 300ms, for: 5m}, {at: 6m, median: 1s}", ""),
        ("{at: 1m, p99: 300ms, for: 5m}, {at: 2m, median: 1s, p99: 2s}", ""),
        // What was set for a while is over before what goes with it.
        (
            "{at: 1m, median: 10ms, for: 2m}, {at: 2m, p99: 50ms, for: 5m}",
            "[1].p99: p99 is less than the median (at least 80ms, which the median is from 3m on)"
        ),
        ("{at: 1m, median: 10ms, for: 9m}, {at: 2m, p99: 50ms, for: 5m}", ""),
        // It may be so by chance: either is possible.
        (
            "{at: 1m..5m, median: 10ms}, {at: 3m, p99: 50ms}",
            "[1].p99: p99 is less than the median (at least 80ms)"
        ),
        // The second time only.
        (
            "{at: 1m, p99: 90ms, every: 5m}, {at: 3m, median: 2s, p99: 3s}",
            "[0].p99: p99 is less than the median (at least 2s)"
        ), ("{at: 1m, median: 2s, p99: 1s}", "[0].p99: p99 is less than the median (at least 2s)"),
        // For good, while something lasts that is over later.
        (
            "{at: 1m, median: 10ms, p99: 90ms, for: 5m}, {at: 2m, p99: 50ms}",
            "[1].p99: p99 is less than the median (at least 80ms, which the median is from 6m on)"
        ),
        (
            "{at: 1m, median: 1s, p99: 5s, for: 5m}, {at: 2m, p99: 200ms}",
            "[1].p99: p99 is less than the median (at least 1s)"
        ),
        ("{at: 1m, median: 1s, p99: 5s, for: 5m}, {at: 2m, p99: 2s}", ""),
        ("{at: 1m, median: 1s, for: 5m}, {at: 2m, p99: 2s}, {at: 3m, median: 4s}", ""),
        ("{at: 1m, median: 10ms, p99: 90ms, for: 5h}, {at: 2m, p99: 50ms}", ""),
        ("{at: 1m, p99: -1s}", "[0].p99: p99 has to be more than 0 (p99: 900ms)"),
    ]

    @Test(arguments: cases.indices) func `a median above the p99 is told, whichever comes first`(_ index: Int) {
        let (events, told) = Self.cases[index]
        let list = events.replacing("{at", with: "{do: set, service: s, metric: m, at")
        let problems = TestWorlds.problems(
            "duration: 10m\nservices: {s: {metrics: {m: {type: histogram, median: 80ms, p99: 900ms}}}}\nevents: [\(list)]"
        )
        let words = problems.split(separator: "events", maxSplits: 1).last.map(String.init) ?? ""
        #expect(words == told, "\(problems)")
        #expect(problems.isEmpty == told.isEmpty)
    }
}
