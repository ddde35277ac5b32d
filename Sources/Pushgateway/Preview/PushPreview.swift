import MetricModel

/// What a push would do, or what is wrong with it, in detail.
public struct PushPreview: Sendable {
    /// One line of the exposition that the push would add, take away or change.
    public enum Change: Sendable, Hashable {
        /// A sample that was not there.
        case added(String)
        /// A sample that goes away.
        case removed(String)
        /// A sample whose value changes.
        case changed(from: String, to: String)
        /// A sample that stays as it is.
        case kept(String)
    }

    /// The group; `nil` where the path names none.
    public var group: GroupingKey?
    /// The body of the refusal, without the line's end; `nil` where the push would be taken.
    public var error: String?
    /// The place of the error in the body.
    public var place: Place?
    /// What would be right.
    public var hints: [String] = []
    /// Other groups that the push contradicts.
    public var colliding: [GroupingKey] = []
    /// What would change in the group.
    public var changes: [Change] = []

    /// A place in a body of text.
    public struct Place: Sendable, Hashable {
        /// The line, from 1.
        public var line: Int
        /// The column in characters, from 1.
        public var column: Int
        /// The line's text.
        public var text: String

        /// The line with a caret below the column.
        public var drawing: String {
            let prefix = "line \(line): "
            // Tabs stay tabs, so that the caret stands where it belongs.
            let blank = text.unicodeScalars.prefix(column - 1).map { $0 == "\t" ? "\t" : " " }.joined()
            return prefix + text + "\n" + String(repeating: " ", count: prefix.count) + blank + "^"
        }
    }

    /// Nothing known yet.
    public init(group: GroupingKey? = nil, error: String? = nil) {
        self.group = group
        self.error = error
    }
}

extension PushPreview {
    /// In words, line by line.
    public var text: String {
        var lines: [String] = []
        if let error {
            lines.append(error)
            lines.append("")
        }
        if let place { lines += [place.drawing, ""] }
        lines += hints.map { "hint: \($0)" }
        lines += colliding.map { "collides with the group \($0)" }
        if error == nil {
            lines.append("dry run: the push would be accepted; nothing was changed")
            if let group { lines.append("group \(group)") }
            lines += changes.flatMap { change -> [String] in
                switch change {
                case .added(let line): ["+ \(line)"]
                case .removed(let line): ["- \(line)"]
                case .changed(let before, let after): ["- \(before)", "+ \(after)"]
                case .kept(let line): ["  \(line)"]
                }
            }
        } else {
            lines.append("dry run: the push would be refused; nothing was changed")
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// In JSON.
    public var json: [UInt8] {
        var json: [UInt8] = []
        GoJSON.raw("{\"accepted\":\(error == nil),\"group\":", to: &json)
        if let group {
            GoJSON.append(group.labels.map { ($0.name, $0.value) }, to: &json)
        } else {
            GoJSON.raw("null", to: &json)
        }
        GoJSON.raw(",\"error\":", to: &json)
        GoJSON.append(error ?? "", to: &json)
        if let place {
            GoJSON.raw(",\"line\":\(place.line),\"column\":\(place.column),\"text\":", to: &json)
            GoJSON.append(place.text, to: &json)
        }
        GoJSON.raw(",\"hints\":", to: &json)
        Self.append(hints, to: &json)
        GoJSON.raw(",\"colliding\":[", to: &json)
        for (index, key) in colliding.enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            GoJSON.append(key.labels.map { ($0.name, $0.value) }, to: &json)
        }
        GoJSON.raw("],\"added\":", to: &json)
        Self.append(changes.compactMap { if case .added(let line) = $0 { line } else { nil } }, to: &json)
        GoJSON.raw(",\"removed\":", to: &json)
        Self.append(changes.compactMap { if case .removed(let line) = $0 { line } else { nil } }, to: &json)
        GoJSON.raw(",\"changed\":[", to: &json)
        var isFirst = true
        for case .changed(let before, let after) in changes {
            if !isFirst { json.append(UInt8(ascii: ",")) }
            isFirst = false
            GoJSON.append([("before", before), ("after", after)], to: &json)
        }
        GoJSON.raw("],\"kept\":", to: &json)
        Self.append(changes.compactMap { if case .kept(let line) = $0 { line } else { nil } }, to: &json)
        GoJSON.raw("}", to: &json)
        return json
    }

    private static func append(_ texts: [String], to json: inout [UInt8]) {
        json.append(UInt8(ascii: "["))
        for (index, text) in texts.enumerated() {
            if index > 0 { json.append(UInt8(ascii: ",")) }
            GoJSON.append(text, to: &json)
        }
        json.append(UInt8(ascii: "]"))
    }
}
