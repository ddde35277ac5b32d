import MetricModel

/// Helpers over raw bytes that are text in most cases, but need not be valid UTF-8.
package enum ByteText {
    /// The bytes in double quotes as Go's `%q` writes a byte slice: bytes that are not UTF-8 become `\xNN`.
    package static func quoted(_ bytes: some Sequence<UInt8>) -> String {
        let bytes = Array(bytes)
        var result: [UInt8] = [UInt8(ascii: "\"")]
        result.reserveCapacity(bytes.count + 2)
        var position = 0
        while position < bytes.count {
            let byte = bytes[position]
            let isPlain =
                byte >= 0x20 && byte < 0x7f && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
            if isPlain {
                result.append(byte)
                position += 1
                continue
            }
            let length = scalarLength(bytes, at: position)
            if length == 0 {
                result += "\\x".utf8
                result += hex(byte >> 4).utf8
                result += hex(byte & 15).utf8
                position += 1
                continue
            }
            let text = String(decoding: bytes[position..<position + length], as: UTF8.self)
            result += GoText.escaped(text).utf8
            position += length
        }
        result.append(UInt8(ascii: "\""))
        return String(decoding: result, as: UTF8.self)
    }

    private static func hex(_ nibble: UInt8) -> String { String(nibble, radix: 16) }

    /// The length of the well-formed UTF-8 sequence at a position; 0 where there is none.
    package static func scalarLength(_ bytes: some RandomAccessCollection<UInt8>, at position: Int) -> Int {
        func byte(_ offset: Int) -> UInt8? {
            let index = position + offset
            guard index < bytes.count else { return nil }
            return bytes[bytes.index(bytes.startIndex, offsetBy: index)]
        }
        guard let lead = byte(0) else { return 0 }
        if lead < 0x80 { return 1 }
        guard lead >= 0xc2, lead <= 0xf4, let second = byte(1) else { return 0 }
        let lower: UInt8 = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80
        let upper: UInt8 = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf
        guard second >= lower, second <= upper else { return 0 }
        let length = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4
        var offset = 2
        while offset < length {
            guard let next = byte(offset), next & 0xc0 == 0x80 else { return 0 }
            offset += 1
        }
        return length
    }

    /// Whether a stretch of memory is well-formed UTF-8.
    package static func isValidUTF8(_ base: UnsafePointer<UInt8>, _ count: Int) -> Bool {
        var position = 0
        while position + 8 <= count {
            let word = UnsafeRawPointer(base + position).loadUnaligned(as: UInt64.self)
            if word & 0x8080_8080_8080_8080 != 0 { break }
            position += 8
        }
        let buffer = UnsafeBufferPointer(start: base, count: count)
        while position < count {
            if buffer[position] < 0x80 {
                position += 1
                continue
            }
            let length = scalarLength(buffer, at: position)
            if length == 0 { return false }
            position += length
        }
        return true
    }

    /// Whether the bytes are well-formed UTF-8.
    package static func isValidUTF8(_ bytes: [UInt8]) -> Bool {
        bytes.withUnsafeBufferPointer { buffer in
            guard let base = buffer.baseAddress else { return true }
            return isValidUTF8(base, buffer.count)
        }
    }
}

/// Classes of bytes that the text formats distinguish.
enum ByteClass {
    @inline(__always) static func isNameStart(_ byte: UInt8) -> Bool {
        isLabelStart(byte) || byte == UInt8(ascii: ":")
    }

    @inline(__always) static func isNameByte(_ byte: UInt8) -> Bool {
        isNameStart(byte) || isDigit(byte)
    }

    @inline(__always) static func isLabelStart(_ byte: UInt8) -> Bool {
        (byte | 0x20) &- UInt8(ascii: "a") < 26 || byte == UInt8(ascii: "_")
    }

    @inline(__always) static func isLabelByte(_ byte: UInt8) -> Bool {
        isLabelStart(byte) || isDigit(byte)
    }

    @inline(__always) static func isDigit(_ byte: UInt8) -> Bool {
        byte &- UInt8(ascii: "0") < 10
    }

    /// Whether a name needs no quotes: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    static func isPlainName(_ name: String) -> Bool {
        var name = name
        return name.withUTF8 { isPlainName($0) }
    }

    @inline(__always)
    static func isPlainName(_ bytes: UnsafeBufferPointer<UInt8>) -> Bool {
        guard let first = bytes.first, isNameStart(first) else { return false }
        for byte in bytes where !isNameByte(byte) { return false }
        return true
    }

    @inline(__always) static func isBlank(_ byte: UInt8) -> Bool {
        byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t")
    }
}
