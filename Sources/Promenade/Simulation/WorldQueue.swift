import MetricModel
import Simulation

/// What is due in a world at a moment, besides scrapes and evaluations, which the parts themselves know of.
struct WorldItem {
    /// In which order things of one moment happen. Scrapes come between ``Rank/batchBegin`` and ``Rank/upkeep``, and rules after
    /// scrapes.
    enum Rank: Int, Comparable {
        /// What the scenario does.
        case scenario
        /// Batches end, and what they push arrives.
        case batchEnd
        /// Batches begin.
        case batchBegin
        /// Targets are scraped.
        case scrape
        /// Groups of rules are evaluated.
        case rules
        /// What waits to be sent to a remote storage is sent.
        case remoteWrite
        /// The store and the Pushgateway look after themselves.
        case upkeep
        /// Expectations are looked at.
        case expectation

        static func < (left: Self, right: Self) -> Bool { left.rawValue < right.rawValue }
    }

    /// What happens.
    enum Action {
        /// Something that the scenario says; by its place in the list.
        case event(Int)
        /// An event ends, by its number: it does not hold these any more.
        case undo(Int, [WorldHolds.Place])
        /// A batch is due.
        case batch(Int)
        /// A run begins.
        case begin(Int)
        /// A run ends.
        case end(Int, BatchRun)
        /// A push arrives.
        case push(Push)
        /// A push of the recording that is replayed arrives.
        case recorded(Int)
        /// Upkeep of the store, once a minute.
        case upkeep
        /// Groups of the Pushgateway may have expired.
        case expiry
        /// An expectation is looked at, or its time is over.
        case look(Int)
        /// The span of an expectation is over.
        case close(Int)
    }

    /// A push or deletion on its way.
    struct Push {
        var method: String
        var job: String
        var grouping: [Label]
        var body: [UInt8] = []
        /// Who pushes, for the log.
        var pusher: String
        /// How often it is tried again.
        var retries = 0
        /// Whether the scenario says that it is refused.
        var isMeantToFail = false
        /// Whether the fault that made it late was counted.
        var isPastFaults = false
        /// Whether there was no answer as long as who pushes waits.
        var isLate = false
        /// Whether nobody waits for the answer any more.
        var isUnheard = false
    }

    /// When, in nanoseconds from the start of the scenario.
    var time: Int64
    var rank: Rank
    var action: Action
    var number = 0

    static func < (left: Self, right: Self) -> Bool {
        (left.time, left.rank.rawValue, left.number) < (right.time, right.rank.rawValue, right.number)
    }
}

/// A queue by time, then rank, then in the order in which things were put in.
struct WorldQueue {
    private var heap: [WorldItem] = []
    private var count = 0

    var first: WorldItem? { heap.first }

    mutating func add(_ time: Int64, _ rank: WorldItem.Rank, _ action: WorldItem.Action) {
        count += 1
        heap.append(WorldItem(time: time, rank: rank, action: action, number: count))
        var child = heap.count - 1
        while child > 0, heap[child] < heap[(child - 1) / 2] {
            heap.swapAt(child, (child - 1) / 2)
            child = (child - 1) / 2
        }
    }

    mutating func take() -> WorldItem? {
        guard let first = heap.first else { return nil }
        let last = heap.removeLast()
        if heap.isEmpty { return first }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child] < heap[least] {
                least = child
            }
            if least == parent { return first }
            heap.swapAt(parent, least)
            parent = least
        }
    }
}
