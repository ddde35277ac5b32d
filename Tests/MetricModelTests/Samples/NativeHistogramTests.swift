import MetricModel
import Testing

/// A histogram with buckets from an index on.
private func exponential(
    schema: Int32 = 0,
    zero: (threshold: Double, count: Double) = (0, 0),
    from index: Int32 = 1,
    _ counts: [Double],
    negative: (from: Int32, counts: [Double])? = nil,
    sum: Double = 10,
    hint: NativeHistogram.CounterResetHint = .unknown
) -> NativeHistogram {
    var histogram = NativeHistogram()
    histogram.schema = schema
    histogram.zeroThreshold = zero.threshold
    histogram.zeroCount = zero.count
    histogram.sum = sum
    histogram.counterResetHint = hint
    if !counts.isEmpty { histogram.positiveSpans = [.init(offset: index, length: UInt32(counts.count))] }
    histogram.positiveBuckets = counts
    if let negative {
        histogram.negativeSpans = [.init(offset: negative.from, length: UInt32(negative.counts.count))]
        histogram.negativeBuckets = negative.counts
    }
    histogram.count = zero.count + counts.reduce(0, +) + (negative?.counts.reduce(0, +) ?? 0)
    return histogram
}

private func custom(_ bounds: [Double], _ counts: [Double], sum: Double = 10) -> NativeHistogram {
    var histogram = exponential(schema: NativeHistogram.customBoundsSchema, from: 0, counts, sum: sum)
    histogram.customValues = bounds
    return histogram
}

