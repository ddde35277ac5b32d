import ConfigTree
import Exposition
import MetricModel
import PromQL
import Rules
import Simulation
import TSDB

/// Series of which a condition may be met because there are none.
struct SilentSelector {
    let matchers: [LabelMatcher]
    /// Whether there ever was one.
    var wasFound = false

    /// Those of an expression.
    /// - Parameter isNever: whether it is never to hold.
    static func all(in expression: Expr, isNever: Bool) -> [Self] {
        let selectors = isNever ? Expectations.allSelectors(in: expression) : Expectations.silences(in: expression)
        var seen: Set<[LabelMatcher]> = []
        return selectors.map(\.matchers).filter { seen.insert($0).inserted }.map { Self(matchers: $0) }
    }
}

/// What expectations are met by that is not there: where it never was, somebody may have mistyped its name, so a note says so.
extension World {
    /// What rules the stack had by now.
    struct KnownRules {
        var records: Set<String> = []
        /// The labels of each alert that are the same for all of it, with its name.
        var alerts: Set<Labels> = []
    }

    /// Other rules may be in use.
    func noteKnownRules() {
        for rule in stack.rules?.manager.snapshots.flatMap(\.definition.rules) ?? [] {
            switch rule.kind {
            case .recording: knownRules.records.insert(rule.name)
            case .alerting:
                let fixed = rule.labels.filter { !$0.value.contains("{{") && $0.name != "alertname" }
                knownRules.alerts.insert(Labels(fixed + [Label(name: "alertname", value: rule.name)]))
            }
        }
    }

    /// Looks for what was not there by now, before the store may forget what was.
    func noteFound() async {
        for index in expectations.indices {
            let store = expectations[index].spec.isRemote ? stack.receiver?.store : stack.store
            guard let store else { continue }
            for place in expectations[index].silent.indices where !expectations[index].silent[place].wasFound {
                let matchers = expectations[index].silent[place].matchers
                let names = try? await store.labelValues(Labels.metricName, [matchers], in: .ever)
                if names?.isEmpty ?? false { continue }
                expectations[index].silent[place].wasFound = true
            }
        }
    }

    /// The same after a while, as old samples are deleted.
    func noteFoundInTime() async {
        guard now >= foundDue else { return }
        let day: Int64 = 86_400_000
        foundDue = now + max(60_000, min(day, (stack.options.store.retention ?? day) / 2)) * 1_000_000
        await noteFound()
    }

    /// The world is over: of what is met, and of what it is about nothing ever was there, that is told.
    func noteSilence() async {
        // What would have come then, or by the events that are left out, is not known.
        if isCut || !options.leftOut.isEmpty { return }
        await noteFound()
        for index in expectations.indices where expectations[index].verdict?.isMet ?? false {
            let state = expectations[index]
            var lines: [String] = []
            for selector in state.silent where !selector.wasFound {
                if let line = await note(selector.matchers, isRemote: state.spec.isRemote) { lines.append(line) }
            }
            if case .notNotified = state.spec.kind, let line = alertNote(state.spec.matchers, isNotice: true) {
                lines.append(line)
            }
            expectations[index].notes = lines
        }
    }

    /// What is to be said of series that never were there; `nil` where that may be as it is meant.
    private func note(_ matchers: [LabelMatcher], isRemote: Bool) async -> String? {
        guard let selector = NamedSelector(matchers) else {
            return "nothing here ever fitted \(NoticeCondition(matchers).selector)"
        }
        guard let store = isRemote ? stack.receiver?.store : stack.store else { return nil }
        let name = LabelMatcher(Labels.metricName, equals: selector.name)
        let others = (try? await store.series([[name]], in: .ever)).map { Array($0.prefix(Self.nearLimit)) } ?? []
        if AlertSeries.names.contains(selector.name) {
            return alertNote(selector.matchers, isNotice: false) ?? Self.strangeLabel(selector.matchers, among: others)
        }
        let misses = others.map { labels in (labels, selector.matchers.filter { !$0.matches(labels) }) }
        if let (labels, missed) = misses.min(by: { ($0.1.count, $0.0) < ($1.1.count, $1.0) }) {
            let reasons = missed.map { $0.miss(of: labels) }.joined(separator: ", ")
            return "nothing here ever fitted \(selector.text); the nearest is \(labels.selectorText): \(reasons)"
        }
        // Who is to bring it is known: that it did not come in this world may be just what is meant.
        let comings = comings
        if comings[selector.name] != nil || knownRules.records.contains(selector.name) { return nil }
        let all = await names(store) + comings.keys + knownRules.records
        let near = DidYouMean.nearest(selector.name, among: all.sorted())
        let similar = near.map { [$0] } ?? Similarity.closest(to: selector.name, among: all)
        let question = similar.isEmpty ? "" : "; is \(similar.joined(separator: " or ")) meant?"
        return "nothing here is called \(selector.name)\(question)"
    }

    /// What is to be said of a condition on a label that no alert had, of those that there were.
    private static func strangeLabel(_ matchers: [LabelMatcher], among others: [Labels]) -> String? {
        let names = Set(others.flatMap { $0.map(\.name) }).subtracting([Labels.metricName])
        let strange = matchers.first { !$0.matches("") && !names.contains($0.name) }
        guard let strange, !names.isEmpty else { return nil }
        return "no alert here has a label \(strange.name); there is \(names.sorted().joined(separator: ", "))"
    }

    /// The most series among which the nearest is looked for.
    private static let nearLimit = 1000

    /// What is to be said of alerts that cannot be; `nil` where they can. That they did not come to be is what is hoped for.
    private func alertNote(_ matchers: [LabelMatcher], isNotice: Bool) -> String? {
        if isNotice, stack.config.relabelsAlerts { return nil }
        let names = matchers.filter { $0.name == "alertname" }
        let rest = matchers.filter { $0.name != "alertname" && $0.name != "alertstate" }
        func text(_ matchers: [LabelMatcher]) -> String { NoticeCondition(matchers).selector }
        let known = knownRules.alerts.sorted()
        if known.isEmpty { return "the stack has no alerting rules" }
        let called = known.filter { labels in names.allSatisfy { $0.matches(labels) } }
        if called.isEmpty {
            let all = Set(known.map { $0["alertname"] ?? "" }).sorted().joined(separator: ", ")
            return "no alert here fits \(text(names.isEmpty ? matchers : names)); there is \(all)"
        }
        for matcher in matchers where matcher.name == "alertstate" {
            if ["pending", "firing"].contains(where: { matcher.matches($0) }) { continue }
            return "no alert is ever \(text([matcher])): it is pending or firing"
        }
        func misses(_ labels: Labels) -> [LabelMatcher] {
            rest.filter { labels[$0.name] != nil && !$0.matches(labels) }
        }
        guard let first = called.first, called.allSatisfy({ !misses($0).isEmpty }) else { return nil }
        let reasons = misses(first).map { $0.miss(of: first) }.joined(separator: ", ")
        return "no alert here ever fits \(text(matchers)): of \(first["alertname"] ?? "") \(reasons)"
    }
}

extension ExpectationSpec {
    /// Whether something is never to hold.
    var isNever: Bool { if case .never = kind { true } else { false } }
}
