import MetricModel

/// How many shards are needed to keep up: so many that sending takes as long as things come in, and a little more to catch up.
/// The rule is Prometheus's.
struct RemoteShardPlan: Sendable {
    /// A rate per second, smoothed over ticks.
    private struct Rate: Sendable {
        var value = 0.0
        var isFresh = true

        mutating func tick(_ count: Double, seconds: Double) {
            let now = count / seconds
            value = isFresh ? now : value + 0.2 * (now - value)
            isFresh = false
        }
    }

    private var incoming = Rate()
    private var dropped = Rate()
    private var outgoing = Rate()
    private var sending = Rate()
    /// How many are wanted.
    private(set) var desired = 1.0

    /// What happened since the last tick.
    struct Tick: Sendable {
        var seconds: Double
        var read: Int
        var dropped: Int
        var sent: Int
        /// Seconds spent sending, by all shards.
        var busy: Double
        /// How far what was sent is behind what was stored, in seconds.
        var delay: Double
    }

    /// How many shards there should be.
    mutating func count(_ tick: Tick, now current: Int) -> Int {
        incoming.tick(Double(tick.read), seconds: tick.seconds)
        dropped.tick(Double(tick.dropped), seconds: tick.seconds)
        outgoing.tick(Double(tick.sent), seconds: tick.seconds)
        sending.tick(tick.busy, seconds: tick.seconds)
        guard outgoing.value > 0 else { return current }
        let kept = outgoing.value / (dropped.value + outgoing.value)
        let perSample = sending.value / outgoing.value
        let backlog = max(0, tick.delay) * incoming.value * kept
        desired = perSample * (incoming.value * kept + 0.05 * backlog)
        if desired >= Double(current) * 0.7, desired <= Double(current) * 1.3 { return current }
        let count = Int(desired.rounded(.up).clamped(1, 10_000))
        // Nobody who is behind gets fewer.
        return count < current && tick.delay > 10 ? current : count
    }
}

extension Double {
    fileprivate func clamped(_ low: Double, _ high: Double) -> Double { isNaN ? low : min(high, max(low, self)) }
}
