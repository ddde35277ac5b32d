import MetricModel
import PromQL
import Rules

extension PrometheusServer {
    /// What a request for rules asks for.
    private struct RuleFilter {
        var names: Set<String>
        var groups: Set<String>
        var files: Set<String>
        var matchers: [[LabelMatcher]]
        var kind: RuleDefinition.Kind?
        var excludesAlerts = false
        /// Whether to tell what explains an alert as well; not in Prometheus.
        var explains = false
        /// The most groups; 0 for all.
        var limit = 0
        /// The most alerts of a rule; not in Prometheus.
        var alertLimit = Int.max
        var token = ""

        func takes(_ rule: RuleDefinition) -> Bool {
            if !names.isEmpty, !names.contains(rule.name) { return false }
            if let kind, kind != rule.kind { return false }
            if matchers.isEmpty { return true }
            // Nobody will look at the answer.
            if TaskLimit.isOver { return false }
            let labels = Labels(rule.labels)
            return matchers.contains { $0.allSatisfy { $0.matches(labels) } }
        }
    }

    private func filter(_ parameters: APIParameters) async throws(APIFailure) -> RuleFilter {
        var filter = RuleFilter(
            names: Set(parameters.form.values("rule_name[]")),
            groups: Set(parameters.form.values("rule_group[]")),
            files: Set(parameters.form.values("file[]")),
            matchers: try await matcherSets(parameters)
        )
        let type = parameters.query["type"].lowercased()
        switch type {
        case "": break
        case "alert": filter.kind = .alerting
        case "record": filter.kind = .recording
        default: throw .invalid("type", "not supported value \(GoText.quoted(type))")
        }
        filter.excludesAlerts = try Self.bool("exclude_alerts", parameters)
        filter.explains = try Self.bool("explain", parameters)
        let alertLimit = parameters.query["alert_limit"]
        if !alertLimit.isEmpty {
            guard let value = Int32(alertLimit), value >= 0 else {
                throw .invalid("alert_limit", "not a number of alerts: \(GoText.quoted(alertLimit))")
            }
            filter.alertLimit = Int(value)
        }
        let limit = parameters.query["group_limit"]
        filter.token = parameters.query["group_next_token"]
        if limit.isEmpty {
            if !filter.token.isEmpty {
                throw .invalid(
                    "group_next_token",
                    "group_limit needs to be present in order to paginate over the groups"
                )
            }
        } else if let value = Int32(limit) {
            if value <= 0 { throw .invalid("group_limit", "group_limit needs to be greater than 0") }
            filter.limit = Int(value)
        } else {
            let digits =
                limit.utf8.first == UInt8(ascii: "-") || limit.utf8.first == UInt8(ascii: "+")
                ? limit.utf8.dropFirst() : limit.utf8[...]
            let isNumber = !digits.isEmpty && digits.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
            let reason = isNumber ? "value out of range" : "invalid syntax"
            throw .invalid(
                "group_limit",
                "group_limit needs to be a valid number: strconv.ParseInt: parsing \(GoText.quoted(limit)): \(reason)"
            )
        }
        return filter
    }

    private static func bool(_ name: String, _ parameters: APIParameters) throws(APIFailure) -> Bool {
        let text = parameters.query[name].lowercased()
        if text.isEmpty { return false }
        switch GoSyntax.bool(text) {
        case .success(let value): return value
        case .failure(let error): throw .invalid(name, "error converting \(name): \(error.message)")
        }
    }

    /// The groups to be shown, the token of the next one, and whether that of the request was found.
    private func chosen(_ filter: RuleFilter) -> ([RuleGroupSnapshot], String, Bool) {
        var groups: [RuleGroupSnapshot] = []
        var next = ""
        var isFound = filter.token.isEmpty
        for group in environment.rules?.groups() ?? [] {
            if !isFound {
                guard filter.token == Self.token(group) else { continue }
                isFound = true
            }
            if !filter.groups.isEmpty, !filter.groups.contains(group.definition.name) { continue }
            if !filter.files.isEmpty, !filter.files.contains(group.definition.file) { continue }
            var group = group
            group.rules.removeAll { !filter.takes($0.definition) }
            if group.rules.isEmpty { continue }
            if filter.limit > 0, groups.count == filter.limit {
                next = Self.token(group)
                break
            }
            groups.append(group)
        }
        return (groups, next, isFound)
    }

