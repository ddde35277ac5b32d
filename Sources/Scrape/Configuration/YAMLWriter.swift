import ConfigTree
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
                if case .list(let inner) = item, inner.isEmpty {
                    output += "[]\n"
                } else {
                    item.write(to: &output, indent: indent + 2, inList: true)
                }
            }
        case .map(let fields):
            if fields.isEmpty { output += "{}\n" }
            for (index, field) in fields.enumerated() {
                if index > 0 || !inList { output += margin }
                output += YAMLValue.quoted(field.key, indent: indent, isBlockAllowed: false) + ":"
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

    /// The text as a scalar that reads back as the same text, whoever reads it.
    static func quoted(_ text: String, indent: Int, isBlockAllowed: Bool = true, inFlow: Bool = false) -> String {
        if !isText(text) { return GoText.quoted(text) }
        if text.unicodeScalars.contains(where: needsEscape) { return GoText.quoted(text) }
        if text.contains("\n") {
            return isBlockAllowed && !inFlow && isBlock(text) ? block(text, indent: indent) : GoText.quoted(text)
        }
        return isPlain(text, inFlow: inFlow) ? text : "'" + text.replacing("'", with: "''") + "'"
    }

    /// Whether the bare text is text to every reader, and not a number (sexagesimal ones included), a date, a truth value, nothing,
    /// or a key of YAML's own.
    private static func isText(_ text: String) -> Bool {
        guard case .string = ConfigNode.Scalar(text).meaning, text != "<<" else { return false }
        return !isSexagesimal(text) && !beginsWithDate(text)
    }

    /// Matches `^[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+([.][0-9_]*)?$`.
    private static func isSexagesimal(_ text: String) -> Bool {
        func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
        var parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count > 1, var first = parts.first, var last = parts.last else { return false }
        if first.first == UInt8(ascii: "-") || first.first == UInt8(ascii: "+") { first.removeFirst() }
        guard first.first.map(isDigit) == true, first.allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") }) else {
            return false
        }
        if let point = last.firstIndex(of: UInt8(ascii: ".")) {
            guard last[point...].dropFirst().allSatisfy({ isDigit($0) || $0 == UInt8(ascii: "_") }) else {
                return false
            }
            last = last[..<point]
        }
        parts[parts.count - 1] = last
        return parts.dropFirst().allSatisfy { part in
            part.allSatisfy(isDigit) && (part.count == 1 || part.count == 2 && part.first ?? 0 <= UInt8(ascii: "5"))
        }
    }

    /// Readers differ in what may follow the date.
    private static func beginsWithDate(_ text: String) -> Bool {
        let date = text.utf8.prefix { $0 == UInt8(ascii: "-") || $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }
        let parts = date.split(separator: UInt8(ascii: "-"), omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0].count == 4, (1...2).contains(parts[1].count), (1...2).contains(parts[2].count)
        else { return false }
        return text.utf8.dropFirst(date.count).first.map { "Tt \t".utf8.contains($0) } ?? true
    }

    private static func needsEscape(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x0a: false
        case 0..<0x20, 0x7f..<0xa0, 0x2028, 0x2029, 0xfeff, 0xfffe, 0xffff: true
        default: false
        }
    }

    /// Whether the lines say by themselves where they begin and end.
    private static func isBlock(_ text: String) -> Bool {
        guard let first = text.unicodeScalars.first, first != " ", first != "\n" else { return false }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        return !lines.contains { $0.hasSuffix(" ") } && !text.hasSuffix("\n\n")
    }

    private static func block(_ text: String, indent: Int) -> String {
        let margin = String(repeating: " ", count: indent)
        var body = text[...]
        if body.hasSuffix("\n") { body.removeLast() }
        let lines = body.split(separator: "\n", omittingEmptySubsequences: false)
        return "|\(text.hasSuffix("\n") ? "" : "-")\n"
            + lines.map { $0.isEmpty ? "" : margin + $0 }.joined(separator: "\n")
    }

    private static func isPlain(_ text: String, inFlow: Bool) -> Bool {
        guard let first = text.unicodeScalars.first, let last = text.unicodeScalars.last else { return false }
        if first == " " || last == " " || last == ":" || text == "=" { return false }
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
