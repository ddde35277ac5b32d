import ConfigTree
import Exposition
import MetricModel
import Pushgateway
import Scrape
import Simulation

/// What the scenario does to the world.
extension World {
    // MARK: Services

    /// Lets a service have so many instances; those that are too many are gone for good.
    func setCount(_ name: String, _ count: Int) {
        guard var state = services[name] else { return }
        while state.instances.count < count {
            let number = state.instances.count + 1
            let instance = ServiceInstance(state.spec, number: number, seed: options.seed, start: scenario.start)
            owners[instance.name] = name
            for (metric, change, since) in state.changes {
                instance.change(metric, change, at: now, since: since, isForGood: true)
            }
            hold(instance, of: state.spec)
            if now > 0 || !state.version.isEmpty { instance.deploy(state.version, at: now) }
            state.instances.append(instance)
        }
        for (index, instance) in state.instances.enumerated() {
            if index < count {
                // What comes back is what was deployed meanwhile.
                if index >= state.count, now > 0 { instance.deploy(state.version, at: now) }
                stack.targets.instances[instance.name] = instance
            } else {
                stack.targets.instances[instance.name] = nil
                well(name, instance.name)
            }
        }
        state.count = count
        services[name] = state
    }

    /// The instances that an event is about.
    private func chosen(_ service: String, _ which: EventSpec.Which, _ index: Int, running: Bool?) -> [ServiceInstance]
    {
        guard let state = services[service] else { return [] }
        let all = state.instances.prefix(state.count)
        switch which {
        case .all: return Array(all)
        case .number(let number): return all.filter { $0.name == "\(service)-\(number)" }
        case .any:
            let candidates = all.filter { running == nil || $0.isUp == running }
            if candidates.isEmpty { return [] }
            return [candidates[Int(chance[index].whole(0...Int64(candidates.count - 1)))]]
        }
    }

    // MARK: Events

    /// An event that happens: the number by which what it holds is known, and when it ends.
    struct Happening {
        var number: Int
        var index: Int
        /// `nil` for never.
        var ends: Int64?
        /// For how long, in words.
        var span = ""
    }

    func event(_ index: Int) async throws {
        let event = scenario.events[index]
        happenings += 1
        var what = Happening(number: happenings, index: index)
        what.ends = event.lasting.map { now + chance[index].whole($0) }
        if case .restartPart(_, let down, _) = event.action, what.ends == nil, down > 0 { what.ends = now + down }
        if let ends = what.ends { what.span = " for \(Self.span(ends - now))" }
        begin(.event(word: event.word), "", by: what.number)
        try await carryOut(event.action, what)
        if let every = event.every {
            // Each time by chance anew, in a span that is so much later. Drawn last: how long the world lasts changes nothing before.
            repetitions[index, default: 0] += 1
            let shift = every * (repetitions[index] ?? 0)
            if event.at.lowerBound + shift <= end {
                let moment =
                    event.at.lowerBound == event.at.upperBound ? event.at.lowerBound : chance[index].whole(event.at)
                queue.add(max(now, moment + shift), .scenario, .event(index))
            }
        }
        finishEvents()
    }

    /// An event holds places until it ends.
    private func hold(_ what: Happening, _ effect: WorldHolds.Effect, _ places: [WorldHolds.Place]) {
        for place in places { holds.add(what.number, effect, on: place, isForGood: what.ends == nil) }
        if let ends = what.ends, !places.isEmpty { queue.add(ends, .scenario, .undo(what.number, places)) }
    }

    /// An instance begins or is gone: whatever held it down does not any more.
    private func well(_ service: String, _ instance: String) {
        holds.clear(.instance(instance))
        finish(.kill(service: service), instance)
    }

