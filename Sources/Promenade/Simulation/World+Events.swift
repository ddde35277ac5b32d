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
            for (metric, settings) in state.latencies { instance.distribute(metric, settings.seen, at: now) }
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
    func chosen(_ service: String, _ which: EventSpec.Which, _ index: Int, running: Bool?) -> [ServiceInstance] {
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
    func hold(_ what: Happening, _ effect: WorldHolds.Effect, _ places: [WorldHolds.Place]) {
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
            for instance in all {
                guard instance.isUp else {
                    tell(.event, "kill", "\(instance.name)\(span), which is down already")
                    continue
                }
                instance.kill()
                noteChange(instance.name, "kill")
                begin(.kill(service: service), instance.name)
                tell(.event, "kill", instance.name + span)
            }
            hold(what, .down, all.map { .instance($0.name) })
            if all.isEmpty { tell(.event, "kill", nobody(service, which, isUp: true)) }
        case .start(let service, let which):
            let all = chosen(service, which, index, running: false)
            let down = all.filter { !$0.isUp }
            for instance in all { start(instance) }
            if down.isEmpty { tell(.event, "start", nobody(service, all.isEmpty ? which : .all, isUp: false, all)) }
        case .restart(let service, let which):
            let all = chosen(service, which, index, running: nil)
            if all.isEmpty { tell(.event, "restart", nobody(service, which)) }
            for instance in all {
                instance.begin(at: now)
                well(service, instance.name)
                noteChange(instance.name, "restart")
                tell(.event, "restart", instance.name)
            }
        case .scale(let service, let count):
            let isSame = services[service]?.count == count
            setCount(service, count)
            tell(.event, "scale", "\(service) to \(count)\(isSame ? ", as before" : "")")
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
        case .skew(let service, let which, let milliseconds): skew(service, which, milliseconds, what)
        case .fault(let place, let fault): try setFault(place, fault, what)
        case .restartPart(let part, _, let keepsData): try await restart(part, what, keepsData: keepsData)
        case .killPart(let part): try await kill(part, what)
        case .startPart(let part):
            holds.clear(.part(part))
            if try await !comeBack(part) { tell(.stack, part.rawValue, "is there already") }
        case .deleteGroup(let job, let grouping):
            if let grouping {
                await deliver(.init(method: "DELETE", job: job, grouping: grouping, pusher: "scenario"))
            } else {
                await deleteGroups(of: job)
            }
        case .wipe: await wipe()
        case .push(let job, let grouping, let body, let adds, let isRefused):
            await deliver(
                .init(
                    method: adds ? "POST" : "PUT",
                    job: job,
                    grouping: grouping,
                    body: Array(body.utf8),
                    pusher: "scenario",
                    isMeantToFail: isRefused
                )
            )
        case .run(let batch):
            if holds.isHeld(.batch(batch)) { tell(.event, "run", "\(batch), which is paused, so it does not run") }
            if let number = batches.firstIndex(where: { $0.spec.name == batch }) { beginRun(number) }
        case .pause(let batch):
            let isPaused = holds.isHeld(.batch(batch))
            hold(what, .down, [.batch(batch)])
            tell(.event, "pause", "\(batch)\(span)\(isPaused ? ", which is paused already" : "")")
        case .resume(let batch):
            let isPaused = holds.isHeld(.batch(batch))
            holds.clear(.batch(batch))
            tell(.event, "resume", "\(batch)\(isPaused ? "" : ", which is not paused")")
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

    /// That there is nobody whom an event is about, and why.
    /// - Parameters:
    ///   - isUp: what those would be whom it is about; `nil` where that does not matter.
    ///   - others: who is there, and is not so.
    func nobody(_ service: String, _ which: EventSpec.Which, isUp: Bool? = nil, _ others: [ServiceInstance] = [])
        -> String
    {
        let count = services[service]?.count ?? 0
        let state = isUp.map { $0 ? " is up" : " is down" } ?? ""
        if others.count == 1 { return "\(others[0].name), which is not down" }
        if case .number(let number) = which {
            return "no instance of \(service) is \(service)-\(number), as it has \(count)"
        }
        return "no instance of \(service)\(count == 0 ? "" : state)"
    }

    /// An event ends: what it held goes on as it was, unless another event holds it still.
    func undo(_ event: Int, _ places: [WorldHolds.Place]) async throws {
        var (healed, remaining): ([String], [String]) = ([], [])
        var restored: [String] = []
        endLatencies(event, places)
        for place in places where holds.end(event, on: place) {
            let isHeld = holds.isHeld(place)
            switch place {
            case .instance(let name): if !isHeld { stack.targets.instances[name].map(start) }
            case .part(let part): if !isHeld { _ = try await comeBack(part) }
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

    /// Whom or what a place is about.
    static func name(_ place: WorldHolds.Place) -> String {
        switch place {
        case .instance(let name), .target(let name), .batch(let name), .clock(let name), .instanceClock(let name): name
        case .part(let part): part.rawValue
        case .metric(let service, let metric, _): "\(service) \(metric)"
        case .pushes: "pushes"
        case .remoteWrite: "remote_write"
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
            if !keepsData { await noteFound() }
            try await stack.reopenStore(keepsData: keepsData)
        case .pushgateway:
            try await stack.stopGateway(keepsData: keepsData)
            isGatewayUp = false
            if !keepsData { noteChange(ofGroups: "restart of the Pushgateway without its data") }
        }
        // It begins again, whatever ended it before.
        holds.clear(.part(part))
        if what.ends == nil { _ = try await comeBack(part) } else { hold(what, .down, [.part(part)]) }
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

    /// A part begins again where it is down.
    /// - Returns: whether it was down and is not any more.
    func comeBack(_ part: EventSpec.Part) async throws -> Bool {
        switch part {
        case .prometheus:
            if isPrometheusUp { return false }
            try await stack.startPrometheus()
            isPrometheusUp = true
            noteRules()
            noteAlerts()
        case .pushgateway:
            if isGatewayUp { return false }
            try await stack.startGateway()
            isGatewayUp = stack.gateway != nil
            if !isGatewayUp { return false }
        }
        tell(.stack, part.rawValue, "is there again")
        return true
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
