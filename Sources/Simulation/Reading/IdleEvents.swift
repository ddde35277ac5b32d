public import ConfigTree
import MetricModel

/// Events that undo what others did, where nothing is to be undone.
extension Scenario {
    /// Those of which that is certain, by their places in the list; what is so, and what would be right.
    /// - Parameter problems: what is known to be wrong, from which nothing follows.
    public func idleEvents(_ problems: ConfigProblems) -> [(index: Int, message: String, hint: String)] {
        let doubts = EventDoubts(self, problems)
        let rehearsal = EventRehearsal(self) { !doubts.isWrong($0) && !doubts.isByChance($0) }.idle
        var found: [(index: Int, message: String, hint: String)] = []
        for (index, event) in events.enumerated() {
            guard let undoes = event.action.undoes, let domain = event.action.domain(in: self),
                !doubts.isWrong(domain)
            else { continue }
            var finding = rehearsal[index]
            if doubts.isByChance(domain) {
                let others = opposites(of: index)
                if others.contains(where: { event.canFollow($1, isWrittenBefore: $0 < index) }) { continue }
                finding = EventRehearsal.Finding()
            }
            guard let finding else { continue }
            found.append((index, "\(undoes.what), so it does nothing", hint(index, finding, undoes.example)))
        }
        return found
    }

    /// Events that an event would undo.
    private func opposites(of index: Int) -> [(offset: Int, element: EventSpec)] {
        events.enumerated().filter { events[index].action.isOpposite(of: $1.action) }
    }

    /// What would be right in place of an event that does nothing.
    private func hint(_ index: Int, _ finding: EventRehearsal.Finding, _ example: String) -> String {
        let event = events[index]
        let others = opposites(of: index)
        let down = finding.down.isEmpty ? "" : "\(finding.down.joined(separator: ", ")) is; "
        switch finding.end {
        case .event(let number):
            return
                "\(down)after the \(events[number].word) of line \(events[number].place.line) nothing is left to be undone"
        case .itself: return "\(down)what happened before ends by itself (for)"
        case nil: break
        }
        if others.contains(where: { $1.canPrecede(event, isWrittenBefore: $0 < index) }) {
            return "\(down)what happened before ends by itself (for)"
        }
        if let other = others.first?.element {
            return "\(down)it has to come after the \(other.word) of line \(other.place.line)"
        }
        return "\(down)an event before it, such as \(example)"
    }
}

extension EventSpec {
    /// The latest moment at which it can happen.
    private var latest: Int64 { every == nil ? at.upperBound : .max }

    /// The latest moment up to which what it does lasts.
    private var lastEnd: Int64 {
        var longest = lasting?.upperBound
        if case .restartPart(_, let down, _) = action, longest == nil { longest = down }
        guard every == nil, let longest else { return .max }
        return at.upperBound + longest
    }

    /// Whether it can happen before another one; of two at one moment the first in the file happens first.
    fileprivate func canPrecede(_ other: Self, isWrittenBefore: Bool) -> Bool {
        at.lowerBound < other.latest || at.lowerBound == other.latest && isWrittenBefore
    }

    /// Whether what another one does can last when it happens.
    fileprivate func canFollow(_ other: Self, isWrittenBefore: Bool) -> Bool {
        other.canPrecede(self, isWrittenBefore: isWrittenBefore) && other.lastEnd >= at.lowerBound
    }

    /// Whether two choices of instances can be the same one.
    fileprivate static func overlap(_ one: Which, _ other: Which) -> Bool {
        if case .number(let first) = one, case .number(let second) = other { return first == second }
        return true
    }

    /// Whether two places of faults can be the same one.
    fileprivate static func overlap(_ one: FaultPlace, _ other: FaultPlace) -> Bool {
        func isInstance(_ address: String, _ service: String, _ which: Which) -> Bool {
            let name = Scenario.host(address)
            return ServiceSpec.number(of: name, in: service).map { overlap(which, .number($0)) } ?? (name == service)
        }
        switch (one, other) {
        case (.service(let first, let one), .service(let second, let other)):
            return first == second && overlap(one, other)
        case (.service(let service, let which), .target(let address)),
            (.target(let address), .service(let service, let which)):
            return isInstance(address, service, which)
        case (.target(let first), .target(let second)): return Scenario.host(first) == Scenario.host(second)
        case (.pushes, .pushes), (.remoteWrite, .remoteWrite): return true
        case (.service, _), (.target, _), (.pushes, _), (.remoteWrite, _): return false
        }
    }
}

extension EventSpec.Action {
    /// What is so where an event that only undoes something does nothing, and an event that makes it; `nil` for others.
    fileprivate var undoes: (what: String, example: String)? {
        switch self {
        case .start(let service, .number(let number)):
            (
                "\(service)-\(number) is not down by then",
                "{at: 5m, do: kill, service: \(service), instance: \(number)}"
            )
        case .start(let service, .all), .start(let service, .any):
            ("no instance of \(service) is down by then", "{at: 5m, do: kill, service: \(service)}")
        case .startPart(let part):
            ("the part \(part.rawValue) is not down by then", "{at: 5m, do: kill, part: \(part.rawValue)}")
        case .resume(let batch): ("\(batch) is not paused by then", "{at: 5m, do: pause, batch: \(batch)}")
        case .fault(let place, nil): (place.nothingIsWrong, place.example)
        case .kill, .restart, .scale, .deploy, .set, .skew, .fault, .restartPart, .killPart, .deleteGroup, .wipe,
            .push, .run, .pause, .reload:
            nil
        }
    }

    /// Whether this undoes what another one does.
    fileprivate func isOpposite(of other: Self) -> Bool {
        switch self {
        case .start(let service, let which):
            if case .kill(service, let killed) = other { EventSpec.overlap(which, killed) } else { false }
        case .startPart(let part):
            switch other {
            case .killPart(part), .restartPart(part, _, _): true
            case _: false
            }
        case .resume(let batch): if case .pause(batch) = other { true } else { false }
        case .fault(let place, nil):
            if case .fault(let spoilt, .some) = other { EventSpec.overlap(place, spoilt) } else { false }
        case .kill, .restart, .scale, .deploy, .set, .skew, .fault, .restartPart, .killPart, .deleteGroup, .wipe,
            .push, .run, .pause, .reload:
            false
        }
    }
}

extension EventSpec.FaultPlace {
    /// What is so where there is no fault.
    fileprivate var nothingIsWrong: String {
        switch self {
        case .service(let service, .number(let number)): "no scrape of \(service)-\(number) goes wrong by then"
        case .service(let service, .all), .service(let service, .any): "no scrape of \(service) goes wrong by then"
        case .target(let address): "no scrape of \(address) goes wrong by then"
        case .pushes: "no push goes wrong by then"
        case .remoteWrite: "nothing that is sent goes wrong by then"
        }
    }

    /// An event that lets something go wrong there.
    fileprivate var example: String {
        switch self {
        case .service(let service, .number(let number)):
            "{at: 5m, do: fault, service: \(service), instance: \(number), fault: refused}"
        case .service(let service, .all), .service(let service, .any):
            "{at: 5m, do: fault, service: \(service), fault: refused}"
        case .target(let address): "{at: 5m, do: fault, target: \(address), fault: refused}"
        case .pushes: "{at: 5m, do: fault, pushes: true, fault: refused}"
        case .remoteWrite: "{at: 5m, do: remote_write_outage}"
        }
    }
}
