import Exposition
import MetricModel
import PromQL
import Rules
import Scrape
import Simulation

/// Why an expectation is not met: what was seen, what is near, and what went wrong before.
extension World {
    /// What was seen, what is near, and what went wrong before.
    func explanation(_ state: ExpectationState) async -> [String] {
        let seen = state.last.lines()
        var lines = ["last seen: \(seen.first ?? "")"] + seen.dropFirst().map { "  " + $0 }
        var told: Set<NamedSelector> = []
        if case .series(let found) = state.last, found.isEmpty, let expression = state.expression {
            lines += await sides(of: expression, isRemote: state.spec.isRemote)
            let present = await present(in: expression, isRemote: state.spec.isRemote)
            lines += present.lines
            told = present.told
        }
        switch state.last {
        case .refused, .unreachable: break
        case .series, .scalar, .notices, .failed:
            let only = await untold(state)
            lines += await near(state.spec.text, isRemote: state.spec.isRemote, without: told, only: only)
        }
        lines += unseenChanges(state.spec)
        return lines + circumstances
    }

    /// Of a condition that holds though it never should, the selectors of which what was seen says nothing: those that find nothing now, and
    /// those whose series an aggregation hides. `nil` for all.
    private func untold(_ state: ExpectationState) async -> Set<NamedSelector>? {
        guard state.spec.isNever, state.last.holds, let expression = state.expression else { return nil }
        var all: [(selector: VectorSelector, range: Int64?, isHidden: Bool)] = []
        expression.walk { node, path in
            guard case .vectorSelector(let selector) = node else { return true }
            let isHidden = path.contains { if case .aggregate = $0 { true } else { false } }
            all.append((selector, Expectations.range(of: path), isHidden))
            return true
        }
        var found: Set<NamedSelector> = []
        for (selector, range, isHidden) in all {
            guard let named = NamedSelector(selector.matchers) else { continue }
            if isHidden {
                found.insert(named)
            } else if await samples(of: selector, range, isRemote: state.spec.isRemote).isEmpty {
                found.insert(named)
            }
        }
        return found
    }

    /// What a selector finds now, with the last samples.
    private func samples(of selector: VectorSelector, _ range: Int64?, isRemote: Bool) async -> [String] {
        guard let store = isRemote ? stack.receiver?.store : stack.store else { return [] }
        let end = (selector.timestamp ?? clock.now).minus(selector.offset / 1_000_000)
        let start = end.minus(range.map { $0 / 1_000_000 } ?? stack.engine.options.lookbackDelta)
        let request = SelectRequest(matchers: selector.matchers, start: start + 1, end: end)
        let found = ((try? await store.select(request)) ?? []).sorted { $0.labels < $1.labels }
        return found.compactMap { series -> String? in
            let histogram = series.histograms.lastIndex { range == nil || !SpecialValue.isStale($0.sum) }
            if let histogram, series.histogramTimestamps[histogram] >= series.timestamps.last ?? .min {
                if SpecialValue.isStale(series.histograms[histogram].sum) { return nil }
                let time = moment(series.histogramTimestamps[histogram])
                return "  \(series.labels.selectorText), last histogram at +\(time)"
            }
            let last = series.values.lastIndex { range == nil || !SpecialValue.isStale($0) }
            guard let last, !SpecialValue.isStale(series.values[last]) else { return nil }
            let value = GoNumber.text(series.values[last], .json)
            return "  \(series.labels.selectorText) \(value), last sample at +\(moment(series.timestamps[last]))"
        }
    }

    /// A time of a sample, from the start of the scenario.
    private func moment(_ time: Timestamp) -> String { Self.span((time - scenario.start) * 1_000_000) }

    /// The series that are there though an expression wants them to be absent, with their last samples.
    /// - Returns: what to tell, and of whom it is told.
    private func present(in expression: Expr, isRemote: Bool) async -> (lines: [String], told: Set<NamedSelector>) {
        var (lines, told): ([String], Set<NamedSelector>) = ([], [])
        for (selector, range) in Expectations.absences(in: expression) {
            let rows = await samples(of: selector, range, isRemote: isRemote)
            if rows.isEmpty { continue }
            lines.append("\(Expr.vectorSelector(selector)) is there:")
            lines += rows.prefix(10) + (rows.count > 10 ? ["  … and \(rows.count - 10) more"] : [])
            if let named = NamedSelector(selector.matchers) { told.insert(named) }
        }
        return (lines, told)
    }

