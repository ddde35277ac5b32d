import MetricModel

/// JSON written straight into bytes, in the form that Prometheus's encoder gives it.
///
/// Two ways of writing text exist there: labels keep `<`, `>` and `&`, all other texts have them escaped.
struct JSONText {
    /// What is written so far.
    var bytes: [UInt8] = []

    private static let hex = Array("0123456789abcdef".utf8)

    /// Appends punctuation or anything else that is JSON already.
    @inline(__always)
    mutating func raw(_ text: StaticString) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }

    /// `"name":` with a comma before it, unless it is the first one.
    mutating func field(_ name: StaticString, isFirst: Bool = false) {
        if !isFirst { bytes.append(UInt8(ascii: ",")) }
        bytes.append(UInt8(ascii: "\""))
        raw(name)
        bytes.append(UInt8(ascii: "\""))
        bytes.append(UInt8(ascii: ":"))
    }

    /// A text, escaped for HTML too.
    mutating func string(_ text: String) {
        var text = text
        text.withUTF8 { escaped($0, html: true) }
    }

    /// A text as in a label: not escaped for HTML.
    mutating func labelString(_ text: UnsafeBufferPointer<UInt8>) { escaped(text, html: false) }

    /// A list of texts.
    mutating func strings(_ texts: some Sequence<String>) {
        bytes.append(UInt8(ascii: "["))
        var isFirst = true
        for text in texts {
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            string(text)
        }
        bytes.append(UInt8(ascii: "]"))
    }

    /// An array, each element as `write` writes it.
    mutating func list<Elements: Sequence>(
        _ elements: Elements,
        _ write: (Elements.Element, inout JSONText) -> Void
    ) {
        raw("[")
        var isFirst = true
        for element in elements {
            if !isFirst { raw(",") }
            isFirst = false
            write(element, &self)
        }
        raw("]")
    }

    /// A whole number.
    mutating func integer(_ value: some BinaryInteger) { GoNumber.append(Int64(clamping: value), to: &bytes) }

    /// A number without quotes.
    mutating func number(_ value: Double) {
        if value.isFinite { GoNumber.append(value, .json, to: &bytes) } else { raw("null") }
    }

    /// A sample's value: in quotes.
    @inline(__always)
    mutating func value(_ value: Double) {
        bytes.append(UInt8(ascii: "\""))
        GoNumber.append(value, .json, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// A truth value.
    mutating func bool(_ value: Bool) { value ? raw("true") : raw("false") }

    /// A sample's time: seconds, the fraction in three digits or none.
    mutating func timestamp(_ milliseconds: Timestamp) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 32) { buffer in
            guard let base = buffer.baseAddress else { return }
            var time = TimeText()
            let count = time.write(milliseconds, to: base)
            bytes.append(contentsOf: UnsafeBufferPointer(start: base, count: count))
        }
    }

    /// Samples one after the other: `[time,"value"]`, with commas between.
    mutating func samples(_ times: UnsafeBufferPointer<Timestamp>, _ values: UnsafeBufferPointer<Double>) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 8192) { scratch in
            guard let base = scratch.baseAddress else { return }
            // More than any sample takes.
            let full = scratch.count - 32 - GoNumber.greatestShortLength
            var filled = 0
            var time = TimeText()
            for index in 0..<min(times.count, values.count) {
                if filled > full {
                    bytes.append(contentsOf: UnsafeBufferPointer(start: base, count: filled))
                    filled = 0
                }
                if index > 0 {
                    base[filled] = UInt8(ascii: ",")
                    filled += 1
                }
                base[filled] = UInt8(ascii: "[")
                filled += 1
                filled += time.write(times[index], to: base + filled)
                base[filled] = UInt8(ascii: ",")
                base[filled + 1] = UInt8(ascii: "\"")
                filled += 2
                filled += GoNumber.write(values[index], .json, to: base + filled)
                base[filled] = UInt8(ascii: "\"")
                base[filled + 1] = UInt8(ascii: "]")
                filled += 2
            }
            bytes.append(contentsOf: UnsafeBufferPointer(start: base, count: filled))
        }
    }

    /// A text in quotes.
    mutating func escaped(_ text: UnsafeBufferPointer<UInt8>, html: Bool) {
        bytes.append(UInt8(ascii: "\""))
        var index = 0
        while index < text.count, Self.isPlain(text[index], html: html) { index += 1 }
        bytes.append(contentsOf: UnsafeBufferPointer(rebasing: text[..<index]))
        while index < text.count {
            let byte = text[index]
            if Self.isPlain(byte, html: html) {
                bytes.append(byte)
                index += 1
            } else if byte < 0x80 {
                escape(byte)
                index += 1
            } else {
                index += appendScalar(text, index)
            }
        }
        bytes.append(UInt8(ascii: "\""))
    }

    @inline(__always)
    private static func isPlain(_ byte: UInt8, html: Bool) -> Bool {
        if byte < 0x20 || byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return false }
        if !html { return true }
        return byte < 0x80 && byte != UInt8(ascii: "<") && byte != UInt8(ascii: ">") && byte != UInt8(ascii: "&")
    }

    private mutating func escape(_ byte: UInt8) {
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"):
            bytes.append(UInt8(ascii: "\\"))
            bytes.append(byte)
        case 0x0a: raw("\\n")
        case 0x0d: raw("\\r")
        case 0x09: raw("\\t")
        default:
            raw("\\u00")
            bytes.append(Self.hex[Int(byte >> 4)])
            bytes.append(Self.hex[Int(byte & 15)])
        }
    }

    /// Copies one character beyond ASCII; the two line separators, which break JavaScript, are escaped.
    private mutating func appendScalar(_ text: UnsafeBufferPointer<UInt8>, _ index: Int) -> Int {
        let length = text[index] >= 0xf0 ? 4 : text[index] >= 0xe0 ? 3 : 2
        let end = min(index + length, text.count)
        if length == 3, end - index == 3, text[index] == 0xe2, text[index + 1] == 0x80, text[index + 2] & 0xfe == 0xa8 {
            text[index + 2] == 0xa8 ? raw("\\u2028") : raw("\\u2029")
        } else {
            bytes.append(contentsOf: text[index..<end])
        }
        return end - index
    }
}

