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
            for (metric, change) in state.changes { instance.change(metric, change, at: now) }
            if now > 0 || !state.version.isEmpty { instance.deploy(state.version, at: now) }
            state.instances.append(instance)
        }
        for (index, instance) in state.instances.enumerated() {
            let isThere = index < count
            if isThere, index >= state.count, now > 0 { instance.begin(at: now) }
            if isThere {
                stack.targets.instances[instance.name] = instance
            } else {
                stack.targets.instances[instance.name] = nil
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

    func event(_ index: Int) async throws {
        let event = scenario.events[index]
        if let every = event.every { queue.add(now + every, .scenario, .event(index)) }
        let ends = event.lasting.map { now + chance[index].whole($0) }
        let span = ends.map { " for \(PrometheusDuration(milliseconds: ($0 - now) / 1_000_000))" } ?? ""
        note(.event(word: event.word), "", ends: ends ?? now)
        switch event.action {
        case .kill(let service, let which):
            let killed = chosen(service, which, index, running: true).filter(\.isUp)
            for instance in killed {
                instance.kill()
                begin(.kill(service: service), instance.name)
                tell(.event, "kill", instance.name + span)
            }
            if let ends { queue.add(ends, .scenario, .undo(index, .start(killed.map(\.name)))) }
        case .start(let service, let which):
            start(chosen(service, which, index, running: false))
        case .restart(let service, let which):
            for instance in chosen(service, which, index, running: nil) {
                instance.begin(at: now)
                finish(instance.name)
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
                finish(instance.name)
            }
            tell(.event, "deploy", "\(service) \(Labels(labels).selectorText)")
        case .set(let service, let metric, let change):
            services[service]?.changes.append((metric, change))
            for instance in services[service]?.instances ?? [] { instance.change(metric, change, at: now) }
            tell(.event, "set", "\(service) \(metric)\(Self.text(change))")
        case .skew(let service, let milliseconds):
            let before = services[service]?.instances.first?.skew ?? 0
            setSkew(service, milliseconds)
            tell(.event, "skew", "\(service) by \(milliseconds)ms\(span)")
            if let ends { queue.add(ends, .scenario, .undo(index, .skew(service, before))) }
        case .fault(let place, let fault): try setFault(place, fault, index, ends, span)
        case .restartPart(let part, let down, let keepsData):
            try await restart(part, down: down, keepsData: keepsData)
        case .killPart(let part):
            try await kill(part, span)
            if let ends { queue.add(ends, .scenario, .returnOf(part)) }
        case .startPart(let part): try await comeBack(part)
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
        case .push(let job, let grouping, let body, let adds):
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
            paused.insert(batch)
            tell(.event, "pause", batch + span)
            if let ends { queue.add(ends, .scenario, .undo(index, .resume(batch))) }
        case .resume(let batch):
            paused.remove(batch)
            tell(.event, "resume", batch)
        case .reload: try await reload(index)
        }
    }

    private func start(_ instances: [ServiceInstance]) {
        for instance in instances where !instance.isUp {
            instance.begin(at: now)
            finish(instance.name)
            tell(.event, "start", instance.name)
        }
    }

    private func setSkew(_ service: String, _ milliseconds: Int64) {
        services[service]?.spec.skew = milliseconds
        for instance in services[service]?.instances ?? [] { instance.skew = milliseconds }
    }

    func undo(_ index: Int, _ undo: WorldItem.Undo) {
        switch undo {
        case .start(let names): start(names.compactMap { stack.targets.instances[$0] })
        case .heal(let names):
            for name in names {
                stack.faults.set(nil, job: "", target: name)
                finish(name)
            }
            tell(.event, "heal", names.joined(separator: " "))
        case .healPushes:
            stack.faults.setPushes(nil)
            tell(.event, "heal", "pushes")
        case .healRemoteWrite:
            stack.faults.setRemoteWrites(nil)
            tell(.event, "heal", "remote_write")
        case .resume(let batch):
            paused.remove(batch)
            tell(.event, "resume", batch)
        case .skew(let service, let milliseconds):
            setSkew(service, milliseconds)
            tell(.event, "skew", "\(service) by \(milliseconds)ms")
        }
    }

    private static func text(_ change: MetricChange) -> String {
        let parts = [
            ("rate", change.rate), ("value", change.value), ("median", change.median), ("p99", change.p99),
        ]
        return parts.compactMap { name, value in value.map { " \(name) \(GoNumber.text($0, .shortest))" } }.joined()
    }

    // MARK: Faults

    private func setFault(
        _ place: EventSpec.FaultPlace,
        _ spec: FaultSpec?,
        _ index: Int,
        _ ends: Int64?,
        _ span: String
    ) throws {
        let fault = try spec.map { try Fault(reading: $0.node) }
        let words = spec.map { " \($0.text)" } ?? ""
        var names: [String]
        switch place {
        case .pushes:
            stack.faults.setPushes(fault)
            tell(.event, fault == nil ? "heal" : "fault", "pushes\(words)\(span)")
            if let ends { queue.add(ends, .scenario, .undo(index, .healPushes)) }
            return
        case .remoteWrite:
            stack.faults.setRemoteWrites(fault)
            tell(.event, fault == nil ? "heal" : "fault", "remote_write\(words)\(span)")
            if let ends { queue.add(ends, .scenario, .undo(index, .healRemoteWrite)) }
            return
        case .target(let address): names = [WorldTargets.name(address)]
        case .service(let service, let which): names = chosen(service, which, index, running: nil).map(\.name)
        }
        for name in names {
            stack.faults.set(fault, job: "", target: name)
            if fault == nil {
                finish(name)
            } else if case .service(let service, _) = place {
                begin(.fault(service: service), name)
            }
        }
        tell(.event, fault == nil ? "heal" : "fault", "\(names.joined(separator: " "))\(words)\(span)")
        if let ends { queue.add(ends, .scenario, .undo(index, .heal(names))) }
    }

    // MARK: Parts of the stack

    private func restart(_ part: EventSpec.Part, down: Int64, keepsData: Bool) async throws {
        let words =
            (keepsData ? "" : " without its data")
            + (down > 0 ? ", back in \(PrometheusDuration(milliseconds: down / 1_000_000))" : "")
        tell(.stack, part.rawValue, "restarts\(words)")
        switch part {
        case .prometheus:
            if !isPrometheusUp { return }
            await stack.stopPrometheus()
            prometheusIsGone()
            try await stack.reopenStore(keepsData: keepsData)
        case .pushgateway:
            if !isGatewayUp { return }
            try await stack.stopGateway(keepsData: keepsData)
            isGatewayUp = false
        }
        if down > 0 { queue.add(now + down, .scenario, .returnOf(part)) } else { try await comeBack(part) }
    }

    private func prometheusIsGone() {
        isPrometheusUp = false
        groupAlerts = [:]
        health = [:]
    }

    private func kill(_ part: EventSpec.Part, _ span: String) async throws {
        tell(.stack, part.rawValue, "is killed\(span)")
        switch part {
        case .prometheus:
            if !isPrometheusUp { return }
            try await stack.killPrometheus()
            prometheusIsGone()
        case .pushgateway:
            if !isGatewayUp { return }
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
        case .pushgateway:
            if isGatewayUp { return }
            try await stack.startGateway()
            isGatewayUp = true
        }
        tell(.stack, part.rawValue, "is there again")
    }

    /// The configuration with the targets that there are now.
    private func applyConfig() async throws {
        let counts = scenario.services.map { ($0.name, services[$0.name]?.count ?? 0) }
        try await stack.apply(try currentConfig.config(counts: counts))
        noteRules()
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
        } catch {
            lastReload = before
            tell(.stack, "prometheus", "keeps its configuration, as the new one is wrong: \(error)")
        }
    }

    // MARK: What studies want to know

    func begin(_ kind: StudySpec.Outage, _ instance: String) {
        if outages.contains(where: { $0.kind == kind && $0.instance == instance && $0.to == nil }) { return }
        outages.append(Outage(kind: kind, instance: instance, from: now, to: nil))
    }

    func finish(_ instance: String) {
        for index in outages.indices where outages[index].instance == instance && outages[index].to == nil {
            outages[index].to = now
        }
    }

    func finish(_ kind: StudySpec.Outage) {
        for index in outages.indices where outages[index].kind == kind && outages[index].to == nil {
            outages[index].to = now
        }
    }

    func note(_ kind: StudySpec.Outage, _ instance: String, ends: Int64) {
        outages.append(Outage(kind: kind, instance: instance, from: now, to: ends))
    }
}
