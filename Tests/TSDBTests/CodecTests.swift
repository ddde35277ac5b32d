import MetricModel
import MetricStorageTesting
import TSDB
import Testing

/// Every column comes back bit for bit, whatever is in it.
@Suite(.timeLimit(.minutes(5))) struct CodecTests {
    private static func roundTrip(_ values: [Double]) -> Bool {
        var writer = ByteWriter()
        values.withUnsafeBufferPointer { ValueCodec.encode($0, into: &writer) }
        let size = writer.bytes.count
        writer.bytes.append(contentsOf: [UInt8](repeating: 0xa5, count: 16))
        for count in Set([values.count, values.count / 2, min(1, values.count)]) {
            var decoded = [Double](repeating: 0, count: max(1, count))
            let isSound = writer.bytes.withUnsafeBufferPointer { bytes in
                decoded.withUnsafeMutableBufferPointer {
                    ValueCodec.decode(
                        UnsafeBufferPointer(rebasing: bytes[..<size]),
                        total: values.count,
                        count: count,
                        into: $0.baseAddress!
                    )
                }
            }
            guard isSound, decoded.prefix(count).map(\.bitPattern) == values.prefix(count).map(\.bitPattern) else {
                return false
            }
        }
        return true
    }

    private static func roundTrip(_ integers: [Int64], triesLine: Bool) -> Bool {
        var writer = ByteWriter()
        integers.withUnsafeBufferPointer { IntegerCodec.encode($0, triesLine: triesLine, into: &writer) }
        let size = writer.bytes.count
        writer.bytes.append(contentsOf: [UInt8](repeating: 0x5a, count: 16))
        var decoded = [Int64](repeating: 0, count: max(1, integers.count))
        let isSound = writer.bytes.withUnsafeBufferPointer { bytes in
            decoded.withUnsafeMutableBufferPointer {
                IntegerCodec.decode(
                    UnsafeBufferPointer(rebasing: bytes[..<size]),
                    total: integers.count,
                    count: integers.count,
                    into: $0.baseAddress!
                )
            }
        }
        return isSound && Array(decoded.prefix(integers.count)) == integers
    }

    /// Shapes of columns of values, by name.
    static let shapes: [(name: String, make: @Sendable (Int, inout SeededGenerator) -> Double)] = [
        ("any bits", { _, g in Double(bitPattern: g.next()) }),
        ("few high bits", { _, g in Double(bitPattern: g.next() << 48) }),
        ("few low bits", { _, g in Double(bitPattern: g.next() >> 56) }),
        ("integers", { _, g in Double(Int64(bitPattern: g.next()) >> 12) }),
        ("counter", { i, g in Double(i * 10 + Int(g.next() % 20)) }),
        ("counter with resets", { i, g in Double(i % 100 * 1000) + Double(g.next() % 3) }),
        ("rare steps", { i, g in Double(i / 50) }),
        ("steps now and then", { i, g in Double(i / 3 * 3) }),
        ("pages now and then", { i, g in g.next() % 3 == 0 ? Double(4096 * Int(g.next() % 200_000)) : 8192 }),
        ("sums now and then", { i, g in g.next() % 3 == 0 ? Double(bitPattern: g.next()) : 0.1 }),
        ("decimals", { _, g in Double(Int(g.next() % 10_000) - 5000) / 100 }),
        (
            "decimals and stale markers",
            { _, g in
                g.next() % 20 == 0 ? SpecialValue.stale : Double(g.next() % 1000) / 10
            }
        ),
        ("stale first", { i, g in i < 3 ? SpecialValue.stale : Double(i) }),
        ("one odd among integers", { i, _ in i == 7 ? 0.1 + 0.2 : Double(i) }),
        ("singles", { _, g in Double(Float(g.next() % 100_000) / 7) }),
        ("sums", { i, g in Double(i) * 1.234567 + Double(g.next() % 1000) / 3 }),
        ("huge integers", { _, g in Double(g.next()) }),
        ("outliers", { _, g in g.next() % 100 == 0 ? Double(g.next() >> 16) : Double(g.next() % 8) }),
        (
            "special values",
            { i, _ in [0, -0.0, .infinity, -.infinity, .nan, Double.leastNonzeroMagnitude, 1e308][i % 7] }
        ),
        ("constant NaN", { _, _ in Double(bitPattern: 0xfff8_0000_0000_1234) }),
        ("constant", { _, _ in 1 }),
    ]

    @Test(arguments: shapes.map(\.name)) func columnsOfValuesComeBack(shape: String) throws {
        let make = try #require(Self.shapes.first { $0.name == shape }).make
        for count in [0, 1, 2, 3, 7, 64, 95, 96, 97, 127, 500, 512, 1000, 2048, 5760] {
            for seed in 0..<(count < 200 ? 40 : 4) {
                var generator = SeededGenerator(seed: UInt64(seed * 1000 + count))
                let column = (0..<count).map { make($0, &generator) }
                #expect(Self.roundTrip(column), "\(count) values, seed \(seed)")
            }
        }
    }

    @Test func everyWidthOfIntegersComesBack() {
        for width in 0..<64 {
            for count in [1, 2, 5, 96, 300, 1111] {
                var generator = SeededGenerator(seed: UInt64(width * 7 + count))
                let column = (0..<count).map { _ in Int64(bitPattern: generator.next()) >> Int64(width) }
                #expect(Self.roundTrip(column, triesLine: false), "width \(64 - width), \(count)")
                #expect(Self.roundTrip(column, triesLine: true), "width \(64 - width), \(count)")
            }
        }
        #expect(Self.roundTrip([.min, .max, .min, 0, .max], triesLine: true))
    }

    @Test func everyShapeOfTimesComesBack() {
        var generator = SeededGenerator(seed: 3)
        for count in [1, 2, 3, 10, 96, 240, 5760] {
            let regular = (0..<count).map { base + Int64($0) * 15_000 }
            let trembling = regular.map { $0 + Int64(generator.next() % 7) }
            let gaps = trembling.enumerated().map { $1 + ($0 > count / 2 ? 3_600_000 : 0) }
            let drifting = regular.enumerated().map { $1 + Int64($0) / 3 }
            let random = (0..<count).map { _ in Int64(generator.next() % 1_000_000_000) }.sorted()
            for column in [regular, trembling, gaps, drifting, random] {
                #expect(Self.roundTrip(column, triesLine: true))
            }
        }
    }

    @Test func theShapesOfMetricsStaySmall() {
        func size(_ values: [Double]) -> Double {
            var writer = ByteWriter()
            values.withUnsafeBufferPointer { ValueCodec.encode($0, into: &writer) }
            return Double(writer.bytes.count) / Double(values.count)
        }
        var generator = SeededGenerator(seed: 11)
        var total = 0.0
        let counter = (0..<2000).map { _ -> Double in
            total += Double(generator.next() % 4)
            return total
        }
        #expect(size(counter) < 0.3)
        var level = 5000
        let gauge = (0..<2000).map { _ -> Double in
            level += Int(generator.next() % 61) - 30
            return Double(level) / 100
        }
        #expect(size(gauge) < 0.8)
        #expect(size([Double](repeating: 1, count: 2000)) < 0.01)
    }

    @Test func damagedBytesNeverTrap() {
        var generator = SeededGenerator(seed: 5)
        for shape in Self.shapes {
            let column = (0..<300).map { shape.make($0, &generator) }
            var writer = ByteWriter()
            column.withUnsafeBufferPointer { ValueCodec.encode($0, into: &writer) }
            for _ in 0..<200 {
                var bytes = writer.bytes
                for _ in 0...(generator.next() % 3) {
                    bytes[Int(generator.next() % UInt64(bytes.count))] = UInt8(truncatingIfNeeded: generator.next())
                }
                let cut = Int(generator.next() % UInt64(bytes.count + 1))
                bytes = Array(bytes[..<cut]) + [UInt8](repeating: 0, count: 16)
                var decoded = [Double](repeating: 0, count: 300)
                _ = bytes.withUnsafeBufferPointer { buffer in
                    decoded.withUnsafeMutableBufferPointer {
                        ValueCodec.decode(
                            UnsafeBufferPointer(rebasing: buffer[..<cut]),
                            total: 300,
                            count: 300,
                            into: $0.baseAddress!
                        )
                    }
                }
            }
        }
    }

    /// Whole numbers at the ends of 64 bits are numbers like others.
    @Test(arguments: [-0x1p63, 0x1p63, -0x1p53, 0x1p53, .infinity, -.infinity, .nan, -0.0, 0x1p-1074])
    func histogramsWithExtremeFigures(_ figure: Double) {
        var histogram = NativeHistogram()
        histogram.positiveSpans = [.init(offset: .min, length: 1), .init(offset: .max, length: 1)]
        histogram.positiveBuckets = [figure, 1]
        histogram.count = 1
        var extreme = histogram
        (extreme.sum, extreme.zeroCount, extreme.count) = (figure, figure, figure)
        let column = [histogram, extreme, extreme, histogram]
        var writer = ByteWriter()
        HistogramCodec.encode(column[...], into: &writer)
        #expect(writer.bytes.withUnsafeBufferPointer { HistogramCodec.decode($0, count: 4) } == column)
    }
}
