/// Decimal to binary: `mantissa × 10^exponent`, correctly rounded.
enum DecimalToDouble {
    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    /// The nearest double; `nil` where the fast ways cannot be sure.
    @inline(__always)
    static func convert(_ mantissa: UInt64, _ exponent: Int) -> Double? {
        if mantissa <= 1 << 53 {
            // Clinger: both operands are exact, so one operation rounds correctly.
            if exponent == 0 { return Double(mantissa) }
            if exponent < 0, exponent >= -22 { return Double(mantissa) / powers[-exponent] }
            if exponent > 0, exponent <= 22 { return Double(mantissa) * powers[exponent] }
            if mantissa == 0 { return 0 }
        }
        return convertLong(mantissa, exponent)
    }

    /// The way of Eisel and Lemire: the product with 128 bits of the power of five decides in nearly all cases.
    @inline(never)
    private static func convertLong(_ mantissa: UInt64, _ exponent: Int) -> Double? {
        guard exponent >= PowersOfFive.lowest, exponent <= PowersOfFive.highest else { return nil }
        let zeros = mantissa.leadingZeroBitCount
        let normal = mantissa << UInt64(zeros)
        let power = PowersOfFive.table[exponent - PowersOfFive.lowest]
        var (high, low) = normal.multipliedFullWidth(by: power.high)
        if high & 0x1ff == 0x1ff {
            let second = normal.multipliedFullWidth(by: power.low)
            let (sum, carry) = low.addingReportingOverflow(second.high)
            low = sum
            if carry { high += 1 }
        }
        if low == .max, exponent < -27 || exponent > 55 { return nil }
        let upper = high >> 63
        let shift = upper + 9
        var digits = high >> shift
        var binary = (217_706 * exponent) >> 16 + 63 + Int(upper) - zeros + 1023
        // What is too small for a normal number, or too large, is for the exact way.
        if binary <= 0 { return nil }
        let isHalfway = low <= 1 && exponent >= -4 && exponent <= 23 && digits & 3 == 1 && digits << shift == high
        if isHalfway { digits &= ~1 }
        digits += digits & 1
        digits >>= 1
        if digits >= 2 << 52 {
            digits = 1 << 52
            binary += 1
        }
        if binary >= 0x7ff { return nil }
        return Double(bitPattern: digits & ~(1 << 52) | UInt64(binary) << 52)
    }
}

/// The leading 128 bits of powers of five, the highest bit always set.
enum PowersOfFive {
    static let lowest = -342
    static let highest = 308

    static let table: [(high: UInt64, low: UInt64)] = {
        var negative: [(high: UInt64, low: UInt64)] = []
        var positive: [(high: UInt64, low: UInt64)] = []
        // 5^n as 64-bit words, lowest first.
        var words: [UInt64] = [1]
        for exponent in 0...max(highest, -lowest) {
            if exponent <= highest { positive.append(leading(words)) }
            if exponent > 0, exponent <= -lowest { negative.append(reciprocal(words)) }
            var carry: UInt64 = 0
            for index in words.indices {
                let (high, low) = words[index].multipliedFullWidth(by: 5)
                let (sum, overflow) = low.addingReportingOverflow(carry)
                words[index] = sum
                carry = high + (overflow ? 1 : 0)
            }
            if carry > 0 { words.append(carry) }
        }
        return negative.reversed() + positive
    }()

    private static func leading(_ words: [UInt64]) -> (high: UInt64, low: UInt64) {
        func word(_ distance: Int) -> UInt64 { words.count > distance ? words[words.count - 1 - distance] : 0 }
        let shift = UInt64(word(0).leadingZeroBitCount)
        if shift == 0 { return (word(0), word(1)) }
        return (word(0) << shift | word(1) >> (64 - shift), word(1) << shift | word(2) >> (64 - shift))
    }

    /// The leading 128 bits of 1 / 5^n, rounded up: long division of a power of two, bit by bit.
    private static func reciprocal(_ divisor: [UInt64]) -> (high: UInt64, low: UInt64) {
        let size = divisor.count + 1
        let divisor = divisor + [0]
        var rest = [UInt64](repeating: 0, count: size)
        // Begin with the largest power of two below the divisor, so that the first quotient bit is a one.
        let bits = divisor.count * 64 - 64 - divisor[size - 2].leadingZeroBitCount
        rest[(bits - 1) / 64] = 1 << UInt64((bits - 1) % 64)
        var quotient: (high: UInt64, low: UInt64) = (0, 0)
        for _ in 0..<128 {
            var carry: UInt64 = 0
            for index in rest.indices {
                let next = rest[index] >> 63
                rest[index] = rest[index] << 1 | carry
                carry = next
            }
            quotient.high = quotient.high << 1 | quotient.low >> 63
            quotient.low <<= 1
            if !isLess(rest, divisor) {
                subtract(divisor, from: &rest)
                quotient.low |= 1
            }
        }
        let (low, overflow) = quotient.low.addingReportingOverflow(1)
        return (quotient.high + (overflow ? 1 : 0), low)
    }

    private static func isLess(_ left: [UInt64], _ right: [UInt64]) -> Bool {
        for index in left.indices.reversed() where left[index] != right[index] { return left[index] < right[index] }
        return false
    }

    private static func subtract(_ right: [UInt64], from left: inout [UInt64]) {
        var borrow: UInt64 = 0
        for index in left.indices {
            let (first, underflow) = left[index].subtractingReportingOverflow(right[index])
            let (second, again) = first.subtractingReportingOverflow(borrow)
            left[index] = second
            borrow = underflow || again ? 1 : 0
        }
    }
}
