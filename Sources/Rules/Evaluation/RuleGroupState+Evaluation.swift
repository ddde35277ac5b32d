import MetricModel
import PromQL
import RuleTemplates

extension RuleGroupState {
    /// What came of an evaluation.
    public struct Outcome: Sendable {
        /// Whom somebody has to be told of.
        public var notices: [AlertNotice] = []
        /// Alerts that changed their state.
        public var changes: [AlertChange] = []
        /// Rules that failed, with the reasons.
        public var failures: [(rule: String, reason: String)] = []
        /// How long each rule took, in seconds.
        public var durations: [Double] = []
    }

    /// Samples that wait to be written.
    private struct Pending {
        var samples: [RuleSample] = []
        /// How many each rule has, with the rule.
        var owners: [(rule: Int, count: Int, isResult: Bool)] = []
        var names: Set<String> = []
        /// What rules, and those that are gone, wrote before: to be kept if this cannot be written.
        var series: [Int: Set<Labels>] = [:]
        var staleSeries: [Labels] = []
        var isEmpty: Bool { samples.isEmpty }

        mutating func add(_ more: [RuleSample], rule: Int, isResult: Bool) {
            if more.isEmpty { return }
            samples += more
            owners.append((rule, more.count, isResult))
        }
    }

    /// Evaluates all rules, one after the other, at a time (nanoseconds since 1970). Each sees what those before it found.
    public mutating func evaluate(at time: Int64, _ environment: RuleEnvironment) async -> Outcome {
        var outcome = Outcome()
        var pending = Pending()
        let started = environment.clock.steadyNanoseconds
        let timestamp = time / 1_000_000 - definition.queryOffset
        evaluatedAt = environment.clock.wallNanoseconds
        samples = 0
        counts.iterations += 1
        var ahead: [Int: Ahead] = [:]
        var window = 0..<0
        for index in rules.indices {
            if environment.isEnding() || Task.isCancelled { break }
            if environment.concurrency > 1, index >= window.upperBound {
                window = self.window(from: index, environment.concurrency)
                ahead = await ask(ahead: window, at: timestamp, environment)
            }
            if rules[index].reads.contains(where: { $0.reads(anyOf: pending.names) }) {
                await write(&pending, environment, &outcome)
            }
            let began = environment.clock.steadyNanoseconds
            rules[index].evaluatedAt = environment.clock.wallNanoseconds
            rules[index].firstEvaluatedAt = rules[index].firstEvaluatedAt ?? rules[index].evaluatedAt
            counts.evaluations += 1
            do throws(RuleFailure) {
                let written = try await evaluate(rule: index, at: time, timestamp, environment, ahead[index])
                rules[index].health = .ok
                rules[index].lastError = ""
                samples += written.count
                if let notices = rules[index].alert?.notices(
                    at: time,
                    resendDelay: environment.resendDelay,
                    interval: RuleTime.nanoseconds(milliseconds: definition.interval),
                    group: definition.key
                ) {
                    // Nobody waits for the rules that follow.
                    if !notices.isEmpty { environment.tell(notices) }
                    outcome.notices += notices
                }
                outcome.changes += rules[index].alert?.changes ?? []
                pending.add(written, rule: index, isResult: true)
                if rules[index].alert?.isSame ?? rules[index].memory.isSame, !written.isEmpty {
                    noteNames(index, &pending.names)
                } else if !written.isEmpty || !rules[index].series.isEmpty {
                    let series = Set(written.lazy.map(\.labels))
                    let gone = rules[index].series.subtracting(series)
                    pending.add(Self.stale(gone.sorted(), at: timestamp), rule: index, isResult: false)
                    noteNames(index, &pending.names)
                    if pending.series[index] == nil { pending.series[index] = rules[index].series }
                    rules[index].series = series
                }
            } catch {
                // Whoever ends the process is not told that rules failed.
                if Task.isCancelled { break }
                fail(index, error.message, &outcome)
            }
            let own = Double(environment.clock.steadyNanoseconds - began) / 1e9
            let seconds = own + (ahead[index]?.duration ?? 0)
            rules[index].duration = seconds
            outcome.durations.append(seconds)
        }
        if !staleSeries.isEmpty {
            pending.add(Self.stale(staleSeries, at: timestamp), rule: -1, isResult: false)
            pending.staleSeries = staleSeries
            staleSeries = []
        }
        await write(&pending, environment, &outcome)
        duration = Double(environment.clock.steadyNanoseconds - started) / 1e9
        return outcome
    }

