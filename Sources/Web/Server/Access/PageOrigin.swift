/// Where a page is from, as browsers compare it: scheme, host and port, all three.
struct PageOrigin: Sendable, Hashable {
    private let scheme: String
    /// The name or address, in lower case and without brackets.
    let host: String
    private let port: String

    /// The origin of who is called `host` or `host:port` over a scheme; without a port it is the scheme's own.
    init(scheme: String, authority: String) {
        let scheme = scheme.lowercased()
        let host = AccessPolicy.host(of: authority).lowercased()
        let rest = authority.lowercased().replacing("[\(host)]", with: host, maxReplacements: 1).dropFirst(host.count)
        self.scheme = scheme
        self.host = host
        port = rest.count > 1 ? String(rest.dropFirst()) : scheme == "https" ? "443" : scheme == "http" ? "80" : ""
    }

    /// Reads the header `Origin`, or the beginning of a URL; `nil` where it names no server, as `null` does.
    init?(_ text: String) {
        guard let start = text.firstRange(of: "://"), start.lowerBound > text.startIndex else { return nil }
        let authority = text[start.upperBound...].prefix { $0 != "/" }
        guard !authority.isEmpty else { return nil }
        self.init(scheme: String(text[..<start.lowerBound]), authority: String(authority))
    }
}
