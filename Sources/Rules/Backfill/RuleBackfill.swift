public import MetricModel
public import PromQL
import RuleTemplates

/// Evaluates rules over what is stored already, as if they had always been there.
public struct RuleBackfill: Sendable {
    /// From when to when an alert was active.
    public struct Span: Sendable, Hashable {
        /// The rule.
        public var rule: String
        /// The alert.
        public var labels: Labels
        /// When it was found first, in milliseconds since 1970.
        public var pending: Timestamp
        /// When it began to fire; `nil` where it never did.
        public var firing: Timestamp?
        /// When it was not found any more; `nil` where it was active at the end.
        public var end: Timestamp?
    }

    /// What came of it.
    public struct Result: Sendable {
        /// The new series.
        public var series: [SeriesColumns] = []
        /// The alerts, by beginning.
        public var spans: [Span] = []
        /// Rules that failed, with the first reason.
        public var failures: [(rule: String, reason: String)] = []

        /// The alerts as a table: when each was found, fired and ended.
        public var table: String {
            if spans.isEmpty { return "" }
            func text(_ time: Timestamp?) -> String {
                time.map {
                    TemplateTime(nanoseconds: RuleTime.nanoseconds(milliseconds: $0)).formatted("2006-01-02T15:04:05Z")
                }
                    ?? "-                   "
            }
            let rows = spans.map { "\(text($0.pending))  \(text($0.firing))  \(text($0.end))  \($0.labels)\n" }
            return "pending               firing                end                   alert\n" + rows.joined()
        }

        /// How many samples there are.
        public var sampleCount: Int {
            series.reduce(0) { $0 + $1.timestamps.count + $1.histogramTimestamps.count }
        }
    }

    /// So many evaluations are made at once.
    private static let sliceLength: Int64 = 2000

    private let engine: PromQLEngine
    private let reader: OverlayReader
    private let surroundings: RuleSurroundings
    private let results = RuleTestStore()

    /// A run over a store.
    public init(engine: PromQLEngine, reader: any SampleReader, surroundings: RuleSurroundings = RuleSurroundings()) {
        self.engine = engine
        self.reader = OverlayReader(base: reader, overlay: results)
        self.surroundings = surroundings
    }

    /// Evaluates groups at all multiples of their intervals in a span (milliseconds since 1970, inclusive).
    @concurrent
    public func run(_ groups: [RuleGroupDefinition], from start: Timestamp, to end: Timestamp) async -> Result {
        var result = Result()
        for group in groups {
            let step = max(1, group.interval)
            let first = (start + step - 1) / step * step
            for definition in group.rules {
                do throws(RuleFailure) {
                    var run = RuleRun(definition, group, engine, reader, surroundings)
                    var time = first
                    while time <= end {
                        let last = min(end, time + (Self.sliceLength - 1) * step)
                        results.append(try await run.samples(from: time, to: last, step))
                        time += Self.sliceLength * step
                    }
                    result.spans += run.finishedSpans
                } catch {
                    result.failures.append((definition.name, error.message))
                }
            }
        }
        let request = SelectRequest(matchers: [], start: .min, end: .max)
        result.series = (try? await results.select(request)) ?? []
        result.spans.sort { ($0.pending, $0.labels) < ($1.pending, $1.labels) }
        return result
    }
}

/// One rule over many evaluations.
private struct RuleRun {
    let definition: RuleDefinition
    let group: RuleGroupDefinition
    let engine: PromQLEngine
    let reader: OverlayReader
    let surroundings: RuleSurroundings
    /// The series that had a sample at the last evaluation.
    private var open: Set<Labels> = []
    private var alert: AlertRule?
    private var spans: [Labels: RuleBackfill.Span] = [:]
    private var done: [RuleBackfill.Span] = []

    init(
        _ definition: RuleDefinition,
        _ group: RuleGroupDefinition,
        _ engine: PromQLEngine,
        _ reader: OverlayReader,
        _ surroundings: RuleSurroundings
    ) {
        self.definition = definition
        self.group = group
        self.engine = engine
        self.reader = reader
        self.surroundings = surroundings
        switch definition.kind {
        case .alerting: alert = AlertRule(definition, isRestored: true)
        case .recording: alert = nil
        }
    }

