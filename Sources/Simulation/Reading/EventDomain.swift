import ConfigTree
import MetricModel

/// What an event is about, as far as another one can undo it: events of two domains have nothing to do with each other.
enum EventDomain: Hashable {
    /// The instances of a service: how many there are, and which of them are down.
    case service(String)
    /// A part of the stack.
    case part(EventSpec.Part)
    /// A batch.
    case batch(String)
    /// Scrapes of a service's instances, or of another target.
    case scrapes(String)
    /// Pushes.
    case pushes
    /// What is sent to a remote storage.
    case remoteWrite
}

extension EventSpec.Action {
    /// What it is about; `nil` where nothing undoes it.
    func domain(in scenario: Scenario) -> EventDomain? {
        switch self {
        case .kill(let service, _), .start(let service, _), .restart(let service, _), .scale(let service, _),
            .deploy(let service, _):
            .service(service)
        case .restartPart(let part, _, _), .killPart(let part), .startPart(let part): .part(part)
        case .run(let batch), .pause(let batch), .resume(let batch): .batch(batch)
        case .fault(let place, _): place.domain(in: scenario)
        case .set, .skew, .deleteGroup, .wipe, .push, .reload: nil
        }
    }

    /// Which instances it is about; `nil` where it is about none.
    var which: EventSpec.Which? {
        switch self {
        case .kill(_, let which), .start(_, let which), .restart(_, let which), .skew(_, let which, _),
            .fault(.service(_, let which), _):
            which
        case .scale, .deploy, .set, .fault, .restartPart, .killPart, .startPart, .deleteGroup, .wipe, .push, .run,
            .pause, .resume, .reload:
            nil
        }
    }
}

extension EventSpec.FaultPlace {
    func domain(in scenario: Scenario) -> EventDomain {
        switch self {
        case .service(let service, _): return .scrapes(service)
        case .target(let address):
            let host = Scenario.host(address)
            return .scrapes(scenario.services.first { $0.name == host || $0.hasInstance(host) }?.name ?? host)
        case .pushes: return .pushes
        case .remoteWrite: return .remoteWrite
        }
    }
}

/// Of which domains it is not known for certain what happens in them.
struct EventDoubts {
    /// Where chance decides.
    private var byChance: Set<EventDomain> = []
    /// Where something is wrong with an event, or with what it is about.
    private var wrong: Set<EventDomain> = []
    /// Where something is wrong with an event of which it cannot be said what it is about.
    private var isOpen = (services: false, parts: false, batches: false, faults: false)

    init(_ scenario: Scenario, _ problems: ConfigProblems) {
        for event in scenario.events {
            guard let domain = event.action.domain(in: scenario) else { continue }
            if problems.tells(within: event.path) { wrong.insert(domain) }
            // What happens more often than is looked at is left to chance.
            let isRepeatedOften = event.every.map { $0 <= scenario.duration / EventSpec.turnsLookedAt } ?? false
            if event.isByChance || isRepeatedOften { byChance.insert(domain) }
            if case .fault(.target(let address), _) = event.action,
                scenario.services.contains(where: { $0.name == Scenario.host(address) })
            {
                byChance.insert(domain)
            }
        }
        for service in scenario.services {
            let path = "services.\(service.name)"
            let isWrong = problems.problems.contains { problem in
                problem.file == nil && problem.path.hasPrefix(path + ".") && !problem.path.hasPrefix(path + ".metrics.")
            }
            if isWrong || problems.tells(at: path) { wrong.insert(.service(service.name)) }
            // Which instances there are is a matter of the service.
            if wrong.contains(.service(service.name)) { wrong.insert(.scrapes(service.name)) }
            if byChance.contains(.service(service.name)) { byChance.insert(.scrapes(service.name)) }
        }
        for node in scenario.refusedEvents { open(node) }
    }

    /// An event that could not be read.
    private mutating func open(_ node: ConfigNode) {
        guard let word = EventSpec.Word(rawValue: node["do"]?.text ?? "") else {
            isOpen = (true, true, true, true)
            return
        }
        switch word {
        case .kill, .start, .restart: (isOpen.services, isOpen.parts) = (true, true)
        case .scale, .deploy: isOpen.services = true
        case .fault, .heal, .remoteWriteOutage: isOpen.faults = true
        case .run, .pause, .resume: isOpen.batches = true
        case .set, .skew, .deleteGroup, .wipe, .push, .reload: break
        }
    }

    /// Whether chance decides what happens in a domain.
    func isByChance(_ domain: EventDomain) -> Bool { byChance.contains(domain) }

    /// Whether nothing can be said of a domain, as something is wrong there.
    func isWrong(_ domain: EventDomain) -> Bool {
        if wrong.contains(domain) { return true }
        switch domain {
        case .service: return isOpen.services
        case .part: return isOpen.parts
        case .batch: return isOpen.batches
        // Which instances there are follows from the services.
        case .scrapes: return isOpen.faults || isOpen.services
        case .pushes, .remoteWrite: return isOpen.faults
        }
    }
}

extension EventSpec {
    /// The most times of a repeated event that are looked at: what goes together so often does so later, too.
    static let turnsLookedAt: Int64 = 1000

    /// Whether it depends on chance when it happens, for how long, or to whom.
    fileprivate var isByChance: Bool {
        at.lowerBound != at.upperBound || lasting.map { $0.lowerBound != $0.upperBound } ?? false
            || action.which == .any
    }
}
