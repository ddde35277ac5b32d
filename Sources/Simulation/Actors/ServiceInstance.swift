import Exposition
public import MetricModel

/// One instance of a service, with what it exposes at each moment.
///
/// Used by one world at a time; who asks for a body hands in the time, in nanoseconds from the start of the scenario.
public final class ServiceInstance {
    /// What is answered to a scrape.
    public struct Answer {
        /// The Content-Type.
        public var contentType: String
        /// The body.
        public var body: [UInt8]
    }

    /// Its address: `shop-1`.
    public let name: String
    /// Whether it runs.
    public private(set) var isUp: Bool
    /// When it began, in nanoseconds from the start of the scenario.
    public private(set) var began: Int64 = 0
    /// How far its own clock is ahead, in milliseconds.
    public var skew: Int64
    private var courses: [MetricCourse]
    private let start: Timestamp
    /// Labels of its version, which all metrics get.
    private var version: [Label] = []
    private var template: ExpositionTemplate?
    private var partCounts: [Int] = []
    private var values: [Double] = []
    private var counts: [Double] = []
    private var capacity = 0

    /// - Parameters:
    ///   - start: the start of the scenario, in milliseconds since 1970.
    ///   - seed: the world's.
    public init(_ spec: ServiceSpec, number: Int, seed: UInt64, start: Timestamp, isUp: Bool = true) {
        name = "\(spec.name)-\(number)"
        self.isUp = isUp
        self.start = start
        skew = spec.skew
        let name = name
        courses = spec.metrics.map { metric in
            var stream = RandomStream(seed: seed, name: "\(name)/\(metric.name)")
            return MetricCourse(metric, seed: stream.next(), start: start * 1_000_000)
        }
    }

    /// It is gone.
    public func kill() { isUp = false }

    /// It begins, and counts from 0.
    public func begin(at time: Int64) {
        isUp = true
        began = time
        for index in courses.indices { courses[index].begin(at: time) }
    }

    /// A new version begins.
    public func deploy(_ labels: [Label], at time: Int64) {
        version = labels
        template = nil
        begin(at: time)
    }

    /// A metric has another distribution from now on.
    package func distribute(_ metric: String, _ latency: LatencyDistribution, at time: Int64) {
        for index in courses.indices where courses[index].spec.name == metric {
            courses[index].distribute(latency, at: time)
        }
    }

    /// The rate or the value of a metric changes.
    /// - Parameters:
    ///   - since: when it was said, where this instance came only later.
    ///   - isForGood: whether it is not undone; what was set for a while is then over.
    public func change(_ metric: String, _ change: MetricChange, at time: Int64, since: Int64, isForGood: Bool) {
        for index in courses.indices where courses[index].spec.name == metric {
            courses[index].change(change, at: time, since: since, isForGood: isForGood)
        }
    }

    /// A field of a metric is as it was, or as something else that lasts has set it.
    public func undo(
        _ metric: String,
        _ field: MetricChange.Field,
        to value: (value: Double, since: Int64)?,
        at time: Int64
    ) {
        for index in courses.indices where courses[index].spec.name == metric {
            courses[index].hold(field, value.map { .init(value: $0.value, since: $0.since) }, at: time)
        }
    }

    /// What it exposes at a time, in a form that the scraper takes: the text format, unless it has native histograms (protobuf) or
    /// exemplars (OpenMetrics).
    public func answer(at time: Int64, accept: String) -> Answer {
        for index in courses.indices { courses[index].advance(to: time) }
        let wantsNative = courses.contains { $0.spec.isNative }
        let wantsExemplars = courses.contains { $0.spec.hasExemplars }
        if wantsNative || wantsExemplars {
            let offered: Set<ExpositionFormat.Kind> = wantsNative ? [.protobuf] : [.openMetrics1, .openMetrics0]
            let format = ExpositionFormat.negotiate(accept: accept, offered: offered)
            if offered.contains(format.kind) {
                return Answer(
                    contentType: format.contentType,
                    body: FamilyEncoder.encode(families(at: time), as: format)
                )
            }
        }
        return Answer(contentType: "text/plain; version=0.0.4; charset=utf-8", body: text(at: time))
    }

    private func text(at time: Int64) -> [UInt8] {
        let parts = courses.map(\.partCount)
        if template == nil || parts != partCounts {
            partCounts = parts
            template = makeTemplate()
        }
        values.removeAll(keepingCapacity: true)
        for course in courses { append(course, time) }
        var body: [UInt8] = []
        body.reserveCapacity(capacity)
        template?.write(values, timestamp: skew == 0 ? nil : start + time / 1_000_000 + skew, to: &body)
        capacity = body.count + 256
        return body
    }

