import MetricModel

/// An alert as tests compare it.
struct SeenAlert: Equatable {
    var labels: [Label]
    var annotations: [Label]

    var text: String { "Labels:\(SeenAlert.text(labels))\nAnnotations:\(SeenAlert.text(annotations))" }

    static func text(_ labels: [Label]) -> String {
        "{"
            + labels.map { label in
                let name = Label.isLegacyName(label.name) ? label.name : GoText.quoted(label.name)
                return "\(name)=\(GoText.quoted(label.value))"
            }.joined(separator: ", ") + "}"
    }

    static func sorted(_ map: [String: String]) -> [Label] {
        map.map { Label(name: $0.key, value: $0.value) }.sorted {
            $0.name.utf8.lexicographicallyPrecedes($1.name.utf8)
        }
    }

    private static func order(_ left: [Label], _ right: [Label]) -> Bool? {
        for (a, b) in zip(left, right) {
            if a.name != b.name { return a.name.utf8.lexicographicallyPrecedes(b.name.utf8) }
            if a.value != b.value { return a.value.utf8.lexicographicallyPrecedes(b.value.utf8) }
        }
        return left.count == right.count ? nil : left.count < right.count
    }

    static func stands(_ left: SeenAlert, before right: SeenAlert) -> Bool {
        order(left.labels, right.labels) ?? order(left.annotations, right.annotations) ?? false
    }

    /// Whether it has all that another one has.
    func covers(_ other: SeenAlert) -> Bool {
        other.labels.allSatisfy(labels.contains) && other.annotations.allSatisfy(annotations.contains)
    }
}

extension RuleTestRun {
    /// For each expected alert that did not come, what the nearest one has otherwise.
    /// - Parameters:
    ///   - others: alerts of the rule that are in other states.
    ///   - isPartial: whether what is not mentioned does not count.
    static func nearMisses(
        _ expected: [SeenAlert],
        _ got: [SeenAlert],
        _ others: [(alert: SeenAlert, state: String)],
        isPartial: Bool
    ) -> String {
        var text = ""
        for wanted in expected where !got.contains(wanted) {
            if isPartial, got.contains(where: { $0.covers(wanted) }) { continue }
            let candidates = got.filter { !expected.contains($0) }.map { wanted.differences(from: $0, isPartial) }
            let elsewhere = others.map { ["it is \($0.state)"] + wanted.differences(from: $0.alert, isPartial) }
            if let nearest = (candidates + elsewhere).min(by: { $0.count < $1.count }) {
                let rest = nearest.count > 5 ? "; and \(nearest.count - 5) more" : ""
                text += "\n        near miss: " + nearest.prefix(5).joined(separator: "; ") + rest
            }
        }
        return text
    }
}

extension SeenAlert {
    /// What another one has otherwise.
    fileprivate func differences(from other: SeenAlert, _ isPartial: Bool) -> [String] {
        var result: [String] = []
        for (kind, left, right) in [
            ("label", labels, other.labels), ("annotation", annotations, other.annotations),
        ] {
            let old = Dictionary(left.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
            let new = Dictionary(right.map { ($0.name, $0.value) }, uniquingKeysWith: { $1 })
            for name in Set(old.keys).union(isPartial ? [] : Array(new.keys)).sorted() where old[name] != new[name] {
                let (a, b) = (old[name].map(GoText.quoted) ?? "absent", new[name].map(GoText.quoted) ?? "absent")
                result.append("\(kind) \(name): expected \(a), got \(b)")
            }
        }
        return result
    }
}
