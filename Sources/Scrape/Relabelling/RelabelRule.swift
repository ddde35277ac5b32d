import ConfigTree
public import MetricModel

/// One relabelling step.
public struct RelabelRule: Sendable {
    /// What a rule does.
    public enum Action: String, Sendable, Hashable, CaseIterable {
        /// Writes the replacement to the target label where the pattern matches.
        case replace
        /// Drops where the pattern does not match.
        case keep
        /// Drops where the pattern matches.
        case drop
        /// Drops where the source differs from the target label.
        case keepequal
        /// Drops where the source equals the target label.
        case dropequal
        /// Writes a hash of the source, modulo a number.
        case hashmod
        /// Copies labels whose names match to other names.
        case labelmap
        /// Removes labels whose names match.
        case labeldrop
        /// Removes labels whose names do not match.
        case labelkeep
        /// Writes the source in lower case.
        case lowercase
        /// Writes the source in upper case.
        case uppercase
    }

    /// Labels whose values are joined into the source; `nil` where the field is absent.
    public var sourceLabels: [String]?
    /// What stands between them.
    public var separator = ";"
    /// The pattern's text.
    public var regex = RelabelRule.defaultRegex
    /// Whether the pattern was written down, be it the usual one: then it is shown.
    public internal(set) var isRegexWritten = false
    /// The divisor of ``Action/hashmod``.
    public var modulus: UInt64 = 0
    /// Where the result goes.
    public var targetLabel = ""
    /// What is written, with `$1` for groups of the pattern.
    public var replacement = RelabelRule.defaultReplacement
    /// What the rule does.
    public var action = Action.replace
    /// Which label names are allowed.
    public var nameValidation: NameValidation = .utf8
    /// The compiled pattern.
    public internal(set) var pattern: RegularExpression?

    static let defaultRegex = "(.*)"
    static let defaultReplacement = "$1"

    /// A rule with the defaults; the pattern is compiled.
    public init(
        _ action: Action = .replace,
        sourceLabels: [String]? = nil,
        separator: String = ";",
        regex: String = "(.*)",
        modulus: UInt64 = 0,
        targetLabel: String = "",
        replacement: String = "$1"
    ) throws(RegularExpressionError) {
        self.action = action
        self.sourceLabels = sourceLabels
        self.separator = separator
        self.regex = regex
        self.modulus = modulus
        self.targetLabel = targetLabel
        self.replacement = replacement
        pattern = try RegularExpression(regex, anchored: true)
    }

    /// Why the rule makes no sense, in Prometheus's words; `nil` where it does.
    public func problem() -> String? {
        let name = GoText.quoted(targetLabel)
        let isEqual = action == .keepequal || action == .dropequal
        let isCase = action == .lowercase || action == .uppercase
        if action == .hashmod, modulus == 0 { return "relabel configuration for hashmod requires non-zero modulus" }
        if action == .replace || action == .hashmod || isCase || isEqual, targetLabel.isEmpty {
            return "relabel configuration for \(action.rawValue) action requires 'target_label' value"
        }
        if action == .replace {
            let isValid = targetLabel.contains("$") ? allowsTemplate(targetLabel) : allows(targetLabel)
            if !isValid { return "\(name) is invalid 'target_label' for \(action.rawValue) action" }
        }
        if isCase || isEqual {
            if !allows(targetLabel) { return "\(name) is invalid 'target_label' for \(action.rawValue) action" }
            if replacement != Self.defaultReplacement {
                return "'replacement' can not be set for \(action.rawValue) action"
            }
        }
        if action == .labelmap, !allowsTemplate(replacement) {
            return "\(GoText.quoted(replacement)) is invalid 'replacement' for \(action.rawValue) action"
        }
        if action == .hashmod, !allows(targetLabel) {
            return "\(name) is invalid 'target_label' for \(action.rawValue) action"
        }
        if isEqual, regex != Self.defaultRegex || modulus != 0 || separator != ";" {
            return "\(action.rawValue) action requires only 'source_labels' and `target_label`, and no other fields"
        }
        if action == .labeldrop || action == .labelkeep {
            let hasMore =
                sourceLabels != nil || !targetLabel.isEmpty || modulus != 0 || separator != ";"
                || replacement != Self.defaultReplacement
            if hasMore { return "\(action.rawValue) action requires only 'regex', and no other fields" }
        }
        return nil
    }

