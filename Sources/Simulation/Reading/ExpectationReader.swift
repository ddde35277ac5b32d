import ConfigTree
import MetricModel
import PromQL

extension ExpectationSpec {
    private static let forms =
        "{at: 5m, that: EXPR}, {from: 1m, to: 5m, always: EXPR}, {never: EXPR}, "
        + "{after: 5m, within: 2m, that: EXPR}, {notified: ALERT, after: 5m, within: 3m}, "
        + "{not_notified: ALERT, after: 5m, within: 3m}"

    private static let words = ["that", "always", "never", "notified", "not_notified"]
    private static let fields = ["at", "from", "to", "after", "within", "resolved", "remote"]

    /// The word that a field with another name was probably meant to be.
    private static func slip(_ section: ConfigSection) -> String? {
        guard case .mapping(let entries) = section.node.content else { return nil }
        let others = entries.compactMap(\.key.text).filter { !fields.contains($0) }
        return words.first { DidYouMean.nearest($0, among: others) != nil }
    }

    /// What to do where a comma has made a field of the rest of an expression.
    private static func comma(_ section: ConfigSection) -> String? {
        let isRest = section.fieldPlaces.keys.contains { $0.utf8.contains { "()[]{}\" =<>".utf8.contains($0) } }
        return isRest ? "an expression that has a comma in it stands in quotes within {…}" : nil
    }

    /// The times that there are.
    struct Span {
        /// How long the scenario lasts.
        var duration: Int64
        /// The latest moment that is no mistake.
        var latest: Int64
    }

    init?(reading section: ConfigSection, _ span: Span, isSending: Bool) {
        let (duration, latest) = (span.duration, span.latest)
        guard section.isReadable else { return nil }
        /// Of one that cannot be read nobody has asked for all that it may have.
        func giveUp() {
            for field in Self.words + Self.fields { _ = section.has(field) }
            section.finish(isListing: true)
        }
        let words = Self.words.filter { section.has($0) }
        if words.isEmpty, let slip = Self.slip(section) {
            section.missing(slip, hint: nil)
            giveUp()
            return nil
        }
        guard words.count == 1, let word = words.first else {
            section.fail(
                words.count > 1 ? "\(words.joined(separator: " and ")) stand together" : "nothing is expected",
                hint: "one of " + Self.forms
            )
            giveUp()
            return nil
        }
        let given = section.string(word)
        let text = given ?? ""
        if given == "" { section.missing(word, hint: "one of " + Self.forms) }
        let at = section.time("at")
        let from = section.time("from") ?? 0
        // What would be after the end is looked at until then.
        let wanted = section.time("to") ?? .max
        let to = max(from, min(wanted, duration + 1))
        let after = section.time("after") ?? 0
        let within = section.time("within")
        // Where the scenario was made shorter there may be nothing of it.
        let until = max(after, min(within.map { after + $0 } ?? duration, duration))
        let kind: Kind
        var fields: Set<String>
        switch word {
        case "always": (kind, fields) = (.always(from: from, to: to), ["from", "to"])
        case "never": (kind, fields) = (.never(from: from, to: to), ["from", "to"])
        case "notified": (kind, fields) = (.notified(after: after, until: until), ["after", "within", "resolved"])
        case "not_notified" where section.has("after") || section.has("within"):
            // Up to and with the last moment, as somebody is told of who is to be told.
            (kind, fields) = (.notNotified(from: after, to: until + 1), ["after", "within", "resolved"])
        case "not_notified": (kind, fields) = (.notNotified(from: from, to: to), ["from", "to", "resolved"])
        default:
            if section.has("at") {
                let at = at ?? 0
                (kind, fields) = (.at(at), ["at"])
                section.checkTime(at, at: "at", latest: latest)
            } else {
                (kind, fields) = (.within(after: after, until: until), ["after", "within"])
                let isTold = section.hasUnknown(besides: Self.words + Self.fields)
                if !section.has("within"), !section.has("at"), !isTold {
                    section.fail("it is not said when", hint: "at: 5m, or after: 5m and within: 2m")
                }
            }
        }
        for field in Self.fields.dropLast() where !fields.contains(field) {
            if section.has(field) {
                section.fail("\(field) does not go with \(word)", at: field, hint: "one of " + Self.forms)
            }
        }
        if let within, within <= 0 { section.fail("within has to be more than 0", at: "within", hint: "within: 2m") }
        if section.has("to"), wanted <= from, from <= latest {
            section.fail("to is not after from", at: "to", hint: "a time after \(section.string("from") ?? "0s")")
        }
        for (field, time) in [("from", from), ("after", after)] { section.checkTime(time, at: field, latest: latest) }
        self.init(kind, text)
        end = within.map { after + $0 } ?? (section.has("to") ? wanted : nil)
        path = section.path(word)
        place = section.fieldPlaces[word] ?? FieldPlace(section.node)
        isResolved = section.flag("resolved") ?? false
        isRemote = section.flag("remote") ?? false
        if isRemote, !isSending {
            let words = "there is no remote_write in the stack, so nothing gets there"
            section.fail(words, at: "remote", hint: "leave it out, or add remote_write to the stack")
        }
        if text.isEmpty {
            section.finish(isListing: true)
            return nil
        }
        if word == "notified" || word == "not_notified" {
            if isRemote { section.fail("remote does not go with \(word)", at: "remote", hint: "one of " + Self.forms) }
            readAlert(section, word)
        } else {
            do {
                let expression = try PromQLParser().parse(text)
                if expression.type == .string {
                    section.fail("a string says neither yes nor no", at: word, hint: "such as up == 1")
                } else if expression.type == .matrix {
                    section.fail("a range says neither yes nor no", at: word, hint: "such as rate(…[5m])")
                }
            } catch {
                let shown = text.count > 100 ? text.prefix(100) + "…" : text[...]
                section.fail("\(GoText.quoted(String(shown))): \(error)", at: word, hint: Self.comma(section))
            }
        }
        section.finish(isListing: true)
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
