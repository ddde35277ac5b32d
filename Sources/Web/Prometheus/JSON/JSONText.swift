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

    /// A set of labels as an object.
    mutating func labels(_ labels: Labels) {
        if appendPlain(labels) { return }
        bytes.append(UInt8(ascii: "{"))
        labels.encoded.withUnsafeBufferPointer { encoded in
            var isFirst = true
            labels.forEachRange { name, value in
                if !isFirst { bytes.append(UInt8(ascii: ",")) }
                isFirst = false
                escaped(UnsafeBufferPointer(rebasing: encoded[name]), html: false)
                bytes.append(UInt8(ascii: ":"))
                escaped(UnsafeBufferPointer(rebasing: encoded[value]), html: false)
            }
        }
        bytes.append(UInt8(ascii: "}"))
    }

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

    private mutating func escaped(_ text: UnsafeBufferPointer<UInt8>, html: Bool) {
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

    /// Labels in which nothing needs escaping, as most are: checked while they are copied. Whether they were such.
    private mutating func appendPlain(_ labels: Labels) -> Bool {
        let count = labels.encoded.count
        guard count > 0, count <= 2048 else { return false }
        return labels.encoded.withUnsafeBytes { encoded in
            // Each label has four bytes at least and gets four more; whole words are written.
            withUnsafeTemporaryAllocation(byteCount: 2 * count + 16, alignment: 8) { scratch in
                guard let source = encoded.baseAddress, let target = scratch.baseAddress else { return false }
                var filled = 0
                var isPlain = true
                labels.forEachRange { name, value in
                    target.storeBytes(
                        of: filled == 0 ? UInt8(ascii: "{") : UInt8(ascii: ","),
                        toByteOffset: filled,
                        as: UInt8.self
                    )
                    target.storeBytes(of: UInt8(ascii: "\""), toByteOffset: filled &+ 1, as: UInt8.self)
                    filled &+= 2
                    guard isPlain, Self.copyPlain(name, of: source, count, to: target + filled) else {
                        return isPlain = false
                    }
                    filled &+= name.count
                    target.storeBytes(of: UInt8(ascii: "\""), toByteOffset: filled, as: UInt8.self)
                    target.storeBytes(of: UInt8(ascii: ":"), toByteOffset: filled &+ 1, as: UInt8.self)
                    target.storeBytes(of: UInt8(ascii: "\""), toByteOffset: filled &+ 2, as: UInt8.self)
                    filled &+= 3
                    guard Self.copyPlain(value, of: source, count, to: target + filled) else { return isPlain = false }
                    filled &+= value.count
                    target.storeBytes(of: UInt8(ascii: "\""), toByteOffset: filled, as: UInt8.self)
                    filled &+= 1
                }
                guard isPlain else { return false }
                target.storeBytes(of: UInt8(ascii: "}"), toByteOffset: filled, as: UInt8.self)
                bytes.append(contentsOf: UnsafeRawBufferPointer(start: target, count: filled + 1))
                return true
            }
        }
    }

    /// Copies a stretch of `total` bytes eight at a time, up to seven too many; `false` as soon as a byte is not plain.
    @inline(__always)
    private static func copyPlain(
        _ range: Range<Int>,
        of source: UnsafeRawPointer,
        _ total: Int,
        to target: UnsafeMutableRawPointer
    ) -> Bool {
        var index = range.lowerBound
        while index < range.upperBound {
            var word: UInt64 = 0
            if index &+ 8 <= total {
                word = source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            } else {
                for place in index..<total {
                    word |= UInt64(source.load(fromByteOffset: place, as: UInt8.self)) << UInt64(8 &* (place &- index))
                }
                word = UInt64(littleEndian: word)
            }
            target.storeBytes(of: word, toByteOffset: index &- range.lowerBound, as: UInt64.self)
            let left = range.upperBound &- index
            if left < 8 {
                // What comes behind the stretch is not looked at.
                let mask = (1 as UInt64) << UInt64(8 &* left) &- 1
                word = UInt64(littleEndian: word) & mask | (spaces & ~mask)
            }
            if isSpecial(word) { return false }
            index &+= 8
        }
        return true
    }

    private static let spaces: UInt64 = 0x2020_2020_2020_2020

    /// Whether one of the eight bytes is a control, a quote or a backslash.
    @inline(__always)
    private static func isSpecial(_ word: UInt64) -> Bool {
        let (ones, tops): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        let (quote, backslash) = (word ^ (ones &* 0x22), word ^ (ones &* 0x5c))
        // A top bit is set for the first byte below the bound, and perhaps for some behind it.
        let controls = (word &- ones &* 0x20) & ~word
        let special = controls | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash
        return special & tops != 0
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
