package import ConfigTree
package import MetricModel
import Rules
package import Web

/// Somebody was told of an alert.
package struct ObservedNotice: Sendable, Hashable, CustomStringConvertible {
    /// Which notice of its inbox it is, from 1.
    package var number: Int
    /// When.
    package var time: String
    /// `first`, `repeated` or `resolved`.
    package var reason: String
    /// The alert.
    package var labels: Labels

    package var description: String { "\(time) \(reason) \(labels)" }

    /// Whether it is what a condition asks for.
    package func meets(_ condition: NoticeCondition) -> Bool {
        (reason == "resolved") == condition.isResolved && condition.matches(labels)
    }
}

/// An alerting rule as it is now.
package struct ObservedRule: Sendable, Hashable {
    /// An alert of a rule.
    package struct Alert: Sendable, Hashable {
        package var labels: Labels
        /// `pending` or `firing`.
        package var state: String
        /// Since when it is found, in milliseconds since 1970.
        package var activeAt: Timestamp
    }

    /// Alerts one after the other, of which none stays.
    package struct Unsteady: Sendable, Hashable {
        /// The labels in which they differ.
        package var labels: [String]
        /// How many there were.
        package var alerts: Int
        /// The values of these labels of the last of them.
        package var recent: [[String]]
        /// For how long one of them was found at most, in milliseconds.
        package var longest: Int64
        /// Whether each evaluation made another one.
        package var isEveryEvaluation: Bool
    }

    /// An alert that was pending and did not fire.
    package struct Pending: Sendable, Hashable {
        package var labels: Labels
        /// When it was found first and last, in milliseconds since 1970.
        package var span: ClosedRange<Timestamp>
        /// How many alerts of the rule went like this.
        package var times: Int
    }

    package var name: String
    package var query: String
    /// How long it has to be found before it fires, in milliseconds.
    package var holdDuration: Int64
    /// Why its last evaluation failed; empty where it did not.
    package var lastError: String
    /// Whether it was evaluated at all.
    package var wasEvaluated: Bool
    package var alerts: [Alert]
    package var unsteady: Unsteady?
    package var lastPending: Pending?
}

