import MetricModel
import PromQL

/// What came of all rules, for people and for machines.
package struct ClientReport: Sendable {
    package var findings: [ClientFinding]
    /// What was checked, as people know it.
    package var subject: String

    package init(subject: String, findings: [ClientFinding]) {
        self.subject = subject
        self.findings = findings
    }

    /// 1 where something failed, 0 otherwise.
    package var exitCode: Int32 { findings.contains { $0.verdict == .fail } ? 1 : 0 }

    private func count(_ verdict: ClientFinding.Verdict) -> Int { findings.count { $0.verdict == verdict } }

    private var summary: String {
        ClientFinding.Verdict.allCases.map { "\(count($0)) \($0.rawValue)" }.joined(separator: ", ")
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(0, width - text.count))
    }

    /// For people.
    package var text: String {
        var lines = [subject, ""]
        for finding in findings {
            let id = Self.padded(finding.rule.rawValue, 24)
            lines.append("\(finding.verdict.rawValue)  \(id) \(finding.rule.title)")
            lines.append("      seen: \(finding.seen.replacing("\n", with: "\\n"))")
            if finding.verdict == .fail || finding.verdict == .warn {
                lines.append("      do:   \(finding.rule.remedy)")
                lines.append("      from: \(finding.rule.clause)")
            }
        }
        lines += ["", summary]
        return lines.map { $0 + "\n" }.joined()
    }

    /// As JSON.
    package var json: String {
        let text = JSONString.quoted
        let items = findings.map { finding in
            "{\"id\":\(text(finding.rule.rawValue)),\"verdict\":\(text(finding.verdict.rawValue)),"
                + "\"rule\":\(text(finding.rule.title)),\"seen\":\(text(finding.seen)),"
                + "\"clause\":\(text(finding.rule.clause)),\"remedy\":\(text(finding.rule.remedy))}"
        }
        let counts = ClientFinding.Verdict.allCases.map { "\(text($0.rawValue)):\(count($0))" }
        return "{\"subject\":\(text(subject)),\"counts\":{\(counts.joined(separator: ","))},\"findings\":["
            + items.joined(separator: ",") + "]}\n"
    }

    /// As the Test Anything Protocol, version 14.
    package var tap: String {
        var lines = ["TAP version 14", "1..\(findings.count)"]
        for (index, finding) in findings.enumerated() {
            let state = finding.verdict == .fail ? "not ok" : "ok"
            let name = "\(finding.rule.rawValue): \(finding.rule.title)".replacing("#", with: "\\#")
            let seen = finding.seen.replacing("\n", with: " ")
            let directive = finding.verdict == .skip ? " # SKIP \(seen)" : ""
            lines.append("\(state) \(index + 1) - \(name)\(directive)")
            if finding.verdict == .fail || finding.verdict == .warn {
                lines += ["# \(finding.verdict.rawValue): \(seen)", "# do: \(finding.rule.remedy)"]
                lines.append("# from: \(finding.rule.clause)")
            }
        }
        return lines.map { $0 + "\n" }.joined()
    }

    /// As JUnit XML; what is only warned of or skipped passes.
    package var junit: String {
        let cases = findings.enumerated().map { index, finding in
            PromQLTestReport.Case(
                line: index + 1,
                source: "\(finding.rule.rawValue): \(finding.rule.title)",
                failure: finding.verdict == .fail
                    ? "\(finding.seen)\n\(finding.rule.remedy)\n\(finding.rule.clause)" : nil
            )
        }
        return [PromQLTestReport(name: "promenade check client", cases: cases)].junit
    }
}
