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
    }

    /// Appends a value.
    public static func append(_ value: Double, _ style: Style, to output: inout [UInt8]) {
        guard value.isFinite else {
            let text: StaticString = value.isNaN ? "NaN" : value < 0 ? "-Inf" : "+Inf"
            output.append(contentsOf: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
            return
        }
        if value.sign == .minus { output.append(UInt8(ascii: "-")) }
        let magnitude = value.magnitude
        if magnitude < 10 {
            // The commonest values of all.
            let digit = UInt8(truncatingIfNeeded: Int(magnitude))
            if Double(digit) == magnitude {
                output.append(UInt8(ascii: "0") + digit)
                return
            }
        }
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 24) { buffer in
            let digits = ShortestDigits(magnitude)
            let text = digits.write(to: buffer)
            let exponent = text.count - 1 + digits.exponent
            let isScientific =
                switch style {
                case .shortest: exponent < -4 || exponent >= 6
                case .json: magnitude < 1e-6 || magnitude >= 1e21
                case .fixed: false
                }
            if isScientific {
                appendScientific(text, exponent, to: &output)
            } else {
                appendFixed(text, exponent, to: &output)
            }
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
            output.append(contentsOf: write(value, to: buffer))
        }
    }

    /// Writes an integer's digits at the end of the buffer and answers them.
    static func write(_ value: UInt64, to buffer: UnsafeMutableBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        var rest = value
        var position = buffer.count
        repeat {
            position -= 1
            let quotient = rest / 10
            buffer[position] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: rest &- quotient &* 10)
            rest = quotient
        } while rest > 0
        return UnsafeBufferPointer(rebasing: buffer[position...])
    }

    private static func appendScientific(
        _ digits: UnsafeBufferPointer<UInt8>,
        _ exponent: Int,
        to output: inout [UInt8]
    ) {
        output.append(digits[0])
        if digits.count > 1 {
            output.append(UInt8(ascii: "."))
            output.append(contentsOf: UnsafeBufferPointer(rebasing: digits[1...]))
        }
        output.append(UInt8(ascii: "e"))
        output.append(exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        if exponent.magnitude < 10 { output.append(UInt8(ascii: "0")) }
        append(UInt64(exponent.magnitude), to: &output)
    }

    private static func appendFixed(
        _ digits: UnsafeBufferPointer<UInt8>,
        _ exponent: Int,
        to output: inout [UInt8]
    ) {
        if exponent < 0 {
            output.append(UInt8(ascii: "0"))
            output.append(UInt8(ascii: "."))
            appendZeros(-exponent - 1, to: &output)
            output.append(contentsOf: digits)
            return
        }
        let whole = exponent + 1
        if digits.count <= whole {
            output.append(contentsOf: digits)
            appendZeros(whole - digits.count, to: &output)
        } else {
            output.append(contentsOf: UnsafeBufferPointer(rebasing: digits[..<whole]))
            output.append(UInt8(ascii: "."))
            output.append(contentsOf: UnsafeBufferPointer(rebasing: digits[whole...]))
        }
    }

    private static func appendZeros(_ count: Int, to output: inout [UInt8]) {
        for _ in 0..<count { output.append(UInt8(ascii: "0")) }
    }
}

/// The shortest decimal that reads back as a value: `mantissa × 10^exponent`, without zeros at the mantissa's end.
struct ShortestDigits {
    private(set) var mantissa: UInt64
    private(set) var exponent: Int

    /// The digits of a finite value that is not negative.
    init(_ value: Double) {
        // At most 15 digits name a double unambiguously, so a decimal of that length that reads back is the shortest one.
        if value < 1e15, value >= 1e-4 || value == 0 {
            if let found = ShortestDigits(value, places: 0) ?? ShortestDigits(value, places: 3) {
                self = found
                return
            }
            // Zeros at the end are cut off, so the most places that fit do for all fewer ones too.
            let magnitude = (Int(value.exponent) * 78913) >> 18
            if let found = ShortestDigits(value, places: 14 - magnitude)
                ?? ShortestDigits(value, places: 13 - magnitude)
            {
                self = found
                return
            }
        }
        self.init(description: value.description)
    }

    /// The decimal with so many places that reads back as the value, if there is one of at most 15 digits.
    private init?(_ value: Double, places: Int) {
        let scale = ShortestDigits.power(of: places)
        let scaled = value * scale + 0.5
        guard scaled < 1e15 else { return nil }
        let mantissa = Int64(scaled)
        // Both sides are exact, so the division rounds correctly.
        guard Double(mantissa) / scale == value else { return nil }
        self.init(mantissa: UInt64(truncatingIfNeeded: mantissa), exponent: -places)
    }

    @inline(__always)
    private static func power(of places: Int) -> Double {
        powers[min(max(places, 0), 22)]
    }

    private static let powers: [Double] = [
        1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19,
        1e20, 1e21, 1e22,
    ]

    private init(mantissa: UInt64, exponent: Int) {
        self.mantissa = mantissa
        self.exponent = exponent
        while self.mantissa > 9 {
            let quotient = self.mantissa / 10
            if quotient &* 10 != self.mantissa { break }
            self.mantissa = quotient
            self.exponent += 1
        }
    }

    /// Takes the standard library's text apart, which has the same digits: `1.5e-07`, `5e+22`, `123456.0`.
    private init(description: String) {
        var mantissa: UInt64 = 0
        var exponent = 0
        var explicit = 0
        var isNegative = false
        var isFraction = false
        var isExponent = false
        var description = description
        description.withUTF8 { bytes in
            for byte in bytes {
                switch byte {
                case UInt8(ascii: "."): isFraction = true
                case UInt8(ascii: "e"): isExponent = true
                case UInt8(ascii: "-"): isNegative = true
                case UInt8(ascii: "+"): break
                default:
                    let digit = Int(byte) - Int(UInt8(ascii: "0"))
                    if isExponent {
                        explicit = explicit * 10 + digit
                    } else {
                        mantissa = mantissa &* 10 &+ UInt64(truncatingIfNeeded: digit)
                        if isFraction { exponent -= 1 }
                    }
                }
            }
        }
        self.init(mantissa: mantissa, exponent: exponent + (isNegative ? -explicit : explicit))
    }

    /// Writes the digits at the end of the buffer and answers them.
    func write(to buffer: UnsafeMutableBufferPointer<UInt8>) -> UnsafeBufferPointer<UInt8> {
        GoNumber.write(mantissa, to: buffer)
    }
}
