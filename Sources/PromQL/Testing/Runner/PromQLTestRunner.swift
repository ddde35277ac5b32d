public import MetricModel

/// Runs scripts of the PromQL test language: `load`, `clear`, `eval instant`, `eval range`.
///
/// Each evaluation is checked as Prometheus's own test runner does it: an instant query is asked again with every selector
/// pinned by `@` and at other times, and as the middle step of a range query.
public struct PromQLTestRunner: Sendable {
    private let engine: PromQLEngine
    private let clock: any StackClock

    /// What the engine of the test language has switched on: everything experimental, and 10000 samples a query.
    public static var engineOptions: PromQLEngine.Options {
        var options = PromQLEngine.Options()
        options.parser = .all
        options.maximumSamples = 10_000
        options.timeout = 100_000
        options.defaultSubqueryInterval = 60_000
        options.delaysNameRemoval = true
        options.usesStartTimestamps = true
        return options
    }

    /// A runner with an engine of its own.
    public init(options: PromQLEngine.Options = PromQLTestRunner.engineOptions, clock: any StackClock = SystemClock()) {
        engine = PromQLEngine(options: options, clock: clock)
        self.clock = clock
    }

    /// Runs a script.
    /// - Parameter name: what to call the script in the report.
    @concurrent
    public func run(script: String, name: String) async -> PromQLTestReport {
        var parser = TestScriptParser(script)
        var report = PromQLTestReport(name: name)
        var store = TestStore()
        for (line, command) in parser.script().commands {
            switch command {
            case .clear: store = TestStore()
            case .load(let load): store.load(load)
            case .mistake(let message, let source):
                report.cases.append(.init(line: line, source: source, failure: message))
            case .evaluate(let evaluation):
                let started = clock.steadyNanoseconds
                let failure = await check(evaluation, store)
                let duration = clock.steadyNanoseconds - started
                report.cases.append(
                    .init(line: line, source: evaluation.source, failure: failure, duration: duration)
                )
            }
        }
        return report
    }

    /// What of a script cannot be read; no query is asked.
    public static func lint(script: String, name: String) -> PromQLTestReport {
        var parser = TestScriptParser(script)
        let cases = parser.script().commands.map { line, command in
            switch command {
            case .clear: PromQLTestReport.Case(line: line, source: "clear")
            case .load: PromQLTestReport.Case(line: line, source: "load")
            case .mistake(let message, let source): PromQLTestReport.Case(line: line, source: source, failure: message)
            case .evaluate(let evaluation): PromQLTestReport.Case(line: line, source: evaluation.source)
            }
        }
        return PromQLTestReport(name: name, cases: cases)
    }

    // MARK: - Checks

    private func check(_ command: TestScript.Evaluation, _ store: TestStore) async -> String? {
        switch command.time {
        case .range(let start, let end, let step):
            return await checkRange(command, store, from: start, to: end, step: step)
        case .instant(let time):
            // An expected range vector says when the query is evaluated.
            let time = command.rangeVector?.to ?? time
            if let failure = await checkInstant(command, command.expression, store, at: time) { return failure }
            guard let expression = try? PromQLParser(options: .all).parse(command.expression) else { return nil }
            for variant in AtModifierVariants.variants(of: expression, at: time) {
                if let failure = await checkInstant(command, variant.expression, store, at: variant.time) {
                    return "as \(variant.expression) at \(variant.time) ms: \(failure)"
                }
            }
            return nil
        }
    }

    private func checkRange(
        _ command: TestScript.Evaluation,
        _ store: TestStore,
        from start: Timestamp,
        to end: Timestamp,
        step: Int64
    ) async -> String? {
        do {
            let answer = try await engine.range(
                query: command.expression,
                from: start,
                to: end,
                step: step,
                reader: store
            )
            return mistake(in: TestResult.Answer(answer, command.expression), command)
        } catch {
            return failureMistake(command, error.description)
        }
    }

    private func checkInstant(
        _ command: TestScript.Evaluation,
        _ query: String,
        _ store: TestStore,
        at time: Timestamp
    ) async -> String? {
        let answer: TestResult.Answer
        do {
            answer = TestResult.Answer(try await engine.instant(query: query, at: time, reader: store), query)
        } catch {
            return failureMistake(command, error.description)
        }
        if let mistake = mistake(in: answer, command) { return mistake }
        guard isCheckedInRange(command, query) else { return nil }
        do {
            let answer = try await engine.range(
                query: query,
                from: time - 60_000,
                to: time + 60_000,
                step: 60_000,
                reader: store
            )
            // A range is always sorted by labels.
            if command.isOrdered { return nil }
            let middle = TestResult.Answer(answer, query).result.column(at: time, isScalar: answer.isScalar(command))
            return ResultComparison(command: command).mistake(in: middle).map { "in range mode: \($0)" }
        } catch {
            return "error evaluating query in range mode: \(error)"
        }
    }

