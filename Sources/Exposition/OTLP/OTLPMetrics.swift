public import MetricModel

/// Metrics as OpenTelemetry's protocol carries them (`ExportMetricsServiceRequest`), whichever encoding they came in.
///
/// Attributes are held as labels, their values as text (of a list or a map its JSON): that is what becomes of them here. Times are nanoseconds since 1970.
public struct OTLPMetrics: Sendable {
    /// Over which time a point counts.
    public enum Temporality: Sendable, Hashable {
        /// Not told.
        case unspecified
        /// Since the point before.
        case delta
        /// Since the start.
        case cumulative
        /// A number that the protocol does not have.
        case unknown

        /// The temporality of a number of the protocol.
        public init(number: Int64) {
            switch number {
            case 0: self = .unspecified
            case 1: self = .delta
            case 2: self = .cumulative
            default: self = .unknown
            }
        }
    }

    /// An example observation.
    public struct Example: Sendable, Hashable {
        /// When.
        public var time: UInt64 = 0
        /// What was observed; `nil` where nothing was told.
        public var value: Double?
        /// The trace, in hexadecimal digits; empty for none.
        public var traceID = ""
        /// The span, in hexadecimal digits; empty for none.
        public var spanID = ""
        /// Attributes that the point does not have.
        public var attributes: [Label] = []
        /// An example of nothing.
        public init() {}
    }

    /// What all points have.
    public struct Frame: Sendable, Hashable {
        /// What tells the point from others of its metric.
        public var attributes: [Label] = []
        /// When counting began; 0 for unknown.
        public var start: UInt64 = 0
        /// When it was so.
        public var time: UInt64 = 0
        /// Bit 0: nothing was recorded.
        public var flags: UInt32 = 0
        /// Nothing told.
        public init() {}
        /// Whether the series has ended.
        public var hasNoValue: Bool { flags & 1 != 0 }
    }

    /// A number.
    public struct NumberPoint: Sendable, Hashable {
        /// Attributes and times.
        public var frame = Frame()
        /// The number; whole ones too.
        public var value = 0.0
        /// Examples.
        public var examples: [Example] = []
        /// A point of 0.
        public init() {}
    }

    /// A histogram with bounds of its own.
    public struct HistogramPoint: Sendable, Hashable {
        /// Attributes and times.
        public var frame = Frame()
        /// How many observations.
        public var count: UInt64 = 0
        /// Their sum; `nil` where it makes no sense.
        public var sum: Double?
        /// How many in each bucket, not cumulative; one more than bounds.
        public var bucketCounts: [UInt64] = []
        /// The upper bounds.
        public var bounds: [Double] = []
        /// Examples, by rising value.
        public var examples: [Example] = []
        /// A point of nothing.
        public init() {}
    }

    /// A run of exponential buckets.
    public struct Buckets: Sendable, Hashable {
        /// The index of the first.
        public var offset: Int32 = 0
        /// How many in each.
        public var counts: [UInt64] = []
        /// No buckets.
        public init() {}
    }

    /// A histogram with exponential buckets.
    public struct ExponentialPoint: Sendable, Hashable {
        /// Attributes and times.
        public var frame = Frame()
        /// How many observations.
        public var count: UInt64 = 0
        /// Their sum; `nil` where it makes no sense.
        public var sum: Double?
        /// The resolution.
        public var scale: Int32 = 0
        /// How many were about zero.
        public var zeroCount: UInt64 = 0
        /// Buckets above zero.
        public var positive = Buckets()
        /// Buckets below zero.
        public var negative = Buckets()
        /// Examples.
        public var examples: [Example] = []
        /// A point of nothing.
        public init() {}
    }

    /// A summary.
    public struct SummaryPoint: Sendable, Hashable {
        /// Attributes and times.
        public var frame = Frame()
        /// How many observations.
        public var count: UInt64 = 0
        /// Their sum.
        public var sum = 0.0
        /// Quantiles with their values.
        public var quantiles: [(quantile: Double, value: Double)] = []
        /// A point of nothing.
        public init() {}
        /// Whether all is the same.
        public static func == (left: Self, right: Self) -> Bool {
            left.frame == right.frame && left.count == right.count && left.sum == right.sum
                && left.quantiles.elementsEqual(right.quantiles, by: ==)
        }
        /// Hashes what identifies it.
        public func hash(into hasher: inout Hasher) { hasher.combine(frame) }
    }

    /// What a metric measures.
    public enum Content: Sendable {
        /// Nothing.
        case none
        /// What goes up and down.
        case gauge([NumberPoint])
        /// What adds up.
        case sum([NumberPoint], Temporality, isMonotonic: Bool)
        /// Buckets with bounds.
        case histogram([HistogramPoint], Temporality)
        /// Exponential buckets.
        case exponential([ExponentialPoint], Temporality)
        /// Quantiles.
        case summary([SummaryPoint])
    }

    /// A metric with its points.
    public struct Metric: Sendable {
        /// Its name.
        public var name = ""
        /// What it means.
        public var description = ""
        /// Its unit, in UCUM's notation.
        public var unit = ""
        /// Its points.
        public var content = Content.none
        /// A metric of nothing.
        public init() {}
    }

    /// What an instrumentation library tells.
    public struct Scope: Sendable {
        /// The library.
        public var name = ""
        /// Its version.
        public var version = ""
        /// Where its schema is.
        public var schemaURL = ""
        /// More about it.
        public var attributes: [Label] = []
        /// Its metrics.
        public var metrics: [Metric] = []
        /// A scope of nothing.
        public init() {}
    }

    /// What one entity tells: a process, as a rule.
    public struct Resource: Sendable {
        /// Who it is.
        public var attributes: [Label] = []
        /// What its libraries tell.
        public var scopes: [Scope] = []
        /// A resource of nothing.
        public init() {}
    }

    /// What all of them tell.
    public var resources: [Resource] = []

    /// No metrics.
    public init() {}

    /// Decodes a protobuf message.
    public init(decoding message: [UInt8]) throws(ExpositionError) {
        self = try message.withUnsafeBufferPointer { bytes throws(ExpositionError) in
            try OTLPDecoder.decode(bytes)
        }
    }

    /// Whether some point counts from the one before.
    public var hasDelta: Bool {
        resources.contains { resource in
            resource.scopes.contains { scope in
                scope.metrics.contains { $0.temporality == .delta }
            }
        }
    }
}

extension OTLPMetrics.Metric {
    /// Over which time its points count; `nil` where the question makes no sense.
    public var temporality: OTLPMetrics.Temporality? {
        switch content {
        case .none, .gauge, .summary: nil
        case .sum(_, let temporality, _): temporality
        case .histogram(_, let temporality): temporality
        case .exponential(_, let temporality): temporality
        }
    }

    /// How many points it has.
    public var pointCount: Int {
        switch content {
        case .none: 0
        case .gauge(let points): points.count
        case .sum(let points, _, _): points.count
        case .histogram(let points, _): points.count
        case .exponential(let points, _): points.count
        case .summary(let points): points.count
        }
    }

    /// The protocol's word for its kind.
    public var kind: String {
        switch content {
        case .none: "Empty"
        case .gauge: "Gauge"
        case .sum: "Sum"
        case .histogram: "Histogram"
        case .exponential: "ExponentialHistogram"
        case .summary: "Summary"
        }
    }
}