    var finishedSpans: [RuleBackfill.Span] { done + spans.values }

    mutating func samples(
        from start: Timestamp,
        to end: Timestamp,
        _ step: Int64
    ) async throws(RuleFailure) -> [RuleSample] {
        let result: QueryResult
        do throws(PromQLError) {
            result = try await engine.range(
                definition.expression,
                from: start - group.queryOffset,
                to: end - group.queryOffset,
                step: step,
                reader: reader
            )
        } catch {
            throw RuleFailure(.query, error.message)
        }
        guard case .matrix(let rows) = result.value else {
            throw RuleFailure(.resultType, "rule result is not a vector or scalar")
        }
        // The elements of each evaluation, in the order of the rows.
        var elements = [[RuleElement]](repeating: [], count: Int((end - start) / step) + 1)
        let first = start - group.queryOffset
        for row in 0..<rows.count {
            for index in rows.floats(row) {
                let position = Int((rows.timestamps[index] - first) / step)
                elements[position].append(RuleElement(labels: rows.labels[row], value: rows.values[index]))
            }
            for index in rows.histograms(row) {
                let position = Int((rows.histogramTimestamps[index] - first) / step)
                elements[position].append(
                    RuleElement(labels: rows.labels[row], value: 0, histogram: rows.histograms[index])
                )
            }
        }
        var samples: [RuleSample] = []
        for (position, found) in elements.enumerated() {
            let time = start + Int64(position) * step
            let timestamp = time - group.queryOffset
            let written = try await written(found, at: time, timestamp)
            var present: Set<Labels> = []
            for sample in written { present.insert(sample.labels) }
            if present != open {
                samples += RuleGroupState.stale(open.subtracting(present).sorted(), at: timestamp)
                open = present
            }
            samples += written
        }
        return samples
    }

    private mutating func written(
        _ found: [RuleElement],
        at time: Timestamp,
        _ timestamp: Timestamp
    ) async throws(RuleFailure) -> [RuleSample] {
        guard var alert else {
            return try RecordingRule.samples(definition, found, at: timestamp, limit: group.limit)
        }
        if found.isEmpty, alert.active.isEmpty { return [] }
        let moment = RuleTime.nanoseconds(milliseconds: time)
        var answers = TemplateAnswers()
        while true {
            switch try alert.expand(found, at: moment, surroundings, answers) {
            case .needs(let query): answers.answers[query] = await answer(query, at: time)
            case .ready(let expanded):
                let samples = try alert.take(expanded, at: moment, timestamp: timestamp, limit: group.limit)
                note(alert, time)
                self.alert = alert
                return samples
            }
        }
    }

    private func answer(_ query: String, at time: Timestamp) async -> TemplateAnswers.Answer {
        do throws(PromQLError) {
            let result = try await engine.instant(query: query, at: time, reader: reader)
            guard let elements = try? RuleEnvironment.elements(result) else {
                return .failure("rule result is not a vector or scalar")
            }
            return .samples(
                elements.map {
                    TemplateSample(labels: $0.labels, value: $0.value, histogram: $0.histogram?.description)
                }
            )
        } catch {
            return .failure(error.message)
        }
    }

    /// Keeps book of when alerts begin and end.
    private mutating func note(_ alert: AlertRule, _ time: Timestamp) {
        for (labels, state) in alert.active where state.state != .inactive {
            if spans[labels] == nil {
                spans[labels] = RuleBackfill.Span(rule: definition.name, labels: labels, pending: time)
            }
            if state.state == .firing, spans[labels]?.firing == nil { spans[labels]?.firing = time }
        }
        for (labels, span) in spans where alert.active[labels].map({ $0.state == .inactive }) ?? true {
            var ended = span
            ended.end = time
            done.append(ended)
            spans[labels] = nil
        }
    }
}
