import Exposition

/// Parts of what went over the wire, in JSON.
enum TrafficJSON {
    /// Headers in their order.
    static func write(_ headers: [(name: String, value: String)], to text: inout JSONText) {
        text.list(headers) { header, text in
            text.raw("{\"name\":")
            text.string(header.name)
            text.raw(",\"value\":")
            text.string(header.value)
            text.raw("}")
        }
    }

    /// What a strict reader finds, line by line.
    static func write(_ findings: [LintFinding], to text: inout JSONText) {
        text.list(findings) { finding, text in
            text.raw("{\"line\":")
            text.integer(finding.line)
            text.raw(",\"verdict\":")
            text.string(finding.severity == .error ? "error" : "warning")
            text.raw(",\"message\":")
            text.string(finding.metric.isEmpty ? finding.message : "\(finding.metric): \(finding.message)")
            text.raw(",\"remedy\":")
            text.string(finding.remedy)
            text.raw("}")
        }
    }

    /// How an exposition differs from the one before.
    static func write(_ difference: ExpositionDifference, to text: inout JSONText) {
        func list(_ entries: [ExpositionContent.Entry], to text: inout JSONText) {
            text.list(entries) { entry, text in
                text.raw("{\"series\":")
                text.string(entry.series)
                text.raw(",\"value\":")
                text.string(entry.value)
                text.raw("}")
            }
        }
        text.raw("{\"added\":")
        list(difference.added, to: &text)
        text.raw(",\"removed\":")
        list(difference.removed, to: &text)
        text.raw(",\"changed\":[")
        for (index, change) in difference.changed.enumerated() {
            if index > 0 { text.raw(",") }
            text.raw("{\"series\":")
            text.string(change.series)
            text.raw(",\"before\":")
            text.string(change.before)
            text.raw(",\"after\":")
            text.string(change.after)
            text.raw(",\"wentDown\":")
            text.bool(change.isReset)
            text.raw("}")
        }
        text.raw("],\"unchanged\":")
        text.integer(difference.unchanged)
        text.raw("}")
    }
}