    /// `/api/v1/rules`
    func rules(_ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        try parameters.requireForm()
        let filter = try await filter(parameters)
        let (shown, nextToken, isFound): ([RuleGroupSnapshot], String, Bool)
        if filter.matchers.isEmpty {
            (shown, nextToken, isFound) = chosen(filter)
        } else {
            do throws(PromQLError) {
                (shown, nextToken, isFound) = try await engine.working { chosen(filter) }
            } catch {
                throw Self.failure(error)
            }
        }
        if !isFound {
            throw .invalid(
                "group_next_token",
                "invalid group_next_token '\(filter.token)'. were rule groups changed?"
            )
        }
        var parts = JSONParts("{\"groups\":[")
        for (index, group) in shown.enumerated() {
            if index > 0 { parts.raw(",") }
            Self.add(
                group,
                alertLimit: filter.excludesAlerts ? nil : filter.alertLimit,
                explains: filter.explains,
                to: &parts
            )
        }
        parts.raw("]")
        if !nextToken.isEmpty {
            parts.add { text in
                text.field("groupNextToken")
                text.string(nextToken)
            }
        }
        parts.raw("}")
        return .parts(parts)
    }

    /// By which the next page begins with a group.
    private static func token(_ group: RuleGroupSnapshot) -> String {
        SHA256.hexadecimal(Array(group.definition.key.utf8))
    }

    /// `/api/v1/alerts`
    func alerts(_ parameters: APIParameters) -> APIAnswer {
        let alerts = (environment.rules?.groups() ?? []).flatMap { $0.rules.flatMap(\.alerts) }
        var parts = JSONParts("{\"alerts\":")
        Self.add(alerts, explains: false, to: &parts)
        parts.raw("}")
        return .parts(parts)
    }

    /// `/api/v1/alertmanagers`
    func alertmanagers(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        let addresses: (active: [String], dropped: [String]) = environment.rules?.alertmanagers() ?? ([], [])
        // Not in Prometheus: what became of the last request.
        let deliveries = try Self.bool("explain", parameters) ? environment.rules?.deliveries() ?? [:] : [:]
        func list(_ addresses: [String]) -> [JSONObject] {
            addresses.map { address in
                var object: JSONObject = ["url": address]
                object.add("last", deliveries[address].map(Self.json))
                return object
            }
        }
        return .json(
            ["activeAlertmanagers": list(addresses.active), "droppedAlertmanagers": list(addresses.dropped)]
                as JSONObject
        )
    }

    /// `/api/v1/inbox`: what was told of alerts, newest first. Not in Prometheus.
    func inbox(_ parameters: APIParameters) -> APIAnswer {
        let notices = (environment.rules?.inbox() ?? []).map { entry -> JSONObject in
            [
                "number": entry.number,
                "time": CivilTime.rfc3339(nanoseconds: entry.time),
                "reason": entry.reason.rawValue,
                "labels": entry.notice.labels,
                "annotations": JSONPart { Self.write(entry.notice.annotations, to: &$0) },
                "startsAt": CivilTime.rfc3339(nanoseconds: entry.notice.startsAt),
                "endsAt": CivilTime.rfc3339(nanoseconds: entry.notice.endsAt),
                "query": entry.notice.expression,
                "group": entry.notice.group,
            ]
        }
        let state = environment.rules?.inboxState() ?? RuleSource.InboxState(isOn: false)
        let data: JSONObject = [
            "notices": notices, "enabled": state.isOn, "set": state.isSet, "forgotten": state.forgotten,
        ]
        return .json(data)
    }

    // MARK: JSON

    private static func time(_ nanoseconds: Int64?) -> String {
        nanoseconds.map { CivilTime.rfc3339(nanoseconds: $0) } ?? "0001-01-01T00:00:00Z"
    }

    private static func add(
        _ group: RuleGroupSnapshot,
        alertLimit: Int?,
        explains: Bool,
        to parts: inout JSONParts
    ) {
        parts.add { text in
            text.raw("{\"name\":")
            text.string(group.definition.name)
            text.field("file")
            text.string(group.definition.file)
            text.raw(",\"rules\":[")
        }
        for (index, rule) in group.rules.enumerated() {
            if index > 0 { parts.raw(",") }
            add(rule, alertLimit: alertLimit, explains: explains, to: &parts)
        }
        parts.add { text in
            text.raw("],\"interval\":")
            text.number(Double(group.definition.interval) / 1000)
            text.field("limit")
            text.integer(group.definition.limit)
            text.field("evaluationTime")
            text.number(group.evaluationTime)
            text.field("lastEvaluation")
            text.string(time(group.lastEvaluation))
            text.raw("}")
        }
    }

    private static func add(
        _ rule: RuleGroupSnapshot.Rule,
        alertLimit: Int?,
        explains: Bool,
        to parts: inout JSONParts
    ) {
        let definition = rule.definition
        switch definition.kind {
        case .alerting:
            parts.add { text in
                text.raw("{\"state\":")
                text.string(rule.lastEvaluation == nil ? "unknown" : rule.state.name)
                text.field("name")
                text.string(definition.name)
                text.field("query")
                text.string(definition.query)
                text.field("duration")
                text.number(Double(definition.holdDuration) / 1000)
                text.field("keepFiringFor")
                text.number(Double(definition.keepFiringFor) / 1000)
                text.field("labels")
                write(definition.labels, to: &text)
                text.field("annotations")
                write(definition.annotations, to: &text)
                text.field("alerts")
            }
            if let alertLimit {
                add(rule.alerts(first: alertLimit), explains: explains, to: &parts)
            } else {
                parts.raw("null")
            }
            if let alertLimit, rule.alertCount > alertLimit {
                // Not in Prometheus: how many there are where not all are shown.
                parts.add { text in
                    text.field("alertCount")
                    text.integer(rule.alertCount)
                }
            }
        case .recording:
            parts.add { text in
                text.raw("{\"name\":")
                text.string(definition.name)
                text.field("query")
                text.string(definition.query)
                if definition.labels.isEmpty { return }
                text.field("labels")
                write(definition.labels, to: &text)
            }
        }
        parts.add { text in writeState(of: rule, explains: explains, to: &text) }
    }

