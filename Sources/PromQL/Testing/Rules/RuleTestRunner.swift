public import MetricModel

/// Runs unit tests of expressions as promtool does.
public struct RuleTestRunner: Sendable {
    private let options: PromQLEngine.Options
    private let clock: any StackClock

    /// A runner.
    /// - Parameter parser: what of the language is switched on.
    public init(parser: ParserOptions = ParserOptions(), clock: any StackClock = SystemClock()) {
        var options = PromQLTestRunner.engineOptions
        options.parser = parser
        options.delaysNameRemoval = false
        options.usesStartTimestamps = false
        self.options = options
        self.clock = clock
    }

    /// Runs a file's tests.
    /// - Parameters:
    ///   - file: the tests.
    ///   - name: what to call the file in the report.
    ///   - isChosen: whether to run the group of that name.
    @concurrent
    public func run(
        _ file: RuleTestFile,
        name: String,
        isChosen: @Sendable (String) -> Bool = { _ in true }
    ) async -> PromQLTestReport {
        var report = PromQLTestReport(name: name)
        for group in file.groups where isChosen(group.name) {
            let started = clock.steadyNanoseconds
            let mistakes = await run(group, file)
            report.cases.append(
                PromQLTestReport.Case(
                    line: group.line,
                    source: group.name,
                    failure: mistakes.isEmpty ? nil : mistakes.joined(separator: "\n"),
                    duration: clock.steadyNanoseconds - started
                )
            )
        }
        return report
    }

    private func run(_ group: RuleTestFile.Group, _ file: RuleTestFile) async -> [String] {
        var store = TestStore()
        // Only what a rule evaluation at or before the last test would have seen is there.
        let last = group.expressions.map(\.time).max() ?? 0
        let end = last / file.evaluationInterval * file.evaluationInterval
        let parser = PromQLParser(options: options.parser)
        for series in group.series {
            do throws(ParseError) {
                var description = try PromQLParser(options: .all).parseSeriesDescription(
                    "\(series.series) \(series.values)"
                )
                let count = end / group.interval + 1
                if count < description.values.count { description.values.removeSubrange(Int(count)...) }
                store.load(description, from: group.start, step: group.interval)
            } catch {
                return ["series \(GoText.quoted(series.series)): \(error)"]
            }
        }
        var options = options
        options.defaultSubqueryInterval = file.evaluationInterval
        let engine = PromQLEngine(options: options, clock: clock)
        var mistakes: [String] = []
        for test in group.expressions {
            let time = PrometheusDuration(milliseconds: test.time)
            let place = "    expr: \(GoText.quoted(test.expression)), time: \(time),"
            do throws(RuleTestMistake) {
                let expected = try expected(test, parser)
                let actual = try await actual(test, at: group.start + test.time, engine, store)
                if !Self.isSame(expected, actual, isFuzzy: file.comparesFuzzily) {
                    let texts = "        exp: \(Self.text(expected))\n        got: \(Self.text(actual))"
                    mistakes.append("\(place)\n\(texts)")
                }
            } catch {
                mistakes.append("\(place) err: \(error.message)")
            }
        }
        return mistakes
    }

    // MARK: - Samples

    private struct RuleTestMistake: Error, CustomStringConvertible {
        var message: String
        var description: String { message }
    }

    private struct Sample {
        var labels: Labels
        var value = 0.0
        /// As tests write it; empty for none.
        var histogram = ""
    }

    private func expected(
        _ test: RuleTestFile.ExpressionTest,
        _ parser: PromQLParser
    ) throws(RuleTestMistake) -> [Sample] {
        var samples: [Sample] = []
        for sample in test.samples {
            let place = "labels \(GoText.quoted(sample.labels))"
            do {
                var result = Sample(labels: try parser.parseMetric(sample.labels), value: sample.value)
                if !sample.histogram.isEmpty {
                    let values = try parser.parseSeriesDescription("{} " + sample.histogram).values
                    result.value = 0
                    result.histogram = try Self.single(values).testDescription
                }
                samples.append(result)
            } catch {
                throw RuleTestMistake(message: "\(place): \(error)")
            }
        }
        return samples.sorted { $0.labels < $1.labels }
    }

    private static func single(_ values: [SequenceValue]) throws(RuleTestMistake) -> NativeHistogram {
        if values.count != 1 { throw RuleTestMistake(message: "expected 1 value, got \(values.count)") }
        switch values[0] {
        case .histogram(let histogram, _): return histogram
        case .float(let value): throw RuleTestMistake(message: "expected histogram, got \(value.sixDecimals)")
        case .omitted: throw RuleTestMistake(message: "expected histogram, got _")
        }
    }

    private func actual(
        _ test: RuleTestFile.ExpressionTest,
        at time: Timestamp,
        _ engine: PromQLEngine,
        _ store: TestStore
    ) async throws(RuleTestMistake) -> [Sample] {
        let result: QueryResult
        do throws(PromQLError) {
            result = try await engine.instant(query: test.expression, at: time, reader: store)
        } catch {
            throw RuleTestMistake(message: error.message)
        }
        switch TestResult.Answer(result, test.expression).result {
        case .scalar(let value): return [Sample(labels: Labels(), value: value)]
        case .vector(let elements):
            return elements.map { element in
                switch element.value {
                case .float(let value): Sample(labels: element.labels, value: value)
                case .histogram(let histogram):
                    Sample(labels: element.labels, histogram: histogram.testDescription)
                }
            }.sorted { $0.labels < $1.labels }
        case .string, .matrix: throw RuleTestMistake(message: "rule result is not a vector or scalar")
        }
    }

    /// Whether the samples are the same; NaN is never the same as anything, as in promtool.
    private static func isSame(_ expected: [Sample], _ actual: [Sample], isFuzzy: Bool) -> Bool {
        expected.count == actual.count
            && zip(expected, actual).allSatisfy { left, right in
                let isNear = isFuzzy && (left.value.nextUp == right.value || left.value.nextDown == right.value)
                return left.labels == right.labels && left.histogram == right.histogram
                    && (left.value == right.value || isNear)
            }
    }

    private static func text(_ samples: [Sample]) -> String {
        if samples.isEmpty { return "nil" }
        return samples.map { sample in
            "\(sample.labels) \(sample.histogram.isEmpty ? sample.value.shortestScientific : sample.histogram)"
        }.joined(separator: ", ")
    }
}
