import MetricModel

/// Why a command of a script could not be read.
struct ScriptMistake: Error {
    var line: Int
    var message: String
}

/// Reads scripts of the PromQL test language. A mistake spoils one command, not the script.
struct TestScriptParser {
    private let lines: [String]
    private var index = 0

    /// Takes the script apart into lines, without comments and the spaces around.
    init(_ script: String) {
        lines = script.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let text = Self.trimmed(line)
            return text.hasPrefix("#") ? "" : text
        }
    }

    private static func isSpace(_ character: Character) -> Bool {
        character == " " || character == "\t" || character == "\r" || character == "\r\n"
    }

    static func trimmed(_ text: some StringProtocol) -> String {
        var text = Substring(text)
        while let first = text.first, isSpace(first) { text.removeFirst() }
        while let last = text.last, isSpace(last) { text.removeLast() }
        return String(text)
    }

    /// Splits off the first word.
    static func word(_ text: inout Substring) -> String {
        let word = text.prefix { !isSpace($0) }
        text = text[word.endIndex...].drop(while: isSpace)
        return String(word)
    }

    mutating func script() -> TestScript {
        var script = TestScript()
        while index < lines.count {
            let line = lines[index]
            let number = index + 1
            if line.isEmpty {
                index += 1
                continue
            }
            do throws(ScriptMistake) {
                script.commands.append((number, try command()))
            } catch {
                script.commands.append((error.line, .mistake(error.message, source: line)))
                while index < lines.count, !lines[index].isEmpty { index += 1 }
            }
        }
        return script
    }

    private mutating func command() throws(ScriptMistake) -> TestScript.Command {
        let first = index
        let line = lines[index]
        var rest = Substring(line)
        let name = Self.word(&rest).lowercased()
        index += 1
        if name == "clear" { return .clear }
        if name == "load" || name == "load_with_nhcb" {
            return .load(try load(rest, first, convertsClassicHistograms: name != "load"))
        }
        if name == "eval" || name.hasPrefix("eval_") { return .evaluate(try evaluation(name, rest, line, first)) }
        throw mistake(first, "invalid command \(GoText.quoted(line))")
    }

    private func mistake(_ index: Int, _ message: String) -> ScriptMistake {
        ScriptMistake(line: index + 1, message: message)
    }

    private func duration(_ text: String, _ what: String, _ index: Int) throws(ScriptMistake) -> Int64 {
        do {
            return try PrometheusDuration(parsing: text).milliseconds
        } catch {
            throw mistake(index, "invalid \(what) definition \(GoText.quoted(text)): \(error)")
        }
    }

    private func series(_ text: String, _ index: Int) throws(ScriptMistake) -> SeriesDescription {
        do {
            return try PromQLParser(options: .all).parseSeriesDescription(text)
        } catch {
            var error = error
            error.lineOffset = index
            throw mistake(index, error.description)
        }
    }

    /// Lines up to the next empty one.
    private mutating func nextLine() -> (text: String, index: Int)? {
        guard index < lines.count, !lines[index].isEmpty else { return nil }
        index += 1
        return (lines[index - 1], index - 1)
    }

    // MARK: - load

    private mutating func load(
        _ rest: Substring,
        _ first: Int,
        convertsClassicHistograms: Bool
    ) throws(ScriptMistake) -> TestScript.Load {
        let step = try duration(String(rest), "step", first)
        var load = TestScript.Load(step: step, convertsClassicHistograms: convertsClassicHistograms)
        var starts: (labels: Labels, offsets: [Int64?], index: Int)?
        while let (line, index) = nextLine() {
            if let (metric, offsets) = Self.startLine(line) {
                if let starts { throw mistake(starts.index, "@st line has no following sample line") }
                do {
                    let labels = try series(metric + " _", index).labels
                    starts = (labels, try StartOffsetParser.offsets(offsets), index)
                } catch let error as StartOffsetMistake {
                    throw mistake(index, "invalid @st sequence: \(error.message)")
                } catch {
                    throw mistake(index, "invalid @st line metric \(GoText.quoted(metric))")
                }
                continue
            }
            let description = try series(line, index)
            var entry = TestScript.Load.Series(labels: description.labels, values: description.values)
            if let known = starts {
                if known.labels != entry.labels {
                    throw mistake(known.index, "@st metric does not match the following sample line metric")
                }
                if known.offsets.count != entry.values.count {
                    let counts = "\(known.offsets.count) values but sample line has \(entry.values.count)"
                    throw mistake(known.index, "@st line has \(counts)")
                }
                entry.startOffsets = known.offsets
                starts = nil
            }
            load.series.append(entry)
        }
        if let starts { throw mistake(starts.index, "@st line has no following sample line") }
        return load
    }

    /// The metric and the sequence of a line such as `up{job="demo"}@st -1m _ -30sx3`.
    private static func startLine(_ line: String) -> (metric: String, offsets: String)? {
        var rest = Substring(line)
        let first = word(&rest)
        guard first.hasSuffix("@st"), !rest.isEmpty else { return nil }
        return (String(first.dropLast(3)), String(rest))
    }

    // MARK: - eval

    private mutating func evaluation(
        _ name: String,
        _ rest: Substring,
        _ line: String,
        _ first: Int
    ) throws(ScriptMistake) -> TestScript.Evaluation {
        var rest = rest
        let kind = Self.word(&rest)
        var command = TestScript.Evaluation(expression: "", time: .instant(0), source: line)
        let words: [String]
        switch kind {
        case "instant": words = ["at"]
        case "range": words = ["from", "to", "step"]
        default: throw invalid(first)
        }
        var times: [Int64] = []
        for word in words {
            guard Self.word(&rest) == word else { throw invalid(first) }
            let what = ["at": "timestamp", "from": "start timestamp", "to": "end timestamp"][word] ?? "step"
            times.append(try duration(Self.word(&rest), what, first))
        }
        command.expression = String(rest)
        if kind == "instant" {
            command.time = .instant(times[0])
        } else {
            try checkOrder(times, first)
            command.time = .range(from: times[0], to: times[1], step: times[2])
        }
        switch name.dropFirst(4) {
        case "": break
        case "_fail": command.expectsFailure = true
        case "_warn": command.expectsWarning = true
        case "_info": command.expectsInfo = true
        case "_ordered" where kind == "instant": command.isOrdered = true
        default: throw invalid(first)
        }
        try checkSyntax(command.expression, line, first)
        try expectations(&command)
        return command
    }

    private func invalid(_ index: Int) -> ScriptMistake {
        let forms =
            "'eval[_fail|_warn|_ordered] instant [at <offset:duration>] <query>' or "
            + "'eval[_fail|_warn] range from <from> to <to> step <step> <query>'"
        return mistake(index, "invalid evaluation command. Must be either \(forms)")
    }

    private func checkOrder(_ times: [Int64], _ index: Int) throws(ScriptMistake) {
        if times[1] < times[0] {
            let (end, start) = (PrometheusDuration(milliseconds: times[1]), PrometheusDuration(milliseconds: times[0]))
            let order = "end timestamp (\(end)) is before start timestamp (\(start))"
            throw mistake(index, "invalid test definition, \(order)")
        }
    }

    private func checkSyntax(_ expression: String, _ line: String, _ index: Int) throws(ScriptMistake) {
        do {
            _ = try PromQLParser(options: .all).parse(expression)
        } catch {
            let offset = line.utf8.count - expression.utf8.count
            let moved = error.mistakes.map { mistake in
                ParseError.Mistake(
                    position: PositionRange(
                        start: mistake.position.start + offset,
                        end: mistake.position.end + offset
                    ),
                    message: mistake.message
                )
            }
            var error = ParseError(query: line, mistakes: moved)
            error.lineOffset = index
            throw mistake(index, error.description)
        }
    }

    private mutating func expectations(_ command: inout TestScript.Evaluation) throws(ScriptMistake) {
        var series: [SeriesDescription] = []
        while let (line, index) = nextLine() {
            if command.expectsFailure, let pattern = try oldFailure(line, index) {
                command.failures.append(pattern)
                return
            }
            if line.hasPrefix("expect range vector") {
                command.rangeVector = try rangeVector(line, index)
            } else if line.hasPrefix("expect string") {
                command.result = .string(try string(line, index))
            } else if line == "expect" || line.hasPrefix("expect ") {
                try expect(line, index, &command)
            } else if let value = try? GoNumberParser.number(signed: line) {
                command.result = .scalar(value)
                return
            } else {
                let description = try self.series(line, index)
                if case .instant = command.time, command.rangeVector == nil, description.values.count > 1 {
                    let advice = "consider using 'expect range vector' directive to enable a range vector result"
                    throw mistake(
                        index,
                        "expecting multiple values in instant evaluation not allowed. \(advice) for an instant query"
                    )
                }
                series.removeAll { $0.labels == description.labels }
                series.append(description)
                command.result = .series(series)
            }
        }
    }

    /// `expected_fail_message` and `expected_fail_regexp`.
    private func oldFailure(_ line: String, _ index: Int) throws(ScriptMistake) -> TestScript.TextPattern? {
        if line.hasPrefix("expected_fail_message") {
            return .text(Self.trimmed(line.dropFirst("expected_fail_message".count)))
        }
        guard line.hasPrefix("expected_fail_regexp") else { return nil }
        return try pattern(Self.trimmed(line.dropFirst("expected_fail_regexp".count)), index)
    }

    private func pattern(_ text: String, _ index: Int) throws(ScriptMistake) -> TestScript.TextPattern {
        do {
            return .pattern(try RegularExpression(text, anchored: false))
        } catch {
            throw mistake(index, "invalid regex \(text): \(error)")
        }
    }

    private func rangeVector(
        _ line: String,
        _ index: Int
    ) throws(ScriptMistake) -> (from: Timestamp, to: Timestamp, step: Int64) {
        var rest = line.dropFirst("expect range vector".count).drop(while: Self.isSpace)
        var times: [Int64] = []
        for (word, what) in [("from", "start timestamp"), ("to", "end timestamp"), ("step", "step")] {
            guard Self.word(&rest) == word else {
                throw mistake(index, "invalid range vector definition \(GoText.quoted(line))")
            }
            times.append(try duration(Self.word(&rest), what, index))
        }
        try checkOrder(times, index)
        return (times[0], times[1], times[2])
    }

    private func string(_ line: String, _ index: Int) throws(ScriptMistake) -> String {
        let literal = Self.trimmed(line.dropFirst("expect string".count))
        if literal.isEmpty {
            throw mistake(index, "expected string literal not valid - a quoted string literal is required")
        }
        guard case .string(let node)? = try? PromQLParser().parse(literal) else {
            throw mistake(index, "expected string literal not valid - check that the string is correctly quoted")
        }
        return node.value
    }

    private func expect(
        _ line: String,
        _ index: Int,
        _ command: inout TestScript.Evaluation
    ) throws(ScriptMistake) {
        let invalid = mistake(
            index,
            "invalid expect statement, must match `expect <type> <match_type>: <string>` format"
        )
        var rest = Substring(line)
        _ = Self.word(&rest)
        let kind = Self.word(&rest)
        let detail: TestScript.TextPattern
        if rest.isEmpty {
            detail = .anything
        } else if rest.hasPrefix("msg:") {
            detail = .text(Self.trimmed(rest.dropFirst(4)))
        } else if rest.hasPrefix("regex:") {
            detail = try pattern(Self.trimmed(rest.dropFirst(6)), index)
        } else {
            throw invalid
        }
        switch kind {
        case "ordered": command.isOrdered = true
        case "fail":
            if !command.failures.isEmpty {
                throw mistake(index, "invalid expect lines, multiple expect fail lines are not allowed")
            }
            command.expectsFailure = true
            command.failures.append(detail)
        case "warn": command.warnings.append(detail)
        case "info": command.infos.append(detail)
        case "no_warn": command.forbidsWarnings = true
        case "no_info": command.forbidsInfos = true
        default: throw invalid
        }
        if command.forbidsInfos, !command.infos.isEmpty {
            throw mistake(index, "invalid expect lines, info and no_info cannot be used together")
        }
        if command.forbidsWarnings, !command.warnings.isEmpty {
            throw mistake(index, "invalid expect lines, warn and no_warn cannot be used together")
        }
    }
}

extension GoNumberParser {
    /// Like ``number(_:)``, with an optional sign.
    static func number(signed text: String) throws(Failure) -> Double {
        if text.hasPrefix("-") { return -(try number(String(text.dropFirst()))) }
        return try number(text.hasPrefix("+") ? String(text.dropFirst()) : text)
    }
}