    /// What rules of both kinds end with.
    private static func writeState(of rule: RuleGroupSnapshot.Rule, explains: Bool, to text: inout JSONText) {
        text.field("health")
        text.string(rule.health.rawValue)
        if !rule.lastError.isEmpty {
            text.field("lastError")
            text.string(rule.lastError)
        }
        text.field("evaluationTime")
        text.number(rule.evaluationTime)
        text.field("lastEvaluation")
        text.string(time(rule.lastEvaluation))
        text.field("type")
        text.string(rule.definition.kind.rawValue)
        if let unsteady = rule.unsteady {
            text.field("unsteady")
            json(unsteady).write(to: &text)
        }
        if explains {
            if let first = rule.firstEvaluation {
                text.field("firstEvaluation")
                text.string(time(first))
            }
            if let span = rule.lastPending {
                text.field("lastPending")
                json(span).write(to: &text)
            }
        }
        text.raw("}")
    }

    private static func seconds(_ nanoseconds: Int64) -> Double { Double(nanoseconds) / 1e9 }

    private static func json(_ delivery: RuleSource.Delivery) -> JSONObject {
        var object: JSONObject = ["time": time(delivery.time), "alerts": delivery.alerts]
        object.add("error", delivery.error)
        return object
    }

    /// Not in Prometheus: alerts one after the other, of which none stays.
    private static func json(_ unsteady: AlertSuccession) -> JSONObject {
        [
            "labels": unsteady.names,
            "alerts": unsteady.alerts,
            "since": time(unsteady.since),
            "longest": seconds(unsteady.longest),
            "everyEvaluation": unsteady.isEveryEvaluation,
            "recent": unsteady.recent.map { labels in
                JSONPart { write(unsteady.names.map { Label(name: $0, value: labels[$0] ?? "") }, to: &$0) }
            },
        ]
    }

    private static func json(_ span: PendingSpan) -> JSONObject {
        [
            "labels": span.labels, "from": time(span.from), "to": time(span.to), "times": span.times,
            "longest": seconds(span.longest),
        ]
    }

    private static func write(_ labels: [Label], to text: inout JSONText) {
        text.raw("{")
        for (index, label) in labels.enumerated() {
            if index > 0 { text.raw(",") }
            var (name, value) = (label.name, label.value)
            name.withUTF8 { text.labelString($0) }
            text.raw(":")
            value.withUTF8 { text.labelString($0) }
        }
        text.raw("}")
    }

    /// So many alerts are written at once: their texts may be long.
    private static let alertsInPart = 16

    private static func add(_ alerts: [Alert], explains: Bool, to parts: inout JSONParts) {
        parts.raw("[")
        for start in stride(from: 0, to: alerts.count, by: alertsInPart) {
            parts.add { text in
                for index in start..<min(start + alertsInPart, alerts.count) {
                    if index > 0 { text.raw(",") }
                    write(alerts[index], explains: explains, to: &text)
                }
            }
        }
        parts.raw("]")
    }

    private static func write(_ alert: Alert, explains: Bool, to text: inout JSONText) {
        text.raw("{\"labels\":")
        text.labels(alert.labels)
        text.field("annotations")
        write(alert.annotations, to: &text)
        text.field("state")
        text.string(alert.state.name)
        text.field("activeAt")
        text.string(time(alert.activeAt))
        if let since = alert.keepFiringSince {
            text.field("keepFiringSince")
            text.string(time(since))
        }
        text.field("value")
        text.string(GoNumber.text(alert.value, .scientific))
        if explains, !alert.queries.isEmpty {
            text.raw(",\"queries\":")
            text.list(alert.queries) { query, text in write(query, to: &text) }
        }
        text.raw("}")
    }

    private static func write(_ query: Alert.TemplateQuery, to text: inout JSONText) {
        text.raw("{\"query\":")
        text.string(query.text)
        if let error = query.error {
            text.field("error")
            text.string(error)
        } else {
            text.field("series")
            text.integer(query.count)
            text.field("first")
            text.list(query.first) { sample, text in
                text.raw("{\"labels\":")
                text.labels(sample.labels)
                text.field("value")
                text.string(GoNumber.text(sample.value, .scientific))
                text.raw("}")
            }
        }
        text.raw("}")
    }
}
