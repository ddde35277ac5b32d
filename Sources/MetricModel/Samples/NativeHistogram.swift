/// A native histogram sample: sparse exponential buckets, or custom bounds (schema -53).
///
/// The float form serves both kinds; an integer histogram's counts are exact up to 2^53 and ``isInteger`` remembers the kind.
/// Layout as in Prometheus's `FloatHistogram`: spans of consecutive buckets, absolute counts.
/// See <https://prometheus.io/docs/specs/native_histograms/>.
public struct NativeHistogram: Sendable, Hashable {
    /// A run of consecutive buckets.
    public struct Span: Sendable, Hashable {
        /// Gap to the previous span in buckets; for the first span the index of its first bucket. Signed.
        public var offset: Int32
        /// How many buckets.
        public var length: UInt32

        /// A run of `length` buckets that starts `offset` buckets after the end of the previous one.
        public init(offset: Int32, length: UInt32) {
            self.offset = offset
            self.length = length
        }
    }

    /// What is known about a counter reset before this sample.
    public enum CounterResetHint: UInt8, Sendable, Hashable {
        /// Nothing is known.
        case unknown = 0
        /// There was a reset.
        case reset = 1
        /// There was none.
        case notReset = 2
        /// Not a counter at all.
        case gauge = 3
    }

    /// The schema of histograms with custom bounds.
    public static let customBoundsSchema: Int32 = -53
    /// The most buckets of a histogram on each side of zero, and the most bounds, that are taken from others: a few thousand cover
    /// all that can be observed, and each takes more memory than it takes to send.
    package static let bucketLimit = 100_000

    /// What is known about a counter reset.
    public var counterResetHint: CounterResetHint = .unknown
    /// Resolution: bucket bounds grow by 2^(2^-schema); -4…8, or ``customBoundsSchema``.
    public var schema: Int32 = 0
    /// Width of the zero bucket.
    public var zeroThreshold: Double = 0
    /// Observations in the zero bucket.
    public var zeroCount: Double = 0
    /// All observations.
    public var count: Double = 0
    /// Sum of the observed values.
    public var sum: Double = 0
    /// Runs of positive buckets.
    public var positiveSpans: [Span] = []
    /// Runs of negative buckets.
    public var negativeSpans: [Span] = []
    /// Absolute counts of the positive buckets.
    public var positiveBuckets: [Double] = []
    /// Absolute counts of the negative buckets.
    public var negativeBuckets: [Double] = []
    /// Upper bounds for ``customBoundsSchema``, increasing, without +Inf.
    public var customValues: [Double] = []
    /// Whether the source sent integers.
    public var isInteger = false

    /// An empty histogram.
    public init() {}

    /// Whether this is a stale marker (its sum is the stale NaN).
    public var isStale: Bool { SpecialValue.isStale(sum) }

    /// Equality of all fields, with doubles compared bit for bit.
    public static func == (left: Self, right: Self) -> Bool {
        func same(_ a: Double, _ b: Double) -> Bool { a.bitPattern == b.bitPattern }
        func same(_ a: [Double], _ b: [Double]) -> Bool {
            a.count == b.count && zip(a, b).allSatisfy { $0.bitPattern == $1.bitPattern }
        }
        return left.counterResetHint == right.counterResetHint && left.schema == right.schema
            && left.isInteger == right.isInteger
            && same(left.zeroThreshold, right.zeroThreshold) && same(left.zeroCount, right.zeroCount)
            && same(left.count, right.count) && same(left.sum, right.sum)
            && left.positiveSpans == right.positiveSpans && left.negativeSpans == right.negativeSpans
            && same(left.positiveBuckets, right.positiveBuckets) && same(left.negativeBuckets, right.negativeBuckets)
            && same(left.customValues, right.customValues)
    }
}
