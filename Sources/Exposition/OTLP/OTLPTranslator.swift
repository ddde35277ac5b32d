public import MetricModel

/// Makes samples of OpenTelemetry's metrics, by the rules that Prometheus has for it.
///
/// A request is translated whole: what is wrong with a metric is told in its ``Verdict``, and the receiver decides.
public struct OTLPTranslator {
    /// How it is done; the fields of the section `otlp`.
    public struct Settings: Sendable, Hashable {
        /// How names are made.
        public var strategy = OTLPStrategy.underscoresWithSuffixes
        /// Attributes of the resource that become labels of each series.
        public var promoted: Set<String> = []
        /// Whether all of them do, but for ``ignored``.
        public var promotesAll = false
        /// Those that do not where all others do.
        public var ignored: Set<String> = []
        /// Whether `target_info` has the attributes that make `job` and `instance` too.
        public var keepsIdentifying = false
        /// Whether histograms with bounds become native ones with custom buckets.
        public var convertsToCustomBuckets = false
        /// Whether each series is told by which library it was made.
        public var promotesScope = false
        /// Whether `_x` becomes `key_x`.
        public var marksUnderscores = true
        /// Whether several underscores in a row stay several.
        public var keepsUnderscores = true
        /// Whether `target_info` is left out.
        public var omitsTargetInfo = false
        /// Whether points that count from the one before are taken as they are.
        public var allowsDelta = false
        /// Whether type and unit become labels.
        public var addsTypeAndUnit = false
        /// How far back a query looks, in milliseconds: `target_info` has a sample in each half of it.
        public var lookback: Int64 = 300_000
        /// The defaults.
        public init() {}
    }

    /// What became of a metric.
    public struct Verdict: Sendable {
        /// Its name.
        public var name: String
        /// Its unit.
        public var unit: String
        /// The protocol's word for its kind.
        public var kind: String
        /// The family that it became; empty for none.
        public var family = ""
        /// The type of that family.
        public var type = MetricType.unknown
        /// How many points it had.
        public var points: Int
        /// Its float samples among those of the outcome.
        public var samples = 0..<0
        /// Its histograms among those of the outcome.
        public var histograms = 0..<0
        /// Why it was not taken, in Prometheus's words; `nil` where it was.
        public var problem: String?
        /// What is odd about it but does no harm.
        public var warnings: [String] = []
    }

    /// A float sample.
    public struct Sample: Sendable {
        /// Its series among ``Outcome/labels``.
        public var series: Int
        /// When.
        public var timestamp: Timestamp
        /// Since when it counts; 0 for unknown.
        public var start: Timestamp
        /// What.
        public var value: Double
    }

    /// A native histogram.
    public struct HistogramSample: Sendable {
        /// Its series among ``Outcome/labels``.
        public var series: Int
        /// When.
        public var timestamp: Timestamp
        /// Since when it counts; 0 for unknown.
        public var start: Timestamp
        /// What.
        public var histogram: NativeHistogram
    }

    /// What a request came to.
    public struct Outcome: Sendable {
        /// Series; the same may come several times.
        public var labels: [Labels] = []
        /// Float samples.
        public var samples: [Sample] = []
        /// Histograms.
        public var histograms: [HistogramSample] = []
        /// Exemplars with their series.
        public var exemplars: [(series: Int, exemplar: Exemplar)] = []
        /// What is said of families.
        public var metadata: [(family: String, metadata: MetricMetadata)] = []
        /// What became of each metric, in the order of the request.
        public var verdicts: [Verdict] = []
        /// What is wrong with resources and scopes.
        public var problems: [String] = []
        /// Attributes of different names that became one label.
        public var collisions: [String] = []
    }

    let settings: Settings
    var outcome = Outcome()
    var labels: OTLPLabels
    private var namer: OTLPMetricNamer
    private var seenInfo: Set<InfoKey> = []
    /// What was said last of each family.
    private var told: [String: MetricMetadata] = [:]

    private struct InfoKey: Hashable {
        var labels: Labels
        var time: Timestamp
    }

    /// The family that tells about a resource.
    private static let infoName = "target_info"
    /// So many samples of it a request may make: an odd time in one point must not make thousands.
    private static let infoLimit = 1000

    private init(_ settings: Settings) {
        self.settings = settings
        namer = OTLPMetricNamer(strategy: settings.strategy)
        labels = OTLPLabels(settings)
    }

    /// Translates a request.
    public static func translate(_ metrics: OTLPMetrics, _ settings: Settings) -> Outcome {
        var translator = OTLPTranslator(settings)
        for resource in metrics.resources { translator.add(resource) }
        translator.outcome.collisions = translator.labels.collisions
        return translator.outcome
    }

    private mutating func add(_ resource: OTLPMetrics.Resource) {
        do throws(ExpositionError) {
            try labels.enter(resource)
        } catch {
            return outcome.problems.append(error.message)
        }
        var span: ClosedRange<UInt64>?
        for scope in resource.scopes {
            do throws(ExpositionError) {
                try labels.enter(scope)
            } catch {
                outcome.problems.append(error.message)
                continue
            }
            for metric in scope.metrics {
                if let times = Self.times(of: metric) {
                    span =
                        span.map { min($0.lowerBound, times.lowerBound)...max($0.upperBound, times.upperBound) }
                        ?? times
                }
                add(metric)
            }
        }
        guard let span else { return }
        do throws(ExpositionError) {
            try addInfo(resource, from: span.lowerBound, to: span.upperBound)
        } catch {
            outcome.problems.append(error.message)
        }
    }

