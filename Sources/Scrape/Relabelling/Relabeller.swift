public import MetricModel

/// Applies relabelling rules to sets of labels.
public enum Relabeller {
    /// Applies the rules in order.
    /// - Returns: whether the set is kept; `false` where a rule dropped it (then the builder is as that rule found it).
    public static func apply(_ rules: [RelabelRule], to labels: inout LabelsBuilder) -> Bool {
        for rule in rules where !apply(rule, to: &labels) { return false }
        return true
    }

    /// One step of a trace.
    public struct Step: Sendable, Hashable {
        /// The rule.
        public var rule: RelabelRule
        /// The labels after it.
        public var output: Labels
        /// Whether the set was kept.
        public var isKept: Bool
    }

    /// Applies the rules one by one and tells what each did. As Prometheus's page does, every step starts from all the rules up
    /// to it, and nothing comes after the one that drops.
    public static func trace(_ rules: [RelabelRule], on labels: Labels) -> [Step] {
        var builder = LabelsBuilder(labels)
        var steps: [Step] = []
        for rule in rules {
            let isKept = apply(rule, to: &builder)
            steps.append(Step(rule: rule, output: isKept ? builder.build() : Labels(), isKept: isKept))
            if !isKept { break }
        }
        return steps
    }

    /// Applies one rule.
    public static func apply(_ rule: RelabelRule, to labels: inout LabelsBuilder) -> Bool {
        let source = (rule.sourceLabels ?? []).map { labels[$0] ?? "" }.joined(separator: rule.separator)
        switch rule.action {
        case .drop: return !rule.matches(source)
        case .keep: return rule.matches(source)
        case .dropequal: return !(labels[rule.targetLabel] ?? "").hasSameBytes(as: source)
        case .keepequal: return (labels[rule.targetLabel] ?? "").hasSameBytes(as: source)
        case .replace: replace(rule, source, &labels)
        case .lowercase: labels.set(rule.targetLabel, RuneCase.lowercased(source))
        case .uppercase: labels.set(rule.targetLabel, RuneCase.uppercased(source))
        case .hashmod:
            let digest = MD5.digest(Array(source.utf8))
            let tail = digest[8...].reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
            labels.set(rule.targetLabel, String(tail % rule.modulus))
        case .labelmap:
            for label in labels.current where rule.matches(label.name) {
                // As in Prometheus the name may come out empty, which no sample can have.
                if let name = rule.pattern?.expand(rule.replacement, in: label.name) { labels.set(name, label.value) }
            }
        case .labeldrop: labels.keep { !rule.matches($0.name) }
        case .labelkeep: labels.keep { rule.matches($0.name) }
        }
        return true
    }

    private static func replace(_ rule: RelabelRule, _ source: String, _ labels: inout LabelsBuilder) {
        let isPlain = rule.regex == RelabelRule.defaultRegex && !rule.targetLabel.contains("$")
        if isPlain, !rule.replacement.contains("$") || rule.replacement == RelabelRule.defaultReplacement {
            // The default pattern matches everything and has the whole as its group.
            let value = rule.replacement == RelabelRule.defaultReplacement ? source : rule.replacement
            if rule.nameValidation.allowsLabelName(rule.targetLabel) { labels.set(rule.targetLabel, value) }
            return
        }
        guard let pattern = rule.pattern, let target = pattern.expand(rule.targetLabel, in: source),
            rule.nameValidation.allowsLabelName(target), let value = pattern.expand(rule.replacement, in: source)
        else { return }
        labels.set(target, value)
    }
}

extension RelabelRule {
    /// Whether the rule's pattern matches the whole text.
    func matches(_ text: String) -> Bool { pattern?.matches(text) ?? false }
}
