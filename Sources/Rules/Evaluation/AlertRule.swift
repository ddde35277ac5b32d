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
        var queries: [Alert.TemplateQuery] = []
    }

    /// How far the templates of what was found are expanded.
    struct Expansion {
        /// So much work may the templates of a rule be: a million steps are about a tenth of a second. Prometheus has no limit.
        private static let greatestWork = (base: 10_000_000, perElement: 2000)
        /// What a query counts for.
        fileprivate static let workOfQuery = 500
        /// More answers than that are not kept for the elements that follow.
        fileprivate static let greatestAnswers = 1000

        fileprivate let elements: [RuleElement]
        fileprivate let time: Int64
        fileprivate var seen: Set<Labels> = []
        fileprivate var length = 0
        fileprivate var work = 0
        fileprivate let limit: Int
        /// The elements that are done.
        fileprivate(set) var expanded: [Expanded] = []
        /// Answers to queries.
        var answers = TemplateAnswers()

        /// - Parameter time: the time of the evaluation, in nanoseconds since 1970.
        init(_ elements: [RuleElement], at time: Int64) {
            self.elements = elements
            self.time = time
            limit = Self.greatestWork.base + Self.greatestWork.perElement * elements.count
            expanded.reserveCapacity(elements.count)
            seen.reserveCapacity(elements.count)
        }
    }

    /// A template, or what stands in its place where it cannot be read: those of a group's labels are not checked with the file.
    private enum Template: Sendable {
        case read(TextTemplate)
        case broken(String)

        var isConstant: Bool {
            switch self {
            case .read(let template): template.isConstant
            case .broken: true
            }
        }
    }

    let definition: RuleDefinition
    private let labelTemplates: [(name: String, template: Template)]
    private let annotationTemplates: [(name: String, template: Template)]
    /// The alerts by labels.
    var active: [Labels: Alert] = [:]
    /// Whether alerts of before the start were looked for; until then nothing is written.
    var isRestored: Bool
    /// The labels that were made of what was found, where no template has a part in them.
    private var labelMemory: [Labels: Labels] = [:]
    /// The labels of the samples of an alert, by its labels and state.
    private var sampleMemory: [Alert.State: [Labels: (alerts: Labels, forState: Labels)]] = [:]
    /// The longest annotations of all alerts of a rule together, in bytes; Prometheus has no limit.
    private static let greatestLength = 256 << 20
    /// Longer texts of an alert, all together, are compared with those before, and these kept where they are the same.
    private static let longText = 256
    /// More labels than that, or than twice those that are found, are not remembered.
    private static let leastMemory = 10_000
    private var greatestMemory: Int { max(Self.leastMemory, 2 * active.count) }
    /// Counts the evaluations, so that an alert tells whether the last one found it.
    private(set) var round = 0
    /// The series of the last evaluation's samples.
    private var written: [Labels] = []
    /// Whether they are those of the evaluation before.
    private(set) var isSame = false

    /// Alerts that changed in the last evaluation; no more than ``greatestChanges``.
    private(set) var changes: [AlertChange] = []
    private static let greatestChanges = 20
    /// How many templates were expanded, and how many of these failed.
    private(set) var expansions = 0
    private(set) var failedExpansions = 0
    /// Alerts that follow each other so fast that none stays.
    var successions = AlertSuccessions()
    /// Pending alerts that did not fire.
    var lastPending: PendingSpan?
    /// The time of the last evaluation that worked.
    var lastTime: Int64?

    init(_ definition: RuleDefinition, isRestored: Bool) {
        func read(_ items: [Label]) -> [(name: String, template: Template)] {
            items.map { item in
                do throws(TemplateError) {
                    return (item.name, .read(try TextTemplate(alert: definition.name, text: item.value)))
                } catch {
                    let reason = "error parsing template __alert_\(definition.name): \(error.message)"
                    return (item.name, .broken("<error expanding template: \(reason)>"))
                }
            }
        }
        self.definition = definition
        self.isRestored = isRestored
        labelTemplates = read(definition.labels)
        annotationTemplates = read(definition.annotations)
    }

    // MARK: Templates

    /// Expands the templates of all elements, or up to one that asks a query, which is then to be called again with the answer.
    mutating func expand(
        _ expansion: inout Expansion,
        _ surroundings: RuleSurroundings
    ) throws(RuleFailure) -> String? {
        let isConstant = labelTemplates.allSatisfy(\.template.isConstant)
        for element in expansion.elements[expansion.expanded.count...] {
            if Task.isCancelled || TaskLimit.isOver { throw RuleFailure(.query, "context canceled") }
            var attempt = Attempt(
                data: TemplateData(
                    labels: element.labels,
                    externalLabels: surroundings.externalLabels,
                    externalURL: surroundings.externalURL,
                    pathPrefix: surroundings.pathPrefix,
                    value: element.value,
                    histogram: element.histogram,
                    time: expansion.time / 1_000_000
                )
            )
            let labels: Labels?
            if isConstant, let known = labelMemory[element.labels] {
                labels = known
                attempt.expansions = labelTemplates.count
            } else {
                labels = expandedLabels(element.labels, &attempt, expansion.answers)
                if let labels, isConstant {
                    let most = max(greatestMemory, 2 * expansion.elements.count)
                    if labelMemory.count >= most { labelMemory = [:] }
                    labelMemory[element.labels] = labels
                }
            }
            var annotations: [Label] = []
            if labels != nil {
                for (name, template) in annotationTemplates {
                    guard let text = attempt.text(template, expansion.answers) else { break }
                    annotations.append(Label(name: name, value: text))
                }
            }
            // A template that was given up has no text.
            if TaskLimit.isOver { throw RuleFailure(.query, "context canceled") }
            expansion.work += attempt.steps
            if expansion.work > expansion.limit {
                throw RuleFailure(.limit, "the templates of all alerts take more than \(expansion.limit) steps")
            }
            guard let labels, attempt.query == nil else {
                expansion.work += Expansion.workOfQuery
                return attempt.query
            }
            expansions += attempt.expansions
            failedExpansions += attempt.failures
            let length = annotations.reduce(0) { $0 + $1.value.utf8.count }
            // Else all would be there twice until the last alert is worked out.
            if length > Self.longText, let known = active[labels]?.annotations, known == annotations {
                annotations = known
            }
            expansion.length += length
            if expansion.length > Self.greatestLength {
                throw RuleFailure(
                    .limit,
                    "the annotations of all alerts are longer than \(Self.greatestLength) bytes together"
                )
            }
            guard expansion.seen.insert(labels).inserted else {
                throw RuleFailure(
                    .duplicateLabels,
                    "vector contains metrics with the same labelset after applying alert labels"
                )
            }
            let queries = attempt.asked.compactMap { query in
                expansion.answers.answers[query].map { Alert.TemplateQuery(query, $0) }
            }
            expansion.expanded.append(
                Expanded(labels: labels, annotations: annotations, value: element.value, queries: queries)
            )
            if expansion.answers.answers.count > Expansion.greatestAnswers { expansion.answers = TemplateAnswers() }
        }
        return nil
    }

    private func expandedLabels(
        _ found: Labels,
        _ attempt: inout Attempt,
        _ answers: TemplateAnswers
    ) -> Labels? {
        var builder = LabelsBuilder(found)
        builder.remove(Labels.metricName)
        for (name, template) in labelTemplates {
            guard let text = attempt.text(template, answers) else { return nil }
            builder.set(name, text)
        }
        builder.set("alertname", definition.name)
        return builder.build()
    }

    /// The templates of one element.
    private struct Attempt {
        let data: TemplateData
        var steps = 0
        var expansions = 0
        var failures = 0
        /// The query that has to be answered first.
        var query: String?
        /// The queries that were asked.
        var asked: [String] = []

        init(data: TemplateData) { self.data = data }

        /// `nil` where a query has to be answered first.
        mutating func text(_ given: Template, _ answers: TemplateAnswers) -> String? {
            let template: TextTemplate
            switch given {
            case .read(let read): template = read
            case .broken(let text):
                expansions += 1
                failures += 1
                return text
            }
            switch template.expand(data, answers: answers, steps: &steps, asked: &asked) {
            case .text(let text):
                expansions += 1
                return text
            case .failure(let error):
                expansions += 1
                failures += 1
                return "<error expanding template: error executing template \(template.name): \(error.message)>"
            case .needs(let query):
                self.query = query
                return nil
            }
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
        round += 1
        var arrived: [Labels] = []
        var samples: [RuleSample] = []
        if isRestored { samples.reserveCapacity(2 * found.count) }
        for element in found {
            let index = active.index(forKey: element.labels)
            let known = index.map { active.values[$0] }
            var alert: Alert
            if let known, known.state != .inactive {
                alert = known
                alert.value = element.value
                alert.annotations = element.annotations
                alert.queries = element.queries
                alert.keepFiringSince = nil
            } else {
                arrived.append(element.labels)
                alert = Alert(
                    state: .pending,
                    labels: element.labels,
                    annotations: element.annotations,
                    value: element.value,
                    activeAt: time,
                    queries: element.queries
                )
            }
            alert.round = round
            step(&alert, at: time)
            if let index { active.values[index] = alert } else { active[element.labels] = alert }
            if isRestored { append(alert, timestamp, to: &samples) }
        }
        var count = found.count
        var left: [Alert] = []
        // Whoever is known and was not found.
        if active.count > found.count {
            for alert in active.values.filter({ $0.round != round }).sorted(by: { $0.labels < $1.labels }) {
                if isEarly(alert, at: time) { left.append(alert) }
                guard let kept = missed(alert, at: time) else { continue }
                count += 1
                if isRestored { append(kept, timestamp, to: &samples) }
            }
        }
        noteEarly(left, arrived, at: time)
        if limit > 0, count > limit {
            active = [:]
            throw RuleFailure(.limit, "exceeded limit of \(limit) with \(count) alerts")
        }
        noteSeries(of: samples)
        return samples
    }

    /// What becomes of an alert that is not found; the alert where it goes on firing.
    private mutating func missed(_ known: Alert, at time: Int64) -> Alert? {
        var alert = known
        if alert.state == .firing, definition.keepFiringFor > 0 {
            let since = alert.keepFiringSince ?? time
            alert.keepFiringSince = since
            let keep = RuleTime.nanoseconds(milliseconds: definition.keepFiringFor)
            if time.minus(since) < keep {
                step(&alert, at: time)
                active[alert.labels] = alert
                return alert
            }
        }
        switch alert.state {
        case .pending:
            active[alert.labels] = nil
            note(alert.labels, .inactive)
        case .firing:
            alert.state = .inactive
            alert.resolvedAt = time
            active[alert.labels] = alert
            note(alert.labels, .inactive)
        case .inactive:
            let resolved = alert.resolvedAt ?? time
            if time.minus(resolved) > Self.resolvedRetention { active[alert.labels] = nil }
        }
        return nil
    }

    /// Moves an alert that is there between pending and firing.
    private mutating func step(_ alert: inout Alert, at time: Int64) {
        let hold = RuleTime.nanoseconds(milliseconds: definition.holdDuration)
        let before = alert.state
        let isHeld = time.minus(alert.activeAt) >= hold
        if alert.state == .pending, isHeld {
            alert.state = .firing
            alert.firedAt = time
        } else if alert.state == .firing, !isHeld {
            // The rule asks for more time than before.
            alert.state = .pending
            alert.firedAt = nil
            alert.lastSentAt = nil
            alert.keepFiringSince = nil
        }
        if alert.state != before || alert.activeAt == time { note(alert.labels, alert.state) }
    }

    /// Notes whether the samples are of the same series as those before.
    private mutating func noteSeries(of samples: [RuleSample]) {
        isSame = samples.count == written.count && zip(samples, written).allSatisfy { $0.labels == $1 }
        if !isSame { written = samples.map(\.labels) }
    }

    /// Goes on with the alerts of another rule, of which this one has found none yet.
    mutating func takeOver(_ other: AlertRule) {
        (successions, lastPending, lastTime) = (other.successions, other.lastPending, other.lastTime)
        active = other.active.mapValues { alert in
            var alert = alert
            alert.round = 0
            return alert
        }
    }

    /// Forgets of which series the last samples were.
    mutating func forgetSeries() { written = [] }

    private mutating func note(_ labels: Labels, _ state: Alert.State) {
        if changes.count < Self.greatestChanges { changes.append(AlertChange(labels: labels, state: state)) }
    }

    private mutating func append(_ alert: Alert, _ timestamp: Timestamp, to samples: inout [RuleSample]) {
        let labels = sampleLabels(alert)
        let seconds = Double(TemplateTime.floor(alert.activeAt, per: 1_000_000_000))
        samples.append(RuleSample(labels: labels.alerts, timestamp: timestamp, value: 1))
        samples.append(RuleSample(labels: labels.forState, timestamp: timestamp, value: seconds))
    }

    private mutating func sampleLabels(_ alert: Alert) -> (alerts: Labels, forState: Labels) {
        if let known = sampleMemory[alert.state]?[alert.labels] { return known }
        var builder = LabelsBuilder(Labels(definition.labels))
        for label in alert.labels { builder.set(label.name, label.value) }
        builder.set("alertname", definition.name)
        builder.set(Labels.metricName, Self.forState)
        let forState = builder.build()
        builder.set(Labels.metricName, Self.alerts)
        builder.set("alertstate", alert.state.name)
        let made = (alerts: builder.build(), forState: forState)
        if sampleMemory[alert.state]?.count ?? 0 >= greatestMemory { sampleMemory[alert.state] = [:] }
        sampleMemory[alert.state, default: [:]][alert.labels] = made
        return made
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
        let step = max(interval, resendDelay)
        let valid = time.plus(step > .max / 4 ? .max : 4 * step)
        if !active.values.contains(where: { isDue($0, at: time, resendDelay: resendDelay) }) { return [] }
        let query = definition.query
        var notices: [AlertNotice] = []
        for index in active.values.indices where isDue(active.values[index], at: time, resendDelay: resendDelay) {
            let alert = active.values[index]
            active.values[index].lastSentAt = time
            active.values[index].validUntil = valid
            notices.append(
                AlertNotice(
                    labels: alert.labels,
                    annotations: alert.annotations,
                    startsAt: alert.firedAt ?? alert.activeAt,
                    endsAt: alert.resolvedAt ?? valid,
                    isResolved: alert.resolvedAt != nil,
                    isRepeated: alert.lastSentAt != nil
                        && (alert.resolvedAt == nil || (alert.lastSentAt ?? 0) >= (alert.resolvedAt ?? 0)),
                    expression: query,
                    group: group
                )
            )
        }
        return notices.sorted { $0.labels < $1.labels }
    }

    private func isDue(_ alert: Alert, at time: Int64, resendDelay: Int64) -> Bool {
        switch alert.state {
        case .pending: return false
        case .inactive, .firing:
            guard let sent = alert.lastSentAt else { return true }
            if let resolved = alert.resolvedAt, resolved > sent { return true }
            return sent.plus(resendDelay) < time
        }
    }
}
