/// Numbers as Go's `strconv` writes them, which is what every Prometheus text and JSON contains.
public enum GoNumber {
    /// Go's verbs with the shortest digits that read back as the same value (precision -1).
    public enum Style: Sendable {
        /// `'g'`: exponent below -4 or from 21 on, as client libraries write values: `1e+06` is written `1e+06`.
        case shortest
        /// `'f'`, but `'e'` where 0 < |v| < 1e-6 or |v| ≥ 1e21: values in API answers.
        case json
        /// `'f'` always.
        case fixed
    }

    /// Appends a value.
    public static func append(_ value: Double, _ style: Style, to output: inout [UInt8]) {
        if value.isNaN {
            output.append(contentsOf: "NaN".utf8)
            return
        }
        if value.isInfinite {
            output.append(contentsOf: (value < 0 ? "-Inf" : "+Inf").utf8)
            return
        }
        let magnitude = value.magnitude
        if magnitude < 100_000, magnitude.rounded(.towardZero) == magnitude {
            if value.sign == .minus { output.append(UInt8(ascii: "-")) }
            append(Int64(magnitude), to: &output)
            return
        }
        if value.sign == .minus { output.append(UInt8(ascii: "-")) }
        var (digits, exponent) = shortestDigits(magnitude)
        switch style {
        case .shortest where exponent < -4 || exponent >= 6:
            appendScientific(&digits, exponent, to: &output)
        case .json where magnitude != 0 && (magnitude < 1e-6 || magnitude >= 1e21):
            appendScientific(&digits, exponent, to: &output)
        default:
            appendFixed(digits, exponent, to: &output)
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
        var magnitude = value.magnitude
        let start = output.count
        repeat {
            output.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10))
            magnitude /= 10
        } while magnitude > 0
        output[start...].reverse()
    }

    /// The shortest decimal digits of a positive finite value and the power of ten of the first one: 0.05 → ([5], -2).
    static func shortestDigits(_ value: Double) -> (digits: [UInt8], exponent: Int) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        var text = value.description
        text.withUTF8 { bytes in
            var index = 0
            while index < bytes.count {
                let byte = bytes[index]
                index += 1
                if byte == UInt8(ascii: ".") {
                    point = digits.count
                } else if byte == UInt8(ascii: "e") {
                    var sign = 1
                    while index < bytes.count {
                        if bytes[index] == UInt8(ascii: "-") {
                            sign = -1
                        } else if bytes[index] != UInt8(ascii: "+") {
                            exponent = exponent * 10 + Int(bytes[index] - UInt8(ascii: "0"))
                        }
                        index += 1
                    }
                    exponent *= sign
                } else {
                    digits.append(byte)
                }
            }
        }
        exponent += (point ?? digits.count) - 1
        let leading = digits.prefix { $0 == UInt8(ascii: "0") }.count
        if leading == digits.count { return ([UInt8(ascii: "0")], 0) }
        digits.removeFirst(leading)
        exponent -= leading
        while digits.count > 1, digits.last == UInt8(ascii: "0") { digits.removeLast() }
        return (digits, exponent)
    }

    private static func appendScientific(_ digits: inout [UInt8], _ exponent: Int, to output: inout [UInt8]) {
        output.append(digits[0])
        if digits.count > 1 {
            output.append(UInt8(ascii: "."))
            output.append(contentsOf: digits[1...])
        }
        output.append(UInt8(ascii: "e"))
        output.append(exponent < 0 ? UInt8(ascii: "-") : UInt8(ascii: "+"))
        if exponent.magnitude < 10 { output.append(UInt8(ascii: "0")) }
        append(Int64(exponent.magnitude), to: &output)
    }

    private static func appendFixed(_ digits: [UInt8], _ exponent: Int, to output: inout [UInt8]) {
        if exponent < 0 {
            output.append(contentsOf: "0.".utf8)
            output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: -exponent - 1))
            output.append(contentsOf: digits)
            return
        }
        let whole = exponent + 1
        if digits.count <= whole {
            output.append(contentsOf: digits)
            output.append(contentsOf: repeatElement(UInt8(ascii: "0"), count: whole - digits.count))
        } else {
            output.append(contentsOf: digits[..<whole])
            output.append(UInt8(ascii: "."))
            output.append(contentsOf: digits[whole...])
        }
    }
}
