/// Whom a server answers, by what browsers say of the page that asks.
///
/// A page from anywhere can have a browser send requests to this machine. It cannot read the answers, but what it asks for is done;
/// and where the name of its own host is made to lead here (DNS rebinding), it reads the answers, too.
public struct AccessPolicy: Sendable {
    /// The names, besides those of this machine, by which a server that listens for this machine only may be called; `*` for all.
    public var hosts: [String]
    /// Whether names are asked for at servers that listen for others, too, which may be called by any address.
    public var asksForHosts: Bool
    /// The origins, besides the server's own, whose pages may change something.
    public var origins: CrossOrigin
    /// The URL by which the server is reached from outside, whose scheme a proxy may have chosen; empty where it is not known.
    public var externalURL = ""
    /// A server of the same stack whose own page may ask for ``neighbourPath`` here, since it cannot be asked itself while it is stopped.
    public var neighbour: @Sendable () -> ListenAddress? = { nil }
    /// What a neighbour's page may ask for.
    static let neighbourPath = "/api/v1/demo"

    /// By default only this machine's names, and only the server's own pages.
    public init(hosts: [String] = [], asksForHosts: Bool = false, origins: CrossOrigin = .none) {
        self.hosts = hosts
        self.asksForHosts = asksForHosts
        self.origins = origins
    }

    /// Whether a server that listens there is for this machine only.
    static func isLocal(_ address: ListenAddress) -> Bool {
        address.host == "localhost" || address.host == "::1" || isLoopback(address.host)
    }

    /// Why a request with this `Host` is refused; `nil` where it is not.
    func refusal(ofHost authority: String?, at address: ListenAddress) -> String? {
        guard let authority, !authority.isEmpty else { return nil }
        let isLocal = Self.isLocal(address)
        guard isLocal || asksForHosts else { return nil }
        let host = Self.host(of: authority).lowercased()
        if host == "localhost" || host.hasSuffix(".localhost") || host == "::1" || Self.isLoopback(host) { return nil }
        if !isLocal, Self.isAddress(host) { return nil }
        if host == address.host.lowercased() || host == PageOrigin(externalURL)?.host { return nil }
        if hosts.contains(where: { $0 == "*" || Self.host(of: $0).lowercased() == host }) { return nil }
        return
            "This server is not called \(host), so the page that asks may be somebody else's. If it is called so, start it "
            + "with --web.allowed-hosts=\(host) or with that name in --web.external-url."
    }

    /// Why a request that may change something is refused; `nil` where it is not.
    /// - Parameters:
    ///   - origin: the header `Origin`, which browsers send with all such requests.
    ///   - site: the header `Sec-Fetch-Site`.
    ///   - host: what the client calls the server.
    ///   - scheme: what the server speaks, `http` or `https`.
    func refusal(ofOrigin origin: String?, site: String?, host: String?, scheme: String) -> String? {
        switch site {
        case "same-origin", "none": return nil
        default: break
        }
        if let origin {
            if origins.allows(origin) || isOwn(origin, host, scheme) { return nil }
        } else if site == nil {
            // Not a browser.
            return nil
        }
        return "A page of \(origin ?? "another site") may not change anything here. If it is to, start the server with "
            + "--web.allowed-origins and a regular expression for its origin."
    }

    /// Whether the origin is that of the server as the client calls it, or as it is called from outside.
    private func isOwn(_ origin: String, _ host: String?, _ scheme: String) -> Bool {
        guard let page = PageOrigin(origin) else { return false }
        if page == PageOrigin(externalURL) { return true }
        let names = hosts + (host.map { [$0] } ?? [])
        return names.contains { page == PageOrigin(scheme: scheme, authority: $0) }
    }

    /// Whether the origin is that of the neighbour, called by the same name as this server.
    func isNeighbour(_ origin: String?, host: String?) -> Bool {
        guard let origin, let host, let address = neighbour() else { return false }
        return PageOrigin(origin) == PageOrigin(address.origin(onHostOf: host)) && PageOrigin(origin) != nil
    }

    /// The host of `host:port`, without brackets.
    static func host(of authority: String) -> String {
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            return String(authority[authority.index(after: authority.startIndex)..<end])
        }
        guard let colon = authority.lastIndex(of: ":"), authority.filter({ $0 == ":" }).count == 1 else {
            return authority
        }
        return String(authority[..<colon])
    }

    /// Whether it is an address of 127.0.0.0/8.
    private static func isLoopback(_ host: String) -> Bool { host.hasPrefix("127.") && isAddress(host) }

    /// Whether it is an address and not a name.
    private static func isAddress(_ host: String) -> Bool {
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return host.contains(":") || parts.count == 4 && parts.allSatisfy { UInt8($0) != nil }
    }
}
