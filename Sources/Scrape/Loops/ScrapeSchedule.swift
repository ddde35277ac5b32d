import MetricModel

/// Decides when a target is scraped and which time its samples bear. Pure: it is told the time.
package struct ScrapeSchedule: Sendable {
    /// Nanoseconds between scrapes.
    let interval: Int64
    /// When the ticks began (steady).
    private var start: Int64
    /// The next tick (steady).
    private(set) var nextTick: Int64
    /// The ideal wall time of the current tick.
    private var aligned: Int64

    /// The farthest that a time is moved to its ideal.
    static let tolerance: Int64 = 2_000_000

    /// Ticks from now on.
    package init(interval: Int64, steady: Int64, wall: Int64) {
        self.interval = interval
        start = steady
        nextTick = steady + interval
        aligned = wall
    }

    /// Nanoseconds from `wall` to the next moment that belongs to a hash: each target has its own place in the interval.
    package static func offset(interval: Int64, hash: UInt64, wall: Int64) -> Int64 {
        guard interval > 0 else { return 0 }
        let toFullInterval = interval - wall % interval
        var next = toFullInterval + Int64(hash % UInt64(interval))
        if next > interval { next -= interval }
        return next
    }

    /// The time that the samples of a scrape beginning now bear: the ideal one, if that is near enough.
    package mutating func sampleTime(wall: Int64) -> Int64 {
        let tolerance = min(interval / 100, Self.tolerance)
        if wall - aligned >= interval { aligned += (wall - aligned) / interval * interval }
        let distance = wall - aligned
        return distance <= tolerance ? aligned : wall
    }

    /// The moment of the next tick (steady), which may have passed: a missed tick is made up for at once, but only one.
    package mutating func takeTick(steady: Int64) -> Int64 {
        let due = nextTick
        nextTick = due + interval
        if steady >= nextTick { nextTick = start + ((steady - start) / interval + 1) * interval }
        return due
    }
}
