import MetricModel

/// Reads OpenMetrics strictly, line by line, and goes on after an error.
struct OpenMetricsLinter {
    private var findings: [LintFinding] = []
    private var line = 0
    private var family: OpenMetricsFamilyCheck?
    /// Every name that a family has taken, and the line at which that family began.
    private var takenNames: [[UInt8]: Int] = [:]
    private var endLine: Int?

    static func check(_ body: [UInt8]) -> [LintFinding] {
        var linter = OpenMetricsLinter()
        linter.readLines(body)
        return linter.findings
    }

    private mutating func readLines(_ body: [UInt8]) {
        var start = 0
        while start < body.count {
            let end = body[start...].firstIndex(of: UInt8(ascii: "\n")) ?? body.count
            line += 1
            if let endLine {
                add(LintFinding(.afterEnd, line: line, "something follows the # EOF of line \(endLine)"))
                break
            }
            read(body[start..<end])
            start = end + 1
        }
        closeFamily()
        if endLine == nil {
            add(LintFinding(.endMissing, line: max(line, 1), "the exposition does not end with # EOF"))
        }
    }

    private mutating func add(_ finding: LintFinding) { findings.append(finding) }

    private mutating func add(_ problem: LineProblem, metric: String = "") {
        add(LintFinding(problem.rule, line: line, column: problem.offset + 1, metric: metric, problem.message))
    }

    private mutating func read(_ text: ArraySlice<UInt8>) {
        if text.isEmpty { return add(LineProblem(.blankLine, 0, "a blank line")) }
        if !ByteText.isValidUTF8(Array(text)) { return add(LineProblem(.encoding, 0, "the line is not UTF-8")) }
        if text.elementsEqual("# EOF".utf8) {
            endLine = line
        } else if text.first == UInt8(ascii: "#") {
            readMetadata(text)
        } else {
            do {
                readSample(try OpenMetricsSampleLine(text))
            } catch {
                add(error, metric: family?.shownName ?? "")
            }
        }
    }

    private mutating func readMetadata(_ text: ArraySlice<UInt8>) {
        let parts = text.split(separator: UInt8(ascii: " "), maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 4, parts[0].count == 1 else {
            let isKnown = ["HELP", "TYPE", "UNIT"].contains(
                parts.dropFirst().first.map { String(decoding: $0, as: UTF8.self) }
            )
            return add(LineProblem(isKnown ? .metadataForm : .metadataKeyword, 0, "not a metadata line"))
        }
        let keyword = String(decoding: parts[1], as: UTF8.self)
        guard ["HELP", "TYPE", "UNIT"].contains(keyword) else {
            return add(LineProblem(.metadataKeyword, 2, "unknown keyword \(ByteText.quoted(parts[1]))"))
        }
        guard let name = familyName(parts[2]) else {
            return add(LineProblem(.metricName, 7, "\(ByteText.quoted(parts[2])) is not a metric name"))
        }
        if family?.name != name { open(name) }
        if family?.hasSamples == true {
            add(
                LineProblem(.metadataLate, 0, "\(keyword) after samples of the family"),
                metric: family?.shownName ?? ""
            )
        }
        let content = Array(parts[3])
        let problem: LineProblem? =
            switch keyword {
            case "TYPE": family?.setType(content)
            case "UNIT": family?.setUnit(content, line: line)
            default: family?.setHelp(LabelText.unescaped(content[...], quotes: true))
            }
        if let problem { add(problem, metric: family?.shownName ?? "") }
    }

    private mutating func familyName(_ text: ArraySlice<UInt8>) -> [UInt8]? {
        if text.first == UInt8(ascii: "\""), text.count > 2, text.last == UInt8(ascii: "\"") {
            let name = LabelText.unescaped(text.dropFirst().dropLast(), quotes: true)
            add(LineProblem(.quotedName, 7, "a quoted metric name"), metric: String(decoding: name, as: UTF8.self))
            return name
        }
        guard let first = text.first, ByteClass.isNameStart(first), text.allSatisfy(ByteClass.isNameByte) else {
            return nil
        }
        return Array(text)
    }

    private mutating func readSample(_ sample: OpenMetricsSampleLine) {
        if family?.owns(sample.name) != true {
            let stated = family?.shownName ?? ""
            if let message = family?.adopt(sample.name) {
                add(LintFinding(.familySuffix, line: family?.line ?? line, metric: stated, message))
            } else {
                open(sample.name)
            }
        }
        let name = String(decoding: sample.name, as: UTF8.self)
        if sample.isQuoted { add(LineProblem(.quotedName, 0, "a quoted name"), metric: name) }
        for label in sample.labels where label.name.starts(with: "__".utf8) {
            let message = "label \(ByteText.quoted(label.name)) is reserved"
            add(LineProblem(.reservedLabel, label.offset, message), metric: name)
        }
        var problems: [LineProblem] = []
        family?.add(sample, line: line) { problems.append($0) }
        for problem in problems { add(problem, metric: name) }
    }

    private mutating func open(_ name: [UInt8]) {
        closeFamily()
        family = OpenMetricsFamilyCheck(name: name, line: line)
    }

    private mutating func closeFamily() {
        guard var closing = family else { return }
        family = nil
        let metric = closing.shownName
        var late: [(Int, LineProblem)] = []
        closing.close { late.append(($0, $1)) }
        for (line, problem) in late {
            add(LintFinding(problem.rule, line: line, column: problem.offset + 1, metric: metric, problem.message))
        }
        var names: Set<[UInt8]> = [closing.name]
        for suffix in closing.suffixes(of: closing.type) {
            names.insert(closing.name + suffix.withUTF8Buffer { Array($0) })
        }
        for name in names.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            if let other = takenNames[name] {
                let shown = String(decoding: name, as: UTF8.self)
                add(
                    LintFinding(
                        .nameClash,
                        line: closing.line,
                        metric: metric,
                        "the name \(shown) belongs to the family that begins at line \(other)"
                    )
                )
                break
            }
        }
        for name in names where takenNames[name] == nil { takenNames[name] = closing.line }
        checkStyle(closing)
    }

    private mutating func checkStyle(_ closing: OpenMetricsFamilyCheck) {
        guard closing.hasSamples else { return }
        // Conventions speak of a counter by its sample's name.
        let name = closing.type == .counter ? closing.shownName + "_total" : closing.shownName
        findings += StyleRules.check(
            StyleRules.Family(
                name: name,
                type: closing.type ?? .unknown,
                hasHelp: closing.help != nil,
                line: closing.line,
                metrics: closing.metrics,
                // Label sets that repeat are judged above.
                repeatedLines: []
            )
        )
    }
}