    private func carryOut(_ action: EventSpec.Action, _ what: Happening) async throws {
        let (index, span) = (what.index, what.span)
        switch action {
        case .kill(let service, let which):
            let all = chosen(service, which, index, running: true)
            for instance in all where instance.isUp {
                instance.kill()
                noteChange(instance.name, "kill")
                begin(.kill(service: service), instance.name)
                tell(.event, "kill", instance.name + span)
            }
            hold(what, .down, all.map { .instance($0.name) })
            if all.isEmpty { tell(.event, "kill", Self.names([], of: service)) }
        case .start(let service, let which):
            let all = chosen(service, which, index, running: false)
            for instance in all { start(instance) }
            if all.isEmpty { tell(.event, "start", Self.names([], of: service)) }
        case .restart(let service, let which):
            let all = chosen(service, which, index, running: nil)
            if all.isEmpty { tell(.event, "restart", Self.names([], of: service)) }
            for instance in all {
                instance.begin(at: now)
                well(service, instance.name)
                noteChange(instance.name, "restart")
                tell(.event, "restart", instance.name)
            }
        case .scale(let service, let count):
            setCount(service, count)
            tell(.event, "scale", "\(service) to \(count)")
            try await applyConfig()
        case .deploy(let service, let labels):
            services[service]?.version = labels
            for instance in chosen(service, .all, index, running: nil) {
                instance.deploy(labels, at: now)
                well(service, instance.name)
                noteChange(instance.name, "deploy")
            }
            tell(.event, "deploy", "\(service) \(Labels(labels).selectorText)")
        case .set(let service, let metric, let change):
            set(service, metric, change, what)
            tell(.event, "set", "\(service) \(metric)\(Self.text(change))\(span)")
        case .skew(let service, let which, let milliseconds): skew(service, which, milliseconds, what)
        case .fault(let place, let fault): try setFault(place, fault, what)
        case .restartPart(let part, _, let keepsData): try await restart(part, what, keepsData: keepsData)
        case .killPart(let part): try await kill(part, what)
        case .startPart(let part):
            holds.clear(.part(part))
            try await comeBack(part)
        case .deleteGroup(let job, let grouping):
            if let grouping {
                await deliver(.init(method: "DELETE", job: job, grouping: grouping, pusher: "scenario"))
            } else {
                await deleteGroups(of: job)
            }
        case .wipe:
            stack.targets.isGatewayStill = false
            _ = await stack.gateway?.wipe()
            tell(.event, "wipe", "")
        case .push(let job, let grouping, let body, let adds, _):
            await deliver(
                .init(
                    method: adds ? "POST" : "PUT",
                    job: job,
                    grouping: grouping,
                    body: Array(body.utf8),
                    pusher: "scenario"
                )
            )
        case .run(let batch):
            if let number = batches.firstIndex(where: { $0.spec.name == batch }) { beginRun(number) }
        case .pause(let batch):
            hold(what, .down, [.batch(batch)])
            tell(.event, "pause", batch + span)
        case .resume(let batch):
            holds.clear(.batch(batch))
            tell(.event, "resume", batch)
        case .reload: try await reload(index)
        }
    }

    private func start(_ instance: ServiceInstance) {
        if let service = owners[instance.name] { well(service, instance.name) }
        if instance.isUp { return }
        instance.begin(at: now)
        noteChange(instance.name, "start")
        tell(.event, "start", instance.name)
    }

    /// Changes a metric of all instances, and of those that come later.
    private func set(_ service: String, _ metric: String, _ change: MetricChange, _ what: Happening) {
        let isForGood = what.ends == nil
        let places = MetricChange.Field.allCases.filter { change[$0] != nil }
            .map { WorldHolds.Place.metric(service: service, metric: metric, $0) }
        if isForGood {
            for place in places { holds.clear(place) }
            services[service]?.changes.append((metric, change, now))
        }
        for instance in services[service]?.instances ?? [] {
            instance.change(metric, change, at: now, since: now, isForGood: isForGood)
            noteChange(instance.name, "set", metric: metric)
        }
        guard let ends = what.ends else { return }
        for place in places {
            guard case .metric(_, _, let field) = place, let value = change[field] else { continue }
            holds.add(what.number, .value(value, since: now), on: place, isForGood: false)
        }
        queue.add(ends, .scenario, .undo(what.number, places))
    }

    /// A new instance has what is set for a while.
    private func hold(_ instance: ServiceInstance, of service: ServiceSpec) {
        if holds.isEmpty { return }
        for metric in service.metrics {
            for field in MetricChange.Field.allCases {
                let place = WorldHolds.Place.metric(service: service.name, metric: metric.name, field)
                guard case .value(let value, let since) = holds.effect(on: place) else { continue }
                instance.undo(metric.name, field, to: (value, since), at: now)
            }
        }
    }

