import Exposition
import MetricModel
import Rules
import Simulation

/// What somebody is told of, and what was expected of that.
extension World {
    /// A notice that was sent.
    struct Notice {
        var time: Int64
        var labels: Labels
        var isResolved: Bool
    }

    /// The most notices that are remembered, to say who was told of what else.
    private static let noticeLimit = 10_000

    /// A notice was sent.
    func note(_ notice: AlertNotice) {
        var isAsked = false
        for index in expectations.indices {
            let spec = expectations[index].spec
            let isInSpan: Bool
            switch spec.kind {
            case .notified(let after, let until):
                isAsked = true
                isInSpan = now >= after && now <= until
            case .notNotified(let from, let to): isInSpan = now >= from && now < to
            case .at, .always, .never, .within: continue
            }
            guard expectations[index].verdict == nil, notice.isResolved == spec.isResolved, isInSpan,
                spec.matchers.allSatisfy({ $0.matches(notice.labels) })
            else { continue }
            var isMet = true
            if case .notNotified = spec.kind { isMet = false }
            let again = notice.isRepeated ? " again" : ""
            let words = "somebody was told\(again) of \(notice.labels.selectorText)"
            expectations[index].verdict = .init(isMet: isMet, time: now, reasons: [words])
            tell(.expect, isMet ? "ok" : "not met", spec.title)
        }
        guard isAsked, !notice.isRepeated, notices.count < Self.noticeLimit else { return }
        notices.append(Notice(time: now, labels: notice.labels, isResolved: notice.isResolved))
    }

    /// Who was told too early, or of nearly the same.
    func noticesBefore(_ after: Int64, _ spec: ExpectationSpec) -> [String] {
        others(spec) { time in time < after ? ["\(Self.span(after - time)) too early"] : [] }
    }

    /// Who was told too late.
    func noticesAfter(_ until: Int64, _ spec: ExpectationSpec) -> [String] {
        others(spec) { time in time > until ? ["\(Self.span(time - until)) too late"] : nil }
    }

    /// Who was told of nearly what was meant.
    /// - Parameter misses: what is wrong with the moment; `nil` for one that does not count.
    private func others(_ spec: ExpectationSpec, _ misses: (Int64) -> [String]?) -> [String] {
        var lines: [String] = []
        for notice in notices where notice.isResolved == spec.isResolved {
            let missed = spec.matchers.filter { !$0.matches(notice.labels) }
            // Another alert is no near miss.
            if missed.contains(where: { $0.name == "alertname" }) { continue }
            guard var reasons = misses(notice.time) else { continue }
            reasons += missed.map { $0.miss(of: notice.labels) }
            let place = "somebody was told of \(notice.labels.selectorText) at +\(Self.span(notice.time))"
            lines.append("\(place): \(reasons.joined(separator: ", "))")
        }
        return lines.prefix(5) + (lines.count > 5 ? ["… and \(lines.count - 5) times more"] : [])
    }

    /// How far the alerts are of which somebody should have been told by now, and what their rules find.
    func whyNobody(_ spec: ExpectationSpec) async -> [String] {
        var lines = await whyNoAlert(spec.matchers, isResolved: spec.isResolved)
        guard let rules = stack.rules else { return lines }
        let condition = NoticeCondition(spec.matchers, isResolved: spec.isResolved)
        let dropped = ObservedRule.alerting(rules.manager.snapshots).filter { rule in
            condition.alertName.map { $0 == rule.name } ?? true
        }
        for alert in dropped.flatMap(\.alerts).prefix(100)
        where alert.state == Alert.State.firing.name && rules.isDropped(alert.labels) {
            lines.append("alert_relabel_configs drop \(alert.labels.selectorText)")
        }
        return lines
    }

    /// How far the alerts are that have such labels, and what their rules find.
    func whyNoAlert(_ matchers: [LabelMatcher], isResolved: Bool = false) async -> [String] {
        if !scenario.missingAlerts.isEmpty { return [scenario.missingAlerts] }
        guard let rules = stack.rules else { return ["the Prometheus server is down"] }
        var evidence = ExpectationEvidence()
        evidence.alerts.now = clock.now
        evidence.alerts.rules = ObservedRule.alerting(rules.manager.snapshots)
        let condition = NoticeCondition(matchers, isResolved: isResolved)
        if condition.alertName == nil, !evidence.alerts.rules.isEmpty {
            // Of all rules only those count that found something.
            evidence.alerts.rules.removeAll { $0.alerts.isEmpty && $0.lastError.isEmpty }
            if evidence.alerts.rules.isEmpty { return ["no alerting rule finds anything now"] }
        }
        var lines = evidence.alerts.explainRules(condition)
        for text in evidence.expressions(of: .notice(condition)) { lines += await nearMisses(ofRule: text) }
        var seen: Set<String> = []
        return lines.filter { seen.insert($0).inserted }
    }
}
