import MetricModel

/// The difference between two values in colours: red for what is gone, green for what came, yellow for what changed.
enum ColoredDiff {
    /// A value.
    indirect enum Node: Equatable {
        case text(String)
        case list([Node])
        /// Sorted by key.
        case map([(key: String, value: Node)])

        static func == (left: Node, right: Node) -> Bool {
            switch (left, right) {
            case (.text(let a), .text(let b)): a == b
            case (.list(let a), .list(let b)): a == b
            case (.map(let a), .map(let b)):
                a.count == b.count && zip(a, b).allSatisfy { $0.key == $1.key && $0.value == $1.value }
            case (.text, _), (.list, _), (.map, _): false
            }
        }

        /// Labels or annotations.
        init(_ labels: [Label]) { self = .map(labels.map { ($0.name, .text($0.value)) }) }
    }

    private static let (red, green, yellow, end) = ("\u{1B}[0;31m", "\u{1B}[0;32m", "\u{1B}[0;33m", "\u{1B}[0m")

    /// How a value differs from the one that was expected, indented by four blanks a level.
    static func text(expected: Node, actual: Node) -> String { difference(expected, actual, 0) }

    private static func line(_ level: Int, _ color: String = "") -> String {
        (color.isEmpty ? "" : end) + "\n" + String(repeating: "    ", count: level) + color
    }

    private static func difference(_ old: Node, _ new: Node, _ level: Int) -> String {
        switch (old, new) {
        case (.text(let left), .text(let right)):
            left == right
                ? GoText.quoted(left) : "\(yellow)\(GoText.quoted(left)) => \(GoText.quoted(right))\(end)"
        case (.list(let left), .list(let right)):
            collection(
                "[",
                "]",
                (0..<max(left.count, right.count)).map { index in
                    ("", index < left.count ? left[index] : nil, index < right.count ? right[index] : nil)
                },
                level
            )
        case (.map(let left), .map(let right)):
            collection(
                "{",
                "}",
                Set(left.map(\.key)).union(right.map(\.key))
                    .sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
                    .map { key in
                        (
                            GoText.quoted(key) + ": ", left.first { $0.key == key }?.value,
                            right.first { $0.key == key }?.value
                        )
                    },
                level
            )
        case (.text, _), (.list, _), (.map, _):
            "\(yellow)\(whole(old, level, yellow)) => \(whole(new, level, yellow))\(end)"
        }
    }

    private static func collection(
        _ open: String,
        _ close: String,
        _ items: [(lead: String, old: Node?, new: Node?)],
        _ level: Int
    ) -> String {
        if items.isEmpty { return open + close }
        let texts = items.map { item in
            switch (item.old, item.new) {
            case (let old?, let new?): item.lead + difference(old, new, level + 1)
            case (let old?, nil): red + item.lead + whole(old, level + 1, red) + end
            case (nil, let new?): green + item.lead + whole(new, level + 1, green) + end
            case (nil, nil): ""
            }
        }
        return open + line(level + 1) + texts.joined(separator: "," + line(level + 1)) + line(level) + close
    }

    /// A whole value, each line in the colour.
    private static func whole(_ node: Node, _ level: Int, _ color: String) -> String {
        let (open, close, items): (String, String, [String])
        switch node {
        case .text(let text): return GoText.quoted(text)
        case .list(let list): (open, close, items) = ("[", "]", list.map { whole($0, level + 1, color) })
        case .map(let map):
            items = map.map { GoText.quoted($0.key) + ": " + whole($0.value, level + 1, color) }
            (open, close) = ("{", "}")
        }
        if items.isEmpty { return open + close }
        return open + line(level + 1, color) + items.joined(separator: "," + line(level + 1, color))
            + line(level, color) + close
    }
}