    /// Sets clocks: those of all instances and of those that come later, or that of one instance.
    private func skew(_ service: String, _ which: EventSpec.Which, _ milliseconds: Int64, _ what: Happening) {
        let instances = chosen(service, which, what.index, running: nil).map(\.name)
        var places = instances.map(WorldHolds.Place.instanceClock)
        if which == .all { places.insert(.clock(service), at: 0) }
        hold(what, .skew(milliseconds), places)
        setSkew(service)
        let names = which == .all ? service : Self.names(instances, of: service)
        tell(.event, "skew", "\(names) by \(Self.skewText(milliseconds))\(what.span)")
    }

    /// How far a clock is ahead, in people's units: `1m30s`, `-2h`.
    private static func skewText(_ milliseconds: Int64) -> String {
        let text = PrometheusDuration(milliseconds: abs(milliseconds)).description
        return milliseconds < 0 ? "-" + text : text
    }

    /// Sets the clocks of a service's instances as events want them, or as they are by themselves.
    private func setSkew(_ name: String) {
        func skew(_ place: WorldHolds.Place) -> Int64? {
            if case .skew(let milliseconds) = holds.effect(on: place) { milliseconds } else { nil }
        }
        let own = skew(.clock(name)) ?? scenario.services.first { $0.name == name }?.skew ?? 0
        services[name]?.spec.skew = own
        for instance in services[name]?.instances ?? [] { instance.skew = skew(.instanceClock(instance.name)) ?? own }
    }

    /// Instances in words.
    private static func names(_ instances: [String], of service: String) -> String {
        instances.isEmpty ? "no instance of \(service)" : instances.joined(separator: " ")
    }

    /// An event ends: what it held goes on as it was, unless another event holds it still.
    func undo(_ event: Int, _ places: [WorldHolds.Place]) async throws {
        var (healed, remaining): ([String], [String]) = ([], [])
        var restored: [String] = []
        for place in places where holds.end(event, on: place) {
            let isHeld = holds.isHeld(place)
            switch place {
            case .instance(let name): if !isHeld { stack.targets.instances[name].map(start) }
            case .part(let part): if !isHeld { try await comeBack(part) }
            case .target, .pushes, .remoteWrite:
                setFault(place)
                if isHeld { remaining.append(Self.name(place)) } else { healed.append(Self.name(place)) }
            case .batch(let batch): if !isHeld { tell(.event, "resume", batch) }
            case .metric(let service, let metric, let field):
                var value: (value: Double, since: Int64)?
                if case .value(let held, let since) = holds.effect(on: place) { value = (held, since) }
                for instance in services[service]?.instances ?? [] {
                    instance.undo(metric, field, to: value, at: now)
                    noteChange(instance.name, "end of the set", metric: metric)
                }
                let words = value.map { "\(field.rawValue) \(MetricChange.text($0.value, of: field))" }
                restored.append("\(service) \(metric) \(words ?? field.rawValue) as before")
            case .clock(let service):
                setSkew(service)
                tell(.event, "skew", "\(service) by \(Self.skewText(services[service]?.spec.skew ?? 0))")
            case .instanceClock(let name):
                guard let service = owners[name] else { continue }
                setSkew(service)
                // Of all of them it is told of the service.
                if places.contains(.clock(service)) { continue }
                let skew = services[service]?.instances.first { $0.name == name }?.skew ?? 0
                tell(.event, "skew", "\(name) by \(Self.skewText(skew))")
            }
        }
        if !healed.isEmpty { tell(.event, "heal", healed.joined(separator: " ")) }
        for words in restored { tell(.event, "set", words) }
        if !remaining.isEmpty { tell(.event, "fault", "\(remaining.joined(separator: " ")) as before") }
        finishEvents()
    }

    private static func name(_ place: WorldHolds.Place) -> String {
        switch place {
        case .instance(let name), .target(let name), .batch(let name), .clock(let name), .instanceClock(let name): name
        case .part(let part): part.rawValue
        case .metric(let service, let metric, _): "\(service) \(metric)"
        case .pushes: "pushes"
        case .remoteWrite: "remote_write"
        }
    }

    private static func text(_ change: MetricChange) -> String {
        MetricChange.Field.allCases.compactMap { field in
            change[field].map { " \(field.rawValue) \(MetricChange.text($0, of: field))" }
        }.joined()
    }

