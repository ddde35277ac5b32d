import MetricModel

/// What promtool's lint says about rule files.
public enum RuleLint {
    /// Rules that occur more than once in a file: the same name and labels. `nil` where there are none.
    public static func duplicates(in file: RuleFile) -> String? {
        let all = file.groups.flatMap { group in group.rules.map { (name: $0.name, labels: $0.labels) } }
        let sorted = all.sorted { left, right in
            left.name == right.name
                ? Labels(left.labels) < Labels(right.labels)
                : left.name.utf8.lexicographicallyPrecedes(right.name.utf8)
        }
        var found: [(name: String, labels: [Label])] = []
        for (first, second) in zip(sorted, sorted.dropFirst()) where first == second {
            if let last = found.last, last == first { continue }
            found.append(second)
        }
        if found.isEmpty { return nil }
        var text = "lint error \(found.count) duplicate rule(s) found.\n"
        for rule in found {
            text += "Metric: \(rule.name)\nLabel(s):\n"
            for label in rule.labels { text += "\t\(label.name): \(label.value)\n" }
        }
        return text + "Might cause inconsistency while recording expressions"
    }
}