    private func noteNames(_ index: Int, _ names: inout Set<String>) {
        switch rules[index].definition.kind {
        case .recording: names.insert(rules[index].definition.name)
        case .alerting:
            names.insert(AlertRule.alerts)
            names.insert(AlertRule.forState)
        }
    }

    static func stale(_ series: [Labels], at timestamp: Timestamp) -> [RuleSample] {
        series.map { RuleSample(labels: $0, timestamp: timestamp, value: SpecialValue.stale) }
    }

    private mutating func fail(_ index: Int, _ reason: String, _ outcome: inout Outcome) {
        rules[index].health = .err
        rules[index].lastError = reason
        counts.failures += 1
        outcome.failures.append((rules[index].definition.name, reason))
    }

    private mutating func evaluate(
        rule index: Int,
        at time: Int64,
        _ timestamp: Timestamp,
        _ environment: RuleEnvironment,
        _ ahead: Ahead?
    ) async throws(RuleFailure) -> [RuleSample] {
        let definition = rules[index].definition
        let elements: [RuleElement]
        if let ahead {
            elements = try ahead.answer.get()
        } else {
            elements = try await environment.elements(rules[index].query, at: timestamp)
        }
        guard var alert = rules[index].alert else {
            return try RecordingRule.samples(
                definition,
                elements,
                at: timestamp,
                limit: self.definition.limit,
                &rules[index].memory
            )
        }
        defer { rules[index].alert = alert }
        var expansion = AlertRule.Expansion(elements, at: time)
        // Who ends the group waits for a rule that is under way, but not for what goes on for long.
        let (clock, began) = (environment.clock, environment.clock.steadyNanoseconds)
        let limit = TaskLimit { environment.isEnding() && clock.steadyNanoseconds - began > 1_000_000_000 }
        let surroundings = environment.surroundings
        while let query = try await limit.run({ () async throws(RuleFailure) -> String? in
            try alert.expand(&expansion, surroundings)
        }) {
            expansion.answers.answers[query] = await answer(query, at: time / 1_000_000, environment)
        }
        return try alert.take(expansion.expanded, at: time, timestamp: timestamp, limit: self.definition.limit)
    }

    /// The answer to a query of a template; that is evaluated at the time of the evaluation, without the offset.
    private func answer(
        _ query: String,
        at timestamp: Timestamp,
        _ environment: RuleEnvironment
    ) async -> TemplateAnswers.Answer {
        do {
            let expression = try await environment.engine.reading { parser throws(ParseError) in
                try parser.parse(query)
            }
            let elements = try await environment.elements(InstantQuery(expression), at: timestamp)
            return .samples(
                elements.map {
                    TemplateSample(labels: $0.labels, value: $0.value, histogram: $0.histogram)
                }
            )
        } catch let error as PromQLError {
            return .failure(error.message)
        } catch {
            return .failure("\(error)")
        }
    }

    private mutating func write(
        _ pending: inout Pending,
        _ environment: RuleEnvironment,
        _ outcome: inout Outcome
    ) async {
        guard !pending.isEmpty else { return }
        let waiting = pending
        pending = Pending()
        do throws(RuleFailure) {
            let rejected = try await environment.sink.write(waiting.samples, group: definition.key)
            if rejected.isEmpty { return }
            var first = 0
            var next = rejected[...]
            for owner in waiting.owners {
                let mine = next.prefix { $0.index < first + owner.count }
                next = next.dropFirst(mine.count)
                first += owner.count
                guard owner.isResult, let problem = mine.last else { continue }
                for item in mine { rules[owner.rule].series.remove(waiting.samples[item.index].labels) }
                rules[owner.rule].memory = RecordingRule.Memory()
                rules[owner.rule].alert?.forgetSeries()
                rules[owner.rule].health = .err
                rules[owner.rule].lastError = problem.reason
                outcome.failures.append(
                    (rules[owner.rule].definition.name, "\(mine.count) samples were not taken: \(problem.reason)")
                )
            }
        } catch {
            for rule in Set(waiting.owners.map(\.rule)).sorted() where rule >= 0 {
                fail(rule, error.message, &outcome)
                rules[rule].memory = RecordingRule.Memory()
                rules[rule].alert?.forgetSeries()
                if let series = waiting.series[rule] { rules[rule].series = series }
            }
            staleSeries += waiting.staleSeries
        }
    }
}
