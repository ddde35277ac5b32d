package import MetricModel
import PromQL
import Rules
import Scrape
package import Simulation

/// What studies want to know of a world.
extension World {
    /// A time in which something was wrong.
    package struct Outage: Sendable, Hashable {
        /// What it is counted as.
        package var kind: StudySpec.Outage
        /// The instance; empty for no particular one.
        package var instance: String
        package var from: Int64
        /// `nil` while it lasts.
        package var to: Int64?
    }

    /// An alert that began to fire.
    package struct Firing: Sendable, Hashable {
        package var time: Int64
        package var labels: Labels
        /// When it did not fire any more; `nil` while it does.
        package var to: Int64?

        /// Whether it had begun before a moment and went on.
        func fires(at time: Int64) -> Bool { self.time < time && to ?? .max > time }
    }

    /// Outages, of which only those are noted that a study asks about.
    struct OutageBook {
        let asked: Set<StudySpec.Outage>
        private(set) var all: [Outage] = []
        /// Places of those that last until somebody says that they are over.
        private var open: [Kind: Int] = [:]
        /// Places of those that last as long as an event.
        private var events: [Int: [Int]] = [:]

        private struct Kind: Hashable {
            var kind: StudySpec.Outage
            var instance: String
        }

        init(_ studies: [StudySpec]) { asked = Set(studies.flatMap(\.outages)) }

        mutating func begin(_ kind: StudySpec.Outage, _ instance: String, _ event: Int?, at time: Int64) {
            guard asked.contains(kind) else { return }
            if let event {
                events[event, default: []].append(all.count)
            } else {
                let place = Kind(kind: kind, instance: instance)
                if open[place] != nil { return }
                open[place] = all.count
            }
            all.append(Outage(kind: kind, instance: instance, from: time))
        }

        mutating func finish(_ kind: StudySpec.Outage, _ instance: String, at time: Int64) {
            guard let index = open.removeValue(forKey: Kind(kind: kind, instance: instance)) else { return }
            all[index].to = time
        }

        mutating func finishEvents(at time: Int64, where isOver: (Int) -> Bool) {
            for event in events.keys where isOver(event) {
                for index in events.removeValue(forKey: event) ?? [] { all[index].to = time }
            }
        }
    }

    /// How long after the beginning of an outage an alert of each rule may begin to fire at the latest, where its condition needs
    /// no more than the ranges in it: a scrape sees the outage, an evaluation the scrape, and `for` has to pass.
    func noteAlerts() {
        noteKnownRules()
        guard !scenario.studies.isEmpty, let scraper = stack.scraper, let rules = stack.rules else { return }
        let scrapes = scraper.pools().map(\.config.scrapeInterval.milliseconds).max() ?? 0
        for group in rules.manager.snapshots.map(\.definition) {
            for rule in group.rules where rule.kind == .alerting {
                var range: Int64 = 0
                rule.expression.walk { expression, _ in
                    if case .matrixSelector(let node) = expression { range = max(range, node.range) }
                    if case .subquery(let node) = expression { range = max(range, node.range) }
                    return true
                }
                // `for` is looked at by evaluations: it is over at the next one. What is longer than the world is as long.
                let waits = [scrapes, group.interval, group.interval, rule.holdDuration, range / 1_000_000]
                let reach = waits.reduce(0) { $0 + min($1, scenario.duration / 1_000_000) } * 1_000_000
                reaches[rule.name] = max(reaches[rule.name] ?? 0, reach)
            }
        }
    }

    /// An alert that fires: two groups can have some with the same labels.
    struct FiringAlert: Hashable {
        var group: String
        var labels: Labels
    }

    /// An alert begins to fire.
    func beginFiring(_ labels: Labels, of group: String) {
        firingNow[FiringAlert(group: group, labels: labels)] = firings.count
        firings.append(Firing(time: now, labels: labels))
    }

    /// An alert does not fire any more.
    func endFiring(_ labels: Labels, of group: String) {
        guard let index = firingNow.removeValue(forKey: FiringAlert(group: group, labels: labels)) else { return }
        firings[index].to = now
    }

    /// Another configuration is in use: alerts of groups and rules that it does not have are over, though no evaluation says so.
    func endGoneAlerts() {
        guard let rules = stack.rules, groupAlerts.contains(where: { !$0.value.isEmpty }) else { return }
        var there: [String: Set<Labels>] = [:]
        for snapshot in rules.manager.snapshots {
            there[snapshot.definition.key] = Set(snapshot.rules.flatMap(\.alerts).map(\.labels))
        }
        for (group, alerts) in groupAlerts.sorted(by: { $0.key < $1.key }) {
            let rest = there[group]
            for labels in alerts.keys.sorted() where !(rest?.contains(labels) ?? false) {
                if alerts[labels] == .firing { endFiring(labels, of: group) }
                groupAlerts[group]?[labels] = nil
                tell(.alert, labels["alertname"] ?? "", "inactive \(Self.text(labels))")
            }
            if rest == nil { groupAlerts[group] = nil }
        }
    }

    /// Nothing fires any more: the server is gone.
    func endFirings() {
        for index in firingNow.values { firings[index].to = now }
        firingNow = [:]
    }

    /// Something goes wrong.
    /// - Parameter event: the event as long as which it lasts; `nil` where somebody says when it is over.
    func begin(_ kind: StudySpec.Outage, _ instance: String, by event: Int? = nil) {
        book.begin(kind, instance, event, at: now)
    }

    /// It is over.
    func finish(_ kind: StudySpec.Outage, _ instance: String = "") {
        book.finish(kind, instance, at: now)
    }

    /// Events that hold nothing any more are over.
    func finishEvents() {
        book.finishEvents(at: now) { !holds.holds($0) }
    }
}