@Suite(.timeLimit(.minutes(5))) struct NativeHistogramTests {
    @Test(
        arguments: [
            (0, 0, 1.0), (1, 0, 2), (-1, 0, 0.5), (1, 1, 1.414213562373095), (3, 2, 1.6817928305074288), (1, -1, 4),
            (1024, 0, Double.greatestFiniteMagnitude), (1025, 0, .infinity), (64, -4, Double.greatestFiniteMagnitude),
            (65, -4, .infinity),
        ] as [(Int32, Int32, Double)]
    )
    func bounds(_ index: Int32, _ schema: Int32, _ expected: Double) {
        #expect(NativeHistogram.exponentialBound(index, schema: schema) == expected)
    }

    @Test func text() {
        let histogram = exponential(zero: (0.5, 2), [1, 0, 3], negative: (1, [4]))
        #expect(histogram.description == "{count:10, sum:10, [-2,-1):4, [-0.5,0.5]:2, (1,2]:1, (4,8]:3}")
        #expect(custom([5, 10], [1, 2, 3]).description == "{count:6, sum:10, [-Inf,5]:1, (5,10]:2, (10,+Inf]:3}")
    }

    @Test func additionJoinsLayouts() throws {
        var sum = exponential([1, 2])
        try sum.add(exponential(from: 4, [5]))
        #expect(sum.positiveSpans == [.init(offset: 1, length: 2), .init(offset: 1, length: 1)])
        #expect(sum.positiveBuckets == [1, 2, 5])
        #expect((sum.count, sum.sum) == (8, 20))
    }

    @Test func additionTakesTheLowerResolution() throws {
        var sum = exponential(schema: 1, [1, 2, 3, 4])
        try sum.add(exponential(schema: 0, [10, 20]))
        #expect(sum.schema == 0)
        #expect(sum.positiveBuckets == [13, 27])
    }

    @Test func additionWidensTheZeroBucket() throws {
        // The zero bucket up to 2 takes in the bucket (1, 2].
        var sum = exponential(zero: (1, 3), [1, 2])
        try sum.add(exponential(zero: (2, 5), from: 2, [7]))
        #expect(sum.zeroThreshold == 2)
        #expect(sum.zeroCount == 9)
        #expect(sum.positiveBuckets == [9])
    }

    @Test func subtraction() throws {
        var difference = exponential([5, 6], hint: .gauge)
        try difference.subtract(exponential([5, 2]))
        #expect(difference.positiveBuckets == [0, 4])
        difference.compact()
        #expect(difference.positiveSpans == [.init(offset: 2, length: 1)])
        #expect(difference.positiveBuckets == [4])
    }

    @Test func customBoundsAreReconciled() throws {
        var sum = custom([2, 5, 10], [1, 2, 3, 4])
        let notes = try sum.add(custom([5, 20], [10, 20, 30]))
        #expect(notes.boundsReconciled)
        #expect(sum.customValues == [5])
        #expect(sum.positiveBuckets == [13, 57])
        #expect(throws: IncompatibleHistogramLayouts.self) { try sum.add(exponential([1])) }
    }

    @Test(
        arguments: [
            (.unknown, .unknown, .unknown, false), (.gauge, .reset, .gauge, false), (.notReset, .gauge, .gauge, false),
            (.reset, .unknown, .unknown, false), (.reset, .notReset, .unknown, true),
        ]
            as [(
                NativeHistogram.CounterResetHint, NativeHistogram.CounterResetHint, NativeHistogram.CounterResetHint,
                Bool
            )]
    )
    func hints(
        _ left: NativeHistogram.CounterResetHint,
        _ right: NativeHistogram.CounterResetHint,
        _ result: NativeHistogram.CounterResetHint,
        _ collides: Bool
    ) throws {
        var sum = exponential([1], hint: left)
        #expect(try sum.add(exponential([1], hint: right)).resetsCollide == collides)
        #expect(sum.counterResetHint == result)
    }

    @Test func compensationKeepsLowBits() throws {
        var sum = exponential([1e100], sum: 1e100)
        var lost: NativeHistogram?
        for value in [1.0, -1e100] { _ = try sum.add(exponential([value], sum: value), compensation: &lost) }
        try sum.add(#require(lost))
        #expect(sum.positiveBuckets == [1])
        #expect(sum.sum == 1)
    }

    @Test func scaling() {
        var histogram = exponential(zero: (0.5, 2), [1, 3])
        histogram.multiply(by: -2)
        #expect((histogram.count, histogram.zeroCount, histogram.positiveBuckets) == (-12, -4, [-2, -6]))
        #expect(histogram.counterResetHint == .gauge)
        histogram.divide(by: 0)
        #expect(histogram.positiveBuckets.isEmpty && histogram.count == -.infinity)
    }

    @Test(arguments: [
        (exponential([1, 2]), exponential([1, 3]), false),
        (exponential([1, 2]), exponential([2, 1]), true),
        (exponential([1, 2]), exponential(from: 2, [3]), true),
        (exponential([0, 2]), exponential(from: 2, [3]), false),
        (exponential(schema: 1, [1, 1]), exponential(schema: 0, [2]), false),
        (exponential(schema: 0, [1]), exponential(schema: 1, [5]), true),
        (exponential([9]), exponential([1], hint: .notReset), false),
        (exponential([1]), exponential([9], hint: .reset), true),
        (custom([5, 10], [1, 2, 3]), custom([5], [1, 6]), false),
        (custom([5, 10], [4, 2, 3]), custom([5], [3, 9]), true),
    ])
    func resets(_ before: NativeHistogram, _ after: NativeHistogram, _ expected: Bool) {
        #expect(after.isReset(since: before) == expected)
    }

    @Test func gapsAreFilledUpToALimit() {
        var histogram = exponential([1, 0, 0, 2, 0, 3, 0])
        histogram.compact(maximumGap: 1)
        #expect(histogram.positiveSpans == [.init(offset: 1, length: 1), .init(offset: 2, length: 3)])
        #expect(histogram.positiveBuckets == [1, 2, 0, 3])
    }

    @Test(arguments: [(0.0, 1.0), (0.5, 2), (1, 4), (0.75, 2.82842712474619), (-1, -.infinity), (2, .infinity)])
    func quantiles(_ q: Double, _ expected: Double) {
        #expect(exponential([2, 2]).quantile(q).value == expected)
    }

    @Test func fractions() {
        #expect(exponential([2, 2]).fraction(between: 1, and: 2).value == 0.5)
        #expect(custom([1, 2], [1, 1, 2]).fraction(between: 1, and: 1.5).value == 0.125)
        var withNaN = exponential([2, 2])
        withNaN.sum = .nan
        withNaN.count = 5
        #expect(withNaN.fraction(between: 0, and: 4).note == .excludesNaN)
        #expect(withNaN.quantile(0.1).note == .isSkewed)
        #expect(withNaN.quantile(1).note == .resultIsNaN)
    }

    @Test func trims() {
        var below = exponential([2, 2])
        below.trim(at: 2, .keepingBelow)
        #expect((below.count, below.positiveBuckets) == (2, [2]))
        #expect(below.sum == 2 * 2.0.squareRoot())
        var above = custom([5, 10], [4, 4, 0])
        above.trim(at: 7.5, .keepingAbove)
        #expect((above.count, above.sum) == (2, 17.5))
        var whole = exponential([2, 2])
        whole.trim(at: 100, .keepingBelow)
        #expect(whole.sum == 10)
    }

    @Test func variance() {
        #expect(custom([2, 4], [1, 1], sum: 4).variance == .infinity)
        #expect(custom([0, 2, 4], [0, 1, 1], sum: 4).variance == 1)
    }

    @Test func sameDataRegardlessOfSpans() {
        let left = exponential([1, 2])
        var right = left
        right.positiveSpans = [.init(offset: 1, length: 1), .init(offset: 0, length: 1)]
        right.counterResetHint = .gauge
        #expect(left.isSameData(as: right))
        right.sum = 11
        #expect(!left.isSameData(as: right))
    }

    // MARK: What only an attacker sends

    /// Indices at both ends of 32 bits.
    @Test(arguments: [(Int32.min, -4), (.max, -4), (.min, 0), (.max, 0), (.min, 7)] as [(Int32, Int32)])
    func extremeIndices(_ index: Int32, _ target: Int32) throws {
        let histogram = exponential(schema: 8, from: index, [1])
        #expect(histogram.contradiction == nil)
        var sum = exponential(schema: target, from: 1, [1])
        try sum.add(histogram)
        #expect(sum.count == 2)
        // The lowest bucket ends at zero, where the zero bucket counts it.
        #expect(sum.positiveBuckets.reduce(0, +) == (index > 0 ? 2 : 1))
        var compensation: NativeHistogram?
        var other = histogram
        _ = try other.add(exponential(schema: target, from: 1, [1]), compensation: &compensation)
        #expect(other.positiveBuckets == [1, 1])
        #expect(other.positive.indices == other.positive.indices.sorted())
        var reduced = histogram
        reduced.reduceResolution(to: target)
        reduced.compact(maximumGap: 3)
        #expect(reduced.count == 1)
        _ = (
            histogram.isReset(since: sum), sum.isReset(since: histogram), histogram.quantile(0.5), histogram.variance,
            histogram.description, reduced.description
        )
        reduced.trim(at: 1, .keepingBelow)
    }

    /// Counts that doubles hold only roughly. Prometheus adds whole numbers.
    @Test(
        arguments: [
            ([0x1p63, 2_000_000, 14], 0x1p63 + 2_000_014, true), ([0x1p63, 2_000_000, 14], 0x1p63 + 4_000_000, false),
            ([0x1p52, 1], 0x1p52 + 1, true), ([0x1p52, 1], 0x1p52 + 2, false),
        ] as [([Double], Double, Bool)]
    )
    func countsThatRound(_ buckets: [Double], _ count: Double, _ isRight: Bool) {
        var histogram = exponential(buckets)
        histogram.isInteger = true
        histogram.count = count
        #expect((histogram.contradiction == nil) == isRight)
    }

    /// Spans whose buckets would lie beyond the greatest index.
    @Test(
        arguments: [
            ([(Int32.max, 1), (.max, 1), (.max, 1)], [1, 0, 1]), ([(.max, 2)], [1, 1]), ([(0, 1), (.max, 1)], [1, 1]),
            ([(1, 1), (.max - 1, 1)], [1, 1]),
        ] as [([(Int32, UInt32)], [Double])]
    )
    func indicesThatWrap(_ spans: [(Int32, UInt32)], _ counts: [Double]) throws {
        var histogram = exponential(schema: 3, counts)
        histogram.positiveSpans = spans.map { .init(offset: $0.0, length: $0.1) }
        #expect(histogram.contradiction?.contains("buckets beyond the greatest index") == true)
        (histogram.negativeSpans, histogram.negativeBuckets) = (histogram.positiveSpans, counts)
        (histogram.positiveSpans, histogram.positiveBuckets) = ([], [])
        #expect(histogram.contradiction?.hasPrefix("negative side: span number") == true)
        // What was stored before it was refused.
        for gap in [0, 5] {
            var compacted = histogram
            compacted.compact(maximumGap: gap)
            #expect(compacted.negativeBuckets.count <= counts.count)
        }
        try histogram.add(exponential(schema: -4, [1]))
        histogram.compact()
        _ = (histogram.quantile(0.5), histogram.variance, histogram.description)
        histogram.trim(at: 1, .keepingAbove)
    }

    @Test(arguments: [Int32.min, -100, -54, -5, 9, 52, 53, 62, 63, 64, 100, .max])
    func schemasThatThereAreNot(_ schema: Int32) throws {
        for index: Int32 in [.min, -1, 0, 1, .max] {
            var histogram = exponential(schema: schema, from: index, [1])
            #expect(histogram.contradiction != nil)
            _ = (histogram.quantile(0.5), histogram.description, histogram.isReset(since: exponential([1])))
            try histogram.add(exponential([1]))
            histogram.trim(at: 1, .keepingAbove)
        }
    }
}
