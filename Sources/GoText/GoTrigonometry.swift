#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#elseif canImport(Musl)
    import Musl
#endif

// The trigonometric functions by the approximations of the Cephes library that Go uses.
extension GoMath {
    private static let halfPi = Double(bitPattern: 0x3ff9_21fb_5444_2d18)
    private static let quarterPi = Double(bitPattern: 0x3fe9_21fb_5444_2d18)

    /// Arc tangent.
    public static func atan(_ value: Double) -> Double {
        if value == 0 { return value }
        return value > 0 ? positiveArcTangent(value) : -positiveArcTangent(-value)
    }

    private static func positiveArcTangent(_ value: Double) -> Double {
        let more = 6.123233995736765886130e-17
        if value <= 0.66 { return smallArcTangent(value) }
        if value > 2.41421356237309504880 { return halfPi - smallArcTangent(1 / value) + more }
        return quarterPi + smallArcTangent((value - 1) / (value + 1)) + 0.5 * more
    }

    private static func smallArcTangent(_ x: Double) -> Double {
        var z = x * x
        var upper = -8.750608600031904122785e-01 * z + -1.615753718733365076637e+01
        upper = (upper * z + -7.500855792314704667340e+01) * z + -1.228866684490136173410e+02
        upper = upper * z + -6.485021904942025371773e+01
        var lower = (z + 2.485846490142306297962e+01) * z + 1.650270098316988542046e+02
        lower = (lower * z + 4.328810604912902668951e+02) * z + 4.853903996359136964868e+02
        lower = lower * z + 1.945506571482613964425e+02
        z = z * upper / lower
        return x * z + x
    }

    /// Arc sine.
    public static func asin(_ value: Double) -> Double {
        if value == 0 { return value }
        let x = value.magnitude
        if !(x <= 1) { return .nan }
        let root = (1 - x * x).squareRoot()
        let result = x > 0.7 ? halfPi - positiveArcTangent(root / x) : positiveArcTangent(x / root)
        return value < 0 ? -result : result
    }

    /// Arc cosine.
    public static func acos(_ value: Double) -> Double { halfPi - asin(value) }

    /// The angle of a point.
    public static func atan2(_ y: Double, _ x: Double) -> Double {
        if y.isNaN || x.isNaN || y == 0 || x == 0 || y.isInfinite || x.isInfinite {
            #if canImport(Glibc)
                return Glibc.atan2(y, x)
            #elseif canImport(Darwin)
                return Darwin.atan2(y, x)
            #else
                return Musl.atan2(y, x)
            #endif
        }
        let q = atan(y / x)
        if x < 0 { return q <= 0 ? q + .pi : q - .pi }
        return q
    }

    /// The part of an angle within an eighth of the circle, and which eighth.
    private static func reduced(_ x: Double) -> (octant: Int, rest: Double) {
        guard x < 0x1p29 else { return reducedWidely(x) }
        var octant = Int(x * (4 / Double(bitPattern: 0x4009_21fb_5444_2d18)))
        var y = Double(octant)
        if octant & 1 == 1 {
            octant += 1
            y += 1
        }
        let rest =
            ((x - y * 7.85398125648498535156e-1) - y * 3.77489470793079817668e-8) - y * 2.69515142907905952645e-15
        return (octant & 7, rest)
    }

    /// The binary digits of 4/π.
    private static let fourOverPi: [UInt64] = [
        0x0000_0000_0000_0001, 0x45f3_06dc_9c88_2a53, 0xf84e_afa3_ea69_bb81, 0xb6c5_2b32_7887_2083,
        0xfca2_c757_bd77_8ac3, 0x6e48_dc74_849b_a5c0, 0x0c92_5dd4_13a3_2439, 0xfc3b_d639_6253_4e7d,
        0xd104_6bea_5d76_8909, 0xd338_e04d_68be_fc82, 0x7323_ac73_06a6_73e9, 0x3908_bf17_7bf2_5076,
        0x3ff1_2fff_bc0b_301f, 0xde5e_2316_b414_da3e, 0xda6c_fd9e_4f96_136e, 0x9e8c_7ecd_3cbf_d45a,
        0xea4f_758f_d7cb_e2f6, 0x7a0e_73ef_14a5_25d4, 0xd7f6_bf62_3f1a_ba10, 0xac06_608d_f8f6_d757,
    ]

