package import ConfigTree

/// Looks whether what events set of a metric's distribution goes together at each moment: the median of one may be greater than
/// the 99th percentile of another, whichever comes first.
struct LatencyCheck {
    /// Something set at a moment, or over then.
    private struct Item {
        var time: Int64
        /// Its place among the scenario's events.
        var event: Int
        /// How often the event happened before.
        var turn: Int
        var isEnd = false
    }

    /// What an event set for a while.
    private struct Held {
        var event: Int
        var turn: Int
        var value: Double
    }

    private let events: [EventSpec]
    private let duration: Int64
    private var own: LatencyDistribution
    private var medians: [Held] = []
    private var percentiles: [Held] = []
    /// What is wrong, by the event.
    private(set) var found: [Int: ConfigProblem] = [:]

    /// The most times of a repeated event that are looked at: what goes together so often does so later, too.
    private static let turnsLookedAt = 1000

    init(_ metric: MetricSpec, _ events: [EventSpec], duration: Int64) {
        own = metric.latency
        self.events = events
        self.duration = duration
    }

    /// Goes through all that events set of a metric.
    /// - Parameters:
    ///   - numbers: the places of the events.
    ///   - isLate: whether what chance decides comes as late and lasts as long as it can, or the contrary.
    mutating func run(_ numbers: [Int], isLate: Bool) {
        let items = numbers.flatMap { self.items(of: $0, isLate) }.sorted { $0.time < $1.time }
        var rest = items[...]
        while let time = rest.first?.time {
            let now = rest.prefix { $0.time == time }
            rest = rest.dropFirst(now.count)
            var last: Int?
            for item in now {
                if item.isEnd {
                    for list in [\Self.medians, \Self.percentiles] {
                        self[keyPath: list].removeAll { $0.event == item.event && $0.turn == item.turn }
                    }
                } else {
                    last = item.event
                    begin(item)
                }
            }
            look(last, at: time)
        }
    }

    private func items(of number: Int, _ isLate: Bool) -> [Item] {
        let event = events[number]
        let turns = event.every.map { $0 > 0 ? min(Int64(Self.turnsLookedAt), duration / $0) : 0 } ?? 0
        return (0...turns).flatMap { turn -> [Item] in
            let begin = (isLate ? event.at.upperBound : event.at.lowerBound) + turn * (event.every ?? 0)
            if begin > duration { return [] }
            var items = [Item(time: begin, event: number, turn: Int(turn))]
            if let lasting = event.lasting {
                let end = begin + (isLate ? lasting.upperBound : lasting.lowerBound)
                items.append(Item(time: end, event: number, turn: Int(turn), isEnd: true))
            }
            return items
        }
    }

    private mutating func begin(_ item: Item) {
        guard case .set(_, _, let change) = events[item.event].action else { return }
        func held(_ value: Double) -> Held { Held(event: item.event, turn: item.turn, value: value) }
        if events[item.event].lasting != nil {
            if let median = change.median { medians.append(held(median)) }
            if let p99 = change.p99 { percentiles.append(held(p99)) }
            return
        }
        if change.median != nil { medians = [] }
        if let p99 = change.p99 {
            percentiles = []
            if change.median == nil, p99 < own.median { tell(item.event, isPercentile: true, own.median, since: nil) }
        }
        own = own.with(median: change.median, p99: change.p99)
    }

    /// Looks at what is to be seen.
    /// - Parameter last: the event that happened last at this moment; `nil` where one is over.
    private mutating func look(_ last: Int?, at time: Int64) {
        guard let percentile = percentiles.last else { return }
        let median = medians.last?.value ?? own.median
        if percentile.value >= median { return }
        guard let last, last != percentile.event else {
            return tell(percentile.event, isPercentile: true, median, since: last == nil ? time : nil)
        }
        tell(last, isPercentile: false, percentile.value, since: nil)
    }

    /// - Parameters:
    ///   - isPercentile: whether it is the 99th percentile that is wrong, or the median.
    ///   - other: the one of them that is there already.
    ///   - since: since when that is so, where that is not the event's own moment.
    private mutating func tell(_ number: Int, isPercentile: Bool, _ other: Double, since time: Int64?) {
        let (event, field) = (events[number], isPercentile ? "p99" : "median")
        // Of one that has both it is told already.
        guard case .set(_, _, let change) = event.action, found[number] == nil else { return }
        if change.median ?? 1 <= 0 || change.p99 ?? 1 <= 0 { return }
        if let median = change.median, let p99 = change.p99, p99 < median { return }
        let place = event.fieldPlaces[field] ?? event.place
        let path = "\(event.path).\(field)"
        var problem = ConfigProblem(.meaning, "", line: place.line, column: place.column, path: path)
        let since = time.map { ", which the median is from \(Scenario.text($0)) on" } ?? ""
        if isPercentile {
            problem.message = "p99 is less than the median"
            problem.hint = "at least \(Quantity.seconds(other))\(since)"
        } else {
            problem.message = "the median is greater than the p99"
            problem.hint = "at most \(Quantity.seconds(other)), or a p99 as well"
        }
        found[number] = problem
    }
}

extension Scenario {
    /// Medians and 99th percentiles that events set and that do not go together.
    package func latencyMistakes() -> [ConfigProblem] {
        var problems: [ConfigProblem] = []
        for service in services {
            for metric in service.metrics where metric.kind == .histogram || metric.kind == .summary {
                let numbers = events.indices.filter { number in
                    guard case .set(service.name, metric.name, let change) = events[number].action else { return false }
                    return change.median != nil || change.p99 != nil
                }
                if numbers.isEmpty { continue }
                var found: [Int: ConfigProblem] = [:]
                for isLate in [false, true] {
                    var check = LatencyCheck(metric, events, duration: duration)
                    check.run(numbers, isLate: isLate)
                    found.merge(check.found) { first, _ in first }
                }
                problems += found.sorted { $0.key < $1.key }.map(\.value)
            }
        }
        return problems
    }
}
