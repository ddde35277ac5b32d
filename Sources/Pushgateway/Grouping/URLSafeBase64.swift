/// Base64 with the alphabet that is safe in URLs and file names (RFC 4648, section 5), padding optional.
enum URLSafeBase64 {
    /// Where the text stops being Base64, and what was read before.
    struct Malformed: Error {
        /// The offset that Go reports.
        var offset: Int
        /// The bytes that were decoded up to there.
        var decoded: [UInt8]
        /// As Go words it.
        var message: String { "illegal base64 data at input byte \(offset)" }
    }

    private static func value(_ byte: UInt8) -> UInt32? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(byte - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(byte - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(byte - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "-"): 62
        case UInt8(ascii: "_"): 63
        default: nil
        }
    }

    /// Decodes; padding at the end and line breaks anywhere are ignored.
    static func decode(_ text: [UInt8]) throws(Malformed) -> [UInt8] {
        var end = text.count
        while end > 0, text[end - 1] == UInt8(ascii: "=") { end -= 1 }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(end * 3 / 4 + 3)
        var position = 0
        while position < end {
            var bits: UInt32 = 0
            var count = 0
            while count < 4, position < end {
                let byte = text[position]
                position += 1
                if byte == 0x0a || byte == 0x0d { continue }
                guard let value = value(byte) else { throw Malformed(offset: position - 1, decoded: decoded) }
                bits = bits << 6 | value
                count += 1
            }
            if count == 0 { break }
            if count == 1 { throw Malformed(offset: position - 1, decoded: decoded) }
            bits <<= UInt32(6 * (4 - count))
            let bytes = [
                UInt8(truncatingIfNeeded: bits >> 16), UInt8(truncatingIfNeeded: bits >> 8),
                UInt8(truncatingIfNeeded: bits),
            ]
            decoded.append(contentsOf: bytes.prefix(count - 1))
        }
        return decoded
    }
}
