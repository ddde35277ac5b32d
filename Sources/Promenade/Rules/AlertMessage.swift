import MetricModel
import RuleTemplates
import Rules
import Scrape

/// Alerts as Alertmanager's API v2 takes them.
enum AlertMessage {
    /// An alert as it leaves: with external labels, after relabelling.
    struct Item: Sendable {
        var labels: Labels
        var notice: AlertNotice
    }

    /// The alerts that are left when rules have been applied.
    static func relabelled(_ items: [Item], _ rules: [RelabelRule]) -> [Item] {
        if rules.isEmpty { return items }
        return items.compactMap { item in
            var builder = LabelsBuilder(item.labels)
            guard Relabeller.apply(rules, to: &builder) else { return nil }
            return Item(labels: builder.build(), notice: item.notice)
        }
    }

    /// Alerts with the external labels that they lack.
    static func items(_ notices: [AlertNotice], external: [Label]) -> [Item] {
        notices.map { notice in
            var builder = LabelsBuilder(notice.labels)
            for label in external where builder[label.name] == nil { builder.set(label.name, label.value) }
            return Item(labels: builder.build(), notice: notice)
        }
    }

    /// The body of a request.
    static func body(_ items: [Item], externalURL: String) -> String {
        "[" + items.map { json($0, externalURL) }.joined(separator: ",") + "]"
    }

    private static func json(_ item: Item, _ externalURL: String) -> String {
        func map(_ labels: some Sequence<Label>) -> String {
            "{" + labels.map { "\(quoted($0.name)):\(quoted($0.value))" }.joined(separator: ",") + "}"
        }
        var fields: [String] = []
        let notice = item.notice
        if !notice.annotations.isEmpty { fields.append("\"annotations\":\(map(notice.annotations))") }
        fields.append("\"endsAt\":\"\(date(notice.endsAt))\"")
        fields.append("\"startsAt\":\"\(date(notice.startsAt))\"")
        let query = URLText.query(notice.expression)
        fields.append("\"generatorURL\":\(quoted("\(externalURL)/graph?g0.expr=\(query)&g0.tab=1"))")
        fields.append("\"labels\":\(map(item.labels))")
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
