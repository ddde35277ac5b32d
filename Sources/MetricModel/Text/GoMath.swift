#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#endif

/// Functions in which Go's mathematics and the C library's differ in the last bit, done as Go does them.
public enum GoMath {
    /// The binary logarithm: that of the fraction plus the exponent, exact for powers of two.
    public static func log2(_ value: Double) -> Double {
        guard value.isFinite, value > 0 else {
            return value.isNaN ? value : (value == 0 ? -.infinity : (value < 0 ? .nan : value))
        }
        let exponent = value.exponent + 1
        let fraction = value.significand / 2
        if fraction == 0.5 { return Double(exponent - 1) }
        return log(fraction) * 1.442695040888963407359924681001892137 + Double(exponent)
    }

    /// Two to the power of a value.
    public static func exp2(_ value: Double) -> Double {
        #if canImport(Glibc)
            Glibc.exp2(value)
        #elseif canImport(Darwin)
            Darwin.exp2(value)
        #else
            Musl.exp2(value)
        #endif
    }

    /// The larger value as Go's `math.Max` has it: an infinity wins over NaN, and +0 over -0.
    @inlinable
    public static func max(_ left: Double, _ right: Double) -> Double {
        if left == .infinity || right == .infinity { return .infinity }
        if left.isNaN || right.isNaN { return .nan }
        if left == 0, right == 0 { return left.sign == .minus ? right : left }
        return left > right ? left : right
    }

    /// The smaller value as Go's `math.Min` has it: the negative infinity wins over NaN, and -0 over +0.
    @inlinable
    public static func min(_ left: Double, _ right: Double) -> Double {
        if left == -.infinity || right == -.infinity { return -.infinity }
        if left.isNaN || right.isNaN { return .nan }
        if left == 0, right == 0 { return left.sign == .minus ? left : right }
        return left < right ? left : right
    }
}

extension GoMath {
    /// A power, with Go's answers in the special cases.
    public static func pow(_ base: Double, _ exponent: Double) -> Double {
        #if canImport(Glibc)
            Glibc.pow(base, exponent)
        #elseif canImport(Darwin)
            Darwin.pow(base, exponent)
        #else
            Musl.pow(base, exponent)
        #endif
    }
}

extension GoMath {
    /// The decimal logarithm, by way of the binary one as in Go.
    public static func log10(_ value: Double) -> Double { log2(value) * 0.301029995663981195213738894724493027 }
}
