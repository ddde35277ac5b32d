/// Numbers as Go's `strconv` writes them, which is what every Prometheus text and JSON contains.
public enum GoNumber {
    /// Go's verbs with the shortest digits that read back as the same value (precision -1).
    public enum Style: Sendable {
        /// `'g'`: exponent below -4 or from 6 on, as client libraries write values: `1000000` is written `1e+06`.
        case shortest
        /// `'f'`, but `'e'` where 0 < |v| < 1e-6 or |v| ≥ 1e21: values in API answers.
        case json
        /// `'f'` always.
        case fixed
        /// `'e'` always.
        case scientific

        /// Below it whole numbers are written with all their digits.
        fileprivate var wholeLimit: Double {
            switch self {
            case .shortest: 1e6
            case .json, .fixed: 0x1p53
            case .scientific: 0
            }
        }

        /// Below it decimals with three digits or fewer after the point are written with all their digits.
        fileprivate var decimalLimit: Double {
            switch self {
            case .shortest: 1e6
            case .json, .fixed: 1e12
            case .scientific: 0
            }
        }
    }

    /// So many bytes hold any number in any style.
    public static let greatestLength = 352
    /// So many bytes hold any number in the styles ``Style/shortest``, ``Style/json`` and ``Style/scientific``.
    public static let greatestShortLength = 32

    /// Appends a value.
    public static func append(_ value: Double, _ style: Style, to output: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: greatestLength) { buffer in
            guard let base = buffer.baseAddress else { return }
            let count = write(value, style, to: base)
            output.append(contentsOf: UnsafeBufferPointer(start: base, count: count))
        }
    }

    /// The value as text.
    public static func text(_ value: Double, _ style: Style) -> String {
        var output: [UInt8] = []
        append(value, style, to: &output)
        return String(decoding: output, as: UTF8.self)
    }

    /// Appends an integer in decimal.
    public static func append(_ value: Int64, to output: inout [UInt8]) {
        if value < 0 { output.append(UInt8(ascii: "-")) }
        append(value.magnitude, to: &output)
    }

    /// Appends an unsigned integer in decimal.
    public static func append(_ value: UInt64, to output: inout [UInt8]) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { buffer in
            guard let base = buffer.baseAddress else { return }
            let count = write(value, to: base)
            output.append(contentsOf: UnsafeBufferPointer(start: base, count: count))
        }
    }

    /// Writes an unsigned integer in decimal, at most 20 bytes, and answers how many they were.
    public static func write(_ value: UInt64, to target: UnsafeMutablePointer<UInt8>) -> Int {
        DecimalDigits.write(value, to: target)
    }

    /// Writes a value where there is room for ``greatestLength`` or ``greatestShortLength``, and answers how many bytes it took.
    public static func write(_ value: Double, _ style: Style, to target: UnsafeMutablePointer<UInt8>) -> Int {
        guard value.isFinite else {
            let text: StaticString = value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf"
            target.update(from: text.utf8Start, count: text.utf8CodeUnitCount)
            return text.utf8CodeUnitCount
        }
        let magnitude = value.magnitude
        var output = target
        if value.sign == .minus {
            output[0] = UInt8(ascii: "-")
            output += 1
        }
        if magnitude < style.wholeLimit {
            // Whole numbers are the commonest of all.
            let whole = UInt64(magnitude)
            if Double(whole) == magnitude { return output - target + DecimalDigits.write(whole, to: output) }
        }
        // Then those with three decimals or fewer. Where a decimal of at most 15 digits reads back as the value, there is no
        // other one and no shorter one: the quotient of two exact numbers is rounded as reading the decimal is.
        if magnitude >= 0.001, magnitude < style.decimalLimit {
            let thousandths = Int64(magnitude * 1000 + 0.5)
            if Double(thousandths) / 1000 == magnitude {
                return output - target + writeThousandths(UInt64(thousandths), output)
            }
        }
        // It has no digits to look for; in the other styles it is a whole number.
        if magnitude == 0 { return output - target + writeScientific(0, 1, 0, output) }
        let digits = ShortestDigits(magnitude)
        let count = DecimalDigits.count(digits.mantissa)
        let exponent = count - 1 + digits.exponent
        let isScientific =
            switch style {
            case .shortest: exponent < -4 || exponent >= 6
            case .json: magnitude < 1e-6 || magnitude >= 1e21
            case .fixed: false
            case .scientific: true
            }
        let length =
            isScientific
            ? writeScientific(digits.mantissa, count, exponent, output)
            : writeFixed(digits.mantissa, count, exponent, output)
        return output - target + length
    }

    /// Writes thousandths as a decimal; they are no whole number.
    @inline(__always)
    private static func writeThousandths(_ thousandths: UInt64, _ output: UnsafeMutablePointer<UInt8>) -> Int {
        let whole = thousandths / 1000
        var length = DecimalDigits.write(whole, to: output)
        var rest = UInt32(truncatingIfNeeded: thousandths &- whole &* 1000)
        output[length] = UInt8(ascii: ".")
        repeat {
            length += 1
            let digit = rest / 100
            output[length] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: digit)
            rest = (rest &- digit &* 100) &* 10
        } while rest > 0
        return length + 1
    }

    private static func writeScientific(
        _ mantissa: UInt64,
        _ count: Int,
        _ exponent: Int,
        _ output: UnsafeMutablePointer<UInt8>
    ) -> Int {
        var length = 1
        DecimalDigits.write(mantissa, count: count, to: output + 1)
        output[0] = output[1]
        if count > 1 {
            output[1] = UInt8(ascii: ".")
            length = count + 1
        }
        output[length] = UInt8(ascii: "e")
        output[length + 1] = exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+")
        length += 2
        if exponent.magnitude < 10 {
            output[length] = UInt8(ascii: "0")
            length += 1
        }
        return length + DecimalDigits.write(UInt64(exponent.magnitude), to: output + length)
    }

    private static func writeFixed(
        _ mantissa: UInt64,
        _ count: Int,
        _ exponent: Int,
        _ output: UnsafeMutablePointer<UInt8>
    ) -> Int {
        let zero = UInt8(ascii: "0")
        if exponent < 0 {
            output[0] = zero
            output[1] = UInt8(ascii: ".")
            for index in 0..<(-exponent - 1) { output[2 + index] = zero }
            DecimalDigits.write(mantissa, count: count, to: output + 1 - exponent)
            return 1 - exponent + count
        }
        let whole = exponent + 1
        if count <= whole {
            DecimalDigits.write(mantissa, count: count, to: output)
            for index in count..<whole { output[index] = zero }
            return whole
        }
        DecimalDigits.write(mantissa, count: count, to: output + 1)
        for index in 0..<whole { output[index] = output[index + 1] }
        output[whole] = UInt8(ascii: ".")
        return count + 1
    }
}
