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
    /// What is to be said though it is met: what it is about was never there.
    package internal(set) var notes: [String] = []
    /// What it is met by where it finds nothing.
    var silent: [SilentSelector] = []
    /// Whether only alerting rules can make it true or false.
    let asksForAlerts: Bool

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
        asksForAlerts = spec.asksForAlerts
        switch spec.kind {
        case .notified, .notNotified: expression = nil
        case .at, .always, .never, .within: expression = try PromQLParser().parse(spec.text)
        }
        if let expression { silent = SilentSelector.all(in: expression, isNever: spec.isNever) }
    }

    /// Why it cannot be met, though it seems so; empty where it can.
    func refusal(_ scenario: Scenario) -> String { asksForAlerts ? scenario.missingAlerts : "" }
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
    /// - Parameter isLast: whether its span is over with this.
    func look(_ index: Int, isLast: Bool = false) async {
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
        case .within: if seen.holds || isLast { await settle(index, isMet: seen.holds) }
        case .notified, .notNotified: break
        }
    }

    func observe(_ state: ExpectationState) async -> Observation {
        guard let expression = state.expression else { return .series([]) }
        return await observe(expression, isRemote: state.spec.isRemote)
    }

    func observe(_ expression: Expr, isRemote: Bool = false) async -> Observation {
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
        var (isMet, reasons) = (isMet, more)
        let state = expectations[index]
        let refusal = state.refusal(scenario)
        if isMet, !refusal.isEmpty {
            isMet = false
            reasons.append(refusal)
        } else if isMet {
            reasons += state.last.lines()
        } else {
            reasons += await explanation(state)
        }
        expectations[index].verdict = .init(isMet: isMet, time: now, reasons: reasons)
        tell(.expect, isMet ? "ok" : "not met", state.spec.title)
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
        await noteSilence()
    }

    /// The span of an expectation is over.
    func close(_ index: Int) async {
        guard expectations[index].verdict == nil else { return }
        let state = expectations[index]
        var isMet: Bool
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
        // What comes at the last moment counts, whatever of it comes first.
        case .within(let after, let until):
            return now >= max(after, min(until, end)) ? await look(index, isLast: true) : leaveOpen(index)
        case .at: return leaveOpen(index)
        }
        let refusal = state.refusal(scenario)
        if isMet, !refusal.isEmpty { (isMet, reasons) = (false, [refusal]) }
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
    var isCut: Bool { end < scenario.duration }

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