/// Times as text, one after the other: neighbours mostly have all digits but the last two in common.
private struct TimeText {
    /// The seconds that were written last, without their last two digits.
    private var hundreds: UInt64 = .max
    /// Their eight digits.
    private var digits: UInt64 = 0

    /// Writes a time in seconds, the fraction in three digits or none; at most 24 bytes.
    @inline(__always)
    mutating func write(_ milliseconds: Timestamp, to start: UnsafeMutablePointer<UInt8>) -> Int {
        var target = start
        if milliseconds < 0 {
            target[0] = UInt8(ascii: "-")
            target += 1
        }
        let magnitude = milliseconds.magnitude
        let seconds = magnitude / 1000
        if seconds >= 1_000_000_000, seconds < 10_000_000_000 {
            let hundreds = seconds / 100
            let raw = UnsafeMutableRawPointer(target)
            if hundreds == self.hundreds {
                raw.storeBytes(of: digits, as: UInt64.self)
            } else {
                _ = GoNumber.write(hundreds, to: target)
                self.hundreds = hundreds
                digits = raw.loadUnaligned(as: UInt64.self)
            }
            let last = UInt8(truncatingIfNeeded: seconds &- hundreds &* 100)
            target[8] = UInt8(ascii: "0") + last / 10
            target[9] = UInt8(ascii: "0") + last % 10
            target += 10
        } else {
            target += GoNumber.write(seconds, to: target)
        }
        let rest = Int(truncatingIfNeeded: magnitude &- seconds &* 1000)
        if rest != 0 {
            target[0] = UInt8(ascii: ".")
            target[1] = UInt8(ascii: "0") + UInt8(rest / 100)
            target[2] = UInt8(ascii: "0") + UInt8(rest / 10 % 10)
            target[3] = UInt8(ascii: "0") + UInt8(rest % 10)
            target += 4
        }
        return target - start
    }
}
