import MetricModel

/// Reading numbers exactly as Go's `strconv.ParseFloat` and `ParseInt` do.
package enum GoFloat {
    /// Reads an ordinary decimal number that starts at `position` and moves past it.
    ///
    /// `nil` (and no move) for everything that needs a closer look: special values, too many digits, errors. What follows the
    /// number is the caller's business.
    @inline(__always)
    static func scan(_ base: UnsafePointer<UInt8>, _ position: inout Int, _ end: Int) -> Double? {
        var index = position
        var isNegative = false
        if index < end, base[index] == UInt8(ascii: "-") {
            isNegative = true
            index += 1
        }
        var mantissa: UInt64 = 0
        let first = index
        while index < end, ByteClass.isDigit(base[index]) {
            mantissa = mantissa &* 10 &+ UInt64(base[index] &- UInt8(ascii: "0"))
            index += 1
        }
        var digits = index - first
        var exponent = 0
        if index < end, base[index] == UInt8(ascii: ".") {
            index += 1
            let fraction = index
            while index < end, ByteClass.isDigit(base[index]) {
                mantissa = mantissa &* 10 &+ UInt64(base[index] &- UInt8(ascii: "0"))
                index += 1
            }
            digits += index - fraction
            exponent = fraction - index
        }
        // 19 digits always fit into 64 bits.
        if digits == 0 || digits > 19 { return nil }
        if index < end, base[index] | 0x20 == UInt8(ascii: "e") {
            index += 1
            var isNegativeExponent = false
            if index < end, base[index] == UInt8(ascii: "-") || base[index] == UInt8(ascii: "+") {
                isNegativeExponent = base[index] == UInt8(ascii: "-")
                index += 1
            }
            let start = index
            var explicit = 0
            while index < end, ByteClass.isDigit(base[index]), index - start < 5 {
                explicit = explicit * 10 + Int(base[index] &- UInt8(ascii: "0"))
                index += 1
            }
            if index == start || (index < end && ByteClass.isDigit(base[index])) { return nil }
            exponent += isNegativeExponent ? -explicit : explicit
        }
        guard let value = DecimalToDouble.convert(mantissa, exponent) else { return nil }
        position = index
        return isNegative ? -value : value
    }

    /// Why a text is not a number.
    package enum Failure: Error {
        /// Not of the form of a number.
        case syntax
        /// Of the right form, but larger than what the type holds.
        case range

        /// Go's words.
        package var message: String {
            switch self {
            case .syntax: "invalid syntax"
            case .range: "value out of range"
            }
        }
    }

    /// `strconv.ParseFloat(text, 64)`.
    package static func parse(_ text: [UInt8]) throws(Failure) -> Double {
        if let special = special(text) { return special }
        guard isDecimal(text) else { return try parseUnusual(text) }
        let value = Double(String(decoding: text, as: UTF8.self)) ?? .nan
        if value.isInfinite { throw .range }
        return value
    }

    private static func parseUnusual(_ text: [UInt8]) throws(Failure) -> Double {
        let digits = withoutUnderscores(text)
        guard let digits else { throw .syntax }
        if isDecimal(digits) { return try parse(digits) }
        guard isHexadecimal(digits), let value = Double(String(decoding: digits, as: UTF8.self)) else { throw .syntax }
        if value.isInfinite { throw .range }
        return value
    }

    /// `inf`, `infinity` with an optional sign and `nan` without, in any case.
    private static func special(_ text: [UInt8]) -> Double? {
        guard let first = text.first, text.count <= 9 else { return nil }
        let isSigned = first == UInt8(ascii: "-") || first == UInt8(ascii: "+")
        let word = text.dropFirst(isSigned ? 1 : 0).map { $0 >= 0x41 && $0 <= 0x5a ? $0 | 0x20 : $0 }
        if word.elementsEqual("inf".utf8) || word.elementsEqual("infinity".utf8) {
            return first == UInt8(ascii: "-") ? -.infinity : .infinity
        }
        // The bits of Go's own NaN.
        return !isSigned && word.elementsEqual("nan".utf8) ? SpecialValue.nan : nil
    }

    private static func isDecimal(_ text: [UInt8]) -> Bool {
        var index = 0
        func peek() -> UInt8 { index < text.count ? text[index] : 0 }
        func skipDigits() -> Int {
            let start = index
            while ByteClass.isDigit(peek()) { index += 1 }
            return index - start
        }
        if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { index += 1 }
        var digits = skipDigits()
        if peek() == UInt8(ascii: ".") {
            index += 1
            digits += skipDigits()
        }
        if digits == 0 { return false }
        if peek() | 0x20 == UInt8(ascii: "e") {
            index += 1
            if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { index += 1 }
            if skipDigits() == 0 { return false }
        }
        return index == text.count
    }

    /// `0x1.8p3`; the exponent is mandatory.
    private static func isHexadecimal(_ text: [UInt8]) -> Bool {
        var index = 0
        func peek() -> UInt8 { index < text.count ? text[index] : 0 }
        func skip(_ isDigit: (UInt8) -> Bool) -> Int {
            let start = index
            while isDigit(peek()) { index += 1 }
            return index - start
        }
        func isHexDigit(_ byte: UInt8) -> Bool {
            ByteClass.isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
        }
        if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { index += 1 }
        guard peek() == UInt8(ascii: "0") else { return false }
        index += 1
        guard peek() | 0x20 == UInt8(ascii: "x") else { return false }
        index += 1
        var digits = skip(isHexDigit)
        if peek() == UInt8(ascii: ".") {
            index += 1
            digits += skip(isHexDigit)
        }
        guard digits > 0, peek() | 0x20 == UInt8(ascii: "p") else { return false }
        index += 1
        if peek() == UInt8(ascii: "+") || peek() == UInt8(ascii: "-") { index += 1 }
        return skip(ByteClass.isDigit) > 0 && index == text.count
    }

    /// The text without its underscores; `nil` where one does not stand between digits (or after a base prefix).
    private static func withoutUnderscores(_ text: [UInt8]) -> [UInt8]? {
        var index = 0
        if let sign = text.first, sign == UInt8(ascii: "+") || sign == UInt8(ascii: "-") { index = 1 }
        var previous = UInt8(ascii: "^")
        var isHexadecimal = false
        if index + 1 < text.count, text[index] == UInt8(ascii: "0") {
            let base = text[index + 1] | 0x20
            if base == UInt8(ascii: "b") || base == UInt8(ascii: "o") || base == UInt8(ascii: "x") {
                previous = UInt8(ascii: "0")
                isHexadecimal = base == UInt8(ascii: "x")
                index += 2
            }
        }
        while index < text.count {
            let byte = text[index]
            let isDigit =
                ByteClass.isDigit(byte)
                || (isHexadecimal && byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "f"))
            if isDigit {
                previous = UInt8(ascii: "0")
            } else if byte == UInt8(ascii: "_") {
                if previous != UInt8(ascii: "0") { return nil }
                previous = byte
            } else {
                if previous == UInt8(ascii: "_") { return nil }
                previous = UInt8(ascii: "!")
            }
            index += 1
        }
        if previous == UInt8(ascii: "_") { return nil }
        return text.filter { $0 != UInt8(ascii: "_") }
    }

    /// `strconv.ParseInt(text, 10, 64)`.
    package static func parseInteger(_ text: [UInt8]) throws(Failure) -> Int64 {
        var digits = text[...]
        var isNegative = false
        if let sign = digits.first, sign == UInt8(ascii: "-") || sign == UInt8(ascii: "+") {
            isNegative = sign == UInt8(ascii: "-")
            digits.removeFirst()
        }
        guard !digits.isEmpty, digits.allSatisfy(ByteClass.isDigit) else { throw .syntax }
        var value: Int64 = 0
        for byte in digits {
            let digit = Int64(byte - UInt8(ascii: "0"))
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            let (sum, carry) =
                isNegative
                ? product.subtractingReportingOverflow(digit) : product.addingReportingOverflow(digit)
            if overflow || carry { throw .range }
            value = sum
        }
        return value
    }

    /// Go's conversion of a float to an integer on amd64: what does not fit is the smallest integer.
    @inline(__always)
    package static func truncated(_ value: Double) -> Int64 {
        value > -9.3e18 && value < 9.223372036854775e18 ? Int64(value) : .min
    }

    /// Go's conversion of a float to an unsigned integer on amd64.
    package static func unsigned(_ value: Double) -> UInt64 {
        if value < 0x1p63 { return UInt64(bitPattern: truncated(value)) }
        return value < 0x1p64 ? UInt64(value) : 1 << 63
    }
}
