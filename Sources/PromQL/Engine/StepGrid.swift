internal import MetricModel

/// The times at which an expression is evaluated: `count` of them, `interval` apart. Milliseconds.
struct StepGrid: Hashable, Sendable {
    let start: Timestamp
    let interval: Int64
    let count: Int
    /// Where the steps end at the latest, be it after the last one.
    let end: Timestamp

    /// From `start` to `end` inclusive; no steps where the end is before the start.
    init(start: Timestamp, end: Timestamp, interval: Int64) {
        self.start = start
        self.interval = max(1, interval)
        self.end = end
        count = end < start ? 0 : Int((end - start) / self.interval) + 1
    }

    /// A single step.
    init(at time: Timestamp, interval: Int64 = 1) {
        start = time
        end = time
        self.interval = max(1, interval)
        count = 1
    }

    /// The time of the last step.
    var last: Timestamp { start + Int64(max(0, count - 1)) * interval }

    func time(_ step: Int) -> Timestamp { start + Int64(step) * interval }

    /// All times.
    var times: [Timestamp] { (0..<count).map { time($0) } }
}
