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
        /// The one request that made it so; `nil` where there was none, or more than one.
        var request: Request?
        /// What a button's request had in its body.
        var body = ""
        var series: [(labels: Labels, value: Double)]
    }

    /// A request that the Pushgateway took.
    struct Request {
        var time: Int64
        /// Who made it: a batch, or the scenario.
        var by: String
        var method: String
        var path: String
        /// Whose group, or groups, it is about.
        var job: String

        /// The request that the world tells of; `nil` where there was none, or the Pushgateway did not take it.
        init?(_ event: WorldEvent) {
            guard let request = event.request, request.isTaken else { return nil }
            time = event.time
            by = event.subject
            method = request.method
            path = request.path
            job = request.job
        }
    }

    /// A time in which an instance of a service was there.
    struct Life {
        var service: String
        var name: String
        var from: Int64
        /// When it ended; `nil` while it lasts.
        var to: Int64?
    }

    /// How much is kept of each kind.
    static let limit = 1000
    /// How many series of the Pushgateway are looked at.
    static let seriesLimit = 40

    var runs: [Run] = []
    var requests: [Request] = []
    var lives: [Life] = []
    var looks: [Look] = []
    var held: [Held] = []
    /// Everything that is told in words, besides scrapes.
    var events: [WorldEvent] = []

    mutating func add(_ look: Look) { Self.append(look, to: &looks) }

    mutating func add(_ event: WorldEvent) { Self.append(event, to: &events) }

    mutating func add(_ state: Held) { Self.append(state, to: &held) }

    mutating func add(_ request: Request) { Self.append(request, to: &requests) }

    /// What is there of a service now.
    /// - Parameter begun: those that began anew since the last time, also where they were there before.
    mutating func see(_ service: String, _ alive: Set<String>, begun: Set<String>, at time: Int64) {
        var open: Set<String> = []
        for index in lives.indices where lives[index].service == service && lives[index].to == nil {
            let name = lives[index].name
            if alive.contains(name), !begun.contains(name) || lives[index].from == time {
                open.insert(name)
            } else {
                lives[index].to = time
            }
        }
        for name in alive.subtracting(open).sorted() {
            if lives.count >= Self.limit { dropOver() }
            lives.append(Life(service: service, name: name, from: time))
        }
    }

    /// Makes room for lives. Those that last are never dropped: there are no more of them than instances.
    private mutating func dropOver() {
        var rest = Self.limit / 4
        lives.removeAll { life in
            guard life.to != nil, rest > 0 else { return false }
            rest -= 1
            return true
        }
    }

    /// Lives to tell, at most so many of each service: those that last first, then the latest; in the order in which they began.
    func lives(atMost count: Int) -> [Life] {
        var rest: [String: Int] = [:]
        func take(_ index: Int) -> Bool {
            let left = rest[lives[index].service, default: count]
            rest[lives[index].service] = left - 1
            return left > 0
        }
        let lasting = lives.indices.filter { lives[$0].to == nil }.filter(take)
        let over = lives.indices.reversed().filter { lives[$0].to != nil }.filter(take)
        return (lasting + over).sorted().map { lives[$0] }
    }

    mutating func add(_ run: Run) {
        if runs.contains(where: { $0.batch == run.batch && $0.number == run.number }) { return }
        Self.append(run, to: &runs)
    }

    private static func append<Item>(_ item: Item, to list: inout [Item]) {
        if list.count >= limit { list.removeFirst(limit / 4) }
        list.append(item)
    }
}
