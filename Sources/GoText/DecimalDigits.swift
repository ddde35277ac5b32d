/// Writes digits, two at a time.
enum DecimalDigits {
    private static let pairs: StaticString =
        """
        0001020304050607080910111213141516171819202122232425262728293031323334353637383940414243444546474849\
        5051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899
        """

    /// How many digits a number has; 1 for zero.
    @inline(__always)
    static func count(_ value: UInt64) -> Int {
        if value < 100_000_000 {
            let small = UInt32(truncatingIfNeeded: value)
            if small < 10_000 { return small < 100 ? (small < 10 ? 1 : 2) : (small < 1000 ? 3 : 4) }
            return small < 1_000_000 ? (small < 100_000 ? 5 : 6) : (small < 10_000_000 ? 7 : 8)
        }
        if value < 10_000_000_000_000_000 {
            if value < 1_000_000_000_000 {
                return value < 10_000_000_000 ? (value < 1_000_000_000 ? 9 : 10) : (value < 100_000_000_000 ? 11 : 12)
            }
            return value < 100_000_000_000_000
                ? (value < 10_000_000_000_000 ? 13 : 14) : (value < 1_000_000_000_000_000 ? 15 : 16)
        }
        if value < 1_000_000_000_000_000_000 { return value < 100_000_000_000_000_000 ? 17 : 18 }
        return value < 10_000_000_000_000_000_000 ? 19 : 20
    }

    /// Writes a number that has so many digits.
    @inline(__always)
    static func write(_ value: UInt64, count: Int, to target: UnsafeMutablePointer<UInt8>) {
        var rest = value
        var position = count
        while rest >= 100_000_000 {
            let quotient = rest / 100_000_000
            position &-= 8
            writeEight(UInt32(truncatingIfNeeded: rest &- quotient &* 100_000_000), to: target + position)
            rest = quotient
        }
        var small = UInt32(truncatingIfNeeded: rest)
        while small >= 100 {
            let quotient = small / 100
            position &-= 2
            writePair(small &- quotient &* 100, to: target + position)
            small = quotient
        }
        if small >= 10 {
            writePair(small, to: target)
        } else {
            target[0] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: small)
        }
    }

    @inline(__always)
    private static func writePair(_ value: UInt32, to target: UnsafeMutablePointer<UInt8>) {
        let pair = pairs.utf8Start + Int(truncatingIfNeeded: value) &* 2
        target[0] = pair[0]
        target[1] = pair[1]
    }

    @inline(__always)
    private static func writeEight(_ value: UInt32, to target: UnsafeMutablePointer<UInt8>) {
        let high = value / 10_000
        let low = value &- high &* 10_000
        let (first, third) = (high / 100, low / 100)
        writePair(first, to: target)
        writePair(high &- first &* 100, to: target + 2)
        writePair(third, to: target + 4)
        writePair(low &- third &* 100, to: target + 6)
    }

    /// Writes a number and answers how many digits it has.
    @inline(__always)
    static func write(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
        let count = count(value)
        write(value, count: count, to: target)
        return count
    }
}
