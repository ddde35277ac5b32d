/// The shortest decimal that reads back as a value, the nearest one where there are several: `mantissa × 10^exponent`, without
/// zeros at the mantissa's end.
///
/// After Raffaele Giulietti, "The Schubfach way to render doubles".
struct ShortestDigits {
    private(set) var mantissa: UInt64
    private(set) var exponent: Int

    /// The digits of a finite value that is not negative.
    init(_ value: Double) {
        let bits = value.bitPattern
        let fraction = bits & (1 << 52 - 1)
        let power = Int(bits >> 52)
        let isNormal = power != 0
        let c = isNormal ? fraction | 1 << 52 : fraction
        let q = (isNormal ? power : 1) - 1075
        if q <= 0, q > -53, c & (1 << UInt64(-q) - 1) == 0 {
            self.init(mantissa: c >> UInt64(-q), exponent: 0)
            return
        }
        if c == 0 {
            self.init(mantissa: 0, exponent: 0)
            return
        }
        let (mantissa, exponent) = ShortestDigits.shortest(c, q, isLowerNearer: fraction == 0 && power > 1)
        self.init(mantissa: mantissa, exponent: exponent)
    }

    private init(mantissa: UInt64, exponent: Int) {
        self.mantissa = mantissa
        self.exponent = exponent
        cutZeros()
    }

    /// Takes the zeros at the end away. Times the inverse of a divisor, multiples of it come out small and others large.
    @inline(__always)
    private mutating func cutZeros() {
        func rotated(_ value: UInt64, _ places: UInt64) -> UInt64 { value >> places | value << (64 - places) }
        if mantissa == 0 { return }
        while true {
            let eight = rotated(mantissa &* 0xc767_074b_22e9_0e21, 8)
            guard eight <= UInt64.max / 100_000_000 else { break }
            mantissa = eight
            exponent += 8
        }
        while true {
            let two = rotated(mantissa &* 0x8f5c_28f5_c28f_5c29, 2)
            guard two <= UInt64.max / 100 else { break }
            mantissa = two
            exponent += 2
        }
        let one = rotated(mantissa &* 0xcccc_cccc_cccc_cccd, 1)
        if one <= UInt64.max / 10 {
            mantissa = one
            exponent += 1
        }
    }

    /// The shortest decimal within the interval of reals that round to `c × 2^q`.
    @inline(__always)
    private static func shortest(_ c: UInt64, _ q: Int, isLowerNearer: Bool) -> (mantissa: UInt64, exponent: Int) {
        // Four times the bounds of the interval, and the value itself.
        let middle = c << 2
        let lower = middle - (isLowerNearer ? 1 : 2)
        let upper = middle + 2
        // The power of ten just below the interval's width, and how far to shift for it.
        let k = (q * 1_262_611 - (isLowerNearer ? 524_031 : 0)) >> 22
        let shift = UInt64(truncatingIfNeeded: q + ((-k * 1_741_647) >> 19) + 1)
        let scale = PowersOfTen.fractions[-k - PowersOfTen.least]
        let vb = product(scale, middle << shift)
        // A value with an even fraction takes the bounds of its interval with it.
        let open = c & 1
        let low = product(scale, lower << shift) + open
        let high = product(scale, upper << shift) - open
        let s = vb / 4
        if s >= 10 {
            // One digit fewer, if just one of the neighbours is inside.
            let tenth = s / 10
            let isBelowInside = low <= 40 * tenth
            let isAboveInside = 40 * tenth + 40 <= high
            if isBelowInside != isAboveInside { return (tenth + (isAboveInside ? 1 : 0), k + 1) }
        }
        let isBelowInside = low <= 4 * s
        let isAboveInside = 4 * s + 4 <= high
        if isBelowInside != isAboveInside { return (s + (isAboveInside ? 1 : 0), k) }
        let half = 4 * s + 2
        let roundsUp = vb > half || (vb == half && s & 1 == 1)
        return (s + (roundsUp ? 1 : 0), k)
    }

    /// The product's whole part, its last bit set where anything is cut off.
    @inline(__always)
    private static func product(_ scale: PowersOfTen.Fraction, _ factor: UInt64) -> UInt64 {
        let low = scale.low.multipliedFullWidth(by: factor)
        let high = scale.high.multipliedFullWidth(by: factor)
        let (rest, carry) = high.low.addingReportingOverflow(low.high)
        return (high.high &+ (carry ? 1 : 0)) | (rest > 1 ? 1 : 0)
    }
}
