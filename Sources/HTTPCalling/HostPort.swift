#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Hosts and ports as text.
package enum HostPort {
    /// The two parts of `host:port` or `[host]:port`; `nil` where there is no port, or more than one colon.
    package static func split(_ text: Substring) -> (host: String, port: String)? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let host = text[..<colon]
        let isBracketed = host.first == "[" && host.last == "]"
        if host.contains(":"), !isBracketed { return nil }
        return (withoutBrackets(host), String(text[text.index(after: colon)...]))
    }

    package static func withoutBrackets(_ host: Substring) -> String {
        host.first == "[" && host.last == "]" ? String(host.dropFirst().dropLast()) : String(host)
    }

    /// The bytes of a numeric address, four or sixteen; `nil` for a name.
    package static func address(_ text: Substring) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, String(text), &bytes) == 1 { return Array(bytes.prefix(4)) }
        guard inet_pton(AF_INET6, String(text), &bytes) == 1 else { return nil }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
        return isMapped ? Array(bytes.suffix(4)) : bytes
    }

    /// An address of four or sixteen bytes as it is written.
    package static func text(_ address: [UInt8]) -> String {
        var text = [CChar](repeating: 0, count: 64)
        let family = address.count == 4 ? AF_INET : AF_INET6
        guard inet_ntop(family, address, &text, socklen_t(text.count)) != nil else { return "" }
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    /// Whether a text can be a name in the domain name system, as Go decides it. What only looks like an address to older programs
    /// (`127.1`, `0x7f000001`) is none.
    package static func isName(_ text: String) -> Bool {
        let name = text.hasSuffix(".") ? text.dropLast() : text[...]
        guard !name.isEmpty, name.utf8.count < 254, !isNumeric(String(name)) else { return false }
        return name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false).allSatisfy { part in
            guard (1...63).contains(part.count), part.first != UInt8(ascii: "-"), part.last != UInt8(ascii: "-") else {
                return false
            }
            return part.allSatisfy { byte in
                let isLetter = byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z")
                return isLetter || (0x30...0x39).contains(byte) || byte == UInt8(ascii: "-")
                    || byte == UInt8(ascii: "_")
            }
        }
    }

    /// Whether older programs take a text for an IPv4 address.
    private static func isNumeric(_ text: String) -> Bool {
        // The C structure has no initializer here: which module brings it differs from one kind of build to another.
        var address: UInt32 = 0
        return withUnsafeMutablePointer(to: &address) { address in
            address.withMemoryRebound(to: in_addr.self, capacity: 1) { inet_aton(text, $0) != 0 }
        }
    }

    package static func isLoopback(_ address: [UInt8]) -> Bool {
        address.count == 4 ? address[0] == 127 : address.dropLast().allSatisfy { $0 == 0 } && address.last == 1
    }
}
