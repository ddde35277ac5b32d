/// Base64 (RFC 4648).
package enum Base64 {
    private static let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    private static let standard = Array((letters + "+/").utf8)
    private static let urlSafe = Array((letters + "-_").utf8)

    /// With the standard alphabet, padded (section 4).
    package static func encode(_ bytes: some Sequence<UInt8>) -> String {
        var digits = digits(of: bytes, standard)
        while digits.count % 4 != 0 { digits.append(UInt8(ascii: "=")) }
        return String(decoding: digits, as: UTF8.self)
    }

    /// With the alphabet for URLs and file names, not padded (section 5).
    package static func encodeURLSafe(_ bytes: some Sequence<UInt8>) -> String {
        String(decoding: digits(of: bytes, urlSafe), as: UTF8.self)
    }

    /// Reads the standard alphabet, padded (section 4); `nil` where the text is anything else.
    package static func decode(_ text: String) -> [UInt8]? {
        let all = Array(text.utf8)
        guard all.count % 4 == 0 else { return nil }
        let digits = all.prefix { $0 != UInt8(ascii: "=") }
        guard all.count - digits.count <= 2, all[digits.count...].allSatisfy({ $0 == UInt8(ascii: "=") }) else {
            return nil
        }
        return bytes(of: digits, standard)
    }

    /// The bytes that digits of an alphabet stand for, six bits each; `nil` where one is not in it.
    package static func bytes(of digits: some Sequence<UInt8>, _ alphabet: [UInt8]) -> [UInt8]? {
        var result: [UInt8] = []
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for digit in digits {
            guard let value = alphabet.firstIndex(of: digit) else { return nil }
            bits = bits << 6 | UInt32(value)
            count += 6
            if count >= 8 {
                count -= 8
                result.append(UInt8(truncatingIfNeeded: bits >> count))
            }
        }
        return result
    }

    private static func digits(of bytes: some Sequence<UInt8>, _ alphabet: [UInt8]) -> [UInt8] {
        var digits: [UInt8] = []
        digits.reserveCapacity(bytes.underestimatedCount * 4 / 3 + 4)
        var bits: UInt32 = 0
        var count: UInt32 = 0
        for byte in bytes {
            bits = bits << 8 | UInt32(byte)
            count += 8
            while count >= 6 {
                count -= 6
                digits.append(alphabet[Int(bits >> count & 63)])
            }
        }
        if count > 0 { digits.append(alphabet[Int(bits << (6 - count) & 63)]) }
        return digits
    }
}
