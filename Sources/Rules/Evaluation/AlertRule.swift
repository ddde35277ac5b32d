public import MetricModel
import RuleTemplates

/// What templates know of the server.
public struct RuleSurroundings: Sendable, Hashable {
    /// The external labels.
    public var externalLabels: Labels
    /// The address from outside, without a slash at the end.
    public var externalURL: String
    /// The path of that address; `nil` where there is no server, as in unit tests: templates that ask for it fail there.
    public var pathPrefix: String?

    /// What is known.
    public init(externalLabels: Labels = Labels(), externalURL: String = "", pathPrefix: String? = "") {
        self.externalLabels = externalLabels
        self.externalURL = externalURL
        self.pathPrefix = pathPrefix
    }
}

/// An alerting rule with its templates read and its alerts: a state machine without I/O.
struct AlertRule: Sendable {
    /// How long resolved alerts are kept, and told again.
    static let resolvedRetention: Int64 = 900_000_000_000
    /// The samples of alerts.
    static let alerts = "ALERTS"
    /// The samples that tell since when an alert is active.
    static let forState = "ALERTS_FOR_STATE"

    /// An element with its templates expanded.
    struct Expanded {
        var labels: Labels
        var annotations: [Label]
        var value: Double
    }

    /// What comes of expanding templates.
    enum Expansion {
        case ready([Expanded])
        /// A query has to be answered first.
        case needs(query: String)
    }

    let definition: RuleDefinition
    private let labelTemplates: [(name: String, template: TextTemplate)]
    private let annotationTemplates: [(name: String, template: TextTemplate)]
    /// The alerts by labels.
    var active: [Labels: Alert] = [:]
    /// Whether alerts of before the start were looked for; until then nothing is written.
    var isRestored: Bool
    /// Alerts that changed in the last evaluation; no more than ``greatestChanges``.
    private(set) var changes: [AlertChange] = []
    private static let greatestChanges = 20
    /// How many templates were expanded, and how many of these failed.
    private(set) var expansions = 0
    private(set) var failedExpansions = 0
    /// A label whose value changes so often that no alert stays: how many evaluations in a row a pending alert went while one came
    /// that differs from it in this label alone.
    private(set) var unsteadyLabel: (name: String, times: Int)?

    init(_ definition: RuleDefinition, isRestored: Bool) {
        func read(_ items: [Label]) -> [(name: String, template: TextTemplate)] {
            items.compactMap { item in
                // They were read before, when the file was checked.
                (try? TextTemplate(alert: definition.name, text: item.value)).map { (item.name, $0) }
            }
        }
        self.definition = definition
        self.isRestored = isRestored
        labelTemplates = read(definition.labels)
        annotationTemplates = read(definition.annotations)
    }

    // MARK: Templates

    /// Expands the templates of all elements.
    mutating func expand(
        _ elements: [RuleElement],
        at time: Int64,
        _ surroundings: RuleSurroundings,
        _ answers: TemplateAnswers
    ) throws(RuleFailure) -> Expansion {
        var result: [Expanded] = []
        result.reserveCapacity(elements.count)
        var seen: Set<Labels> = []
        var needed = ""
        for element in elements {
            let data = TemplateData(
                labels: element.labels,
                externalLabels: surroundings.externalLabels,
                externalURL: surroundings.externalURL,
                pathPrefix: surroundings.pathPrefix,
                value: element.value,
                histogram: element.histogram,
                time: time / 1_000_000
            )
            var builder = LabelsBuilder(element.labels)
            builder.remove(Labels.metricName)
            for (name, template) in labelTemplates {
                guard let text = text(template, data, answers, &needed) else { return .needs(query: needed) }
                builder.set(name, text)
            }
            builder.set("alertname", definition.name)
            var annotations: [Label] = []
            for (name, template) in annotationTemplates {
                guard let text = text(template, data, answers, &needed) else { return .needs(query: needed) }
                annotations.append(Label(name: name, value: text))
            }
            let labels = builder.build()
            guard seen.insert(labels).inserted else {
                throw RuleFailure(
                    .duplicateLabels,
                    "vector contains metrics with the same labelset after applying alert labels"
                )
            }
            result.append(Expanded(labels: labels, annotations: annotations, value: element.value))
        }
        return .ready(result)
    }

