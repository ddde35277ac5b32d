import MetricModel

/// Checks the Prometheus text format as `promtool check metrics` does: it has to be readable, and then to follow conventions.
enum TextLinter {
    static func check(_ body: [UInt8]) -> [LintFinding] {
        body.withUnsafeBufferPointer { bytes in
            let machine = FamilyTextMachine(bytes, validation: .legacy)
            do throws(ExpositionError) {
                try machine.run()
            } catch {
                let column = machine.column(in: bytes)
                return [
                    LintFinding(.textFormat, line: machine.line, column: column, error.message + hint(error.message))
                ]
            }
            return machine.pendingFamilies.flatMap(check)
        }
    }

    private static func hint(_ message: String) -> String {
        if message.hasSuffix("unexpected end of input stream") {
            return " (the last line needs a line feed at its end)"
        }
        if message.contains("\\r") { return " (lines have to end with a line feed alone, without a carriage return)" }
        if message.contains("invalid metric name \"") { return " (names in quotes need a reader that negotiated them)" }
        if message.contains("second TYPE line") { return " (all lines of a family have to stand together)" }
        return ""
    }

    private static func check(_ family: PendingFamily) -> [LintFinding] {
        if family.metrics.isEmpty { return [] }
        let broken = family.metrics.flatMap { TextPartsCheck.problems(of: $0, in: family) }
        var lastLines: [[String]: Int] = [:]
        var repeated: [Int] = []
        for metric in family.metrics {
            let key = metric.labels.flatMap { [$0.name, $0.value] }
            if let earlier = lastLines[key] { repeated.append(earlier) }
            lastLines[key] = metric.line
        }
        return broken
            + StyleRules.check(
                StyleRules.Family(
                    name: String(decoding: family.name, as: UTF8.self),
                    type: family.type ?? .unknown,
                    hasHelp: family.help != nil,
                    line: family.line,
                    metrics: family.metrics.map { StyleRules.Metric(labels: $0.labels.map(\.name), line: $0.line) },
                    repeatedLines: repeated
                )
            )
    }
}
