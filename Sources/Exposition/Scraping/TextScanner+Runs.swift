public import MetricModel

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

extension ScrapeParser {
    /// Reads samples of one series that follow each other, each with a timestamp and with exactly `lead` before its value, as
    /// files of old samples have them: what ``advance(over:)`` does, many lines at a time.
    ///
    /// - Returns: how many were read; as many times and values were filled in. The rest is for ``next()``.
    public mutating func advance(
        over lead: UnsafeRawBufferPointer,
        _ times: UnsafeMutableBufferPointer<Timestamp>,
        _ values: UnsafeMutableBufferPointer<Double>
    ) -> Int {
        guard isPlainText else { return 0 }
        return text.advance(over: lead, times, values)
    }
}

extension TextScanner {
    mutating func advance(
        over lead: UnsafeRawBufferPointer,
        _ times: UnsafeMutableBufferPointer<Timestamp>,
        _ values: UnsafeMutableBufferPointer<Double>
    ) -> Int {
        guard position == leadStart, state == .start, let expected = lead.baseAddress else { return 0 }
        let size = lead.count
        let limit = min(times.count, values.count)
        var filled = 0
        var line = position
        while filled < limit, count - line > size, memcmp(base + line, expected, size) == 0 {
            var index = line + size
            guard let number = scanDecimal(&index) ?? scanValue(&index), index < count,
                base[index] == UInt8(ascii: " "), let time = scanRunTime(&index), index < count,
                base[index] == UInt8(ascii: "\n")
            else { break }
            times[filled] = time
            values[filled] = number
            filled += 1
            line = index + 1
        }
        if filled == 0 { return 0 }
        if unreadTypesStart < 0, TextScanner.mayHoldComment(lead) { unreadTypesStart = position }
        position = line
        leadStart = line
        valueStart = -1
        return filled
    }

    /// Whether there may be TYPE lines in a lead: one that starts with a name is nothing but that sample's text.
    @inline(__always)
    static func mayHoldComment(_ lead: UnsafeRawBufferPointer) -> Bool {
        lead.first.map { $0 <= UInt8(ascii: "#") } ?? false
    }

    @inline(__always)
    private func scanRunTime(_ index: inout Int) -> Timestamp? {
        guard format == .openMetrics else { return scanTimestamp(&index) }
        var end = index + 1
        guard let seconds = scanDecimal(&end) ?? GoFloat.scan(base, &end, count) else { return nil }
        index = end
        return GoFloat.truncated(seconds * 1000)
    }

    /// Reads digits with or without a point, up to 19 of them, eight at a time; `nil` for anything else. The same number
    /// as ``GoFloat/scan(_:_:_:)`` gives.
    @inline(__always)
    private func scanDecimal(_ position: inout Int) -> Double? {
        var index = position
        let isNegative = index < count && base[index] == UInt8(ascii: "-")
        if isNegative { index += 1 }
        var mantissa: UInt64 = 0
        let first = index
        scanDigits(&index, &mantissa)
        var digits = index - first
        var fraction = 0
        if index < count, base[index] == UInt8(ascii: ".") {
            index += 1
            let start = index
            scanDigits(&index, &mantissa)
            fraction = index - start
            digits += fraction
        }
        guard digits > 0, digits <= 19, index < count, base[index] == UInt8(ascii: " ") || base[index] == 0x0a,
            let value = DecimalToDouble.convert(mantissa, -fraction)
        else { return nil }
        position = index
        return isNegative ? -value : value
    }

    /// Appends the digits at `index` to the number and moves past them.
    @inline(__always)
    private func scanDigits(_ index: inout Int, _ mantissa: inout UInt64) {
        while index &+ 8 <= count {
            let word =
                UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self).littleEndian ^ 0x3030_3030_3030_3030
            // The high bit of each byte that is no digit, right up to the first such byte.
            let others = ((word &+ 0x7676_7676_7676_7676) | word) & 0x8080_8080_8080_8080
            if others == 0 {
                mantissa = mantissa &* 100_000_000 &+ TextScanner.number(word)
                index &+= 8
                continue
            }
            let digits = others.trailingZeroBitCount &>> 3
            if digits > 0 {
                // Zeros in front make eight of them.
                let shifted = word &<< UInt64(64 &- digits &* 8)
                mantissa = mantissa &* TextScanner.powers[digits] &+ TextScanner.number(shifted)
                index &+= digits
            }
            return
        }
        while index < count, ByteClass.isDigit(base[index]) {
            mantissa = mantissa &* 10 &+ UInt64(base[index] &- UInt8(ascii: "0"))
            index &+= 1
        }
    }

    private static let powers: [UInt64] = [1, 10, 100, 1000, 10_000, 100_000, 1_000_000, 10_000_000]

    /// The number of eight digits, the first one in the lowest byte.
    @inline(__always)
    private static func number(_ digits: UInt64) -> UInt64 {
        let pairs = (digits &* 2561) &>> 8 & 0x00ff_00ff_00ff_00ff
        let fours = (pairs &* 6_553_601) &>> 16 & 0x0000_ffff_0000_ffff
        return (fours &* 42_949_672_960_001) &>> 32
    }
}
