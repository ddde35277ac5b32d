/// The powers of ten that a double can have, each as a fraction of 128 bits whose highest bit is set, rounded up.
struct PowersOfTen {
    /// A fraction of 128 bits.
    struct Fraction {
        var high: UInt64
        var low: UInt64
    }

    static let least = -292
    static let greatest = 324

    /// All of them, from the least to the greatest.
    static let fractions: [Fraction] = {
        var result = [Fraction](repeating: Fraction(high: 0, low: 0), count: greatest - least + 1)
        // Twice the precision that is kept, so that what is lost on the way never shows.
        var number = Wide()
        for exponent in 0...greatest {
            result[exponent - least] = number.roundedUp
            number.multiplyByFive()
        }
        number = Wide()
        for exponent in 1...(-least) {
            number.divideByFive()
            result[-exponent - least] = number.roundedUp
        }
        return result
    }()

    /// A fraction of 256 bits, highest word first. Doubling and halving leave it as it is, so five does for ten.
    private struct Wide {
        var words: SIMD4<UInt64> = SIMD4(1 << 63, 0, 0, 0)

        var roundedUp: Fraction {
            var (low, carry) = (words[1], false)
            if words[2] | words[3] != 0 { (low, carry) = low.addingReportingOverflow(1) }
            return Fraction(high: words[0] &+ (carry ? 1 : 0), low: low)
        }

        mutating func multiplyByFive() {
            var carry: UInt64 = 0
            for index in (0..<4).reversed() {
                let product = words[index].multipliedFullWidth(by: 5)
                let (sum, overflow) = product.low.addingReportingOverflow(carry)
                words[index] = sum
                carry = product.high + (overflow ? 1 : 0)
            }
            while carry != 0 {
                for index in (1..<4).reversed() { words[index] = words[index] >> 1 | words[index - 1] << 63 }
                words[0] = words[0] >> 1 | carry << 63
                carry >>= 1
            }
        }

        mutating func divideByFive() {
            var rest: UInt64 = 0
            for index in 0..<4 {
                let quotient = UInt64(5).dividingFullWidth((rest, words[index]))
                words[index] = quotient.quotient
                rest = quotient.remainder
            }
            while words[0] >> 63 == 0 {
                for index in 0..<3 { words[index] = words[index] << 1 | words[index + 1] >> 63 }
                words[3] <<= 1
            }
        }
    }
}