    private mutating func text(
        _ template: TextTemplate,
        _ data: TemplateData,
        _ answers: TemplateAnswers,
        _ needed: inout String
    ) -> String? {
        switch template.expand(data, answers: answers) {
        case .text(let text):
            expansions += 1
            return text
        case .failure(let error):
            expansions += 1
            failedExpansions += 1
            return "<error expanding template: error executing template \(template.name): \(error.message)>"
        case .needs(let query):
            needed = query
            return nil
        }
    }

    // MARK: States

    /// Takes what was found at a time (nanoseconds since 1970), and answers with the samples to write.
    mutating func take(
        _ found: [Expanded],
        at time: Int64,
        timestamp: Timestamp,
        limit: Int
    ) throws(RuleFailure) -> [RuleSample] {
        changes = []
        var present: Set<Labels> = []
        present.reserveCapacity(found.count)
        var arrived: [Labels] = []
        for element in found {
            present.insert(element.labels)
            if let known = active[element.labels], known.state != .inactive {
                active[element.labels]?.value = element.value
                active[element.labels]?.annotations = element.annotations
                continue
            }
            arrived.append(element.labels)
            active[element.labels] = Alert(
                state: .pending,
                labels: element.labels,
                annotations: element.annotations,
                value: element.value,
                activeAt: time
            )
        }
        let hold = RuleTime.nanoseconds(milliseconds: definition.holdDuration)
        let keep = RuleTime.nanoseconds(milliseconds: definition.keepFiringFor)
        var count = 0
        var samples: [RuleSample] = []
        var left: [Labels] = []
        for (labels, known) in active.sorted(by: { $0.key < $1.key }) {
            var alert = known
            if present.contains(labels) {
                alert.keepFiringSince = nil
            } else {
                var isKept = false
                if alert.state == .firing, keep > 0 {
                    let since = alert.keepFiringSince ?? time
                    alert.keepFiringSince = since
                    isKept = RuleTime.span(from: since, to: time) < keep
                }
                if alert.state == .pending {
                    left.append(labels)
                    active[labels] = nil
                    note(labels, .inactive)
                    continue
                }
                if let resolved = alert.resolvedAt, RuleTime.span(from: resolved, to: time) > Self.resolvedRetention {
                    active[labels] = nil
                    continue
                }
                if alert.state != .inactive, !isKept {
                    alert.state = .inactive
                    alert.resolvedAt = time
                    note(labels, .inactive)
                }
                if !isKept {
                    active[labels] = alert
                    continue
                }
            }
            count += 1
            if alert.state == .pending, RuleTime.span(from: alert.activeAt, to: time) >= hold {
                alert.state = .firing
                alert.firedAt = time
            }
            if alert.state == .firing, RuleTime.span(from: alert.activeAt, to: time) < hold {
                // The rule asks for more time than before.
                alert.state = .pending
                alert.firedAt = nil
                alert.lastSentAt = nil
                alert.keepFiringSince = nil
            }
            if alert.state != known.state || alert.activeAt == time { note(labels, alert.state) }
            active[labels] = alert
            if isRestored { append(alert, timestamp, to: &samples) }
        }
        noteUnsteadyLabel(left: left, arrived: arrived)
        if limit > 0, count > limit {
            active = [:]
            throw RuleFailure(.limit, "exceeded limit of \(limit) with \(count) alerts")
        }
        return samples
    }

    private mutating func note(_ labels: Labels, _ state: Alert.State) {
        if changes.count < Self.greatestChanges { changes.append(AlertChange(labels: labels, state: state)) }
    }

    private func append(_ alert: Alert, _ timestamp: Timestamp, to samples: inout [RuleSample]) {
        var builder = LabelsBuilder(Labels(definition.labels))
        for label in alert.labels { builder.set(label.name, label.value) }
        builder.set("alertname", definition.name)
        builder.set(Labels.metricName, Self.forState)
        let seconds = Double(
            alert.activeAt >= 0 ? alert.activeAt / 1_000_000_000 : (alert.activeAt - 999_999_999) / 1_000_000_000
        )
        let state = RuleSample(labels: builder.build(), timestamp: timestamp, value: seconds)
        builder.set(Labels.metricName, Self.alerts)
        builder.set("alertstate", alert.state.name)
        samples.append(RuleSample(labels: builder.build(), timestamp: timestamp, value: 1))
        samples.append(state)
    }

