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
