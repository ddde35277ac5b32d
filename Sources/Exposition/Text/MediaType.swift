/// A media type as Go's `mime.ParseMediaType` reads it, which decides how Prometheus treats a Content-Type.
package struct MediaType: Hashable, Sendable {
    /// Type and subtype in lower case, without blanks.
    package var essence: String
    /// The parameters by name in lower case.
    package var parameters: [String: String]

    /// Parses a header's value.
    /// - Throws: Go's message.
    package init(parsing header: String) throws(ExpositionError) {
        let bytes = Array(header.utf8)
        let baseEnd = bytes.firstIndex(of: UInt8(ascii: ";")) ?? bytes.count
        essence = MediaType.trimmed(String(decoding: bytes[..<baseEnd], as: UTF8.self).lowercased())
        try MediaType.check(Array(essence.utf8))
        parameters = [:]
        var pieces: [String: [String: String]] = [:]
        var reader = ParameterReader(bytes: bytes, position: baseEnd)
        while reader.skipBlanks() {
            guard let (name, value) = reader.next() else {
                if reader.isTrailingSemicolon { break }
                throw ExpositionError("mime: invalid media parameter")
            }
            let base = String(name.prefix { $0 != "*" })
            let known = base == name ? parameters[name] : pieces[base]?[name]
            if let known, known != value { throw ExpositionError("mime: duplicate parameter name") }
            if base == name { parameters[name] = value } else { pieces[base, default: [:]][name] = value }
        }
        for (name, pieces) in pieces {
            if let value = MediaType.joined(name, pieces) { parameters[name] = value }
        }
    }

    /// The value of a parameter that is encoded, or comes in pieces (RFC 2231); `nil` where they make none.
    private static func joined(_ name: String, _ pieces: [String: String]) -> String? {
        if let whole = pieces[name + "*"] { return encoded(whole) }
        var value: String?
        for number in 0... {
            let piece = "\(name)*\(number)"
            if let plain = pieces[piece] {
                value = (value ?? "") + plain
            } else if let text = pieces[piece + "*"] {
                value = (value ?? "") + ((number == 0 ? encoded(text) : unescaped(text[...])) ?? "")
            } else {
                break
            }
        }
        return value
    }

    /// What stands for text of a character set: `utf-8'en'a%20b`.
    private static func encoded(_ text: String) -> String? {
        let parts = text.split(separator: "'", maxSplits: 2, omittingEmptySubsequences: false)
        guard parts.count == 3, ["utf-8", "us-ascii"].contains(parts[0].lowercased()) else { return nil }
        return unescaped(parts[2])
    }

    private static func unescaped(_ text: Substring) -> String? {
        var result: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                result.append(byte)
                continue
            }
            let digits = rest.prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Character(UnicodeScalar($0)).isHexDigit }),
                let value = UInt8(String(decoding: digits, as: UTF8.self), radix: 16)
            else { return nil }
            result.append(value)
            rest = rest.dropFirst(2)
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func trimmed(_ text: String) -> String {
        var rest = Substring(text)
        while let first = rest.unicodeScalars.first, first.properties.isWhitespace { rest.unicodeScalars.removeFirst() }
        while let last = rest.unicodeScalars.last, last.properties.isWhitespace { rest.unicodeScalars.removeLast() }
        return String(rest)
    }

    private static func check(_ essence: [UInt8]) throws(ExpositionError) {
        let type = essence.prefix(while: isTokenByte)
        if type.isEmpty { throw ExpositionError("mime: no media type") }
        let rest = essence[type.endIndex...]
        if rest.isEmpty { return }
        if rest.first != UInt8(ascii: "/") { throw ExpositionError("mime: expected slash after first token") }
        let subtype = rest.dropFirst().prefix(while: isTokenByte)
        if subtype.isEmpty { throw ExpositionError("mime: expected token after slash") }
        if subtype.endIndex != essence.endIndex {
            throw ExpositionError("mime: unexpected content after media subtype")
        }
    }

    fileprivate static func isSpecial(_ byte: UInt8) -> Bool {
        #"()<>@,;:\"/[]?="#.utf8.contains(byte)
    }

    fileprivate static func isTokenByte(_ byte: UInt8) -> Bool {
        byte > 0x20 && byte < 0x7f && !isSpecial(byte)
    }
}

private struct ParameterReader {
    let bytes: [UInt8]
    var position: Int

    /// Whether anything is left after blanks.
    mutating func skipBlanks() -> Bool {
        while position < bytes.count, bytes[position] == 0x20 || (bytes[position] >= 9 && bytes[position] <= 13) {
            position += 1
        }
        return position < bytes.count
    }

    var isTrailingSemicolon: Bool {
        bytes[position...].filter { $0 != 0x20 && !($0 >= 9 && $0 <= 13) } == [UInt8(ascii: ";")]
    }

    /// Reads `; name=value`; `nil` (and no move) where there is none.
    mutating func next() -> (String, String)? {
        let start = position
        guard bytes[position] == UInt8(ascii: ";") else { return nil }
        position += 1
        _ = skipBlanks()
        let name = token()
        _ = skipBlanks()
        guard !name.isEmpty, position < bytes.count, bytes[position] == UInt8(ascii: "=") else {
            position = start
            return nil
        }
        position += 1
        _ = skipBlanks()
        let valueStart = position
        let value = position < bytes.count && bytes[position] == UInt8(ascii: "\"") ? quoted() : token()
        guard let value, !(value.isEmpty && position == valueStart) else {
            position = start
            return nil
        }
        return (name.lowercased(), value)
    }

    private mutating func token() -> String {
        let start = position
        while position < bytes.count, MediaType.isTokenByte(bytes[position]) { position += 1 }
        return String(decoding: bytes[start..<position], as: UTF8.self)
    }

    private mutating func quoted() -> String? {
        var text: [UInt8] = []
        var index = position + 1
        while index < bytes.count {
            let byte = bytes[index]
            if byte == UInt8(ascii: "\"") {
                position = index + 1
                return String(decoding: text, as: UTF8.self)
            }
            if byte == UInt8(ascii: "\\"), index + 1 < bytes.count, MediaType.isSpecial(bytes[index + 1]) {
                text.append(bytes[index + 1])
                index += 2
                continue
            }
            if byte == UInt8(ascii: "\r") || byte == UInt8(ascii: "\n") { return nil }
            text.append(byte)
            index += 1
        }
        return nil
    }
}