    private func isCheckedInRange(_ command: TestScript.Evaluation, _ query: String) -> Bool {
        if command.rangeVector != nil { return false }
        if case .string = command.result { return false }
        return !["start()", "end()", "range()", "step()"].contains { query.utf8.contains(sequence: $0.utf8) }
    }

    private func failureMistake(_ command: TestScript.Evaluation, _ message: String) -> String? {
        guard command.expectsFailure else { return "error evaluating query: \(message)" }
        for pattern in command.failures where !pattern.matches(message) {
            return "expected error matching \(pattern), but got: \(message)"
        }
        return nil
    }

    private func mistake(in answer: TestResult.Answer, _ command: TestScript.Evaluation) -> String? {
        if command.expectsFailure { return "expected error evaluating query but got none" }
        if command.expectsWarning, answer.warnings.isEmpty { return "expected warnings evaluating query but got none" }
        if command.expectsInfo, answer.infos.isEmpty {
            return "expected info annotations evaluating query but got none"
        }
        return annotationMistake("warn", command.warnings, answer.warnings, isForbidden: command.forbidsWarnings)
            ?? annotationMistake("info", command.infos, answer.infos, isForbidden: command.forbidsInfos)
            ?? ResultComparison(command: command).mistake(in: answer.result)
    }

    private func annotationMistake(
        _ kind: String,
        _ expected: [TestScript.TextPattern],
        _ actual: [String],
        isForbidden: Bool
    ) -> String? {
        let found = actual.map { "\n  \($0)" }.joined()
        if isForbidden, !actual.isEmpty { return "unexpected \(kind) annotations:\(found)" }
        if expected.isEmpty { return nil }
        if actual.isEmpty { return "expected \(kind) annotations but none were found" }
        for pattern in expected where !actual.contains(where: pattern.matches) {
            return "expected \(kind) annotation matching \(pattern), found:\(found)"
        }
        for text in actual where !expected.contains(where: { $0.matches(text) }) {
            return "unexpected \(kind) annotation \(GoText.quoted(text))"
        }
        return nil
    }
}

extension QueryResult {
    /// Whether a range of this result stands for scalars.
    fileprivate func isScalar(_ command: TestScript.Evaluation) -> Bool {
        if case .scalar = command.result { return true }
        return false
    }
}

extension Collection<UInt8> {
    fileprivate func contains(sequence: some Collection<UInt8>) -> Bool {
        var rest = self[...]
        while rest.count >= sequence.count {
            if rest.starts(with: sequence) { return true }
            rest = rest.dropFirst()
        }
        return false
    }
}

extension TestResult {
    /// One column of a matrix, as a vector or a scalar.
    fileprivate func column(at time: Timestamp, isScalar: Bool) -> TestResult {
        guard case .matrix(let series) = self else { return self }
        let elements = series.compactMap { series in
            series.points.first { $0.time == time }.map { (labels: series.labels, value: $0.value) }
        }
        if isScalar, elements.count == 1, case .float(let value) = elements[0].value { return .scalar(value) }
        return .vector(elements)
    }
}

extension TestResult.Answer {
    init(_ answer: QueryResult, _ query: String) {
        let texts = answer.annotations.rendered(query: query, limit: 0)
        warnings = texts.warnings
        infos = texts.infos
        switch answer.value {
        case .scalar(let value, _): result = .scalar(value)
        case .string(let value, _): result = .string(value)
        case .vector(let rows):
            result = .vector(
                rows.labels.indices.compactMap { row in
                    if let position = rows.floats(row).first {
                        return (rows.labels[row], .float(rows.values[position]))
                    }
                    guard let position = rows.histograms(row).first else { return nil }
                    return (rows.labels[row], .histogram(rows.histograms[position]))
                }
            )
        case .matrix(let rows):
            result = .matrix(
                rows.labels.indices.map { row in
                    var points = rows.floats(row).map {
                        (time: rows.timestamps[$0], value: TestValue.float(rows.values[$0]))
                    }
                    points += rows.histograms(row).map {
                        (rows.histogramTimestamps[$0], .histogram(rows.histograms[$0]))
                    }
                    return (rows.labels[row], points.sorted { $0.time < $1.time })
                }
            )
        }
    }
}
