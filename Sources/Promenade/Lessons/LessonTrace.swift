import MetricModel
import Simulation

/// What happened in a lesson's world, for its picture: bounded, the oldest goes first.
struct LessonTrace {
    /// A run of a batch.
    struct Run {
        var batch: String
        var number: Int
        var from: Int64
        /// When it ended; `nil` while it runs, or where it hangs.
        var to: Int64?
        var isGood: Bool
    }

    /// A scrape.
    struct Look {
        var time: Int64
        var job: String
        var instance: String
        var isGood: Bool
    }

    /// What the Pushgateway held from a moment on.
    struct Held {
        var time: Int64
        /// The one request that made it so; empty where there was none, or more than one.
        var request = ""
        /// What a button's request had in its body.
        var body = ""
        var series: [(labels: Labels, value: Double)]
    }

    /// How much is kept of each kind.
    static let limit = 1000
    /// How many series of the Pushgateway are looked at.
    static let seriesLimit = 40

    var runs: [Run] = []
    var looks: [Look] = []
    var held: [Held] = []
    /// Everything that is told in words, besides scrapes.
    var events: [WorldEvent] = []

    mutating func add(_ look: Look) { Self.append(look, to: &looks) }

    mutating func add(_ event: WorldEvent) { Self.append(event, to: &events) }

    mutating func add(_ state: Held) { Self.append(state, to: &held) }

    mutating func add(_ run: Run) {
        if runs.contains(where: { $0.batch == run.batch && $0.number == run.number }) { return }
        Self.append(run, to: &runs)
    }

    private static func append<Item>(_ item: Item, to list: inout [Item]) {
        if list.count >= limit { list.removeFirst(limit / 4) }
        list.append(item)
    }
}
