#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#endif

/// Functions in which Go's mathematics and the C library's differ in the last bit, done as Go does them.
public enum GoMath {
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

    /// A positive finite value as a fraction in [0.5, 1) and a power of two.
    private static func split(_ value: Double) -> (fraction: Double, exponent: Int) {
        (value.significand / 2, value.exponent + 1)
    }

    /// The natural logarithm, by the rational approximation of FreeBSD's msun that Go uses.
    public static func log(_ value: Double) -> Double {
        guard value.isFinite, value > 0 else { return special(value) }
        var (fraction, exponent) = split(value)
        if fraction < 0.5 * 2.0.squareRoot() {
            fraction *= 2
            exponent -= 1
        }
        let f = fraction - 1
        let k = Double(exponent)
        let s = f / (2 + f)
        let s2 = s * s
        let s4 = s2 * s2
        let odd = s2 * (6.666666666666735130e-01 + s4 * (2.857142874366239149e-01 + s4 * oddTail(s4)))
        let even = s4 * (3.999999999940941908e-01 + s4 * (2.222219843214978396e-01 + s4 * 1.531383769920937332e-01))
        let half = 0.5 * f * f
        return k * 6.93147180369123816490e-01
            - ((half - (s * (half + (odd + even)) + k * 1.90821492927058770002e-10)) - f)
    }

    @inline(__always)
    private static func oddTail(_ s4: Double) -> Double { 1.818357216161805012e-01 + s4 * 1.479819860511658591e-01 }

    private static func special(_ value: Double) -> Double {
        if value.isNaN || value == .infinity { return value }
        return value == 0 ? -.infinity : .nan
    }

    /// The binary logarithm: that of the fraction plus the exponent, exact for powers of two.
    public static func log2(_ value: Double) -> Double {
        guard value.isFinite, value > 0 else { return special(value) }
        let (fraction, exponent) = split(value)
        if fraction == 0.5 { return Double(exponent - 1) }
        return log(fraction) * 1.442695040888963407359924681001892137 + Double(exponent)
    }

    /// The decimal logarithm, by way of the natural one.
    public static func log10(_ value: Double) -> Double { log(value) * 0.434294481903251827651128918916605082 }

    /// Two to the power of a value.
    public static func exp2(_ value: Double) -> Double {
        if value.isNaN || value == .infinity { return value }
        if value > 1.0239999999999999e+03 { return .infinity }
        if value < -1.0740e+03 { return 0 }
        let whole = value > 0 ? Int(value + 0.5) : (value < 0 ? Int(value - 0.5) : 0)
        let rest = value - Double(whole)
        let high = rest * 6.93147180369123816490e-01
        let low = -rest * 1.90821492927058770002e-10
        let r = high - low
        let t = r * r
        let tail = 6.61375632143793436117e-05 + t * (-1.65339022054652515390e-06 + t * 4.13813679705723846039e-08)
        let c = r - t * (1.66666666666666657415e-01 + t * (-2.77777777770155933842e-03 + t * tail))
        return scalbn(1 - ((low - (r * c) / (2 - c)) - high), Int32(clamping: whole))
    }

    /// A power: whole exponents by repeated squaring of the fraction.
    public static func pow(_ base: Double, _ exponent: Double) -> Double {
        if exponent == 0 || base == 1 { return 1 }
        if exponent == 1 { return base }
        if base.isNaN || exponent.isNaN { return .nan }
        let isOdd = exponent.magnitude < 0x1p53 && exponent.truncatingRemainder(dividingBy: 2).magnitude == 1
        if base == 0 {
            if exponent < 0 { return base.sign == .minus && isOdd ? -.infinity : .infinity }
            return base.sign == .minus && isOdd ? base : 0
        }
        if exponent.isInfinite {
            if base == -1 { return 1 }
            return (base.magnitude < 1) == (exponent > 0) ? 0 : .infinity
        }
        if base.isInfinite {
            if base < 0 { return pow(1 / base, -exponent) }
            return exponent < 0 ? 0 : .infinity
        }
        if exponent == 0.5 { return base.squareRoot() }
        if exponent == -0.5 { return 1 / base.squareRoot() }
        return finitePower(base, exponent)
    }

    private static func finitePower(_ base: Double, _ exponent: Double) -> Double {
        var whole = exponent.magnitude.rounded(.towardZero)
        var part = exponent.magnitude - whole
        if part != 0, base < 0 { return .nan }
        if whole >= 0x1p63 {
            if base == -1 { return 1 }
            return (base.magnitude < 1) == (exponent > 0) ? 0 : .infinity
        }
        var result = 1.0
        var scale = 0
        if part != 0 {
            if part > 0.5 {
                part -= 1
                whole += 1
            }
            result = exp(part * log(base))
        }
        var (fraction, power) = split(base.magnitude)
        if base < 0 { fraction = -fraction }
        var bits = UInt64(whole)
        while bits != 0 {
            if power < -4096 || power > 4096 {
                scale += power
                break
            }
            if bits & 1 == 1 {
                result *= fraction
                scale += power
            }
            fraction *= fraction
            power <<= 1
            if fraction < 0.5 {
                fraction += fraction
                power -= 1
            }
            bits >>= 1
        }
        if exponent < 0 {
            result = 1 / result
            scale = -scale
        }
        return scalbn(result, Int32(clamping: scale))
    }
}
