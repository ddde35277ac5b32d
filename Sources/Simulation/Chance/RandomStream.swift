import MetricModel

/// Chance for one purpose: a stream of numbers that follows from the world's seed and the stream's name alone, so that whoever
/// comes to a world or leaves it does not change what the others draw.
///
/// Nothing here uses the C library's functions, which differ from machine to machine in the last bit.
public struct RandomStream: Sendable {
    private var generator: SeededGenerator

    /// The stream of a name in the world of a seed.
    public init(seed: UInt64, name: String) {
        generator = SeededGenerator(seed: Self.mixed(seed, Self.hash(name)))
    }

    /// The FNV-1a hash of a name: the same in every process, unlike Swift's own.
    public static func hash(_ name: String) -> UInt64 {
        var hash: UInt64 = 0xcbf2_9ce4_8422_2325
        for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        return hash
    }

    /// A number that looks like chance and follows from two others.
    @inline(__always)
    public static func mixed(_ seed: UInt64, _ number: UInt64) -> UInt64 {
        var mixed = seed &+ (number &+ 1) &* 0x9e37_79b9_7f4a_7c15
        mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
        return mixed ^ (mixed >> 31)
    }

    /// The next number.
    public mutating func next() -> UInt64 { generator.next() }

    /// The next number of 0..<1.
    public mutating func uniform() -> Double { Self.uniform(next()) }

    /// The next number of a normal distribution with mean 0 and standard deviation 1.
    public mutating func normal() -> Double { Self.normal(next()) }

    /// Whether something happens that happens with this probability.
    public mutating func happens(_ probability: Double) -> Bool { uniform() < probability }

    /// A number of a span, both ends included.
    public mutating func whole(_ range: ClosedRange<Int64>) -> Int64 {
        let count = UInt64(bitPattern: range.upperBound &- range.lowerBound) &+ 1
        return count == 0 ? Int64(bitPattern: next()) : range.lowerBound &+ Int64(next() % count)
    }

    /// A number of 0..<1 from 64 bits.
    @inline(__always)
    public static func uniform(_ bits: UInt64) -> Double { Double(bits >> 11) * 0x1p-53 }

    /// A number of (nearly) a normal distribution from 64 bits: four uniform ones of 16 bits added up.
    @inline(__always)
    public static func normal(_ bits: UInt64) -> Double {
        let sum = (bits & 0xffff) &+ (bits >> 16 & 0xffff) &+ (bits >> 32 & 0xffff) &+ (bits >> 48)
        // The sum of four has a variance of 4/12.
        return (Double(sum) / 65535 - 2) * 1.732_050_807_568_877_2
    }
}