    /// The same for large angles, after Payne and Hanek: the fraction of the product with those digits of 4/π that matter.
    private static func reducedWidely(_ x: Double) -> (octant: Int, rest: Double) {
        let exponent = Int(x.bitPattern >> 52 & 0x7ff) - 1075
        let mantissa = x.bitPattern & (1 << 52 - 1) | 1 << 52
        let (word, shift) = ((exponent + 61) / 64, UInt64((exponent + 61) % 64))
        func digits(_ index: Int) -> UInt64 { fourOverPi[index] << shift | (fourOverPi[index + 1] >> (64 - shift)) }
        let middle = digits(word + 1).multipliedFullWidth(by: mantissa)
        let (low, carry) = middle.low.addingReportingOverflow(digits(word + 2).multipliedFullWidth(by: mantissa).high)
        let high = digits(word) &* mantissa &+ middle.high &+ (carry ? 1 : 0)
        let octant = Int(high >> 61)
        // The fraction as a double: its leading zeros say the exponent.
        var fraction = high << 3 | low >> 61
        let zeros = UInt64(fraction.leadingZeroBitCount)
        fraction = (fraction << (zeros + 1) | low >> (64 - (zeros + 1))) >> 12
        let rest = Double(bitPattern: fraction | (1023 - (zeros + 1)) << 52)
        let quarterPi = Double(bitPattern: 0x3fe9_21fb_5444_2d18)
        return octant & 1 == 1 ? ((octant + 1) & 7, (rest - 1) * quarterPi) : (octant, rest * quarterPi)
    }

    private static func sinePolynomial(_ z: Double) -> Double {
        let zz = z * z
        var sum = 1.58962301576546568060e-10 * zz + -2.50507477628578072866e-8
        sum = (sum * zz + 2.75573136213857245213e-6) * zz + -1.98412698295895385996e-4
        sum = (sum * zz + 8.33333333332211858878e-3) * zz + -1.66666666666666307295e-1
        return z + z * zz * sum
    }

    private static func cosinePolynomial(_ z: Double) -> Double {
        let zz = z * z
        var sum = -1.13585365213876817300e-11 * zz + 2.08757008419747316778e-9
        sum = (sum * zz + -2.75573141792967388112e-7) * zz + 2.48015872888517045348e-5
        sum = (sum * zz + -1.38888888888730564116e-3) * zz + 4.16666666666665929218e-2
        return 1.0 - 0.5 * zz + zz * zz * sum
    }

    /// Sine.
    public static func sin(_ value: Double) -> Double {
        if value == 0 || value.isNaN { return value }
        if value.isInfinite { return .nan }
        var (octant, z) = reduced(value.magnitude)
        var isNegative = value < 0
        if octant > 3 {
            isNegative.toggle()
            octant -= 4
        }
        let result = octant == 1 || octant == 2 ? cosinePolynomial(z) : sinePolynomial(z)
        z = isNegative ? -result : result
        return z
    }

    /// Cosine.
    public static func cos(_ value: Double) -> Double {
        if value.isNaN || value.isInfinite { return .nan }
        var (octant, z) = reduced(value.magnitude)
        var isNegative = false
        if octant > 3 {
            isNegative.toggle()
            octant -= 4
        }
        if octant > 1 { isNegative.toggle() }
        let result = octant == 1 || octant == 2 ? sinePolynomial(z) : cosinePolynomial(z)
        z = isNegative ? -result : result
        return z
    }

    /// Tangent.
    public static func tan(_ value: Double) -> Double {
        if value == 0 || value.isNaN { return value }
        if value.isInfinite { return .nan }
        let (octant, z) = reduced(value.magnitude)
        let zz = z * z
        var y = z
        if zz > 1e-14 {
            var upper = -1.30936939181383734205e4 * zz + 1.15351664838587416140e6
            upper = upper * zz + -1.79565251976484877988e7
            var lower = (zz + 1.36812963470692954678e4) * zz + -1.32089234440210967447e6
            lower = (lower * zz + 2.50083801823357915839e7) * zz + -5.38695755929454629881e7
            y = z + z * (zz * upper / lower)
        }
        if octant & 2 == 2 { y = -1 / y }
        return value < 0 ? -y : y
    }
}
