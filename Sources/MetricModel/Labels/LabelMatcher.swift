/// A condition on one label, as in a PromQL selector: `job="demo"`, `code!~"5.."`.
public struct LabelMatcher: Sendable, Hashable {
    /// How the value is compared.
    public enum Operator: String, Sendable, Hashable, CaseIterable {
        /// `=`: the value is the same.
        case equal = "="
        /// `!=`: the value is another.
        case notEqual = "!="
        /// `=~`: the regular expression matches the whole value.
        case matches = "=~"
        /// `!~`: the regular expression does not match the whole value.
        case notMatches = "!~"
    }

    /// The label's name.
    public let name: String
    /// How the value is compared.
    public let operation: Operator
    /// The value or the pattern to compare with.
    public let value: String
    /// The compiled pattern, for the two regular expression operators.
    public let pattern: RegularExpression?

    /// A matcher on a label.
    /// - Throws: ``RegularExpressionError`` where `value` is not a valid pattern for `matches` and `notMatches`.
    public init(_ name: String, _ operation: Operator, _ value: String) throws(RegularExpressionError) {
        self.name = name
        self.operation = operation
        self.value = value
        switch operation {
        case .equal, .notEqual: pattern = nil
        case .matches, .notMatches: pattern = try RegularExpression(value, anchored: true)
        }
    }

    /// The matcher `name="value"`, which cannot fail.
    public init(_ name: String, equals value: String) {
        self.name = name
        self.value = value
        operation = .equal
        pattern = nil
    }

    /// Whether a label with this value (empty for an absent label) satisfies the matcher.
    public func matches(_ candidate: String) -> Bool {
        switch operation {
        case .equal: candidate.hasSameBytes(as: value)
        case .notEqual: !candidate.hasSameBytes(as: value)
        case .matches: pattern?.matches(candidate) ?? false
        case .notMatches: !(pattern?.matches(candidate) ?? false)
        }
    }

    /// Whether a series without the label satisfies the matcher.
    public var matchesEmpty: Bool { matches("") }

    /// Whether the set of labels satisfies the matcher.
    public func matches(_ labels: Labels) -> Bool { matches(labels[name] ?? "") }

    /// Equality is that of name, operator and text.
    public static func == (left: Self, right: Self) -> Bool {
        left.operation == right.operation && left.name.hasSameBytes(as: right.name)
            && left.value.hasSameBytes(as: right.value)
    }

    /// Hashes name, operator and text.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(ExactText(name))
        hasher.combine(operation)
        hasher.combine(ExactText(value))
    }
}

extension LabelMatcher: CustomStringConvertible {
    /// As Prometheus prints it: `job=~"a|b"`.
    public var description: String {
        let name = Label.isLegacyName(name) ? name : GoText.quoted(name)
        return name + operation.rawValue + GoText.quoted(value)
    }
}
