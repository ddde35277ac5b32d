import MetricModel
import PromQL
import Promenade
import Scrape

extension TestStack {
    /// Throws unless all conditions hold: an expression has to answer a series, or a number that is neither 0 nor NaN.
    ///
    ///     try await stack.expect("up{job=\"demo\"} == 1", "rows_total > 40")
    ///
    /// - Parameters:
    ///   - expressions: the conditions, in PromQL.
    ///   - within: how long to wait on the stack's clock; a manual one is moved, so that what is due is scraped. Without it they
    ///     have to hold now, as after ``scrape(job:)``.
    public func expect(_ expressions: String..., within: Duration = .zero) async throws {
        try await expect(expressions.map(Condition.expression), within: within)
    }

    /// Throws unless somebody is told of an alert with such labels.
    ///
    ///     try await stack.expect(notified: "alertname=\"Down\", severity=~\"page|warn\"", within: .seconds(180))
    ///
    /// The error tells what else somebody was told of, and how far the alert is: pending for how long, or why it is not found.
    /// - Parameters:
    ///   - matchers: conditions on the alert's labels as in a selector.
    ///   - within: how long to wait on the stack's clock; a manual one is moved.
    public func expect(notified matchers: String, within: Duration = .zero) async throws {
        try await expect([.notice(try NoticeCondition(parsing: matchers))], within: within)
    }

    /// Throws unless somebody is told that an alert with such labels is over.
    public func expect(resolved matchers: String, within: Duration = .zero) async throws {
        try await expect([.notice(try NoticeCondition(parsing: matchers, isResolved: true))], within: within)
    }

    private func expect(_ conditions: [Condition], within: Duration) async throws {
        let (seconds, attoseconds) = within.components
        let limit = PrometheusDuration(milliseconds: seconds * 1000 + attoseconds / 1_000_000_000_000_000)
        let isManual = stack.clock is ManualClock
        let clock: any StackClock = isManual ? AdvancingClock(stack: self) : stack.clock
        var expectations = Expectations(conditions, within: limit)
        if isManual { expectations.interval = PrometheusDuration(milliseconds: 1000) }
        let outcomes = await expectations.wait(clock: clock) { condition, _ in await observe(condition) }
        if outcomes.allSatisfy(\.isMet) { return }
        var evidence = ExpectationEvidence()
        evidence.alerts = stack.noticeEvidence
        let unmet = outcomes.filter { !$0.isMet }.flatMap { evidence.expressions(of: $0.condition) }
        for selector in unmet.flatMap(Expectations.selectors) {
            guard case .series(let found) = await observe(selector.anySeries) else {
                evidence.unanswered.insert(selector.name)
                continue
            }
            evidence.series[selector.name] = found
        }
        for condition in outcomes.filter({ !$0.isMet }).map(\.condition) {
            guard case .notice = condition else { continue }
            for expression in evidence.expressions(of: condition) {
                evidence.reasons[expression] = try? await stack.engine.explain(
                    query: expression,
                    over: .instant(at: stack.clock.now),
                    reader: stack.reader
                ).emptyReason.flatMap(ExpectationEvidence.words)
            }
        }
        if case .series(let names) = await observe("count by (__name__) ({__name__!=\"\"})") {
            evidence.names = names.map(\.labels.name)
        }
        evidence.scrapeErrors = stack.scraper.pools().flatMap(\.active).compactMap { target in
            let error = target.report.lastError
            return error.isEmpty ? nil : "\(target.scrapePool) \(target.target.url): \(error)"
        }
        evidence.pushError = stack.lastPushError
        evidence.scrapes.targets = stack.scraper.pools().flatMap(\.active).map { target in
            ScrapeEvidence.Target(
                job: target.scrapePool,
                url: target.target.url,
                lastScrape: target.report.lastScrape
            )
        }
        if let exposition = await stack.pushedExposition {
            evidence.scrapes.read(exposition: exposition, of: pushgatewayURL)
        }
        throw ExpectationFailed(description: ExpectationReport(outcomes: outcomes, evidence: evidence).text)
    }

    private func observe(_ condition: Condition) async -> Observation {
        switch condition {
        case .expression(let text): return await observe(text)
        case .notice(let notice): return .notices(stack.noticeEvidence.notices.filter { $0.meets(notice) })
        }
    }

    private func observe(_ expression: String) async -> Observation {
        do {
            switch try await query(expression).value {
            case .scalar(let value, _): return .scalar(GoNumber.text(value, .json))
            case .string: return .refused("a string says neither yes nor no")
            case .vector(let rows), .matrix(let rows):
                return .series(
                    (0..<rows.count).map { row in
                        var value = rows.floats(row).last.map { GoNumber.text(rows.values[$0], .json) } ?? ""
                        if let last = rows.histograms(row).last { value = "\(rows.histograms[last])" }
                        return ObservedSeries(rows.labels[row], value)
                    }
                )
            }
        } catch let error as PromQLError where error.code == .badData {
            // No time mends that.
            return .refused("\(error)")
        } catch {
            return .failed("\(error)")
        }
    }
}

/// Conditions that do not hold, with what was seen and what is near.
public struct ExpectationFailed: Error, CustomStringConvertible {
    /// The whole report.
    public let description: String
}

/// Moves the manual clock of a stack instead of sleeping on it.
private struct AdvancingClock: StackClock {
    let stack: TestStack

    var wallNanoseconds: Int64 { stack.stack.clock.wallNanoseconds }
    var steadyNanoseconds: Int64 { stack.stack.clock.steadyNanoseconds }

    func sleep(untilSteady deadline: Int64) async throws {
        try Task.checkCancellation()
        await stack.advance(by: .nanoseconds(max(0, deadline - steadyNanoseconds)))
    }
}
