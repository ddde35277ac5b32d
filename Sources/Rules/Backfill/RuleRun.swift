import MetricModel
import PromQL
import RuleTemplates

/// One rule over many evaluations.
struct RuleRun {
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
    ) async throws(RuleFailure) -> [SeriesColumns] {
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
        let first = start - group.queryOffset
        let count = Int((end - start) / step) + 1
        switch definition.kind {
        case .recording:
            var columns = try RecordedColumns(definition, rows, limit: group.limit).columns
            RecordedColumns.addEnds(&columns, &open, first: first, step: step, count: count)
            return columns
        case .alerting: break
        }
        // The elements of each evaluation, in the order of the rows.
        var elements = [[RuleElement]](repeating: [], count: count)
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
        var samples = SampleColumns()
        for (position, found) in elements.enumerated() {
            let time = start + Int64(position) * step
            let timestamp = time - group.queryOffset
            for sample in try await written(found, at: time, timestamp) { samples.append(sample) }
        }
        var columns = samples.columns
        RecordedColumns.addEnds(&columns, &open, first: first, step: step, count: count)
        return columns
    }

    private mutating func written(
        _ found: [RuleElement],
        at time: Timestamp,
        _ timestamp: Timestamp
    ) async throws(RuleFailure) -> [RuleSample] {
        guard var alert else { return [] }
        if found.isEmpty, alert.active.isEmpty { return [] }
        let moment = RuleTime.nanoseconds(milliseconds: time)
        var expansion = AlertRule.Expansion(found, at: moment)
        while let query = try alert.expand(&expansion, surroundings) {
            expansion.answers.answers[query] = await answer(query, at: time)
        }
        let samples = try alert.take(expansion.expanded, at: moment, timestamp: timestamp, limit: group.limit)
        note(alert, time)
        self.alert = alert
        return samples
    }

    private func answer(_ query: String, at time: Timestamp) async -> TemplateAnswers.Answer {
        do throws(PromQLError) {
            let result = try await engine.instant(query: query, at: time, reader: reader)
            guard let elements = try? RuleEnvironment.elements(result) else {
                return .failure("rule result is not a vector or scalar")
            }
            return .samples(
                elements.map {
                    TemplateSample(labels: $0.labels, value: $0.value, histogram: $0.histogram)
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
