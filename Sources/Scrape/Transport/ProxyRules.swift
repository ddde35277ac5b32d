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
