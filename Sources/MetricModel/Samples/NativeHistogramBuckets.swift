extension NativeHistogram {
    /// A bucket with its bounds.
    public struct Bucket: Sendable, Hashable {
        /// The lower bound.
        public var lower: Double
        /// The upper bound.
        public var upper: Double
        /// Whether the lower bound belongs to the bucket.
        public var lowerInclusive: Bool
        /// Whether the upper bound belongs to the bucket.
        public var upperInclusive: Bool
        /// How many observations.
        public var count: Double
        /// The index within its side; 0 for the zero bucket.
        public var index: Int32

        /// A bucket.
        public init(
            lower: Double,
            upper: Double,
            lowerInclusive: Bool,
            upperInclusive: Bool,
            count: Double,
            index: Int32 = 0
        ) {
            self.lower = lower
            self.upper = upper
            self.lowerInclusive = lowerInclusive
            self.upperInclusive = upperInclusive
            self.count = count
            self.index = index
        }
    }

    /// The buckets of one side as parallel columns: what spans and counts say, without the runs.
    package struct Side: Sendable {
        /// The buckets' indices, rising.
        package var indices: [Int32] = []
        /// The buckets' counts, parallel to ``indices``.
        package var counts: [Double] = []

        /// No buckets.
        package init() {}

        /// The buckets that spans and counts describe. What only one of the two knows of is left out.
        package init(spans: [Span], counts: [Double]) {
            indices.reserveCapacity(counts.count)
            var index: Int32 = 0
            for span in spans {
                index &+= span.offset
                var length = span.length
                while length > 0, indices.count < counts.count {
                    indices.append(index)
                    index &+= 1
                    length -= 1
                }
            }
            self.counts = indices.count == counts.count ? counts : Array(counts[..<indices.count])
        }

        /// The indices as spans: one per run of neighbours.
        package var spans: [Span] {
            var spans: [Span] = []
            var next: Int32 = 0
            for index in indices {
                if !spans.isEmpty, index == next {
                    spans[spans.count - 1].length += 1
                } else {
                    spans.append(Span(offset: index &- next, length: 1))
                }
                next = index &+ 1
            }
            return spans
        }

        /// Whether two sides have the same buckets with the same counts, bit for bit.
        package func isSame(as other: Side) -> Bool {
            guard indices == other.indices else { return false }
            for index in counts.indices where counts[index].bitPattern != other.counts[index].bitPattern {
                return false
            }
            return true
        }
    }

    /// The positive side.
    package var positive: Side {
        get { Side(spans: positiveSpans, counts: positiveBuckets) }
        set {
            positiveSpans = newValue.spans
            positiveBuckets = newValue.counts
        }
    }

    /// The negative side; its indices count away from zero.
    package var negative: Side {
        get { Side(spans: negativeSpans, counts: negativeBuckets) }
        set {
            negativeSpans = newValue.spans
            negativeBuckets = newValue.counts
        }
    }

    /// The bucket around zero.
    public var zeroBucket: Bucket {
        Bucket(
            lower: -zeroThreshold,
            upper: zeroThreshold,
            lowerInclusive: true,
            upperInclusive: true,
            count: zeroCount
        )
    }

    /// The positive buckets, from zero upwards.
    public var positiveBucketList: [Bucket] { buckets(positive, isPositive: true) }

    /// The negative buckets, from zero downwards.
    public var negativeBucketList: [Bucket] { buckets(negative, isPositive: false) }

    /// All buckets by rising value. Bounds that lie within the zero bucket are moved to its edge; the zero bucket is there only
    /// if it counts something.
    public var allBuckets: [Bucket] {
        var result: [Bucket] = []
        result.reserveCapacity(negativeBuckets.count + positiveBuckets.count + 1)
        for bucket in negativeBucketList.reversed() { result.append(clipped(bucket)) }
        if zeroCount > 0 { result.append(zeroBucket) }
        for bucket in positiveBucketList { result.append(clipped(bucket)) }
        return result
    }

    private func clipped(_ bucket: Bucket) -> Bucket {
        var bucket = bucket
        if bucket.upper < 0, bucket.upper > -zeroThreshold { bucket.upper = -zeroThreshold }
        if bucket.lower > 0, bucket.lower < zeroThreshold { bucket.lower = zeroThreshold }
        return bucket
    }

    private func buckets(_ side: Side, isPositive: Bool) -> [Bucket] {
        side.indices.indices.map { position in
            let index = side.indices[position]
            let outer = NativeHistogram.bound(index, schema: schema, customValues: customValues)
            let inner = NativeHistogram.bound(index &- 1, schema: schema, customValues: customValues)
            let (lower, upper) = isPositive ? (inner, outer) : (-outer, -inner)
            return Bucket(
                lower: lower,
                upper: upper,
                lowerInclusive: usesCustomBounds ? index == 0 : lower < 0,
                upperInclusive: usesCustomBounds || upper > 0,
                count: side.counts[position],
                index: index
            )
        }
    }

    /// Whether both have the same observations in the same buckets, bit for bit. Hints and the source's kind do not count.
    public func isSameData(as other: NativeHistogram) -> Bool {
        guard schema == other.schema, count.bitPattern == other.count.bitPattern,
            sum.bitPattern == other.sum.bitPattern,
            zeroThreshold == other.zeroThreshold, zeroCount.bitPattern == other.zeroCount.bitPattern
        else { return false }
        if usesCustomBounds, customValues != other.customValues { return false }
        return negative.isSame(as: other.negative) && positive.isSame(as: other.positive)
    }

    /// The bytes that Prometheus accounts for this histogram: its limits on samples weigh histograms by size.
    public var accountedSize: Int {
        168 + 8
            * (positiveSpans.count + negativeSpans.count + positiveBuckets.count + negativeBuckets.count
                + customValues.count)
    }

    /// How many samples the histogram counts for in limits and statistics.
    @inlinable public var sampleWeight: Int { (accountedSize + 8) / 16 }
}

extension NativeHistogram.Bucket: CustomStringConvertible {
    /// As Prometheus prints a bucket: `(0.5,1]:3`.
    public var description: String { text(NativeHistogram.floating) }

    fileprivate func text(_ number: (Double) -> String) -> String {
        (lowerInclusive ? "[" : "(") + GoNumber.text(lower, .shortest) + "," + GoNumber.text(upper, .shortest)
            + (upperInclusive ? "]:" : "):") + number(count)
    }
}

extension NativeHistogram: CustomStringConvertible {
    /// As Prometheus prints a histogram: `{count:4, sum:10, (0.5,1]:1, (1,2]:3}`; empty buckets are left out.
    public var description: String { text(NativeHistogram.floating) }

    /// As promtool prints one of a database: counts that came as integers have no exponents.
    public var storedDescription: String { text(isInteger ? NativeHistogram.whole : NativeHistogram.floating) }

    fileprivate static func floating(_ count: Double) -> String { GoNumber.text(count, .shortest) }

    private static func whole(_ count: Double) -> String {
        UInt64(exactly: count).map { "\($0)" } ?? floating(count)
    }

    private func text(_ number: (Double) -> String) -> String {
        var text = "{count:\(number(count)), sum:\(GoNumber.text(sum, .shortest))"
        for bucket in negativeBucketList.reversed() where bucket.count != 0 { text += ", \(bucket.text(number))" }
        if zeroCount != 0 { text += ", \(zeroBucket.text(number))" }
        for bucket in positiveBucketList where bucket.count != 0 { text += ", \(bucket.text(number))" }
        return text + "}"
    }
}
