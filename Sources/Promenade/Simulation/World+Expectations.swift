import Exposition
import MetricModel
import PromQL
import Rules
import Scrape
package import Simulation

/// An expectation and what has become of it.
package struct ExpectationState {
    /// What is expected.
    package let spec: ExpectationSpec
    /// The expression; `nil` for one about notices.
    let expression: Expr?
    /// How it ended; `nil` while it is open.
    package internal(set) var verdict: Verdict?
    /// How often it was looked at.
    package internal(set) var looks = 0
    /// What was seen last.
    package internal(set) var last = Observation.series([])

    /// How an expectation ended.
    package struct Verdict: Sendable {
        /// Whether it holds.
        package var isMet: Bool
        /// Whether the world was ended (`--until`) before it could be said.
        package var isOpen = false
        /// When that was settled.
        package var time: Int64
        /// Why, one line each.
        package var reasons: [String]
        /// After how many of them it is told of whom else somebody was told.
        var notices = 0
    }

    init(_ spec: ExpectationSpec) throws {
        self.spec = spec
        switch spec.kind {
        case .notified, .notNotified: expression = nil
        case .at, .always, .never, .within: expression = try PromQLParser().parse(spec.text)
        }
    }
}

/// Looking at expectations.
extension World {
    /// Looks at all expectations that are looked at after each scrape, push and evaluation.
    func lookAround() async {
        if watched.isEmpty { return }
        for index in watched where expectations[index].verdict == nil {
            switch expectations[index].spec.kind {
            case .always(let from, let to), .never(let from, let to): if now < from || now >= to { continue }
            case .within(let after, let until): if now < after || now > until { continue }
            case .at, .notified, .notNotified: continue
            }
            await look(index)
        }
    }

    /// Looks at one.
    func look(_ index: Int) async {
        guard expectations[index].verdict == nil else { return }
        let seen = await observe(expectations[index])
        expectations[index].last = seen
        expectations[index].looks += 1
        switch expectations[index].spec.kind {
        case .at: await settle(index, isMet: seen.holds)
        case .always: if !seen.holds { await settle(index, isMet: false) }
        case .never:
            if case .failed(let reason) = seen {
                await settle(index, isMet: false, ["it could not be evaluated: \(reason)"])
            } else if seen.holds {
                await settle(index, isMet: false)
            }
        case .within(_, let until):
            if seen.holds {
                await settle(index, isMet: true)
            } else if now >= until {
                await settle(index, isMet: false)
            }
        case .notified, .notNotified: break
        }
    }

    private func observe(_ state: ExpectationState) async -> Observation {
        guard let expression = state.expression else { return .series([]) }
        return await observe(expression, isRemote: state.spec.isRemote)
    }

    private func observe(_ expression: Expr, isRemote: Bool = false) async -> Observation {
        let store = isRemote ? stack.receiver?.store : stack.store
        guard let store else { return .series([]) }
        let result: QueryResult
        do throws(PromQLError) {
            result = try await stack.engine.instant(InstantQuery(expression), at: clock.now, reader: store)
        } catch {
            return .failed(error.message)
        }
        switch result.value {
        case .scalar(let value, _): return .scalar(GoNumber.text(value, .json))
        case .string: return .refused("a string says neither yes nor no")
        case .vector(let rows), .matrix(let rows):
            let series = (0..<rows.count).map { row -> ObservedSeries in
                var value = rows.floats(row).last.map { GoNumber.text(rows.values[$0], .json) } ?? ""
                if let last = rows.histograms(row).last {
                    let histogram = rows.histograms[last]
                    let sum = GoNumber.text(histogram.sum, .json)
                    value = "histogram {count:\(GoNumber.text(histogram.count, .json)), sum:\(sum)}"
                }
                return ObservedSeries(rows.labels[row], value)
            }
            return .series(series.sorted { $0.labels < $1.labels })
        }
    }

    /// What the world's server would answer now, for whoever looks into it.
    package func query(_ text: String, isRemote: Bool = false) async -> Observation {
        guard let expression = try? PromQLParser().parse(text) else {
            return .refused("this is no expression: \(text)")
        }
        return await observe(expression, isRemote: isRemote)
    }

    private func settle(_ index: Int, isMet: Bool, _ more: [String] = []) async {
        var reasons = more
        let state = expectations[index]
        if isMet {
            reasons += state.last.lines()
        } else {
            reasons += await explanation(state)
        }
        expectations[index].verdict = .init(isMet: isMet, time: now, reasons: reasons)
        tell(.expect, isMet ? "ok" : "not met", state.spec.title)
    }