    /// Looks for the mistake of a label that follows the value: each evaluation then makes another alert.
    private mutating func noteUnsteadyLabel(left: [Labels], arrived: [Labels]) {
        guard let old = left.first, definition.holdDuration > 0 else {
            if !arrived.isEmpty || active.isEmpty { unsteadyLabel = nil }
            return
        }
        for new in arrived {
            let names = Set(old.map(\.name)).union(new.map(\.name))
            let changed = names.filter { old[$0] != new[$0] }
            if changed.count == 1, let name = changed.first {
                unsteadyLabel = (name, (unsteadyLabel?.name == name ? unsteadyLabel?.times ?? 0 : 0) + 1)
                return
            }
        }
        unsteadyLabel = nil
    }

    /// The most urgent state of its alerts.
    var state: Alert.State { active.values.map(\.state).max() ?? .inactive }

    // MARK: Telling

    /// The alerts that somebody has to be told of now.
    mutating func notices(
        at time: Int64,
        resendDelay: Int64,
        interval: Int64,
        group: String
    ) -> [AlertNotice] {
        var notices: [AlertNotice] = []
        for (labels, alert) in active.sorted(by: { $0.key < $1.key }) {
            let isDue: Bool
            switch alert.state {
            case .pending: isDue = false
            case .inactive, .firing:
                let sent = alert.lastSentAt
                if let resolved = alert.resolvedAt, sent.map({ resolved > $0 }) ?? true {
                    isDue = true
                } else {
                    isDue = sent.map { RuleTime.later($0, by: resendDelay) < time } ?? true
                }
            }
            guard isDue else { continue }
            let step = max(interval, resendDelay)
            let valid = RuleTime.later(time, by: step > .max / 4 ? .max : 4 * step)
            active[labels]?.lastSentAt = time
            active[labels]?.validUntil = valid
            notices.append(
                AlertNotice(
                    labels: labels,
                    annotations: alert.annotations,
                    startsAt: alert.firedAt ?? alert.activeAt,
                    endsAt: alert.resolvedAt ?? valid,
                    isResolved: alert.resolvedAt != nil,
                    isRepeated: alert.lastSentAt != nil
                        && (alert.resolvedAt == nil || (alert.lastSentAt ?? 0) >= (alert.resolvedAt ?? 0)),
                    expression: definition.query,
                    group: group
                )
            )
        }
        return notices
    }

    // MARK: Restoring

    /// What finds the samples that tell since when its alerts were active before the start.
    var restoreMatchers: [LabelMatcher] {
        var matchers = [LabelMatcher(Labels.metricName, equals: Self.forState)]
        for label in Labels(definition.labels) where label.name != "alertname" && !label.value.contains("{{") {
            matchers.append(LabelMatcher(label.name, equals: label.value))
        }
        matchers.append(LabelMatcher("alertname", equals: definition.name))
        return matchers
    }

    /// Goes on where the alerts were before the start.
    /// - Parameters:
    ///   - series: for each series of ``restoreMatchers`` the time and value of its last sample of the last hour.
    ///   - now: the time, in nanoseconds since 1970.
    ///   - grace: the least time that an alert still has to be found before it fires, in nanoseconds.
    mutating func restore(_ series: [Labels: (timestamp: Timestamp, value: Double)], now: Int64, grace: Int64) {
        defer { isRestored = true }
        let hold = RuleTime.nanoseconds(milliseconds: definition.holdDuration)
        guard hold >= grace else { return }
        for (labels, alert) in active {
            var builder = LabelsBuilder(Labels(definition.labels))
            for label in alert.labels { builder.set(label.name, label.value) }
            builder.set("alertname", definition.name)
            builder.set(Labels.metricName, Self.forState)
            guard let (timestamp, value) = series[builder.build()], value.isFinite, value.magnitude < 9e9 else {
                continue
            }
            let down = RuleTime.nanoseconds(milliseconds: timestamp)
            let since = Int64(value) * 1_000_000_000
            let remaining = hold - (down - since)
            if remaining <= 0 {
                active[labels]?.activeAt = since
            } else if remaining < grace {
                active[labels]?.activeAt = now + grace - hold
            } else {
                active[labels]?.activeAt = since + (now - down)
            }
        }
    }
}
