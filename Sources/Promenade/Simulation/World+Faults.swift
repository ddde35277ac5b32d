import MetricModel
import Pushgateway
import Scrape
import Simulation

/// What goes wrong in a world, and is well again.
extension World {
    /// Something goes wrong, or is well again.
    func setFault(_ place: EventSpec.FaultPlace, _ spec: FaultSpec?, _ what: Happening) throws {
        let fault = try spec.map { RunningFault(try Fault(reading: $0.node)) }
        let words = spec.map { " \($0.text)" } ?? ""
        let places: [WorldHolds.Place]
        switch place {
        case .pushes: places = [.pushes]
        case .remoteWrite: places = [.remoteWrite]
        case .target(let address): places = [.target(Scenario.host(address))]
        case .service(let service, let which):
            places = chosen(service, which, what.index, running: nil).map { .target($0.name) }
        }
        var vain = ""
        if let fault {
            hold(what, .fault(fault), places)
        } else {
            vain = whyNothingHeals(places)
            for place in places { holds.clear(place) }
        }
        for place in places {
            setFault(place)
            guard fault != nil, case .target(let name) = place, let service = owners[name] else { continue }
            begin(.fault(service: service), name)
        }
        var names = places.map(Self.name).joined(separator: " ")
        if places.isEmpty, case .service(let service, let which) = place { names = nobody(service, which) }
        tell(.event, fault == nil ? "heal" : "fault", "\(names)\(words)\(what.span)\(vain)")
    }

    /// Why nothing is made well at any of these places; empty where something is.
    private func whyNothingHeals(_ places: [WorldHolds.Place]) -> String {
        let faults = places.compactMap { place in
            if case .fault(let fault) = holds.effect(on: place) { fault } else { nil }
        }
        if faults.contains(where: { !$0.isUsedUp }) || places.isEmpty { return "" }
        return faults.isEmpty ? ", where nothing goes wrong" : ", where the fault is used up already"
    }

    /// All groups of the Pushgateway are deleted.
    func wipe() async {
        stack.targets.isGatewayStill = false
        guard let gateway = stack.gateway else { return tell(.event, "wipe", "fails: the Pushgateway is down") }
        let (count, error) = await gateway.delete(matching: [[]])
        if error == nil { noteChange(ofGroups: "wipe") }
        let words = error.map { "fails: \($0.message)" } ?? (count == 0 ? "finds no group" : "")
        tell(.event, "wipe", words)
    }

    /// Lets go wrong what events want to go wrong.
    func setFault(_ place: WorldHolds.Place) {
        var fault: RunningFault?
        if case .fault(let found) = holds.effect(on: place) { fault = found }
        switch place {
        case .target(let name):
            stack.faults.put(fault, job: "", target: name)
            noteChange(name, fault == nil ? "end of the fault" : "fault")
            if fault == nil, let service = owners[name] { finish(.fault(service: service), name) }
        case .pushes: stack.faults.putPushes(fault)
        case .remoteWrite: stack.faults.putRemoteWrites(fault)
        case .instance, .part, .batch, .clock, .instanceClock, .metric: break
        }
    }
}
