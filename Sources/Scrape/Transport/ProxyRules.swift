import MetricModel

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Which proxy a request goes through: what the configuration or the environment's variables say, decided as Go decides it.
package struct ProxyRules: Sendable {
    /// The proxy for `http`; empty for none.
    let plain: String
    /// The proxy for `https`; empty for none.
    let secure: String
    /// `nil` where all requests go through the proxy, even those to this machine.
    private let exceptions: ProxyExceptions?

    /// The rules of a configuration.
    package init(_ proxy: HTTPClientConfig.Proxy, environment: [String: String]) {
        guard proxy.fromEnvironment else {
            plain = proxy.url
            secure = proxy.url
            exceptions = proxy.noProxy.isEmpty ? nil : ProxyExceptions(proxy.noProxy)
            return
        }
        func value(_ name: String) -> String {
            [name, name.lowercased()].compactMap { environment[$0] }.first { !$0.isEmpty } ?? ""
        }
        plain = value("HTTP_PROXY")
        secure = value("HTTPS_PROXY")
        exceptions = ProxyExceptions(value("NO_PROXY"))
    }

    /// All proxies that may be needed.
    var proxies: Set<String> { Set([plain, secure].filter { !$0.isEmpty }) }

    /// The proxy for a URL; empty where it is talked to directly.
    package func proxy(for url: String) -> String {
        guard let colon = url.firstRange(of: "://") else { return plain }
        let isSecure = url[..<colon.lowerBound].lowercased() == "https"
        let proxy = isSecure ? secure : plain
        guard !proxy.isEmpty, let exceptions else { return proxy }
        var authority = url[colon.upperBound...].prefix { !"/?#".contains($0) }
        if let at = authority.lastIndex(of: "@") { authority = authority[authority.index(after: at)...] }
        let (host, port) = HostPort.split(authority) ?? (HostPort.withoutBrackets(authority), "")
        return exceptions.contains(host: host, port: port.isEmpty ? (isSecure ? "443" : "80") : port) ? "" : proxy
    }
}

/// Hosts that are talked to without the proxy: the list in `no_proxy`, and always this machine itself.
struct ProxyExceptions: Sendable {
    private enum Rule: Sendable {
        case everything
        case network([UInt8], bits: Int)
        case address([UInt8], port: String)
        /// With a leading dot.
        case domain(String, port: String, includesItself: Bool)
    }

    private var rules: [Rule] = []

    init(_ list: String) {
        for part in list.split(separator: ",") {
            let entry = part.lowercased().filter { !$0.isWhitespace }
            if entry == "*" {
                rules = [.everything]
                return
            }
            if let rule = Self.rule(entry) { rules.append(rule) }
        }
    }

    private static func rule(_ entry: String) -> Rule? {
        if let slash = entry.lastIndex(of: "/") {
            if let address = HostPort.address(entry[..<slash]), let bits = Int(entry[entry.index(after: slash)...]),
                (0...address.count * 8).contains(bits)
            {
                return .network(address, bits: bits)
            }
        }
        var (host, port) = HostPort.split(entry[...]) ?? (entry, "")
        if host.isEmpty { return nil }
        if let address = HostPort.address(host[...]) { return .address(address, port: port) }
        if host.hasPrefix("*.") { host.removeFirst() }
        let includesItself = !host.hasPrefix(".")
        return .domain(includesItself ? "." + host : host, port: port, includesItself: includesItself)
    }

    /// Whether a host is talked to directly.
    func contains(host: String, port: String) -> Bool {
        let host = host.lowercased()
        if host == "localhost" { return true }
        let address = HostPort.address(host[...])
        if let address, HostPort.isLoopback(address) { return true }
        return rules.contains { rule in
            switch rule {
            case .everything: true
            case .network(let network, let bits): address.map { Self.begins($0, network, bits) } ?? false
            case .address(let known, let wanted): known == address && (wanted.isEmpty || wanted == port)
            case .domain(let domain, let wanted, let includesItself):
                (host.hasSuffix(domain) || includesItself && "." + host == domain)
                    && (wanted.isEmpty || wanted == port)
            }
        }
    }

    private static func begins(_ address: [UInt8], _ network: [UInt8], _ bits: Int) -> Bool {
        guard address.count == network.count else { return false }
        for index in 0..<address.count {
            let mask = UInt8(truncatingIfNeeded: 0xff00 >> max(0, min(8, bits - index * 8)))
            if address[index] & mask != network[index] & mask { return false }
        }
        return true
    }
}

/// Hosts and ports as text.
enum HostPort {
    /// The two parts of `host:port` or `[host]:port`; `nil` where there is no port, or more than one colon.
    static func split(_ text: Substring) -> (host: String, port: String)? {
        guard let colon = text.lastIndex(of: ":") else { return nil }
        let host = text[..<colon]
        let isBracketed = host.first == "[" && host.last == "]"
        if host.contains(":"), !isBracketed { return nil }
        return (withoutBrackets(host), String(text[text.index(after: colon)...]))
    }

    static func withoutBrackets(_ host: Substring) -> String {
        host.first == "[" && host.last == "]" ? String(host.dropFirst().dropLast()) : String(host)
    }

    /// The bytes of a numeric address, four or sixteen; `nil` for a name.
    static func address(_ text: Substring) -> [UInt8]? {
        var bytes = [UInt8](repeating: 0, count: 16)
        if inet_pton(AF_INET, String(text), &bytes) == 1 { return Array(bytes.prefix(4)) }
        guard inet_pton(AF_INET6, String(text), &bytes) == 1 else { return nil }
        let isMapped = bytes[..<10].allSatisfy { $0 == 0 } && bytes[10] == 0xff && bytes[11] == 0xff
        return isMapped ? Array(bytes.suffix(4)) : bytes
    }

    /// Whether a text can be a name in the domain name system, as Go decides it. What only looks like an address to older programs
    /// (`127.1`, `0x7f000001`) is none.
    static func isName(_ text: String) -> Bool {
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

    static func isLoopback(_ address: [UInt8]) -> Bool {
        address.count == 4 ? address[0] == 127 : address.dropLast().allSatisfy { $0 == 0 } && address.last == 1
    }
}
