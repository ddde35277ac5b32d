import MetricModel

/// Writes YAML in the form in which Prometheus shows its configuration.
enum YAMLValue {
    /// Text, quoted where it would be read as something else.
    case text(String)
    /// A number, truth value or duration: as it is.
    case raw(String)
    /// A list in one line: `[a, b]`.
    case flow([String])
    case list([YAMLValue])
    case map([(key: String, value: YAMLValue)])

    /// The document.
    var document: String {
        var output = ""
        write(to: &output, indent: 0, inList: false)
        return output
    }

    private func write(to output: inout String, indent: Int, inList: Bool) {
        let margin = String(repeating: " ", count: indent)
        switch self {
        case .text, .raw, .flow: output += inline(indent: indent) + "\n"
        case .list(let items):
            for (index, item) in items.enumerated() {
                if index > 0 || !inList { output += margin }
                output += "- "
                item.write(to: &output, indent: indent + 2, inList: true)
            }
        case .map(let fields):
            if fields.isEmpty { output += "{}\n" }
            for (index, field) in fields.enumerated() {
                if index > 0 || !inList { output += margin }
                output += YAMLValue.quoted(field.key, indent: indent) + ":"
                switch field.value {
                case .list(let items) where items.isEmpty: output += " []\n"
                case .map(let fields) where fields.isEmpty: output += " {}\n"
                case .list:
                    output += "\n"
                    field.value.write(to: &output, indent: indent, inList: false)
                case .map:
                    output += "\n"
                    field.value.write(to: &output, indent: indent + 2, inList: false)
                default: output += " " + field.value.inline(indent: indent + 2) + "\n"
                }
            }
        }
    }

    private func inline(indent: Int) -> String {
        switch self {
        case .text(let text): YAMLValue.quoted(text, indent: indent)
        case .raw(let text): text
        case .flow(let items):
            "[" + items.map { YAMLValue.quoted($0, indent: indent, inFlow: true) }.joined(separator: ", ") + "]"
        case .list, .map: ""
        }
    }

    /// The text as a scalar that reads back as the same text.
    static func quoted(_ text: String, indent: Int, inFlow: Bool = false) -> String {
        if case .string = ConfigNode.Scalar(text).meaning {} else { return "\"\(text)\"" }
        if text.unicodeScalars.contains(where: { $0.value < 0x20 && $0 != "\n" || $0.value == 0x7f }) {
            return GoText.quoted(text)
        }
        if text.contains("\n"), !inFlow { return block(text, indent: indent) }
        return isPlain(text, inFlow: inFlow) ? text : "'" + text.replacing("'", with: "''") + "'"
    }

    private static func block(_ text: String, indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        var body = text[...]
        let ending = text.hasSuffix("\n") ? (text.hasSuffix("\n\n") ? "+" : "") : "-"
        if body.hasSuffix("\n") { body.removeLast() }
        let lines = body.split(separator: "\n", omittingEmptySubsequences: false)
        let hint = text.hasPrefix(" ") ? "2" : ""
        return "|\(hint)\(ending)\n" + lines.map { $0.isEmpty ? "" : margin + $0 }.joined(separator: "\n")
    }

    private static func isPlain(_ text: String, inFlow: Bool) -> Bool {
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return false }
        if first == " " || last == " " || last == ":" || text == "<<" || text == "=" { return false }
        if text.hasPrefix("---") || text.hasPrefix("...") { return false }
        if "#,[]{}&*!|>'\"%@`".unicodeScalars.contains(first) { return false }
        var previous: Unicode.Scalar = " "
        let scalars = Array(text.unicodeScalars)
        for (index, scalar) in scalars.enumerated() {
            let isAtEnd = index + 1 == scalars.count
            let isBeforeSpace = isAtEnd || scalars[index + 1] == " "
            if index == 0, "-?:".unicodeScalars.contains(scalar), isBeforeSpace || inFlow && scalar != "-" {
                return false
            }
            if scalar == ":", isBeforeSpace || inFlow { return false }
            if scalar == "#", previous == " " { return false }
            if inFlow, ",?[]{}".unicodeScalars.contains(scalar) { return false }
            previous = scalar
        }
        return true
    }
}