    private func append(_ course: MetricCourse, _ time: Int64) {
        let spec = course.spec
        for part in 0..<course.partCount {
            switch spec.kind {
            case .counter: values.append(course.counted(part, at: time))
            case .gauge: values.append(course.shown(part, at: time))
            case .info: values.append(1)
            case .histogram:
                let all = course.observed(part, at: time, into: &counts)
                if !spec.isNative {
                    var upTo = 0.0
                    for count in counts {
                        upTo += count
                        values.append(upTo)
                    }
                }
                values.append(rounded(course.sum(part, all)))
                values.append(all)
            case .summary:
                let count = course.counted(part, at: time)
                for quantile in spec.quantiles { values.append(rounded(spec.latency.quantile(quantile))) }
                values.append(rounded(course.sum(part, count)))
                values.append(count)
            }
        }
    }

    /// The labels of a combination; what the version says comes in place of what the metric has.
    private func labels(_ course: MetricCourse, _ part: Int) -> [Label] {
        let own = course.labels(of: part)
        if version.isEmpty { return own }
        return own.filter { label in !version.contains { $0.name == label.name } } + version
    }

    private func rounded(_ value: Double) -> Double { (value * 1e6).rounded() / 1e6 }

    private func makeTemplate() -> ExpositionTemplate {
        var template = ExpositionTemplate()
        for course in courses {
            let spec = course.spec
            template.family(spec.name, spec.help, spec.kind)
            for part in 0..<course.partCount {
                template.lines(spec, labels(course, part))
            }
        }
        return template
    }

    // MARK: With all that a family can have

    private func families(at time: Int64) -> [MetricFamily] {
        courses.map { course in
            let spec = course.spec
            let type: MetricType =
                switch spec.kind {
                case .counter: .counter
                case .gauge: .gauge
                case .histogram: .histogram
                case .summary: .summary
                case .info: .gauge
                }
            let metrics = (0..<course.partCount).map { part in
                MetricFamily.Metric(
                    labels: labels(course, part),
                    value: value(course, part, time),
                    timestamp: skew == 0 ? nil : start + time / 1_000_000 + skew
                )
            }
            return MetricFamily(
                name: spec.name,
                help: spec.help.isEmpty ? nil : spec.help,
                type: type,
                metrics: metrics
            )
        }
    }

    private func value(_ course: MetricCourse, _ part: Int, _ time: Int64) -> MetricFamily.Value {
        let spec = course.spec
        switch spec.kind {
        case .counter:
            let count = course.counted(part, at: time)
            let exemplar = spec.hasExemplars && count > 0 ? exemplar(course, part, time, value: 1) : nil
            return .counter(count, exemplar: exemplar)
        case .gauge: return .gauge(course.shown(part, at: time))
        case .info: return .gauge(1)
        case .summary:
            let count = course.counted(part, at: time)
            return .summary(
                MetricFamily.Summary(
                    quantiles: spec.quantiles.map { .init(quantile: $0, value: rounded(spec.latency.quantile($0))) },
                    sum: rounded(course.sum(part, count)),
                    count: UInt64(count)
                )
            )
        case .histogram:
            let all = course.observed(part, at: time, into: &counts)
            var histogram = MetricFamily.Histogram(sum: rounded(course.sum(part, all)), count: all)
            if spec.isNative {
                histogram.native = native(counts, count: all, sum: histogram.sum)
                if spec.hasExemplars, all > 0 { histogram.exemplars = [exemplar(course, part, time)] }
                return .histogram(histogram)
            }
            let example = spec.hasExemplars && all > 0 ? exemplar(course, part, time) : nil
            var isGiven = false
            var upTo = 0.0
            histogram.buckets = zip(spec.buckets + [.infinity], counts).map { bound, count in
                upTo += count
                var bucket = MetricFamily.Histogram.Bucket(upperBound: bound, cumulativeCount: upTo)
                if let example, !isGiven, example.value <= bound {
                    bucket.exemplar = example
                    isGiven = true
                }
                return bucket
            }
            return .histogram(histogram)
        }
    }

    private func exemplar(_ course: MetricCourse, _ part: Int, _ time: Int64, value: Double? = nil) -> Exemplar {
        let found = course.observation(part, at: time)
        let digits = String(found.trace, radix: 16)
        let trace = String(repeating: "0", count: 16 - digits.count) + digits
        return Exemplar(
            labels: Labels([Label(name: "trace_id", value: trace)]),
            value: value ?? found.value,
            timestamp: start + time / 1_000_000
        )
    }

    /// The counts as a native histogram.
    private func native(_ counts: [Double], count: Double, sum: Double) -> NativeHistogram {
        var histogram = NativeHistogram()
        histogram.schema = MetricCourse.nativeSchema
        histogram.zeroThreshold = 0x1p-128
        histogram.isInteger = true
        histogram.count = count
        histogram.sum = sum
        var gap: Int32 = 0
        var isFirst = true
        for (bucket, count) in counts.enumerated() {
            guard count > 0 else {
                gap += 1
                continue
            }
            histogram.positiveBuckets.append(count)
            if gap == 0, !isFirst {
                histogram.positiveSpans[histogram.positiveSpans.count - 1].length += 1
            } else {
                let offset = isFirst ? Int32(MetricCourse.nativeFirst + bucket) : gap
                histogram.positiveSpans.append(.init(offset: offset, length: 1))
            }
            isFirst = false
            gap = 0
        }
        return histogram
    }
}
