import ConfigTree
import MetricModel
import PromQL

extension ExpectationSpec {
    private static let forms =
        "{at: 5m, that: EXPR}, {from: 1m, to: 5m, always: EXPR}, {never: EXPR}, "
        + "{after: 5m, within: 2m, that: EXPR}, {notified: ALERT, after: 5m, within: 3m}, {not_notified: ALERT}"

    init?(reading section: ConfigSection, duration: Int64) {
        let words = ["that", "always", "never", "notified", "not_notified"].filter { section.has($0) }
        guard words.count == 1, let word = words.first, let text = section.string(word), !text.isEmpty else {
            section.fail(
                words.count > 1 ? "\(words.joined(separator: " and ")) stand together" : "nothing is expected",
                hint: "one of " + Self.forms
            )
            return nil
        }
        let at = section.time("at")
        let from = section.time("from") ?? 0
        let to = section.time("to") ?? duration + 1
        let after = section.time("after") ?? 0
        let within = section.time("within")
        let until = within.map { after + $0 } ?? duration
        let kind: Kind
        var fields: Set<String>
        switch word {
        case "always": (kind, fields) = (.always(from: from, to: to), ["from", "to"])
        case "never": (kind, fields) = (.never(from: from, to: to), ["from", "to"])
        case "notified": (kind, fields) = (.notified(after: after, until: until), ["after", "within", "resolved"])
        case "not_notified": (kind, fields) = (.notNotified(from: from, to: to), ["from", "to", "resolved"])
        default:
            if let at {
                (kind, fields) = (.at(at), ["at"])
                if at > duration { section.fail("this is after the end of the scenario", at: "at") }
            } else {
                (kind, fields) = (.within(after: after, until: until), ["after", "within"])
                if !section.has("within"), !section.has("at") {
                    section.fail("it is not said when", hint: "at: 5m, or after: 5m and within: 2m")
                }
            }
        }
        for field in ["at", "from", "to", "after", "within", "resolved"] where !fields.contains(field) {
            if section.has(field) {
                section.fail("\(field) does not go with \(word)", at: field, hint: "one of " + Self.forms)
            }
        }
        if section.has("to"), to <= from { section.fail("to is not after from", at: "to") }
        for (field, time) in [("from", from), ("after", after)] where time > duration {
            section.fail("this is after the end of the scenario", at: field)
        }
        self.init(kind, text)
        line = section.node.line
        isResolved = section.bool("resolved") ?? false
        if word == "notified" || word == "not_notified" {
            readAlert(section, word)
        } else {
            do {
                let expression = try PromQLParser().parse(text)
                if expression.type == .string {
                    section.fail("a string says neither yes nor no", at: word)
                } else if expression.type == .matrix {
                    section.fail("a range says neither yes nor no", at: word, hint: "such as rate(…[5m])")
                }
            } catch {
                section.fail("\(GoText.quoted(text)): \(error)", at: word)
            }
        }
        section.finish()
    }

    /// A bare name, a name with conditions, or conditions.
    private mutating func readAlert(_ section: ConfigSection, _ word: String) {
        let brace = text.firstIndex(of: "{") ?? text.endIndex
        let name = text[..<brace].filter { $0 != " " }
        if !name.isEmpty { matchers.append(LabelMatcher("alertname", equals: String(name))) }
        guard brace < text.endIndex else { return }
        do {
            matchers += try PromQLParser().parseSelector(String(text[brace...]))
        } catch {
            section.fail(
                "\(GoText.quoted(text)) names no alert: \(error)",
                at: word,
                hint: #"InstanceDown, {severity="page"}"#
            )
        }
    }
}
