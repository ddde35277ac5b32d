public import MetricModel

/// Alerts of a rule, one after the other, that differ in few labels only: each is gone early, and the next one is there already.
public struct AlertSuccession: Sendable, Hashable {
    /// The labels in which they differ, sorted.
    public internal(set) var names: [String]
    /// How many there were, the present one among them.
    public internal(set) var alerts = 1
    /// When the first one was found first, in nanoseconds since 1970.
    public internal(set) var since: Int64
    /// The longest time between the first and the last evaluation that found one of those that are gone, in nanoseconds.
    public internal(set) var longest: Int64 = 0
    /// Whether each was found by one evaluation only.
    public internal(set) var isEveryEvaluation = true
    /// The last of them, the present one at the end.
    public internal(set) var recent: [Labels]

    /// So many are kept.
    private static let most = 4

    init(_ alert: Alert) {
        names = []
        since = alert.activeAt
        recent = [alert.labels]
    }

    /// Goes on with another alert.
    mutating func go(on next: Labels, differingIn changed: [String], after span: Int64) {
        names = Set(names).union(changed).sorted()
        alerts += 1
        longest = max(longest, span)
        isEveryEvaluation = isEveryEvaluation && span == 0
        recent = recent.suffix(Self.most - 1) + [next]
    }
}

/// The successions of a rule's alerts.
struct AlertSuccessions: Sendable {
    /// Alerts that differ in more labels have nothing to do with each other.
    private static let mostNames = 3
    /// So many pairs of alerts are compared in an evaluation.
    private static let mostPairs = 20_000
    /// Once may be chance.
    private static let leastAlerts = 4

    /// By the alert that is there now.
    private var current: [Labels: AlertSuccession] = [:]

    /// Takes what changed in an evaluation.
    /// - Parameters:
    ///   - left: those that are gone early.
    ///   - arrived: those that are new.
    ///   - before: the time of the evaluation before.
    ///   - others: those that are there and not new, where an alert may come before the one goes that it follows.
    mutating func note(
        left: [Alert],
        arrived: [Labels],
        before: Int64,
        others: () -> [Alert]
    ) {
        if left.isEmpty { return }
        // Those that go on with a succession first, so that it does not break where there are too many.
        let left = left.enumerated()
            .sorted { ($0.element.succeeds(current), $0.offset) < ($1.element.succeeds(current), $1.offset) }
            .map(\.element)
        var ended: [(succession: AlertSuccession, span: Int64, old: Alert)] = []
        for alert in left {
            let succession = current.removeValue(forKey: alert.labels) ?? AlertSuccession(alert)
            ended.append((succession, max(0, before.minus(alert.activeAt)), alert))
        }
        let new = arrived.map { (labels: $0, list: Array($0), since: Int64.max) }
        var old: [(labels: Labels, list: [Label], since: Int64)]?
        var pairs = 0
        for (succession, span, alert) in ended {
            let list = Array(alert.labels)
            var best: (labels: Labels, changed: [String])?
            func look(_ candidates: [(labels: Labels, list: [Label], since: Int64)]) {
                for candidate in candidates where candidate.since > alert.activeAt {
                    if pairs >= Self.mostPairs { return }
                    pairs += 1
                    guard let changed = Self.difference(list, candidate.list) else { continue }
                    if let best, best.changed.count < changed.count { continue }
                    if let best, best.changed.count == changed.count, changed != succession.names { continue }
                    best = (candidate.labels, changed)
                }
            }
            look(new)
            if best == nil {
                let known = old ?? others().map { (labels: $0.labels, list: Array($0.labels), since: $0.activeAt) }
                old = known
                look(known)
            }
            guard let best else { continue }
            var next = succession
            next.go(on: best.labels, differingIn: best.changed, after: span)
            if next.names.count > Self.mostNames { continue }
            if let known = current[best.labels], known.alerts >= next.alerts { continue }
            current[best.labels] = next
        }
    }

    /// Forgets those whose last alert goes another way.
    mutating func keep(_ goesOn: (Labels) -> Bool) {
        if !current.isEmpty { current = current.filter { goesOn($0.key) } }
    }

    /// The longest, where it tells something.
    /// - Parameters:
    ///   - hold: how long alerts have to be found before they fire.
    ///   - time: the last evaluation.
    func told(hold: Int64, at time: Int64) -> AlertSuccession? {
        current.values
            .filter {
                // Together they would have fired.
                $0.alerts >= Self.leastAlerts && ($0.isEveryEvaluation || time.minus($0.since) >= hold)
            }
            .min { ($1.alerts, $0.names.count, $0.recent[0]) < ($0.alerts, $1.names.count, $1.recent[0]) }
    }

    /// The names of the labels in which two alerts differ; `nil` where these are none or too many.
    private static func difference(_ left: [Label], _ right: [Label]) -> [String]? {
        var changed: [String] = []
        var common = 0
        var (i, j) = (0, 0)
        while i < left.count || j < right.count {
            if i < left.count, j < right.count, left[i].name == right[j].name {
                if left[i] == right[j] { common += 1 } else { changed.append(left[i].name) }
                i += 1
                j += 1
            } else if j == right.count || (i < left.count && left[i].name < right[j].name) {
                changed.append(left[i].name)
                i += 1
            } else {
                changed.append(right[j].name)
                j += 1
            }
            if changed.count > mostNames { return nil }
        }
        // The alert's name is always the same.
        return changed.isEmpty || (changed.count > 1 && common < 2) ? nil : changed
    }
}

extension Alert {
    /// 0 for one that goes on with a succession, so that these come first.
    fileprivate func succeeds(_ known: [Labels: AlertSuccession]) -> Int { known[labels] == nil ? 1 : 0 }
}

extension AlertRule {
    /// Where there is no `for`, an alert that is gone sooner is gone early.
    private static let shortLife: Int64 = 300_000_000_000

    /// Whether an alert that is not found any more is gone before it fired, or as good as.
    func isEarly(_ alert: Alert, at time: Int64) -> Bool {
        switch alert.state {
        case .inactive: false
        case .pending: true
        case .firing:
            definition.holdDuration == 0 && alert.keepFiringSince == nil
                && time.minus(alert.activeAt) < Self.shortLife
        }
    }

    /// Keeps book of alerts that are gone early, and of what came in their place.
    mutating func noteEarly(_ left: [Alert], _ arrived: [Labels], at time: Int64) {
        let before = lastTime ?? time
        lastTime = time
        let (active, round, isHeld) = (self.active, self.round, definition.holdDuration > 0)
        successions.note(left: left, arrived: arrived, before: before) {
            // Without `for` it is nothing special that one is over while others go on.
            if !isHeld { return [] }
            return active.values.filter { $0.state == .pending && $0.round == round && $0.activeAt < time }
        }
        successions.keep { labels in
            guard let alert = active[labels], alert.round == round else { return false }
            return isHeld ? alert.state == .pending : time.minus(alert.activeAt) < Self.shortLife
        }
        for alert in left where alert.state == .pending {
            lastPending = PendingSpan(
                labels: alert.labels,
                from: alert.activeAt,
                to: max(before, alert.activeAt),
                times: (lastPending?.times ?? 0) + 1,
                longest: max(lastPending?.longest ?? 0, before.minus(alert.activeAt))
            )
        }
    }

    /// Alerts one after the other, of which none stays; `nil` where that is not so.
    var unsteady: AlertSuccession? {
        successions.told(hold: RuleTime.nanoseconds(milliseconds: definition.holdDuration), at: lastTime ?? 0)
    }
}
