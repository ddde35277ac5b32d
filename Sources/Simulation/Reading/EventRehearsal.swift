import MetricModel

/// Lets the events of a scenario happen to what can be down, at rest or wrong, and notes which of those that undo something find nothing
/// to be undone. (What does once more what is done already may be meant so; the log of the world tells of it.)
///
/// What depends on chance is no good here: nobody should ask for what comes of it.
struct EventRehearsal {
    /// What can be down, at rest or wrong.
    enum Place: Hashable {
        case instance(String, Int)
        case part(EventSpec.Part)
        case batch(String)
        case scrapes(String)
        case pushes
        case remoteWrite
    }

    /// What ended what was done to a place.
    enum End: Hashable {
        /// Another event, by its place in the list.
        case event(Int)
        /// The time was over.
        case itself
    }

    /// What is so where an event undoes nothing.
    struct Finding {
        /// Instances of the same service that are down then.
        var down: [String] = []
        /// What undid before what this one would undo.
        var end: End?
    }

    private struct Hold {
        var number: Int
        /// `.max` for never.
        var ends: Int64
    }

    private struct Item {
        var time: Int64
        var number: Int
        var event: Int
        var turn: Int64 = 0
        /// What it does not hold any more; `nil` where it happens.
        var places: [Place]?
    }

    private let scenario: Scenario
    private var items: [Item] = []
    private var itemCount = 0
    private var now: Int64 = 0
    private var holds: [Place: [Hold]] = [:]
    private var ends: [Place: End] = [:]
    /// How many instances each service has.
    private var counts: [String: Int]
    private var isUseful: Set<Int> = []
    private var findings: [Int: Finding] = [:]

    /// Goes through the events that happen for certain.
    /// - Parameter isLookedAt: of which domains.
    init(_ scenario: Scenario, where isLookedAt: (EventDomain) -> Bool) {
        self.scenario = scenario
        counts = Dictionary(scenario.services.map { ($0.name, $0.instances) }) { $1 }
        for (index, event) in scenario.events.enumerated() {
            guard let domain = event.action.domain(in: scenario), isLookedAt(domain) else { continue }
            add(Item(time: event.at.lowerBound, number: 0, event: index))
        }
        while let next = takeNext(), next.time <= scenario.duration {
            now = next.time
            if let places = next.places { end(places, next.number) } else { happen(next) }
        }
    }

    /// What events do nothing whenever they happen.
    var idle: [Int: Finding] { findings.filter { !isUseful.contains($0.key) } }

    // MARK: Time

    private mutating func add(_ item: Item) {
        var item = item
        itemCount += 1
        if item.places == nil { item.number = itemCount }
        // Few wait at a time; of one moment the first that was put in is the first.
        let place = items.firstIndex { $0.time > item.time } ?? items.endIndex
        items.insert(item, at: place)
    }

    private mutating func takeNext() -> Item? { items.isEmpty ? nil : items.removeFirst() }

    private mutating func happen(_ item: Item) {
        let event = scenario.events[item.event]
        var lasting = event.lasting?.lowerBound
        if case .restartPart(_, let down, _) = event.action, lasting == nil, down > 0 { lasting = down }
        let hold = Hold(number: item.number, ends: lasting.map { now + $0 } ?? .max)
        let held = carryOut(event.action, item.event, hold)
        if hold.ends != .max, !held.isEmpty {
            add(Item(time: hold.ends, number: item.number, event: item.event, places: held))
        }
        guard let every = event.every, every > 0 else { return }
        add(
            Item(time: event.at.lowerBound + every * (item.turn + 1), number: 0, event: item.event, turn: item.turn + 1)
        )
    }

    /// An event ends: what it held is as it was, unless another one holds it still.
    private mutating func end(_ places: [Place], _ number: Int) {
        for place in places {
            guard let index = holds[place]?.firstIndex(where: { $0.number == number }) else { continue }
            holds[place]?.remove(at: index)
            if holds[place]?.isEmpty ?? true { clear(place, .itself) }
        }
    }

    // MARK: What happens

    /// - Returns: what is held as long as the event lasts.
    private mutating func carryOut(_ action: EventSpec.Action, _ event: Int, _ hold: Hold) -> [Place] {
        switch action {
        case .kill(let service, let which):
            return add(hold, chosen(service, which))
        case .start(let service, let which):
            undo(event, chosen(service, which), of: service)
        case .restart(let service, let which): for place in chosen(service, which) { clear(place, .event(event)) }
        case .deploy(let service, _): for place in chosen(service, .all) { clear(place, .event(event)) }
        case .scale(let service, let count): scale(service, count, event)
        case .killPart(let part): return add(hold, [.part(part)])
        case .startPart(let part): undo(event, [.part(part)])
        case .restartPart(let part, _, _):
            clear(.part(part), .event(event))
            return hold.ends == .max ? [] : add(hold, [.part(part)])
        case .pause(let batch): return add(hold, [.batch(batch)])
        case .resume(let batch): undo(event, [.batch(batch)])
        case .fault(let place, let fault):
            let places = places(place)
            if fault != nil { return add(hold, places) }
            undo(event, places)
        case .run, .set, .skew, .deleteGroup, .wipe, .push, .reload: break
        }
        return []
    }

    /// The instances that an event is about.
    private func chosen(_ service: String, _ which: EventSpec.Which) -> [Place] {
        let count = counts[service] ?? 0
        return switch which {
        case .all, .any: count > 0 ? (1...count).map { .instance(service, $0) } : []
        case .number(let number): number <= count ? [.instance(service, number)] : []
        }
    }

    private func places(_ place: EventSpec.FaultPlace) -> [Place] {
        switch place {
        case .service(let service, let which): chosen(service, which).map { .scrapes(Self.name([$0])) }
        case .target(let address): [.scrapes(Scenario.host(address))]
        case .pushes: [.pushes]
        case .remoteWrite: [.remoteWrite]
        }
    }

    private mutating func scale(_ service: String, _ count: Int, _ event: Int) {
        let before = counts[service] ?? 0
        counts[service] = count
        // Those that go are no longer down, nor are those that come.
        for number in min(count, before)..<max(count, before) { clear(.instance(service, number + 1), .event(event)) }
    }

    /// An event that makes well what it finds.
    private mutating func undo(_ event: Int, _ places: [Place], of service: String? = nil) {
        // Where there is none of it nobody knows what is meant; the log of the world tells.
        if places.isEmpty { return }
        var finding = Finding()
        finding.end = places.compactMap { ends[$0] }.first
        let known = holds.keys.compactMap { place -> Int? in
            if case .instance(let owner, let number) = place, owner == service { number } else { nil }
        }
        finding.down = known.sorted().map { "\(service ?? "")-\($0)" }
        if places.contains(where: { holds[$0] != nil }) {
            isUseful.insert(event)
        } else {
            findings[event] = findings[event] ?? finding
        }
        for place in places { clear(place, .event(event)) }
    }

    // MARK: Holds

    private mutating func add(_ hold: Hold, _ places: [Place]) -> [Place] {
        for place in places {
            // What has no end ends all others.
            if hold.ends == .max { holds[place] = nil }
            holds[place, default: []].append(hold)
        }
        return places
    }

    private mutating func clear(_ place: Place, _ end: End) {
        if holds.removeValue(forKey: place) != nil { ends[place] = end }
    }

    private static func name(_ places: [Place]) -> String {
        if case .instance(let service, let number)? = places.first { "\(service)-\(number)" } else { "" }
    }
}
