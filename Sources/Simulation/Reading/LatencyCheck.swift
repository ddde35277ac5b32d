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

    private let events: [EventSpec]
    private let duration: Int64
    private var settings: LatencySettings
    /// What is wrong, by the event.
    private(set) var found: [Int: ConfigProblem] = [:]

    init(_ metric: MetricSpec, _ events: [EventSpec], duration: Int64) {
        settings = LatencySettings(metric.latency)
        self.events = events
        self.duration = duration
    }

    /// Goes through all that events set of a metric.
    /// - Parameters:
    ///   - numbers: the places of the events.
    ///   - isLate: whether what chance decides comes as late and lasts as long as it can, or the contrary.
    mutating func run(_ numbers: [Int], isLate: Bool) {
        // At one moment what happens first is what the file has first; what follows from it comes after.
        let items = numbers.flatMap { self.items(of: $0, isLate) }.sorted { one, other in
            func isLater(_ item: Item) -> Int { item.isEnd || item.turn > 0 ? 1 : 0 }
            return (one.time, isLater(one), one.event) < (other.time, isLater(other), other.event)
        }
        var rest = items[...]
        while let time = rest.first?.time {
            let now = rest.prefix { $0.time == time }
            rest = rest.dropFirst(now.count)
            var last: Int?
            for item in now {
                if item.isEnd {
                    settings.end(Self.number(of: item))
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
        let turns = event.every.map { $0 > 0 ? min(EventSpec.turnsLookedAt, duration / $0) : 0 } ?? 0
        return (0...turns).flatMap { turn -> [Item] in
            let begin = (isLate ? event.at.upperBound : event.at.lowerBound) + turn * (event.every ?? 0)
            if begin > duration { return [] }
            var items = [Item(time: begin, event: number, turn: Int(turn))]
            if let lasting = event.lasting {
                let end = begin + (isLate ? lasting.upperBound : lasting.lowerBound)
                if end <= duration { items.append(Item(time: end, event: number, turn: Int(turn), isEnd: true)) }
            }
            return items
        }
    }

    /// By which number it is known what one time of an event set.
    private static func number(of item: Item) -> Int { item.event * (Int(EventSpec.turnsLookedAt) + 1) + item.turn }

    private mutating func begin(_ item: Item) {
        let event = events[item.event]
        guard case .set(_, _, let change) = event.action else { return }
        let isForGood = event.lasting == nil
        settings.set(median: change.median, p99: change.p99, by: Self.number(of: item), isForGood: isForGood)
    }

    /// Looks at what is to be seen.
    /// - Parameter last: the event that happened last at this moment; `nil` where one is over.
    private mutating func look(_ last: Int?, at time: Int64) {
        let (median, percentile) = (settings.median, settings.p99)
        // One that nobody has set goes with the median.
        guard percentile.value < median, let number = percentile.event else { return }
        let event = number / (Int(EventSpec.turnsLookedAt) + 1)
        if let last, last != event, case .set(_, _, let change) = events[last].action, change.median != nil {
            return tell(last, isPercentile: false, percentile.value, since: nil)
        }
        tell(event, isPercentile: true, median, since: last == event ? nil : time)
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