    private func allows(_ name: String) -> Bool { nameValidation.allowsLabelName(name) }

    /// Whether the text, with its `$1` and `${1}`, can become a label's name.
    private func allowsTemplate(_ template: String) -> Bool {
        switch nameValidation {
        case .utf8: !template.isEmpty
        case .legacy: Self.isLegacyTemplate(template)
        }
    }

    /// Matches `^(?:(?:[a-zA-Z_]|\$(?:\{\w+\}|\w+))+\w*)+$`.
    static func isLegacyTemplate(_ template: String) -> Bool {
        func isWord(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: "_") || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
                || (byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9"))
        }
        let bytes = Array(template.utf8)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "$") {
                index += 1
                let isBraced = index < bytes.count && bytes[index] == UInt8(ascii: "{")
                if isBraced { index += 1 }
                let start = index
                while index < bytes.count, isWord(bytes[index]) { index += 1 }
                guard index > start else { return false }
                if isBraced {
                    guard index < bytes.count, bytes[index] == UInt8(ascii: "}") else { return false }
                    index += 1
                }
            } else {
                guard isWord(byte) else { return false }
                if index == 0, byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9") { return false }
                index += 1
            }
        }
        return !bytes.isEmpty
    }
}

extension RelabelRule: Hashable {
    /// Equality of what was written.
    public static func == (left: Self, right: Self) -> Bool {
        left.sourceLabels == right.sourceLabels && left.separator == right.separator && left.regex == right.regex
            && left.modulus == right.modulus && left.targetLabel == right.targetLabel
            && left.replacement == right.replacement && left.action == right.action
            && left.nameValidation == right.nameValidation
    }

    /// Hashes what was written.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(sourceLabels)
        hasher.combine(separator)
        hasher.combine(regex)
        hasher.combine(modulus)
        hasher.combine(targetLabel)
        hasher.combine(replacement)
        hasher.combine(action)
    }
}

// MARK: Reading

extension RelabelRule {
    /// Reads the rules of a field of a section.
    /// - Parameter empty: what is said of an empty rule.
    static func readAll(
        _ name: String,
        of section: ConfigSection,
        empty: String,
        validation: NameValidation
    ) -> [RelabelRule] {
        var result: [RelabelRule] = []
        for part in section.sections(name, type: "relabel.Config", sectionType: "relabel.plain") {
            guard let part else {
                section.fail(empty, at: name)
                continue
            }
            if let rule = read(part, validation: validation) { result.append(rule) }
        }
        return result
    }

    private static func read(_ section: ConfigSection, validation: NameValidation) -> RelabelRule? {
        let count = section.problems.problems.count
        let sources =
            section.node("source_labels").flatMap { $0.isNull ? nil : $0 } == nil
            ? nil : section.strings("source_labels", type: "model.LabelNames")
        let separator = section.string("separator") ?? ";"
        let regex = section.string("regex") ?? defaultRegex
        let modulus = section.uint("modulus", type: "uint64") ?? 0
        let target = section.string("target_label") ?? ""
        let replacement = section.string("replacement") ?? defaultReplacement
        var action = Action.replace
        if let name = section.string("action") {
            if section.node("action")?.isPassedOver == true {
                section.fail("relabel action cannot be empty", at: "action")
            } else if let known = Action(rawValue: name.lowercased()) {
                action = known
            } else {
                section.fail(
                    "unknown relabel action \(GoText.quoted(name))",
                    at: "action",
                    hint: DidYouMean.nearest(name.lowercased(), among: Action.allCases.map(\.rawValue))
                        .map { "did you mean \($0)?" }
                )
            }
        }
        section.finish()
        // An item without a text is the empty name in Go, which looks at names only where there is a text.
        for label in section.node("source_labels")?.items ?? [] where !label.isNull && label.text?.isEmpty == true {
            section.fail("\"\" is not a valid label name", at: "source_labels")
        }
        do throws(RegularExpressionError) {
            var rule = try RelabelRule(
                action,
                sourceLabels: sources,
                separator: separator,
                regex: regex,
                modulus: modulus,
                targetLabel: target,
                replacement: replacement
            )
            rule.nameValidation = validation
            rule.isRegexWritten = section.has("regex")
            if section.problems.problems.count == count, let problem = rule.problem() { section.fail(problem) }
            return rule
        } catch {
            section.fail(error.description, at: "regex")
            return nil
        }
    }
}
