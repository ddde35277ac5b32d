/// What came of one rule.
package struct ClientFinding: Sendable, Hashable {
    /// The outcomes.
    package enum Verdict: String, Sendable, Hashable, CaseIterable {
        /// It is so.
        case pass
        /// It is allowed, but not good.
        case warn
        /// It is not so.
        case fail
        /// It could not be seen, or concerns something optional that is not there.
        case skip
    }

    package var rule: ClientRule
    package var verdict: Verdict
    /// What was seen.
    package var seen: String

    package init(_ rule: ClientRule, _ verdict: Verdict, _ seen: String) {
        self.rule = rule
        self.verdict = verdict
        self.seen = seen
    }

    /// A rule that holds where nothing speaks against it.
    static func unless(
        _ rule: ClientRule,
        _ problems: [String],
        else seen: String,
        _ verdict: Verdict = .fail
    ) -> ClientFinding {
        guard let first = problems.first else { return ClientFinding(rule, .pass, seen) }
        let more = problems.count > 1 ? " (and \(problems.count - 1) more)" : ""
        return ClientFinding(rule, verdict, first + more)
    }
}
