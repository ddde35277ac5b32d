/// The head of an answer as targets give it as a rule: 200, whole, with the length of the body, and nothing in it that says how else the
/// connection is to be used. What is not just so is for the HTTP library to judge.
package struct UsualHead {
    package private(set) var headers: [(name: String, value: String)] = []
    /// The bytes of the body.
    package private(set) var length = 0
    /// The bytes of the head, the empty line included.
    package private(set) var size = 0

    private static let (carriageReturn, newline, colon) = (UInt8(ascii: "\r"), UInt8(ascii: "\n"), UInt8(ascii: ":"))
    private static let line: StaticString = "HTTP/1.1 200 OK\r\n"
    /// The headers that say how the body is sent or what becomes of the connection, besides the length.
    private static let others: [StaticString] = ["transfer-encoding", "connection", "upgrade", "trailer"]

    /// Reads a head; `nil` where it is another one.
    package init?(_ bytes: UnsafeRawBufferPointer) {
        guard Self.begins(bytes, with: Self.line) else { return nil }
        var at = Self.line.utf8CodeUnitCount
        var hasLength = false
        while at < bytes.count, bytes[at] != Self.carriageReturn {
            let start = at
            while at < bytes.count, Self.isOfName(bytes[at]) { at += 1 }
            guard at > start, at < bytes.count, bytes[at] == Self.colon else { return nil }
            let name = UnsafeRawBufferPointer(rebasing: bytes[start..<at])
            at += 1
            while at < bytes.count, bytes[at] == 0x20 { at += 1 }
            let begin = at
            while at < bytes.count, bytes[at] >= 0x20, bytes[at] < 0x7f { at += 1 }
            guard at + 1 < bytes.count, bytes[at] == Self.carriageReturn, bytes[at + 1] == Self.newline else {
                return nil
            }
            let value = UnsafeRawBufferPointer(rebasing: bytes[begin..<at])
            at += 2
            if value.last == 0x20 || Self.others.contains(where: { Self.isName(name, $0) }) { return nil }
            if Self.isName(name, "content-length") {
                guard !hasLength, let number = Self.number(value) else { return nil }
                hasLength = true
                length = number
            }
            headers.append((String(decoding: name, as: UTF8.self), String(decoding: value, as: UTF8.self)))
        }
        guard hasLength, at + 1 < bytes.count, bytes[at + 1] == Self.newline else { return nil }
        size = at + 2
    }

    private static func begins(_ bytes: UnsafeRawBufferPointer, with text: StaticString) -> Bool {
        if bytes.count < text.utf8CodeUnitCount { return false }
        for index in 0..<text.utf8CodeUnitCount where bytes[index] != text.utf8Start[index] { return false }
        return true
    }

    /// Whether a name is that one, which is in small letters.
    private static func isName(_ name: UnsafeRawBufferPointer, _ wanted: StaticString) -> Bool {
        if name.count != wanted.utf8CodeUnitCount { return false }
        for index in 0..<name.count where name[index] | 0x20 != wanted.utf8Start[index] { return false }
        return true
    }

    /// Letters, digits and the dash; other names are possible and rare.
    private static func isOfName(_ byte: UInt8) -> Bool {
        switch byte | 0x20 {
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte >= 0x40
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte >= 0x30
        default: byte == UInt8(ascii: "-")
        }
    }

    private static func number(_ text: UnsafeRawBufferPointer) -> Int? {
        if text.isEmpty || text.count > 15 { return nil }
        var number = 0
        for byte in text {
            guard byte >= 0x30, byte <= 0x39 else { return nil }
            number = number * 10 + Int(byte - 0x30)
        }
        return number
    }
}
