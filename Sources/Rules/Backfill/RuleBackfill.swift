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

    /// Evaluations of a rule that failed.
    public struct Failure: Sendable, Hashable, CustomStringConvertible {
        /// The group's file and name.
        public var group: String
        /// The rule.
        public var rule: String
        /// Why the first one failed.
        public var reason: String
        /// When that was, in milliseconds since 1970.
        public var time: Timestamp
        /// How many failed.
        public var count: Int

        /// All of it in a line.
        public var description: String {
            let evaluations = count == 1 ? "one evaluation" : "\(count) evaluations, the first"
            return "\(group), \(rule): \(reason) (\(evaluations) at \(RuleBackfill.text(time)))"
        }
    }

    /// What came of it.
    public struct Result: Sendable {
        /// The new series.
        public var series: [SeriesColumns] = []
        /// The alerts, by beginning.
        public var spans: [Span] = []
        /// Rules of which an evaluation failed; the other evaluations count.
        public var failures: [Failure] = []

        /// The alerts as a table: when each was found, fired and ended.
        public var table: String {
            if spans.isEmpty { return "" }
            func text(_ time: Timestamp?) -> String { time.map(RuleBackfill.text) ?? "-                   " }
            let rows = spans.map { "\(text($0.pending))  \(text($0.firing))  \(text($0.end))  \($0.labels)\n" }
            return "pending               firing                end                   alert\n" + rows.joined()
        }

        /// How many samples there are.
        public var sampleCount: Int {
            series.reduce(0) { $0 + $1.timestamps.count + $1.histogramTimestamps.count }
        }
    }

    static func text(_ time: Timestamp) -> String {
        TemplateTime(nanoseconds: RuleTime.nanoseconds(milliseconds: time)).formatted("2006-01-02T15:04:05Z")
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
                var run = RuleRun(definition, group, engine, reader, surroundings)
                var failure: Failure?
                var time = first
                while time <= end {
                    let last = min(end, time + (Self.sliceLength - 1) * step)
                    await evaluate(&run, from: time, to: last, step: step, failure: &failure)
                    time += Self.sliceLength * step
                }
                result.spans += run.finishedSpans
                if let failure { result.failures.append(failure) }
            }
        }
        result.series = results.all
        result.spans.sort { ($0.pending, $0.labels) < ($1.pending, $1.labels) }
        return result
    }

    /// Evaluates a stretch, and where that fails its halves: an evaluation that fails is left out, and nothing else is.
    private func evaluate(
        _ run: inout RuleRun,
        from first: Timestamp,
        to last: Timestamp,
        step: Int64,
        failure: inout Failure?
    ) async {
        var attempt = run
        do throws(RuleFailure) {
            results.append(try await attempt.samples(from: first, to: last, step))
            run = attempt
        } catch {
            let count = (last - first) / step + 1
            if count == 1 || Task.isCancelled {
                // What a rule remembers of an evaluation that failed is what it would have remembered then.
                run = attempt
                failure =
                    failure
                    ?? Failure(
                        group: run.group.key,
                        rule: run.definition.name,
                        reason: error.message,
                        time: first,
                        count: 0
                    )
                failure?.count += 1
                return
            }
            let middle = first + (count / 2 - 1) * step
            await evaluate(&run, from: first, to: middle, step: step, failure: &failure)
            await evaluate(&run, from: middle + step, to: last, step: step, failure: &failure)
        }
    }
}