    private mutating func add(_ metric: OTLPMetrics.Metric) {
        var verdict = Verdict(name: metric.name, unit: metric.unit, kind: metric.kind, points: metric.pointCount)
        let (samples, histograms) = (outcome.samples.count, outcome.histograms.count)
        do throws(ExpositionError) {
            try translate(metric, &verdict)
        } catch {
            verdict.problem = error.message
        }
        verdict.samples = samples..<outcome.samples.count
        verdict.histograms = histograms..<outcome.histograms.count
        outcome.verdicts.append(verdict)
    }

    private mutating func translate(_ metric: OTLPMetrics.Metric, _ verdict: inout Verdict) throws(ExpositionError) {
        switch metric.temporality {
        case nil, .cumulative: break
        case .delta where settings.allowsDelta: break
        case .unspecified, .delta, .unknown:
            throw ExpositionError(
                "invalid temporality and type combination for metric \(GoText.quoted(metric.name))"
            )
        }
        if case .none = metric.content {
            throw ExpositionError(
                "could not get aggregation temporality for \(metric.name) as it has unsupported metric type Empty"
            )
        }
        let family = try namer.name(of: metric)
        verdict.family = family
        verdict.type = Self.type(of: metric)
        let metadata = MetricMetadata(
            type: verdict.type,
            help: metric.description,
            unit: OTLPMetricNamer.unit(metric.unit, escapes: true)
        )
        // Many resources say the same of a family.
        if told[family] != metadata {
            told[family] = metadata
            outcome.metadata.append((family, metadata))
        }
        if metric.pointCount == 0 {
            verdict.warnings.append("empty data points. \(metric.name) is dropped")
            return
        }
        labels.family = (family, metadata)
        switch metric.content {
        case .none: break
        case .gauge(let points): for point in points { try addNumber(point, hasExamples: false) }
        case .sum(let points, _, _): for point in points { try addNumber(point, hasExamples: true) }
        case .histogram(let points, let temporality):
            for point in points {
                if settings.convertsToCustomBuckets {
                    try addCustomBuckets(point, temporality, &verdict)
                } else {
                    try addHistogram(point)
                }
            }
        case .exponential(let points, let temporality):
            for point in points { try addExponential(point, temporality, &verdict) }
        case .summary(let points): for point in points { try addSummary(point) }
        }
    }

    /// The type of a metric's family. What counts from one point to the next has no type.
    private static func type(of metric: OTLPMetrics.Metric) -> MetricType {
        if metric.temporality == .delta { return .unknown }
        return switch metric.content {
        case .none: .unknown
        case .gauge: .gauge
        case .sum(_, _, let isMonotonic): isMonotonic ? .counter : .gauge
        case .histogram, .exponential: .histogram
        case .summary: .summary
        }
    }

    private static func times(of metric: OTLPMetrics.Metric) -> ClosedRange<UInt64>? {
        func range(_ times: some Sequence<UInt64>) -> ClosedRange<UInt64>? {
            var range: ClosedRange<UInt64>?
            for time in times {
                range = range.map { min($0.lowerBound, time)...max($0.upperBound, time) } ?? time...time
            }
            return range
        }
        return switch metric.content {
        case .none: nil
        case .gauge(let points): range(points.lazy.map(\.frame.time))
        case .sum(let points, _, _): range(points.lazy.map(\.frame.time))
        case .histogram(let points, _): range(points.lazy.map(\.frame.time))
        case .exponential(let points, _): range(points.lazy.map(\.frame.time))
        case .summary(let points): range(points.lazy.map(\.frame.time))
        }
    }

    // MARK: The resource

    private mutating func addInfo(_ resource: OTLPMetrics.Resource, from start: UInt64, to end: UInt64)
        throws(ExpositionError)
    {
        if settings.omitsTargetInfo { return }
        guard resource.attributes.contains(where: { !OTLPLabels.isIdentifying($0.key) }) else { return }
        guard let series = try labels.info(resource, name: Self.infoName) else { return }
        let index = outcome.labels.count
        var isUsed = false
        func add(_ time: Timestamp) {
            guard seenInfo.insert(InfoKey(labels: series, time: time)).inserted else { return }
            outcome.samples.append(Sample(series: index, timestamp: time, start: 0, value: 1))
            isUsed = true
        }
        let step = UInt64(max(1, settings.lookback / 2)) * 1_000_000
        var time = start
        // Where there would be too many, those are left out that are the oldest.
        if end > start, (end - start) / step > UInt64(Self.infoLimit) { time = end - step * UInt64(Self.infoLimit) }
        while time < end {
            add(Self.milliseconds(time))
            time += step
        }
        add(Self.milliseconds(end))
        if isUsed {
            outcome.labels.append(series)
            outcome.metadata.append((Self.infoName, MetricMetadata(type: .gauge, help: "Target metadata")))
        }
    }

    /// Nanoseconds as milliseconds, the way Go's conversion to a signed number takes them.
    static func milliseconds(_ nanoseconds: UInt64) -> Timestamp { Int64(bitPattern: nanoseconds) / 1_000_000 }
}
