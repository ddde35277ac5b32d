import MetricModel
import Simulation

/// What events set of metrics and of clocks.
extension World {
    /// Changes a metric of all instances, and of those that come later.
    func set(_ service: String, _ metric: String, _ change: MetricChange, _ what: Happening) {
        let isForGood = what.ends == nil
        let isSame = isSo(service, metric, change)
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
        if change.median != nil || change.p99 != nil {
            changeLatencies(service, metric) {
                $0.set(median: change.median, p99: change.p99, by: what.number, isForGood: isForGood)
            }
        }
        tell(.event, "set", "\(service) \(metric)\(Self.text(change))\(what.span)\(isSame ? ", as before" : "")")
        guard let ends = what.ends else { return }
        for place in places {
            guard case .metric(_, _, let field) = place, let value = change[field] else { continue }
            holds.add(what.number, .value(value, since: now), on: place, isForGood: false)
        }
        queue.add(ends, .scenario, .undo(what.number, places))
    }

    /// Whether all is so already that a change sets, and nothing moves it.
    private func isSo(_ service: String, _ metric: String, _ change: MetricChange) -> Bool {
        guard let state = services[service], let spec = state.spec.metrics.first(where: { $0.name == metric }),
            spec.steps.isEmpty, spec.walk == 0, spec.leak == 0
        else { return false }
        let latency = state.latencies[metric] ?? LatencySettings(spec.latency)
        func isSame(_ field: MetricChange.Field) -> Bool {
            guard let value = change[field] else { return true }
            // What is there for a while ends at another time.
            if holds.passes(.metric(service: service, metric: metric, field)) { return false }
            switch field {
            case .median: return latency.median == value
            // One that nobody set goes with the median.
            case .p99: return latency.p99.value == value && latency.p99.event != nil
            case .rate, .value:
                let last = state.changes.last { $0.metric == metric && $0.change[field] != nil }
                if let last { return last.change[field] == value }
                return field == .rate ? spec.rate == value : spec.value == .number(value)
            }
        }
        return MetricChange.Field.allCases.allSatisfy(isSame)
    }

    /// Another distribution of a metric, for all instances.
    private func changeLatencies(_ service: String, _ metric: String, _ body: (inout LatencySettings) -> Void) {
        guard let state = services[service], let spec = state.spec.metrics.first(where: { $0.name == metric }) else {
            return
        }
        var settings = state.latencies[metric] ?? LatencySettings(spec.latency)
        body(&settings)
        services[service]?.latencies[metric] = settings
        for instance in state.instances { instance.distribute(metric, settings.seen, at: now) }
    }

    /// What an event set of distributions is over, also where another one covers it.
    func endLatencies(_ event: Int, _ places: [WorldHolds.Place]) {
        for case .metric(let service, let metric, let field) in places where field == .median || field == .p99 {
            changeLatencies(service, metric) { $0.end(event) }
        }
    }

    /// A new instance has what is set for a while.
    func hold(_ instance: ServiceInstance, of service: ServiceSpec) {
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
    func skew(_ service: String, _ which: EventSpec.Which, _ milliseconds: Int64, _ what: Happening) {
        let instances = chosen(service, which, what.index, running: nil).map(\.name)
        var places = instances.map(WorldHolds.Place.instanceClock)
        if which == .all { places.insert(.clock(service), at: 0) }
        func skews() -> [Int64] {
            [services[service]?.spec.skew ?? 0] + (services[service]?.instances.map(\.skew) ?? [])
        }
        let before = places.contains(where: holds.passes) ? nil : skews()
        hold(what, .skew(milliseconds), places)
        setSkew(service)
        let same = !places.isEmpty && skews() == before ? ", as before" : ""
        let there = instances.isEmpty ? nobody(service, which) : instances.joined(separator: " ")
        tell(.event, "skew", "\(which == .all ? service : there) by \(Self.skewText(milliseconds))\(what.span)\(same)")
    }

    /// How far a clock is ahead, in people's units: `1m30s`, `-2h`.
    static func skewText(_ milliseconds: Int64) -> String {
        let text = PrometheusDuration(milliseconds: abs(milliseconds)).description
        return milliseconds < 0 ? "-" + text : text
    }

    /// Sets the clocks of a service's instances as events want them, or as they are by themselves.
    func setSkew(_ name: String) {
        func skew(_ place: WorldHolds.Place) -> Int64? {
            if case .skew(let milliseconds) = holds.effect(on: place) { milliseconds } else { nil }
        }
        let own = skew(.clock(name)) ?? scenario.services.first { $0.name == name }?.skew ?? 0
        services[name]?.spec.skew = own
        for instance in services[name]?.instances ?? [] { instance.skew = skew(.instanceClock(instance.name)) ?? own }
    }

    /// What changes, in words.
    static func text(_ change: MetricChange) -> String {
        MetricChange.Field.allCases.compactMap { field in
            change[field].map { " \(field.rawValue) \(MetricChange.text($0, of: field))" }
        }.joined()
    }
}
