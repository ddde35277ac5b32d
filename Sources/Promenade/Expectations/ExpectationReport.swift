import PromQL

/// What came of expectations, for people and for machines.
package struct ExpectationReport: Sendable {
    package var outcomes: [Expectations.Outcome]
    package var evidence: ExpectationEvidence

    package init(outcomes: [Expectations.Outcome], evidence: ExpectationEvidence = ExpectationEvidence()) {
        self.outcomes = outcomes
        self.evidence = evidence
    }

    /// What was seen of an expression and, where it does not hold, what may explain that.
    private func details(_ outcome: Expectations.Outcome) -> [String] {
        let seen = outcome.last.lines()
        guard !outcome.isMet else { return seen }
        var lines = ["last seen: \(seen.first ?? "")"] + seen.dropFirst().map { "  " + $0 }
        switch outcome.last {
        case .refused, .unreachable: break
        case .series, .scalar, .notices, .failed: lines += evidence.explain(outcome.condition)
        }
        return lines
    }

    private static func after(_ outcome: Expectations.Outcome) -> String {
        let attempts = outcome.attempts == 1 ? "1 attempt" : "\(outcome.attempts) attempts"
        return "after \(outcome.nanoseconds / 1_000_000) ms, \(attempts)"
    }

    /// For people.
    package var text: String {
        var lines: [String] = []
        for outcome in outcomes {
            lines.append("\(outcome.isMet ? "ok      " : "not met ")\(outcome.expression)  (\(Self.after(outcome)))")
            lines += details(outcome).map { "        " + $0 }
        }
        if outcomes.contains(where: { !$0.isMet }) { lines += evidence.circumstances }
        return lines.map { $0 + "\n" }.joined()
    }

    /// As the Test Anything Protocol, version 13, which `prove` reads.
    package var tap: String {
        var lines = ["TAP version 13", "1..\(outcomes.count)"]
        // What is told belongs to the line before it.
        var circumstances = evidence.circumstances
        for (index, outcome) in outcomes.enumerated() {
            // A bare # begins a directive.
            let name = outcome.expression.replacing("\\", with: "\\\\").replacing("#", with: "\\#")
            lines.append("\(outcome.isMet ? "ok" : "not ok") \(index + 1) - \(name.replacing("\n", with: " "))")
            lines += details(outcome).map { "# " + $0 }
            if !outcome.isMet {
                lines += circumstances.map { "# " + $0 }
                circumstances = []
            }
        }
        return lines.map { $0.replacing("\n", with: " ") + "\n" }.joined()
    }

    /// As JUnit XML.
    package var junit: String {
        let cases = outcomes.enumerated().map { index, outcome in
            PromQLTestReport.Case(
                line: index + 1,
                source: outcome.expression,
                failure: outcome.isMet
                    ? nil : (details(outcome) + evidence.circumstances).joined(separator: "\n"),
                duration: outcome.nanoseconds
            )
        }
        return [PromQLTestReport(name: "promenade expect", cases: cases)].junit
    }
}
