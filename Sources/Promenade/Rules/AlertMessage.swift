import MetricModel
import RuleTemplates
import Rules
import Scrape

/// Alerts as Alertmanager's API v2 takes them.
enum AlertMessage {
    /// The alerts that are left when rules have been applied.
    static func relabelled(_ notices: [AlertNotice], _ rules: [RelabelRule]) -> [AlertNotice] {
        rules.isEmpty ? notices : changed(notices) { Relabeller.apply(rules, to: &$0) }
    }

    /// Alerts with the external labels that they lack.
    static func labelled(_ notices: [AlertNotice], external: [Label]) -> [AlertNotice] {
        if external.isEmpty { return notices }
        return changed(notices) { builder in
            for label in external where builder[label.name] == nil { builder.set(label.name, label.value) }
            return true
        }
    }

    private static func changed(_ notices: [AlertNotice], _ change: (inout LabelsBuilder) -> Bool) -> [AlertNotice] {
        notices.compactMap { notice in
            var builder = LabelsBuilder(notice.labels)
            guard change(&builder) else { return nil }
            var notice = notice
            notice.labels = builder.build()
            return notice
        }
    }

    /// The body of a request.
    static func body(_ notices: [AlertNotice], externalURL: String) -> String {
        "[" + notices.map { json($0, externalURL) }.joined(separator: ",") + "]"
    }

    private static func json(_ notice: AlertNotice, _ externalURL: String) -> String {
        func map(_ labels: some Sequence<Label>) -> String {
            "{" + labels.map { "\(quoted($0.name)):\(quoted($0.value))" }.joined(separator: ",") + "}"
        }
        var fields: [String] = []
        if !notice.annotations.isEmpty { fields.append("\"annotations\":\(map(notice.annotations))") }
        fields.append("\"endsAt\":\"\(date(notice.endsAt))\"")
        fields.append("\"startsAt\":\"\(date(notice.startsAt))\"")
        let query = URLText.query(notice.expression)
        fields.append("\"generatorURL\":\(quoted("\(externalURL)/graph?g0.expr=\(query)&g0.tab=1"))")
        fields.append("\"labels\":\(map(notice.labels))")
        return "{" + fields.joined(separator: ",") + "}"
    }

    /// A text as Go's encoder writes it, fit for HTML.
    private static func quoted(_ text: String) -> String { escaping.escaped(JSONString.quoted(text)) }

    private static let escaping = Escaping(["<": "\\u003c", ">": "\\u003e", "&": "\\u0026"]) { scalar in
        scalar == "\u{2028}" || scalar == "\u{2029}" ? "\\u" + Escaping.hexadecimal(scalar, width: 4) : nil
    }

    private static func date(_ nanoseconds: Int64) -> String {
        TemplateTime(nanoseconds: nanoseconds).formatted("2006-01-02T15:04:05.000Z")
    }
}