    // MARK: Faults

    private func setFault(_ place: EventSpec.FaultPlace, _ spec: FaultSpec?, _ what: Happening) throws {
        let fault = try spec.map { RunningFault(try Fault(reading: $0.node)) }
        let words = spec.map { " \($0.text)" } ?? ""
        let places: [WorldHolds.Place]
        switch place {
        case .pushes: places = [.pushes]
        case .remoteWrite: places = [.remoteWrite]
        case .target(let address): places = [.target(WorldTargets.name(address))]
        case .service(let service, let which):
            places = chosen(service, which, what.index, running: nil).map { .target($0.name) }
        }
        if let fault { hold(what, .fault(fault), places) } else { for place in places { holds.clear(place) } }
        for place in places {
            setFault(place)
            guard fault != nil, case .target(let name) = place, let service = owners[name] else { continue }
            begin(.fault(service: service), name)
        }
        var names = places.map(Self.name).joined(separator: " ")
        if places.isEmpty, case .service(let service, _) = place { names = Self.names([], of: service) }
        tell(.event, fault == nil ? "heal" : "fault", "\(names)\(words)\(what.span)")
    }

    /// Lets go wrong what events want to go wrong.
    private func setFault(_ place: WorldHolds.Place) {
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

    // MARK: Parts of the stack

    private func restart(_ part: EventSpec.Part, _ what: Happening, keepsData: Bool) async throws {
        let words =
            (keepsData ? "" : " without its data")
            + (what.ends.map { ", back in \(Self.span($0 - now))" } ?? "")
        tell(.stack, part.rawValue, "restarts\(words)")
        switch part {
        case .prometheus:
            if isPrometheusUp {
                await stack.stopPrometheus()
                prometheusIsGone()
            }
            try await stack.reopenStore(keepsData: keepsData)
        case .pushgateway:
            try await stack.stopGateway(keepsData: keepsData)
            isGatewayUp = false
        }
        // It begins again, whatever ended it before.
        holds.clear(.part(part))
        if what.ends == nil { try await comeBack(part) } else { hold(what, .down, [.part(part)]) }
    }

    private func prometheusIsGone() {
        isPrometheusUp = false
        groupAlerts = [:]
        endFirings()
        health = [:]
    }

    private func kill(_ part: EventSpec.Part, _ what: Happening) async throws {
        let isUp =
            switch part {
            case .prometheus: isPrometheusUp
            case .pushgateway: isGatewayUp
            }
        tell(.stack, part.rawValue, "\(isUp ? "is killed" : "is down already")\(what.span)")
        hold(what, .down, [.part(part)])
        if !isUp { return }
        switch part {
        case .prometheus:
            try await stack.killPrometheus()
            prometheusIsGone()
        case .pushgateway:
            try await stack.stopGateway(keepsData: true, isKilled: true)
            isGatewayUp = false
        }
    }

    func comeBack(_ part: EventSpec.Part) async throws {
        switch part {
        case .prometheus:
            if isPrometheusUp { return }
            try await stack.startPrometheus()
            isPrometheusUp = true
            noteRules()
            noteAlerts()
        case .pushgateway:
            if isGatewayUp { return }
            try await stack.startGateway()
            isGatewayUp = stack.gateway != nil
            if !isGatewayUp { return }
        }
        tell(.stack, part.rawValue, "is there again")
    }

    /// The configuration with the targets that there are now.
    private func applyConfig() async throws {
        let counts = scenario.services.map { ($0.name, services[$0.name]?.count ?? 0) }
        try await stack.apply(try currentConfig.config(counts: counts))
        noteRules()
        noteAlerts()
    }

    private var currentConfig: SimulatedConfig {
        guard let index = lastReload, case .reload(let node, let file, let path) = scenario.events[index].action else {
            return SimulatedConfig(scenario)
        }
        var config = SimulatedConfig(scenario)
        (config.node, config.file, config.path) = (node, file, path)
        return config
    }

    private func reload(_ index: Int) async throws {
        let before = lastReload
        lastReload = index
        do {
            try await applyConfig()
            tell(.stack, "prometheus", "loads another configuration")
            endGoneAlerts()
        } catch {
            lastReload = before
            tell(.stack, "prometheus", "keeps its configuration, as the new one is wrong: \(error)")
        }
    }
}