    /// What was seen, what is near, and what went wrong before.
    private func explanation(_ state: ExpectationState) async -> [String] {
        let seen = state.last.lines()
        var lines = ["last seen: \(seen.first ?? "")"] + seen.dropFirst().map { "  " + $0 }
        var told: Set<NamedSelector> = []
        if case .series(let found) = state.last, found.isEmpty, let expression = state.expression {
            lines += await sides(of: expression, isRemote: state.spec.isRemote)
            let present = await present(in: expression, isRemote: state.spec.isRemote)
            lines += present.lines
            told = present.told
        }
        switch (state.spec.kind, state.last) {
        case (.never, _), (_, .refused), (_, .unreachable): break
        case (_, _): lines += await near(state.spec.text, isRemote: state.spec.isRemote, without: told)
        }
        lines += unseenChanges(state.spec)
        return lines + circumstances
    }

    /// The series that are there though an expression wants them to be absent, with their last samples.
    /// - Returns: what to tell, and of whom it is told.
    private func present(in expression: Expr, isRemote: Bool) async -> (lines: [String], told: Set<NamedSelector>) {
        guard let store = isRemote ? stack.receiver?.store : stack.store else { return ([], []) }
        var (lines, told): ([String], Set<NamedSelector>) = ([], [])
        for (selector, range) in Expectations.absences(in: expression) {
            let end = (selector.timestamp ?? clock.now).minus(selector.offset / 1_000_000)
            let start = end.minus(range.map { $0 / 1_000_000 } ?? stack.engine.options.lookbackDelta)
            let request = SelectRequest(matchers: selector.matchers, start: start + 1, end: end)
            let found = ((try? await store.select(request)) ?? []).sorted { $0.labels < $1.labels }
            let rows = found.compactMap { series -> String? in
                let last = series.values.lastIndex { range == nil || !SpecialValue.isStale($0) }
                guard let last, !SpecialValue.isStale(series.values[last]) else { return nil }
                let time = Self.span((series.timestamps[last] - scenario.start) * 1_000_000)
                let value = GoNumber.text(series.values[last], .json)
                return "  \(series.labels.selectorText) \(value), last sample at +\(time)"
            }
            if rows.isEmpty { continue }
            lines.append("\(Expr.vectorSelector(selector)) is there:")
            lines += rows.prefix(10) + (rows.count > 10 ? ["  … and \(rows.count - 10) more"] : [])
            if let named = NamedSelector(selector.matchers) { told.insert(named) }
        }
        return (lines, told)
    }

    /// The series that an expression nearly found, or would have found before.
    /// - Parameter told: selectors of which enough is told.
    private func near(_ text: String, isRemote: Bool, without told: Set<NamedSelector> = []) async -> [String] {
        var evidence = ExpectationEvidence()
        guard let store = isRemote ? stack.receiver?.store : stack.store else {
            return ["nothing has been sent there yet"]
        }
        evidence.names = await names(store)
        var past: [String] = []
        let selectors = Expectations.selectors(text).filter { !told.contains($0) }
        for selector in selectors {
            if case .series(let found) = await query(selector.anySeries, isRemote: isRemote) {
                evidence.series[selector.name] = found
            }
            guard evidence.series[selector.name]?.isEmpty ?? true else { continue }
            var seen = await lastSeen(selector, store)
            if seen.isEmpty {
                // None fits, but what others of that name did may say why.
                var anyone = selector
                anyone.matchers = []
                seen = await lastSeen(anyone, store)
            }
            past += seen
        }
        if !past.isEmpty { return past }
        let comings = comings
        let awaited = selectors.filter { comings[$0.name] != nil && !evidence.names.contains($0.name) }
        return awaited.map { "\($0.name) comes with \(comings[$0.name] ?? ""), and nothing of it is there yet" }
            + evidence.explain(selectors.filter { !awaited.contains($0) })
    }

    /// Why the expression of a rule finds nothing.
    func nearMisses(ofRule text: String) async -> [String] {
        guard let expression = try? PromQLParser().parse(text) else { return [] }
        return await sides(of: expression, isRemote: false) + near(text, isRemote: false)
    }

    /// What batches push and rules record, by whom.
    private var comings: [String: String] {
        var comings: [String: String] = [:]
        for group in stack.rules?.manager.snapshots.map(\.definition) ?? [] {
            for rule in group.rules where rule.kind == .recording {
                comings[rule.name] = "a rule of the group \(group.name)"
            }
        }
        for batch in scenario.batches {
            for name in batch.metrics.flatMap(\.seriesNames) { comings[name] = "the batch \(batch.name)" }
        }
        return comings
    }

    /// The errors of scrapes and pushes until now.
    private var circumstances: [String] {
        var lines: [String] = []
        for target in stack.scraper?.pools().flatMap(\.active) ?? [] where !target.report.lastError.isEmpty {
            let time = Self.span(((target.report.lastScrape ?? scenario.start) - scenario.start) * 1_000_000)
            let words = "\(target.scrapePool) \(target.target.url): \(target.report.lastError)"
            lines.append("scrape failed at +\(time): \(words)")
        }
        if let push = lastPushError { lines.append("push failed at +\(Self.span(push.time)): \(push.text)") }
        return lines
    }

