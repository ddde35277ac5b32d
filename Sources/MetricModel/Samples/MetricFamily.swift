/// A metric family with its metrics: the exchange form of client libraries and the Pushgateway
/// (`io.prometheus.client.MetricFamily`).
public struct MetricFamily: Sendable, Hashable {
    /// The family's name.
    public var name: String
    /// What it means; `nil` where no HELP was given.
    public var help: String?
    /// The kind; `unknown` is what the older formats call untyped.
    public var type: MetricType
    /// The unit, empty where none was given.
    public var unit: String
    /// The metrics, each with other labels.
    public var metrics: [Metric]

    /// A family.
    public init(
        name: String,
        help: String? = nil,
        type: MetricType = .unknown,
        unit: String = "",
        metrics: [Metric] = []
    ) {
        self.name = name
        self.help = help
        self.type = type
        self.unit = unit
        self.metrics = metrics
    }

    /// One metric of a family.
    public struct Metric: Sendable, Hashable {
        /// Its labels, in the order in which they were given.
        public var labels: [Label]
        /// Its value.
        public var value: Value
        /// When it was taken; `nil` for now.
        public var timestamp: Timestamp?

        /// A metric.
        public init(labels: [Label] = [], value: Value, timestamp: Timestamp? = nil) {
            self.labels = labels
            self.value = value
            self.timestamp = timestamp
        }
    }

    /// The value of a metric, by kind.
    public enum Value: Sendable, Hashable {
        /// A counter, with its exemplar and creation time.
        case counter(Double, exemplar: Exemplar? = nil, created: Timestamp? = nil)
        /// A gauge, info or stateset value.
        case gauge(Double)
        /// An untyped value.
        case untyped(Double)
        /// A summary.
        case summary(Summary)
        /// A histogram or gauge histogram, classic, native or both.
        case histogram(Histogram)
    }

    /// A summary's value.
    public struct Summary: Sendable, Hashable {
        /// A quantile (0…1) and its value.
        public struct Quantile: Sendable, Hashable {
            /// Which quantile, 0…1.
            public var quantile: Double
            /// Its value.
            public var value: Double
            /// A quantile's value.
            public init(quantile: Double, value: Double) {
                self.quantile = quantile
                self.value = value
            }
        }

        /// The quantiles.
        public var quantiles: [Quantile]
        /// Sum of the observations.
        public var sum: Double
        /// Number of observations.
        public var count: UInt64
        /// When the summary began.
        public var created: Timestamp?

        /// A summary.
        public init(quantiles: [Quantile] = [], sum: Double = 0, count: UInt64 = 0, created: Timestamp? = nil) {
            self.quantiles = quantiles
            self.sum = sum
            self.count = count
            self.created = created
        }
    }

    /// A histogram's value.
    public struct Histogram: Sendable, Hashable {
        /// A cumulative bucket.
        public struct Bucket: Sendable, Hashable {
            /// The inclusive upper bound.
            public var upperBound: Double
            /// Observations up to the bound.
            public var cumulativeCount: Double
            /// An example of the bucket.
            public var exemplar: Exemplar?
            /// A bucket.
            public init(upperBound: Double, cumulativeCount: Double, exemplar: Exemplar? = nil) {
                self.upperBound = upperBound
                self.cumulativeCount = cumulativeCount
                self.exemplar = exemplar
            }
        }

        /// The classic buckets, by rising bound.
        public var buckets: [Bucket]
        /// Sum of the observations.
        public var sum: Double
        /// Number of observations.
        public var count: Double
        /// The native histogram, where there is one.
        public var native: NativeHistogram?
        /// Exemplars of the native histogram.
        public var exemplars: [Exemplar]
        /// When the histogram began.
        public var created: Timestamp?

        /// A histogram.
        public init(
            buckets: [Bucket] = [],
            sum: Double = 0,
            count: Double = 0,
            native: NativeHistogram? = nil,
            exemplars: [Exemplar] = [],
            created: Timestamp? = nil
        ) {
            self.buckets = buckets
            self.sum = sum
            self.count = count
            self.native = native
            self.exemplars = exemplars
            self.created = created
        }
    }
}
