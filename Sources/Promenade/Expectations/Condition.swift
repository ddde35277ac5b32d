package import MetricModel
import PromQL

/// Something that has to hold within a time.
package enum Condition: Sendable, Hashable {
    /// An expression that answers a series, or a number that is neither 0 nor NaN.
    case expression(String)
    /// An alert of which somebody has to be told.
    case notice(NoticeCondition)

    /// As people wrote it.
    package var text: String {
        switch self {
        case .expression(let text): text
        case .notice(let notice): notice.text
        }
    }
}

/// An alert of which somebody has to be told.
package struct NoticeCondition: Sendable, Hashable {
    /// What its labels have to be.
    package var matchers: [LabelMatcher]
    /// Whether somebody has to be told of its end, rather than that it fires.
    package var isResolved: Bool

    /// A condition on labels.
    package init(_ matchers: [LabelMatcher], isResolved: Bool = false) {
        self.matchers = matchers
        self.isResolved = isResolved
    }

    /// Reads `alertname="X", severity=~"page|warn"`, with braces or without, or `X{severity="page"}`.
    /// - Throws: ``ConditionFailure`` where it is none of these.
    package init(parsing text: String, isResolved: Bool = false) throws(ConditionFailure) {
        let rest = text.drop { $0.isLetter || $0.isNumber || $0 == "_" || $0 == ":" }
        let hasName = !text.isEmpty && rest.count < text.count && (rest.isEmpty || rest.first == "{")
        // A name, so that conditions that the empty text meets are allowed.
        let selector = hasName ? text : text.hasPrefix("{") ? "x\(text)" : "x{\(text)}"
        let tree: Expr
        do throws(ParseError) {
            tree = try PromQLParser().parse(selector)
        } catch {
            throw ConditionFailure(text, error.description)
        }
        guard case .vectorSelector(let parsed) = tree, rest.isEmpty || selector.hasSuffix("}") else {
            throw ConditionFailure(text, "it is an expression")
        }
        matchers = parsed.matchers.filter { $0.name != Labels.metricName }
        if hasName, let name = parsed.matchers.first(where: { $0.name == Labels.metricName })?.value {
            matchers.insert(LabelMatcher("alertname", equals: name), at: 0)
        }
        if matchers.isEmpty { throw ConditionFailure(text, "there is no label") }
        self.isResolved = isResolved
    }

    /// Whether it is about an alert with these labels.
    package func matches(_ labels: Labels) -> Bool { matchers.allSatisfy { $0.matches(labels) } }

    /// As it is written on the command line.
    package var text: String { "\(isResolved ? "resolved" : "notified") \(selector)" }

    /// Its conditions as in a query.
    package var selector: String {
        "{" + matchers.map { "\($0.name)\($0.operation.rawValue)\(GoText.quoted($0.value))" }.joined(separator: ", ")
            + "}"
    }

    /// The name of the alert, where it has to have one certain name.
    package var alertName: String? { matchers.first { $0.name == "alertname" && $0.operation == .equal }?.value }
}

/// Why a condition cannot be read.
package struct ConditionFailure: Error, Sendable, Hashable, CustomStringConvertible {
    /// What was wrong, and what would be right.
    package let description: String

    init(_ text: String, _ reason: String) {
        description =
            "\(GoText.quoted(text)) does not tell an alert by its labels (such as alertname=\"Down\", severity=~\"page|warn\"): "
            + reason
    }
}