    /// The series that an expression nearly found, or would have found before.
    /// - Parameters:
    ///   - told: selectors of which enough is told.
    ///   - only: the selectors that it is about; `nil` for all.
    ///   - isOfRule: whether it is the expression of a rule, whose own alerts are told of already.
    private func near(
        _ text: String,
        isRemote: Bool,
        without told: Set<NamedSelector> = [],
        only: Set<NamedSelector>? = nil,
        isOfRule: Bool = false
    ) async -> [String] {
        var evidence = ExpectationEvidence()
        guard let store = isRemote ? stack.receiver?.store : stack.store else {
            return ["nothing has been sent there yet"]
        }
        evidence.names = await names(store)
        var (past, alerts): ([String], [String]) = ([], [])
        var selectors = Expectations.selectors(text).filter { !told.contains($0) && only?.contains($0) ?? true }
        for selector in selectors {
            if case .series(let found) = await query(selector.anySeries, isRemote: isRemote) {
                evidence.series[selector.name] = found
            }
            let known = evidence.series[selector.name] ?? []
            if AlertSeries.names.contains(selector.name), !isOfRule,
                !known.contains(where: { series in selector.matchers.allSatisfy { $0.matches(series.labels) } })
            {
                alerts += await whyNoAlert(selector.matchers.filter { $0.name != "alertstate" })
                if known.isEmpty { selectors.removeAll { $0 == selector } }
            }
            guard known.isEmpty else { continue }
            var seen = await lastSeen(selector, store)
            if seen.isEmpty {
                // None fits, but what others of that name did may say why.
                var anyone = selector
                anyone.matchers = []
                seen = await lastSeen(anyone, store)
            }
            past += seen
        }
        if !past.isEmpty { return past + alerts }
        let comings = comings
        let awaited = selectors.filter { comings[$0.name] != nil && !evidence.names.contains($0.name) }
        return awaited.map { "\($0.name) comes with \(comings[$0.name] ?? ""), and nothing of it is there yet" }
            + evidence.explain(selectors.filter { !awaited.contains($0) }) + alerts
    }

    /// Why the expression of a rule finds nothing.
    func nearMisses(ofRule text: String) async -> [String] {
        guard let expression = try? PromQLParser().parse(text) else { return [] }
        return await sides(of: expression, isRemote: false) + near(text, isRemote: false, isOfRule: true)
    }

    /// What services expose, batches and events push and rules record, by whom.
    var comings: [String: String] {
        var comings: [String: String] = [:]
        for service in scenario.services {
            for name in service.metrics.flatMap(\.seriesNames) { comings[name] = "the service \(service.name)" }
        }
        for event in scenario.events {
            guard case .push(let job, _, let body, _, _) = event.action else { continue }
            let families = try? FamilyTextParser(validation: .utf8).parse(Array(body.utf8))
            for family in families ?? [] { comings[family.name] = "a push to the job \(job)" }
        }
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

    /// The most pushes that are told of.
    private static let mostPushErrors = 5

    /// The errors of scrapes and pushes until now.
    var circumstances: [String] {
        var lines: [String] = []
        for target in stack.scraper?.pools().flatMap(\.active) ?? [] where !target.report.lastError.isEmpty {
            let time = Self.span(((target.report.lastScrape ?? scenario.start) - scenario.start) * 1_000_000)
            let words = "\(target.scrapePool) \(target.target.url): \(target.report.lastError)"
            lines.append("scrape failed at +\(time): \(words)")
        }
        let pushes = pushErrors.sorted { ($0.value.time, $0.key) < ($1.value.time, $1.key) }.map(\.value)
        for push in pushes.suffix(Self.mostPushErrors) {
            lines.append("push failed at +\(Self.span(push.time)): \(push.text)")
        }
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

    func names(_ store: any MetricStore) async -> [String] {
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
}
