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
            let words = "somebody was told of \(notice.labels.selectorText)"
            expectations[index].verdict = .init(isMet: isMet, time: now, reasons: [words])
            tell(.expect, isMet ? "ok" : "not met", spec.title)
        }
        guard isAsked, !notice.isRepeated, notices.count < Self.noticeLimit else { return }
        notices.append(Notice(time: now, labels: notice.labels, isResolved: notice.isResolved))
    }

    /// Who was told too early, too late or of nearly the same.
    func otherNotices(_ spec: ExpectationSpec, _ after: Int64, _ until: Int64) -> [String] {
        var lines: [String] = []
        for notice in notices where notice.isResolved == spec.isResolved {
            let missed = spec.matchers.filter { !$0.matches(notice.labels) }
            // Another alert is no near miss.
            if missed.contains(where: { $0.name == "alertname" }) { continue }
            var reasons: [String] = []
            if notice.time < after { reasons.append("\(Self.span(after - notice.time)) too early") }
            if notice.time > until { reasons.append("\(Self.span(notice.time - until)) too late") }
            reasons += missed.map { matcher in
                let actual = notice.labels[matcher.name].map { "is \(GoText.quoted($0))" } ?? "is missing"
                return "\(matcher.name) \(actual), not \(matcher.operation.rawValue)\(GoText.quoted(matcher.value))"
            }
            let place = "somebody was told of \(notice.labels.selectorText) at +\(Self.span(notice.time))"
            lines.append("\(place): \(reasons.joined(separator: ", "))")
        }
        return lines.prefix(5) + (lines.count > 5 ? ["… and \(lines.count - 5) times more"] : [])
    }

    /// What became of all alerts, and whether there is one that was meant.
    func alertsNow(_ spec: ExpectationSpec) -> [String] {
        var lines: [String] = []
        for group in groupAlerts.keys.sorted() {
            for (labels, state) in (groupAlerts[group] ?? [:]).sorted(by: { $0.key < $1.key }) {
                lines.append("at the end \(labels.selectorText) is \(state.name)")
            }
        }
        let names = Set((stack.rules?.manager.snapshots ?? []).flatMap(\.rules).map(\.definition.name))
        for matcher in spec.matchers where matcher.name == "alertname" && !names.contains(matcher.value) {
            let similar = Similarity.closest(to: matcher.value, among: names.sorted())
            let question = similar.isEmpty ? "" : "; did you mean \(similar.joined(separator: ", "))?"
            lines.append("no rule is called \(matcher.value)\(question)")
        }
        return lines
    }
}