    /// What stood on both sides of the comparisons that let nothing through.
    private func sides(of expression: Expr, isRemote: Bool) async -> [String] {
        guard case .binary(let node) = expression.unwrapped else { return [] }
        if node.operation.isSetOperator {
            return await sides(of: node.left, isRemote: isRemote) + (await sides(of: node.right, isRemote: isRemote))
        }
        guard node.operation.isComparison else { return [] }
        var lines: [String] = []
        for side in [node.left, node.right] {
            switch side.unwrapped {
            // The explanation of near misses tells of series as they are.
            case .number, .vectorSelector: continue
            case _: break
            }
            let seen = await observe(side, isRemote: isRemote).lines()
            lines += seen.count == 1 ? ["\(side) was \(seen[0])"] : ["\(side) was:"] + seen.map { "  " + $0 }
        }
        return lines
    }

    private func names(_ store: any MetricStore) async -> [String] {
        let span = (scenario.start - 3_600_000, clock.now)
        return (try? await store.labelValues(Labels.metricName, [], in: TimeSpan(start: span.0, end: span.1))) ?? []
    }

    /// When series were there that are not any more; none for a name that never was.
    private func lastSeen(_ selector: NamedSelector, _ store: any MetricStore) async -> [String] {
        let name = LabelMatcher(Labels.metricName, equals: selector.name)
        let request = SelectRequest(matchers: [name] + selector.matchers, start: scenario.start, end: clock.now)
        let found = ((try? await store.select(request)) ?? []).sorted { $0.labels < $1.labels }
        return found.prefix(5).compactMap { series in
            guard let index = series.values.lastIndex(where: { !SpecialValue.isStale($0) }) else { return nil }
            let time = (series.timestamps[index] - scenario.start) * 1_000_000
            let value = GoNumber.text(series.values[index], .json)
            return "\(series.labels.selectorText) is not there any more; last seen at +\(Self.span(time)): \(value)"
        }
    }

    /// The world ends: what is open is settled.
    func settle() async {
        for index in expectations.indices { await close(index) }
        // Who was told too late is known only now.
        for index in expectations.indices {
            guard case .notified(_, let until) = expectations[index].spec.kind,
                let verdict = expectations[index].verdict, !verdict.isMet, !verdict.isOpen
            else { continue }
            let late = noticesAfter(until, expectations[index].spec)
            // Who was told otherwise stands together, before what the rule found and what went wrong.
            expectations[index].verdict?.reasons.insert(contentsOf: late, at: verdict.notices)
        }
    }

    /// The span of an expectation is over.
    func close(_ index: Int) async {
        guard expectations[index].verdict == nil else { return }
        let state = expectations[index]
        let isMet: Bool
        var (time, reasons, notices): (Int64, [String], Int) = (now, [], 0)
        switch state.spec.kind {
        case .always(let from, let to), .never(let from, let to), .notNotified(let from, let to),
            .notified(let from, let to), .within(let from, let to):
            // What would have come then is not known.
            if to > end && isCut || from > end { return leaveOpen(index) }
        case .at: break
        }
        switch state.spec.kind {
        case .always(let from, let to), .never(let from, let to):
            isMet = state.looks > 0
            if !isMet { reasons = [silence(from, to)] }
        case .notNotified: isMet = true
        case .notified(let after, let until):
            isMet = false
            time = min(until, end)
            reasons = ["nobody was told between \(Self.span(after)) and \(Self.span(time))"]
            reasons += noticesBefore(after, state.spec)
            notices = reasons.count
            reasons += (await whyNobody(state.spec)) + circumstances
        case .at, .within: return leaveOpen(index)
        }
        expectations[index].verdict = .init(isMet: isMet, time: time, reasons: reasons, notices: notices)
        tell(.expect, isMet ? "ok" : "not met", state.spec.title)
    }

    /// Why nothing was looked at.
    private func silence(_ from: Int64, _ to: Int64) -> String {
        let words = "between \(Self.span(from)) and \(Self.span(min(to, end))) nothing was scraped, pushed or evaluated"
        let down = isPrometheusUp ? "" : "; the Prometheus server is down"
        return words + ", so nobody looked" + down
    }

    /// Whether the world was ended before its scenario.
    private var isCut: Bool { end < scenario.duration }

    private func leaveOpen(_ index: Int) {
        expectations[index].verdict = .init(
            isMet: false,
            isOpen: true,
            time: now,
            reasons: [isCut ? "the world was ended before" : "nobody looked at it before the end"]
        )
        tell(.expect, "not reached", expectations[index].spec.title)
    }

    static func span(_ time: Int64) -> String { PrometheusDuration(milliseconds: time / 1_000_000).description }
}
