public import MetricModel

/// Moments at which visitors come who do not know of each other: some soon after one another, some late, so many a second on the
/// average (a Poisson process). The same seed gives the same moments.
package struct Arrivals: Sendable {
    private var chance: SeededGenerator
    /// Nanoseconds between two visitors on the average.
    private let mean: Double
    /// When the next one comes, in nanoseconds since the beginning.
    private(set) var next: Double

    /// So many a second on the average.
    package init(perSecond rate: Double, seed: UInt64) {
        chance = SeededGenerator(seed: seed)
        mean = 1e9 / rate
        next = 0
        next = gap()
    }

    /// How many have come up to a moment, besides those who were counted before.
    package mutating func take(until elapsed: Int64) -> Int {
        var count = 0
        while next <= Double(elapsed) {
            count += 1
            next += gap()
        }
        return count
    }

    private mutating func gap() -> Double {
        -GoMath.log(1 - Double.random(in: 0..<1, using: &chance)) * mean
    }
}

/// Requests that the demo server makes to itself, so that its graphs move: as irregular as visitors are.
public struct DemoTraffic: Sendable {
    /// The shortest pause between two bunches of requests, in nanoseconds.
    private static let pause: Int64 = 200_000_000
    /// What nobody waits for: some centuries, in nanoseconds.
    private static let farAway = 0x1p62
    /// Keeps the moments of the visits apart from what the server answers, which follows from the same seed.
    private static let stream: UInt64 = 0x7261_6666_6963

    private let server: DemoServer
    private let rate: Double
    private let seed: UInt64
    private let clock: any StackClock

    /// Traffic of so many requests a second on the average. The same seed gives the same moments; `nil` gives others each time.
    public init(server: DemoServer, requestsPerSecond rate: Double, seed: UInt64? = nil, clock: any StackClock) {
        self.server = server
        self.rate = rate
        self.seed = (seed ?? UInt64.random(in: 0...UInt64.max)) ^ Self.stream
        self.clock = clock
    }

    /// Makes requests until the task is cancelled: in bunches, five times a second at most.
    public func run() async {
        guard rate > 0 else { return }
        var arrivals = Arrivals(perSecond: rate, seed: seed)
        let start = clock.steadyNanoseconds
        while !Task.isCancelled {
            let next = arrivals.next < Self.farAway ? start + Int64(arrivals.next) : .max
            do {
                try await clock.sleep(untilSteady: max(next, clock.steadyNanoseconds + Self.pause))
            } catch {
                return
            }
            for _ in 0..<arrivals.take(until: clock.steadyNanoseconds - start) { server.serve() }
        }
    }
}
