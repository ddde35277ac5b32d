/// Checks an exposition against every rule of its format and against the conventions.
///
/// This is the strict reading: what a scrape forgives is told here. OpenMetrics is checked line by line to its end; the
/// Prometheus text format up to its first error, as `promtool check metrics` does it.
public enum ExpositionLinter {
    /// What to take the body for.
    public enum Format: String, Sendable, Hashable, CaseIterable {
        /// OpenMetrics if it has an `# EOF` line at its end, Prometheus text otherwise.
        case auto
        /// Prometheus text.
        case text
        /// OpenMetrics.
        case openmetrics
    }

    /// What was found.
    public struct Report: Sendable, Hashable {
        /// The format that the body was checked as; never `auto`.
        public var format: Format
        /// The findings, by line.
        public var findings: [LintFinding]

        /// The exit status of `promtool check metrics`: 0 where there is nothing to say, 1 where the exposition cannot be read,
        /// 3 where it only goes against conventions.
        public var exitCode: Int32 {
            if findings.contains(where: { $0.severity == .error }) { return 1 }
            return findings.isEmpty ? 0 : 3
        }

        /// The findings as text, one after the other: place, metric, message and rule, and below it what to do.
        public func rendered(source: String) -> String {
            findings.map { finding in
                let place = finding.line == 0 ? source : "\(source):\(finding.line):\(max(finding.column, 1))"
                let metric = finding.metric.isEmpty ? "" : finding.metric + " "
                let head =
                    "\(place): \(finding.severity.rawValue): \(metric)\(finding.message) [\(finding.rule.rawValue)]"
                return "\(head)\n    → \(finding.remedy)\n"
            }
            .joined()
        }
    }

    /// Checks a body.
    public static func check(_ body: [UInt8], as format: Format = .auto) -> Report {
        let actual = format == .auto ? detect(body) : format
        var findings =
            actual == .openmetrics ? OpenMetricsLinter.check(body) : TextLinter.check(body)
        findings.sort { ($0.line, $0.column) < ($1.line, $1.column) }
        return Report(format: actual, findings: findings)
    }

    private static func detect(_ body: [UInt8]) -> Format {
        var end = body.count
        while end > 0, body[end - 1] == UInt8(ascii: "\n") || body[end - 1] == UInt8(ascii: "\r") { end -= 1 }
        let mark = Array("# EOF".utf8)
        guard end >= mark.count, body[(end - mark.count)..<end].elementsEqual(mark) else { return .text }
        return end == mark.count || body[end - mark.count - 1] == UInt8(ascii: "\n") ? .openmetrics : .text
    }
}
