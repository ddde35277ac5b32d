import MetricModel

/// JSON as Go's `encoding/json` writes it.
package enum GoJSON {
    /// Appends a text in quotes; `<`, `>`, `&` are escaped as Go does for the sake of HTML.
    static func append(_ text: String, to json: inout [UInt8]) {
        var text = text
        json.append(0x22)
        text.withUTF8 { appendEscaped($0, to: &json) }
        json.append(0x22)
    }

    /// Appends UTF-8 with whatever JSON or HTML gives a meaning escaped.
    /// - Parameter isEscaped: whether `\`, `"` and line feeds are escaped already, which the text format does alike.
    static func appendEscaped(_ bytes: UnsafeBufferPointer<UInt8>, isEscaped: Bool = false, to json: inout [UInt8]) {
        var start = 0
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if isPlain(byte) {
                index += 1
                continue
            }
            if byte == 0x5c, isEscaped {
                index += 2
                continue
            }
            var length = 1
            if byte == 0xe2 {
                // U+2028 and U+2029 end a line in JavaScript.
                guard index + 2 < bytes.count, bytes[index + 1] == 0x80, bytes[index + 2] & 0xfe == 0xa8 else {
                    index += 1
                    continue
                }
                length = 3
            }
            json.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start..<index]))
            if length == 3 {
                raw(bytes[index + 2] == 0xa8 ? "\\u2028" : "\\u2029", to: &json)
            } else {
                appendEscape(byte, to: &json)
            }
            index += length
            start = index
        }
        json.append(contentsOf: UnsafeBufferPointer(rebasing: bytes[start...]))
    }

    /// Whether a byte stands for itself; of those of a longer character that is decided later.
    @inline(__always)
    private static func isPlain(_ byte: UInt8) -> Bool {
        switch byte {
        case 0..<0x20, 0x22, 0x26, 0x3c, 0x3e, 0x5c, 0xe2: false
        default: true
        }
    }

    private static func appendEscape(_ byte: UInt8, to json: inout [UInt8]) {
        json.append(0x5c)
        switch byte {
        case 0x22, 0x5c: json.append(byte)
        case 0x08: json.append(UInt8(ascii: "b"))
        case 0x09: json.append(UInt8(ascii: "t"))
        case 0x0a: json.append(UInt8(ascii: "n"))
        case 0x0c: json.append(UInt8(ascii: "f"))
        case 0x0d: json.append(UInt8(ascii: "r"))
        default:
            raw("u00", to: &json)
            for digit in [byte >> 4, byte & 0xf] { json.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
        }
    }

    /// Appends an object of texts, sorted by name; of a repeated name the last counts.
    package static func append(_ pairs: [(String, String)], to json: inout [UInt8]) {
        var sorted = pairs
        // They are few, and nearly sorted.
        var index = 1
        while index < sorted.count {
            var place = index
            while place > 0, ByteOrder.precedes(sorted[place].0, sorted[place - 1].0) {
                sorted.swapAt(place, place - 1)
                place -= 1
            }
            index += 1
        }
        json.append(UInt8(ascii: "{"))
        var isFirst = true
        for (index, pair) in sorted.enumerated() {
            if index + 1 < sorted.count, pair.0.hasSameBytes(as: sorted[index + 1].0) { continue }
            if !isFirst { json.append(UInt8(ascii: ",")) }
            isFirst = false
            append(pair.0, to: &json)
            json.append(UInt8(ascii: ":"))
            append(pair.1, to: &json)
        }
        json.append(UInt8(ascii: "}"))
    }

    /// Appends plain characters.
    static func raw(_ text: String, to json: inout [UInt8]) { json.append(contentsOf: text.utf8) }
}
