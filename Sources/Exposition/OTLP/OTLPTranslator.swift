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

    /// What is known of a metric before its points.
    public final class Facts: Sendable {
        /// Its name.
        public let name: String
        /// Its unit.
        public let unit: String
        /// The protocol's word for its kind.
        public let kind: String
        /// The family that it becomes; empty for none.
        public let family: String
        /// What is said of that family.
        public let metadata: MetricMetadata

        init(_ metric: OTLPMetrics.Metric, family: String = "", metadata: MetricMetadata = MetricMetadata()) {
            name = metric.name
            unit = metric.unit
            kind = metric.kind
            self.family = family
            self.metadata = metadata
        }

        private init(_ facts: Facts, _ bytes: Int) {
            name = facts.name.shortened(to: bytes)
            unit = facts.unit.shortened(to: bytes)
            kind = facts.kind
            family = facts.family.shortened(to: bytes)
            metadata = MetricMetadata(type: facts.metadata.type)
        }

        /// How many bytes its texts have.
        package var size: Int {
            [name, unit, family, metadata.help, metadata.unit].reduce(0) { $0 + $1.utf8.count }
        }

        /// The same, for who remembers it; without its help and with the beginnings of the rest, where that is more than so many bytes.
        package func shortened(to bytes: Int) -> Facts { size <= bytes ? self : Facts(self, bytes / 4) }
    }

    /// What became of a metric.
    public struct Verdict: Sendable {
        /// The metric.
        public var facts: Facts
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

    /// Which series a sample belongs to.
    public enum Place: Sendable, Hashable {
        /// One that has to be looked up, by its place among ``Outcome/labels``.
        case new(Int)
        /// One that is known by the bytes that name it.
        case known(SeriesRef)
    }

    /// A float sample.
    public struct Sample: Sendable {
        /// Its series.
        public var series: Place
        /// When.
        public var timestamp: Timestamp
        /// Since when it counts; 0 for unknown.
        public var start: Timestamp
        /// What.
        public var value: Double
    }

    /// A native histogram.
    public struct HistogramSample: Sendable {
        /// Its series.
        public var series: Place
        /// When.
        public var timestamp: Timestamp
        /// Since when it counts; 0 for unknown.
        public var start: Timestamp
        /// What.
        public var histogram: NativeHistogram
    }

    /// What a request came to.
    public struct Outcome: Sendable {
        /// Series that have to be looked up; the same may come several times.
        public var labels: [Labels] = []
        /// Float samples.
        public var samples: [Sample] = []
        /// Histograms.
        public var histograms: [HistogramSample] = []
        /// Exemplars with their series.
        public var exemplars: [(series: Place, exemplar: Exemplar)] = []
        /// What is said of families.
        public var metadata: [(family: String, metadata: MetricMetadata)] = []
        /// What became of each metric, in the order of the request.
        public var verdicts: [Verdict] = []
        /// What is wrong with resources and scopes.
        public var problems: [String] = []
        /// Attributes of different names that became one label.
        public var collisions: [String] = []
        /// The series that the memory did not know, by their places among ``labels``.
        public internal(set) var lessons = SeriesMemory.Lessons()
        /// What of the memory they hold for.
        var generation: UInt64 = 0
        /// How many bytes of memory it takes, about.
        package internal(set) var size = 0
    }

    let settings: Settings
    var outcome = Outcome()
    var room = MessageRoom()
    var labels: OTLPLabels
    private var namer: OTLPMetricNamer
    private var seenInfo: Set<InfoKey> = []
    /// What was said last of each family.
    private var told: [String: MetricMetadata] = [:]

    private struct InfoKey: Hashable {
        var series: Int
        var time: Timestamp
    }

    /// The series that tell about resources, by number.
    private var infoSeries: [Labels: Int] = [:]

    /// What a metric, a series without its labels and a sample take, here and on the way to the store.
    static let metricSize = 2 * MemoryLayout<Verdict>.stride + 160
    static let seriesSize = 64
    static let sampleSize = 2 * MemoryLayout<Sample>.stride

    /// The family that tells about a resource.
    static let infoName = "target_info"
    private static let infoMetadata = MetricMetadata(type: .gauge, help: "Target metadata")
    /// So many samples of it a request may make: an odd time in one point must not make thousands.
    private static let infoLimit = 1000

    init(_ settings: Settings) {
        self.settings = settings
        namer = OTLPMetricNamer(strategy: settings.strategy)
        labels = OTLPLabels(settings)
    }

    /// Translates a request.
    /// - Throws: where it would become too large; anything else that is wrong is told in the outcome.
    public static func translate(_ metrics: OTLPMetrics, _ settings: Settings) throws(ExpositionError) -> Outcome {
        var translator = OTLPTranslator(settings)
        for resource in metrics.resources { try translator.add(resource) }
        return translator.finished
    }

    /// The outcome, with what is known of all of it.
    var finished: Outcome {
        var outcome = outcome
        outcome.collisions = labels.collisions
        outcome.size = room.taken
        return outcome
    }

    mutating func add(_ resource: OTLPMetrics.Resource) throws(ExpositionError) {
        do throws(ExpositionError) {
            try labels.enter(resource)
        } catch {
            try room.take(error.message.utf8.count)
            return outcome.problems.append(error.message)
        }
        var span = Span()
        for scope in resource.scopes {
            do throws(ExpositionError) {
                try labels.enter(scope)
            } catch {
                try room.take(error.message.utf8.count)
                outcome.problems.append(error.message)
                continue
            }
            for metric in scope.metrics {
                span.note(metric)
                try add(metric)
            }
        }
        if span.isEmpty { return }
        let series: Labels?
        do throws(ExpositionError) {
            series = try info(of: resource)
        } catch {
            try room.take(error.message.utf8.count)
            return outcome.problems.append(error.message)
        }
        if let series { try addInfo(series, nil, span) }
    }

    mutating func add(_ metric: OTLPMetrics.Metric) throws(ExpositionError) {
        try judge(Facts(metric), points: metric.pointCount) { translator, verdict throws(ExpositionError) in
            verdict.facts = try translator.facts(of: metric)
            try translator.translate(metric, &verdict)
        }
    }

    /// Notes what comes of a metric: what `translate` adds.
    mutating func judge(
        _ facts: Facts,
        points: Int,
        _ translate: (inout Self, inout Verdict) throws(ExpositionError) -> Void
    ) throws(ExpositionError) {
        try room.take(Self.metricSize)
        var verdict = Verdict(facts: facts, points: points)
        let (samples, histograms) = (outcome.samples.count, outcome.histograms.count)
        do throws(ExpositionError) {
            try translate(&self, &verdict)
        } catch {
            // What is too much for the metric is too much for the request.
            if room.left < 0 { throw error }
            try room.take(error.message.utf8.count)
            verdict.problem = error.message
        }
        verdict.samples = samples..<outcome.samples.count
        verdict.histograms = histograms..<outcome.histograms.count
        outcome.verdicts.append(verdict)
    }

    /// What can be said of a metric before its points.
    mutating func facts(of metric: OTLPMetrics.Metric) throws(ExpositionError) -> Facts {
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
        let metadata = MetricMetadata(
            type: Self.type(of: metric),
            help: metric.description,
            unit: OTLPMetricNamer.unit(metric.unit, escapes: true)
        )
        return Facts(metric, family: family, metadata: metadata)
    }

    /// Tells of a metric's family, and whether it has no points.
    mutating func begin(_ verdict: inout Verdict, isTold: Bool = false) {
        if !isTold { tell(verdict.facts.family, verdict.facts.metadata) }
        if verdict.points == 0 { verdict.warnings.append("empty data points. \(verdict.facts.name) is dropped") }
    }

    private mutating func tell(_ family: String, _ metadata: MetricMetadata) {
        // Many resources say the same of a family.
        if told[family] == metadata { return }
        told[family] = metadata
        outcome.metadata.append((family, metadata))
    }

    private mutating func translate(_ metric: OTLPMetrics.Metric, _ verdict: inout Verdict) throws(ExpositionError) {
        begin(&verdict)
        labels.family = (verdict.facts.family, verdict.facts.metadata)
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

    // MARK: The resource

    /// The labels of the series that tells about the resource that was entered; `nil` for none.
    mutating func info(of resource: OTLPMetrics.Resource) throws(ExpositionError) -> Labels? {
        if settings.omitsTargetInfo { return nil }
        guard resource.attributes.contains(where: { !OTLPLabels.isIdentifying($0.name) }) else { return nil }
        return try labels.info(resource, name: Self.infoName)
    }

    /// Adds the samples that tell about a resource while it had points.
    /// - Parameter reference: The series, where it is known.
    mutating func addInfo(_ series: Labels, _ reference: SeriesRef?, _ span: Span) throws(ExpositionError) {
        let place = reference.map { Place.known($0) } ?? .new(outcome.labels.count)
        var isUsed = false
        let number = infoSeries[series] ?? infoSeries.count
        infoSeries[series] = number
        func add(_ time: Timestamp) throws(ExpositionError) {
            guard seenInfo.insert(InfoKey(series: number, time: time)).inserted else { return }
            try room.take(Self.sampleSize)
            outcome.samples.append(Sample(series: place, timestamp: time, start: 0, value: 1))
            isUsed = true
        }
        let (start, end) = (span.first, span.last)
        let step = UInt64(max(1, settings.lookback / 2)) * 1_000_000
        var time = start
        // Where there would be too many, those are left out that are the oldest.
        if end > start, (end - start) / step > UInt64(Self.infoLimit) { time = end - step * UInt64(Self.infoLimit) }
        while time < end {
            try add(Self.milliseconds(time))
            // Behind the last moment that can be told there is none.
            let (next, isOver) = time.addingReportingOverflow(step)
            if isOver { break }
            time = next
        }
        try add(Self.milliseconds(end))
        if isUsed {
            if reference == nil {
                try room.take(Self.seriesSize + series.encoded.count)
                outcome.labels.append(series)
            }
            tell(Self.infoName, Self.infoMetadata)
        }
    }

    /// Nanoseconds as milliseconds, the way Go's conversion to a signed number takes them.
    static func milliseconds(_ nanoseconds: UInt64) -> Timestamp { Int64(bitPattern: nanoseconds) / 1_000_000 }
}

extension OTLPTranslator {
    /// The times of the points of a resource, in nanoseconds.
    struct Span {
        private(set) var first = UInt64.max
        private(set) var last: UInt64 = 0
        private(set) var isEmpty = true

        mutating func note(_ time: UInt64) {
            first = min(first, time)
            last = max(last, time)
            isEmpty = false
        }

        mutating func note(_ metric: OTLPMetrics.Metric) {
            switch metric.content {
            case .none: break
            case .gauge(let points): for point in points { note(point.frame.time) }
            case .sum(let points, _, _): for point in points { note(point.frame.time) }
            case .histogram(let points, _): for point in points { note(point.frame.time) }
            case .exponential(let points, _): for point in points { note(point.frame.time) }
            case .summary(let points): for point in points { note(point.frame.time) }
            }
        }
    }
}
