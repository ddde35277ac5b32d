import MetricModel
public import Rules
import Web

extension Stack {
    /// What was told (to the inbox) of alerts, oldest first.
    public var notices: [InboxEntry] { rules.inbox.entries.reversed() }

    /// The groups of rules as they are now.
    public var ruleGroups: [RuleGroupSnapshot] { rules.manager.snapshots }

    /// What may explain that nobody was told of an alert.
    package var noticeEvidence: NoticeEvidence {
        var evidence = NoticeEvidence()
        evidence.now = clock.now
        evidence.alertmanagers = rules.source.alertmanagers().active
        evidence.inbox = rules.source.inboxState()
        evidence.notices = rules.inbox.entries.map { entry in
            ObservedNotice(
                number: entry.number,
                time: CivilTime.rfc3339(nanoseconds: entry.time),
                reason: entry.reason.rawValue,
                labels: entry.notice.labels
            )
        }
        evidence.rules = ObservedRule.alerting(ruleGroups)
        return evidence
    }
}

extension ObservedRule {
    /// The alerting rules of groups as they are now.
    static func alerting(_ groups: [RuleGroupSnapshot]) -> [ObservedRule] {
        groups.flatMap(\.rules).filter { $0.definition.kind == .alerting }.map { rule in
            var observed = ObservedRule(
                name: rule.definition.name,
                query: rule.definition.query,
                holdDuration: rule.definition.holdDuration,
                lastError: rule.lastError,
                wasEvaluated: rule.lastEvaluation != nil,
                alerts: rule.alerts.map {
                    ObservedRule.Alert(labels: $0.labels, state: $0.state.name, activeAt: $0.activeAt / 1_000_000)
                }
            )
            observed.unsteady = rule.unsteady.map { unsteady in
                ObservedRule.Unsteady(
                    labels: unsteady.names,
                    alerts: unsteady.alerts,
                    recent: unsteady.recent.map { labels in unsteady.names.map { labels[$0] ?? "" } },
                    longest: unsteady.longest / 1_000_000,
                    isEveryEvaluation: unsteady.isEveryEvaluation
                )
            }
            observed.lastPending = rule.lastPending.map { span in
                ObservedRule.Pending(
                    labels: span.labels,
                    span: span.from / 1_000_000...span.to / 1_000_000,
                    times: span.times
                )
            }
            return observed
        }
    }
}
