/// Questions to a name server and its answers (RFC 1035).
package struct DNSMessage: Sendable {
    /// The kinds of records that are asked for.
    package enum Kind: UInt16, Sendable {
        case a = 1
        case ns = 2
        case mx = 15
        case aaaa = 28
        case srv = 33
    }

    /// A record of an answer.
    package enum Record: Sendable, Hashable {
        case address(String)
        case nameServer(String)
        case mailExchange(String)
        case service(target: String, port: UInt16)
    }

    /// The server's verdict: 0 for success, 3 for a name that does not exist.
    package var code: UInt8
    /// Whether the answer did not fit.
    package var isTruncated: Bool
    package var records: [Record]

    /// The bytes of a question.
    package static func question(_ name: String, _ kind: Kind, id: UInt16) -> [UInt8] {
        // Recursion is desired; one question, nothing else.
        var bytes: [UInt8] = [UInt8(id >> 8), UInt8(id & 255), 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]
        for label in name.split(separator: ".") {
            let text = Array(label.utf8.prefix(63))
            bytes.append(UInt8(text.count))
            bytes += text
        }
        return bytes + [0, UInt8(kind.rawValue >> 8), UInt8(kind.rawValue & 255), 0, 1]
    }

    /// Reads an answer to the question with that number; `nil` where it is none, or breaks off. One that says itself that it did not
    /// fit may end anywhere.
    package init?(_ bytes: [UInt8], id: UInt16) {
        guard bytes.count >= 12, bytes[0] == UInt8(id >> 8), bytes[1] == UInt8(id & 255), bytes[2] & 0x80 != 0 else {
            return nil
        }
        isTruncated = bytes[2] & 2 != 0
        code = bytes[3] & 15
        records = []
        let questions = Int(bytes[4]) << 8 | Int(bytes[5])
        let answers = Int(bytes[6]) << 8 | Int(bytes[7])
        var position = 12
        for _ in 0..<questions {
            guard Self.name(bytes, &position) != nil else { return nil }
            position += 4
            guard position <= bytes.count else { return nil }
        }
        // The number of answers may be too high, as long as the last of them is whole.
        for _ in 0..<answers where position < bytes.count {
            guard let record = Self.record(bytes, &position) else {
                if isTruncated { return }
                return nil
            }
            if let record { records.append(record) }
        }
    }

    /// Reads a record; nothing where it is of a kind that nobody asks for.
    private static func record(_ bytes: [UInt8], _ position: inout Int) -> Record?? {
        guard name(bytes, &position) != nil, position + 10 <= bytes.count else { return nil }
        let kind = Kind(rawValue: UInt16(bytes[position]) << 8 | UInt16(bytes[position + 1]))
        let length = Int(bytes[position + 8]) << 8 | Int(bytes[position + 9])
        let start = position + 10
        guard start + length <= bytes.count else { return nil }
        position = start + length
        guard let kind else { return .some(nil) }
        return record(bytes, kind, start, length).map { .some($0) }
    }

    private static func record(_ bytes: [UInt8], _ kind: Kind, _ start: Int, _ length: Int) -> Record? {
        var position = start
        switch kind {
        case .a where length == 4:
            return .address(bytes[start..<start + 4].map { String($0) }.joined(separator: "."))
        case .aaaa where length == 16: return .address(address6(Array(bytes[start..<start + 16])))
        case .ns: return name(bytes, &position).map { .nameServer($0) }
        case .mx where length > 2:
            position += 2
            return name(bytes, &position).map { .mailExchange($0) }
        case .srv where length > 6:
            let port = UInt16(bytes[start + 4]) << 8 | UInt16(bytes[start + 5])
            position += 6
            return name(bytes, &position).map { .service(target: $0, port: port) }
        case .a, .aaaa, .mx, .srv: return nil
        }
    }

    /// An IPv6 address in its canonical form (RFC 5952).
    static func address6(_ bytes: [UInt8]) -> String {
        let groups = stride(from: 0, to: 16, by: 2).map { UInt16(bytes[$0]) << 8 | UInt16(bytes[$0 + 1]) }
        var best = 0..<0
        var index = 0
        while index < 8 {
            var end = index
            while end < 8, groups[end] == 0 { end += 1 }
            if end - index > best.count, end - index > 1 { best = index..<end }
            index = max(end, index + 1)
        }
        func text(_ range: Range<Int>) -> String {
            groups[range].map { String($0, radix: 16) }.joined(separator: ":")
        }
        return best.isEmpty ? text(0..<8) : text(0..<best.lowerBound) + "::" + text(best.upperBound..<8)
    }

    /// The longest name that there is (RFC 1035, 2.3.4).
    private static let longestName = 255

    /// Reads a name, following at most a few pointers, with a dot at its end.
    private static func name(_ bytes: [UInt8], _ position: inout Int) -> String? {
        var result = ""
        var index = position
        var jumps = 0
        while index < bytes.count {
            let length = Int(bytes[index])
            if length == 0 {
                if jumps == 0 { position = index + 1 }
                return result.isEmpty ? "." : result
            }
            if length & 0xc0 == 0xc0 {
                guard index + 1 < bytes.count, jumps < 32 else { return nil }
                if jumps == 0 { position = index + 2 }
                jumps += 1
                index = (length & 0x3f) << 8 | Int(bytes[index + 1])
                continue
            }
            guard index + 1 + length <= bytes.count, result.utf8.count + length < longestName else { return nil }
            result += String(decoding: bytes[(index + 1)..<(index + 1 + length)], as: UTF8.self) + "."
            index += 1 + length
        }
        return nil
    }
}