/// What may explain that nobody was told of an alert.
package struct NoticeEvidence: Sendable, Hashable {
    /// Who was told of what, newest first.
    package var notices: [ObservedNotice] = []
    /// The alerting rules.
    package var rules: [ObservedRule] = []
    /// Alertmanagers that are told instead of the inbox.
    package var alertmanagers: [String] = []
    /// Whether the inbox takes what is told, and why.
    package var inbox = RuleSource.InboxState(isOn: true)
    /// The stack's time, in milliseconds since 1970.
    package var now: Timestamp = 0

    package init() {}

    /// The rules that a condition may be about.
    package func rules(for condition: NoticeCondition) -> [ObservedRule] {
        guard let name = condition.alertName else { return rules }
        return rules.filter { $0.name == name }
    }

    /// What to tell about a condition that does not hold. What its rule's expression finds is told by others.
    package func explain(_ condition: NoticeCondition) -> [String] {
        var lines = explainRules(condition)
        if !alertmanagers.isEmpty, notices.isEmpty {
            lines.append(
                "the inbox takes nothing, because Alertmanagers are told (\(alertmanagers.joined(separator: ", "))); "
                    + "inbox: {enabled: true} in the configuration lets it listen beside them"
            )
        }
        if !inbox.isOn, alertmanagers.isEmpty {
            lines.append(
                inbox.isSet
                    ? "the inbox takes nothing, because the configuration has inbox: {enabled: false}"
                    : "the discovery of the Alertmanagers in alerting: finds none, and the inbox takes nothing beside "
                        + "them; inbox: {enabled: true} in the configuration lets it"
            )
        }
        lines.append(notices.isEmpty ? "nobody was told of anything" : "told instead, newest first:")
        for notice in notices.prefix(5) { lines.append("  \(notice)\(difference(notice, condition))") }
        if notices.count > 5 { lines.append("  … and \(notices.count - 5) more") }
        if inbox.forgotten > 0 {
            lines.append(
                "the inbox keeps the newest \(notices.count) notices: \(inbox.forgotten) before them, which may have been "
                    + "of this alert, are not known any more"
            )
        }
        return lines
    }

    /// How far the alerts are that a condition may be about.
    package func explainRules(_ condition: NoticeCondition) -> [String] {
        let found = rules(for: condition)
        if !found.isEmpty { return found.flatMap { explain($0, condition) } }
        if rules.isEmpty { return ["there are no alerting rules"] }
        let name = condition.alertName ?? ""
        let similar = Similarity.closest(to: name, among: rules.map(\.name))
        let question = similar.isEmpty ? "" : "; did you mean \(similar.joined(separator: ", "))?"
        return ["no alerting rule is called \(name)\(question)"]
    }

    private func difference(_ notice: ObservedNotice, _ condition: NoticeCondition) -> String {
        let reasons = Self.misses(notice.labels, condition)
        if reasons.isEmpty { return condition.isResolved ? ": it fires" : ": it is over" }
        return ": " + reasons.joined(separator: ", ")
    }

    private static func misses(_ labels: Labels, _ condition: NoticeCondition) -> [String] {
        condition.matchers.filter { !$0.matches(labels) }.map { $0.miss(of: labels) }
    }

    private func explain(_ rule: ObservedRule, _ condition: NoticeCondition) -> [String] {
        if !rule.lastError.isEmpty { return ["the rule \(rule.name) fails: \(rule.lastError)"] }
        if !rule.wasEvaluated { return ["the rule \(rule.name) has not been evaluated yet"] }
        if rule.alerts.isEmpty {
            return ["the rule \(rule.name) finds nothing now: \(rule.query)"] + Self.lastPending(rule)
        }
        // The nearest first.
        let alerts = rule.alerts.map { (alert: $0, reasons: Self.misses($0.labels, condition)) }
        let nearest = alerts.enumerated()
            .sorted { ($0.element.reasons.count, $0.offset) < ($1.element.reasons.count, $1.offset) }
            .map(\.element)
        var lines = nearest.prefix(5).map { alert, reasons in
            let mismatch = reasons.isEmpty ? "" : ": " + reasons.joined(separator: ", ")
            guard alert.state == "pending" else { return "firing \(alert.labels)\(mismatch)" }
            let since = max(0, now - alert.activeAt)
            let left = PrometheusDuration(milliseconds: max(0, rule.holdDuration - since))
            // What does not stay will not get there.
            let rest = rule.unsteady == nil ? ", \(left) to go" : ""
            return "pending \(alert.labels) for \(PrometheusDuration(milliseconds: since)) of "
                + "\(PrometheusDuration(milliseconds: rule.holdDuration))\(rest)\(mismatch)"
        }
        if rule.alerts.count > 5 { lines.append("… and \(rule.alerts.count - 5) more alerts of \(rule.name)") }
        if let unsteady = rule.unsteady { lines.append(Self.words(unsteady, rule)) }
        return lines
    }

    private static func words(_ unsteady: ObservedRule.Unsteady, _ rule: ObservedRule) -> String {
        let values = unsteady.recent.map { $0.joined(separator: "/") }.joined(separator: ", ")
        let course: String
        if unsteady.isEveryEvaluation {
            course = "each evaluation makes another one"
        } else if rule.holdDuration == 0 {
            course = "each is told, and soon told as resolved"
        } else {
            course =
                "each was gone before it fired, after \(PrometheusDuration(milliseconds: unsteady.longest)) "
                + "at most of \(PrometheusDuration(milliseconds: rule.holdDuration))"
        }
        return "\(unsteady.alerts) alerts of \(rule.name), one after the other, differ in "
            + "\(unsteady.labels.joined(separator: ", ")) only (the last: \(values)): \(course)"
    }

    private static func lastPending(_ rule: ObservedRule) -> [String] {
        guard let pending = rule.lastPending else { return [] }
        let (from, to) = (pending.span.lowerBound, pending.span.upperBound)
        let times = pending.times > 1 ? "; \(pending.times) alerts of it went before they fired" : ""
        return [
            "it was last pending from \(CivilTime.rfc3339(nanoseconds: from * 1_000_000)) to "
                + "\(CivilTime.rfc3339(nanoseconds: to * 1_000_000)), \(PrometheusDuration(milliseconds: to - from)) of "
                + "\(PrometheusDuration(milliseconds: rule.holdDuration)): \(pending.labels)\(times)"
        ]
    }
}

