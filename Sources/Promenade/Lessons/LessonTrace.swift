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
            let words = event.text.split(separator: " ").map(String.init)
            guard event.kind == .push, words.count > 2, ["PUT", "POST", "DELETE"].contains(words[0]) else { return nil }
            let start = "/metrics/job/"
            if event.text.hasPrefix("DELETE groups of the job "), words.count > 5 {
                path = start + words[5]
            } else if words[1].hasPrefix(start), words[2].hasPrefix("(") {
                // What was recorded has its answer's status at the end.
                if let status = words.last.flatMap({ Int($0) }), status >= 300 { return nil }
                path = words[1]
            } else {
                return nil
            }
            time = event.time
            by = event.subject
            method = words[0]
            job = String(path.dropFirst(start.count).prefix { $0 != "/" })
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
            Self.append(Life(service: service, name: name, from: time), to: &lives)
        }
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
