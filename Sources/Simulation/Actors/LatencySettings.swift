/// The median and the 99th percentile of a metric as events set them: for good, or for a while over what is there again then.
///
/// The last word of each is seen. A median alone takes the 99th percentile with it, in the proportion that is seen by then, but not one
/// that lasts for a while only: that stays what it is for so long.
package struct LatencySettings: Sendable {
    /// A 99th percentile.
    package struct Percentile: Sendable {
        /// What it is.
        package var value: Double
        /// Who said so; `nil` where nobody did: it goes with a median, or is the metric's own.
        package var event: Int?
    }

    /// A median that an event set for a while.
    private struct Median {
        var event: Int
        var value: Double
        /// The 99th percentile that goes with it.
        var p99: Percentile
    }

    /// What there is where nothing is set for a while.
    private var own: (median: Double, p99: Percentile)
    /// What is set for a while.
    private var medians: [Median] = []
    private var percentiles: [(event: Int, value: Double)] = []

    /// What a metric has by itself.
    package init(_ latency: LatencyDistribution) {
        own = (latency.median, Percentile(value: latency.p99, event: nil))
    }

    /// The median that is seen.
    package var median: Double { medians.last?.value ?? own.median }

    /// The 99th percentile that is seen.
    package var p99: Percentile {
        percentiles.last.map { Percentile(value: $0.value, event: $0.event) } ?? uncovered
    }

    /// What is seen; a 99th percentile below the median is told elsewhere.
    package var seen: LatencyDistribution { LatencyDistribution(median: median, p99: p99.value) }

    /// The 99th percentile under those that are set for a while.
    private var uncovered: Percentile { medians.last?.p99 ?? own.p99 }

    /// The 99th percentile that goes with another median.
    private func moved(to other: Double) -> Percentile {
        Percentile(value: other * (median > 0 ? uncovered.value / median : 10), event: nil)
    }

    /// An event sets one of them, or both.
    /// - Parameter isForGood: whether it has no end: what was set for a while is then over.
    package mutating func set(median: Double?, p99: Double?, by event: Int, isForGood: Bool) {
        guard isForGood else {
            if let median { medians.append(Median(event: event, value: median, p99: moved(to: median))) }
            if let p99 { percentiles.append((event, p99)) }
            return
        }
        if let median {
            own = (median, moved(to: median))
            medians = []
        }
        guard let p99 else { return }
        own.p99 = Percentile(value: p99, event: event)
        percentiles = []
        for index in medians.indices { medians[index].p99 = own.p99 }
    }

    /// What an event set for a while is over.
    package mutating func end(_ event: Int) {
        medians.removeAll { $0.event == event }
        percentiles.removeAll { $0.event == event }
    }
}