extension NoticeEvidence {
    /// Reads answers of `/api/v1/inbox`, `/api/v1/rules?type=alert`, `/api/v1/alertmanagers` and `/api/v1/clock`.
    /// - Parameter number: the last notice that does not count.
    package init(
        inbox: ConfigNode?,
        rules: ConfigNode?,
        alertmanagers: ConfigNode?,
        clock: ConfigNode?,
        after number: Int = 0
    ) {
        self.init()
        notices = Self.notices(inInbox: inbox, after: number)
        let state = inbox?["data"]
        self.inbox = RuleSource.InboxState(
            isOn: state?["enabled"]?.text != "false",
            isSet: state?["set"]?.text == "true",
            forgotten: Int(state?["forgotten"]?.text ?? "") ?? 0
        )
        for group in rules?["data"]?["groups"]?.items ?? [] {
            for rule in group["rules"]?.items ?? [] {
                let alerts = (rule["alerts"]?.items ?? []).map { alert in
                    ObservedRule.Alert(
                        labels: alert["labels"]?.labels ?? Labels(),
                        state: alert["state"]?.text ?? "",
                        activeAt: TestTime.milliseconds(alert["activeAt"]?.text ?? "") ?? 0
                    )
                }
                var observed = ObservedRule(
                    name: rule["name"]?.text ?? "",
                    query: rule["query"]?.text ?? "",
                    holdDuration: ToldTime.milliseconds(rule["duration"]?.text) ?? 0,
                    lastError: rule["lastError"]?.text ?? "",
                    wasEvaluated: rule["state"]?.text != "unknown",
                    alerts: alerts
                )
                observed.unsteady = rule["unsteady"].map(ObservedRule.Unsteady.init)
                observed.lastPending = rule["lastPending"].flatMap(ObservedRule.Pending.init)
                self.rules.append(observed)
            }
        }
        self.alertmanagers = (alertmanagers?["data"]?["activeAlertmanagers"]?.items ?? []).compactMap {
            $0["url"]?.text
        }
        now = ToldTime.milliseconds(clock?["data"]?["now"]?.text) ?? 0
    }

    /// The notices of an answer of `/api/v1/inbox`, newest first.
    /// - Parameter number: the last notice that does not count: it belongs to another test.
    package static func notices(inInbox answer: ConfigNode?, after number: Int = 0) -> [ObservedNotice] {
        (answer?["data"]?["notices"]?.items ?? []).map { notice in
            ObservedNotice(
                number: Int(notice["number"]?.text ?? "") ?? 0,
                time: notice["time"]?.text ?? "",
                reason: notice["reason"]?.text ?? "",
                labels: notice["labels"]?.labels ?? Labels()
            )
        }.filter { $0.number > number }
    }
}

extension ObservedRule.Unsteady {
    /// Reads `unsteady` of an answer of `/api/v1/rules`.
    fileprivate init(_ node: ConfigNode) {
        let labels = (node["labels"]?.items ?? []).compactMap(\.text)
        self.init(
            labels: labels,
            alerts: Int(node["alerts"]?.text ?? "") ?? 0,
            recent: (node["recent"]?.items ?? []).map { one in labels.map { one[$0]?.text ?? "" } },
            longest: ToldTime.milliseconds(node["longest"]?.text) ?? 0,
            isEveryEvaluation: node["everyEvaluation"]?.text == "true"
        )
    }
}

extension ObservedRule.Pending {
    /// Reads `lastPending` of an answer of `/api/v1/rules`.
    fileprivate init?(_ node: ConfigNode) {
        guard let from = TestTime.milliseconds(node["from"]?.text ?? ""),
            let to = TestTime.milliseconds(node["to"]?.text ?? ""), from <= to
        else { return nil }
        self.init(
            labels: node["labels"]?.labels ?? Labels(),
            span: from...to,
            times: Int(node["times"]?.text ?? "") ?? 1
        )
    }
}
