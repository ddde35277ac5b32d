import Exposition

/// Parts of what went over the wire, in JSON.
enum TrafficJSON {
    /// Headers in their order.
    static func headers(_ headers: [(name: String, value: String)]) -> [JSONObject] {
        headers.map { ["name": $0.name, "value": $0.value] }
    }

    /// So many findings are told: each line can have one.
    private static let findingLimit = 1000

    /// What a strict reader finds, line by line; the first of very many.
    static func verdicts(_ findings: [LintFinding]) -> [JSONObject] {
        findings.prefix(findingLimit).map { finding in
            [
                "line": finding.line,
                "verdict": finding.severity == .error ? "error" : "warning",
                "message": finding.metric.isEmpty ? finding.message : "\(finding.metric): \(finding.message)",
                "remedy": finding.remedy,
            ]
        }
    }

    /// How an exposition differs from the one before.
    static func difference(_ difference: ExpositionDifference) -> JSONObject {
        func list(_ entries: [ExpositionContent.Entry]) -> [JSONObject] {
            entries.map { ["series": $0.series, "value": $0.value] }
        }
        return [
            "added": list(difference.added),
            "removed": list(difference.removed),
            "changed": difference.changed.map { change -> JSONObject in
                [
                    "series": change.series,
                    "before": change.before,
                    "after": change.after,
                    "wentDown": change.isReset,
                ]
            },
            "unchanged": difference.unchanged,
        ]
    }
}
