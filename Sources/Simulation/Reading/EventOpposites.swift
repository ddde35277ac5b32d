import MetricModel

/// Events that undo what others did: without such another before them they can never matter.
extension Scenario {
    /// Those that have nothing to undo, by their places in the list; why, and what would be right.
    public var idleEvents: [(index: Int, message: String, hint: String)] {
        var found: [(index: Int, message: String, hint: String)] = []
        for (index, event) in events.enumerated() {
            guard let undoes = event.action.undoes else { continue }
            let others = events.enumerated().filter { event.action.isOpposite(of: $1.action) }
            if others.contains(where: { event.canFollow($1, isWrittenBefore: $0 < index) }) { continue }
            var hint = "an event before it, such as \(undoes.example)"
            if others.contains(where: { $1.canPrecede(event, isWrittenBefore: $0 < index) }) {
                hint = "what happened before ends by itself (for)"
            } else if let other = others.first?.element {
                hint = "it has to come after the \(other.word) of line \(other.place.line)"
            }
            found.append((index, "\(undoes.what), so it does nothing", hint))
        }
        return found
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
        func host(_ address: String) -> String {
            let host = String(address.prefix { $0 != ":" })
            return host == "localhost" ? address : host
        }
        func isInstance(_ address: String, _ service: String, _ which: Which) -> Bool {
            let name = host(address)
            guard name.hasPrefix(service + "-"), let number = Int(name.dropFirst(service.utf8.count + 1)) else {
                return name == service
            }
            return overlap(which, .number(number))
        }
        switch (one, other) {
        case (.service(let first, let one), .service(let second, let other)):
            return first == second && overlap(one, other)
        case (.service(let service, let which), .target(let address)),
            (.target(let address), .service(let service, let which)):
            return isInstance(address, service, which)
        case (.target(let first), .target(let second)): return host(first) == host(second)
        case (.pushes, .pushes), (.remoteWrite, .remoteWrite): return true
        case _: return false
        }
    }
}

extension EventSpec.Action {
    /// What there would have to be for an event that only undoes something, and an event that makes it; `nil` for others.
    fileprivate var undoes: (what: String, example: String)? {
        switch self {
        case .start(let service, _):
            ("no instance of \(service) is down by then", "{at: 5m, do: kill, service: \(service)}")
        case .startPart(let part):
            ("the part \(part.rawValue) is not down by then", "{at: 5m, do: kill, part: \(part.rawValue)}")
        case .resume(let batch): ("\(batch) is not paused by then", "{at: 5m, do: pause, batch: \(batch)}")
        case .fault(let place, nil):
            switch place {
            case .service(let service, _):
                (
                    "no scrape of \(service) goes wrong by then",
                    "{at: 5m, do: fault, service: \(service), fault: refused}"
                )
            case .target(let address):
                (
                    "no scrape of \(address) goes wrong by then",
                    "{at: 5m, do: fault, target: \(address), fault: refused}"
                )
            case .pushes: ("no push goes wrong by then", "{at: 5m, do: fault, pushes: true, fault: refused}")
            case .remoteWrite: ("nothing that is sent goes wrong by then", "{at: 5m, do: remote_write_outage}")
            }
        case _: nil
        }
    }

    /// Whether this undoes what another one does.
    fileprivate func isOpposite(of other: Self) -> Bool {
        switch (self, other) {
        case (.start(let one, let which), .kill(let other, let killed)):
            one == other && EventSpec.overlap(which, killed)
        case (.startPart(let one), .killPart(let other)), (.startPart(let one), .restartPart(let other, _, _)):
            one == other
        case (.resume(let one), .pause(let other)): one == other
        case (.fault(let place, nil), .fault(let spoilt, .some)): EventSpec.overlap(place, spoilt)
        case _: false
        }
    }
}
