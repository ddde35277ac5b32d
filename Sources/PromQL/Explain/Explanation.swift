public import MetricModel
internal import Synchronization

/// How a query comes to its answer.
public struct Explanation: Sendable {
    /// The whole expression, with all that it is made of.
    public var root: ExplainedNode
    /// The last step: what windows and examples are of.
    public var time: Timestamp
    /// Warnings and infos.
    public var annotations = Annotations()
    /// Why it has failed, where it has; then what was evaluated until then is there all the same.
    public var error: PromQLError?
    /// Why it answers nothing, where that is so.
    public var emptyReason: EmptyReason?
    /// What it takes counts as held as long as it is there.
    let charge: MemoryCharge?

    init(root: ExplainedNode, time: Timestamp, charge: MemoryCharge?) {
        self.root = root
        self.time = time
        self.charge = charge
    }
}

extension PromQLEngine {
    /// The times that a query is evaluated at.
    public enum ExplainedSpan: Sendable, Hashable {
        /// One.
        case instant(at: Timestamp)
        /// Many; `step` in milliseconds.
        case range(from: Timestamp, to: Timestamp, step: Int64)
    }

    /// Evaluates a query and tells how.
    /// - Throws: where there is nothing to be told, because the expression cannot be read or the query was not let in.
    @concurrent
    public func explain(
        query: String,
        over times: ExplainedSpan,
        reader: any SampleReader,
        options queryOptions: QueryOptions = QueryOptions()
    ) async throws(PromQLError) -> Explanation {
        try await limited(queryOptions) { limits throws(PromQLError) in
            let expression = try await parse(query, limits)
            let span: Span
            switch times {
            case .instant(let time): span = Span(start: time, end: time)
            case .range(let start, let end, let step):
                try checkRange(expression, step)
                span = Span(start: start, end: end, step: step)
            }
            let recording = Recording()
            var explanation: Explanation
            let last = span.step > 0 ? span.start + (span.end - span.start) / span.step * span.step : span.start
            var isEmpty = false
            do throws(PromQLError) {
                let result = try await run(expression, span, reader, queryOptions, limits, recording)
                guard let root = recording.root else { throw PromQLError(.execution, "nothing was evaluated") }
                explanation = Explanation(root: root, time: last, charge: recording.charge)
                explanation.annotations = result.annotations
                switch result.value {
                case .vector(let rows), .matrix(let rows): isEmpty = rows.count == 0
                case .scalar, .string: break
                }
            } catch {
                guard let root = recording.root else { throw error }
                explanation = Explanation(root: root, time: last, charge: recording.charge)
                explanation.error = error
            }
            if isEmpty {
                let why = WhyEmpty(
                    query: query,
                    original: expression,
                    reader: reader,
                    engine: self,
                    time: last,
                    lookback: queryOptions.lookbackDelta ?? options.lookbackDelta,
                    now: clock.now,
                    limits: limits
                )
                let root = explanation.root
                do throws(PromQLError) {
                    explanation.emptyReason = try await limits.task.run { () async throws(PromQLError) in
                        try await why.reason(root)
                    }
                } catch {
                    // The explanation stands without it.
                    if error.code == .canceled || error.code == .timeout { throw error }
                }
                try limits.check()
            }
            return explanation
        }
    }

    /// Where an evaluation leaves what it has told.
    final class Recording: Sendable {
        private let held = Mutex<(root: ExplainedNode?, charge: MemoryCharge?)>((nil, nil))

        var root: ExplainedNode? { held.withLock { $0.root } }
        var charge: MemoryCharge? { held.withLock { $0.charge } }
        func set(_ root: ExplainedNode?, _ charge: MemoryCharge) { held.withLock { $0 = (root, charge) } }
    }
}
