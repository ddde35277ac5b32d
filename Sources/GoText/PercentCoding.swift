/// Percent escapes as Go's `net/url` reads them.
package enum PercentCoding {
    /// A malformed escape.
    package struct Malformed: Error {
        /// Go's words.
        package var message: String
    }

    /// Decodes a part of a query: `+` is a blank.
    package static func decodeQuery(_ bytes: [UInt8]) -> Result<String, Malformed> {
        if !bytes.contains(where: { $0 == UInt8(ascii: "%") || $0 == UInt8(ascii: "+") }) {
            return .success(String(decoding: bytes, as: UTF8.self))
        }
        return decode(bytes, plusIsBlank: true)
    }

    /// Decodes a path; `nil` where an escape is malformed.
    package static func decodedPath(_ path: String) -> String? {
        decodedPathBytes(path).map { String(decoding: $0, as: UTF8.self) }
    }

    /// Decodes a path to bytes, which need not be UTF-8; `nil` where an escape is malformed.
    package static func decodedPathBytes(_ path: String) -> [UInt8]? {
        try? bytes(Array(path.utf8), plusIsBlank: false).get()
    }

    private static func decode(_ bytes: [UInt8], plusIsBlank: Bool) -> Result<String, Malformed> {
        self.bytes(bytes, plusIsBlank: plusIsBlank).map { String(decoding: $0, as: UTF8.self) }
    }

    private static func bytes(_ bytes: [UInt8], plusIsBlank: Bool) -> Result<[UInt8], Malformed> {
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "%") {
                guard index + 2 < bytes.count, let high = hex(bytes[index + 1]), let low = hex(bytes[index + 2]) else {
                    let rest = String(decoding: bytes[index..<min(index + 3, bytes.count)], as: UTF8.self)
                    return .failure(Malformed(message: "invalid URL escape \"\(rest)\""))
                }
                result.append(high << 4 | low)
                index += 3
            } else {
                result.append(plusIsBlank && byte == UInt8(ascii: "+") ? 0x20 : byte)
                index += 1
            }
        }
        return .success(result)
    }

    private static func hex(_ byte: UInt8) -> UInt8? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte - UInt8(ascii: "0")
        case UInt8(ascii: "a")...UInt8(ascii: "f"): byte - UInt8(ascii: "a") + 10
        case UInt8(ascii: "A")...UInt8(ascii: "F"): byte - UInt8(ascii: "A") + 10
        default: nil
        }
    }
}
