import AsyncHTTPClient
import MetricModel
import NIOHTTP1

/// A proxy by its URL.
struct ProxyAddress: Sendable, Hashable {
    enum Kind: Sendable, Hashable { case http, https, socks }

    var kind: Kind
    /// Host and port, for connecting and for messages.
    var host: String
    var port: Int
    /// The user's name and password; `nil` without.
    var user: (name: String, password: String)? { name.map { ($0, password) } }
    private var name: String?
    private var password = ""

    /// Reads a URL; one without a scheme is that of an HTTP proxy.
    init(_ url: String) throws(TransportError) {
        let invalid = TransportError(
            "error creating HTTP client: invalid proxy_url \(GoText.quoted(url))",
            code: .setup
        )
        let colon = url.firstRange(of: "://")
        let scheme = colon.map { url[..<$0.lowerBound].lowercased() } ?? "http"
        switch scheme {
        case "http": kind = .http
        case "https": kind = .https
        case "socks5", "socks5h": kind = .socks
        default:
            throw TransportError(
                "error creating HTTP client: proxies of kind \(scheme) are not supported",
                code: .setup
            )
        }
        var authority = (colon.map { url[$0.upperBound...] } ?? url[...]).prefix { $0 != "/" }
        if let at = authority.lastIndex(of: "@") {
            let parts = authority[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            guard let name = URLText.unescaped(parts[0]),
                let password = parts.count > 1 ? URLText.unescaped(parts[1]) : ""
            else { throw invalid }
            self.name = name
            self.password = password
            authority = authority[authority.index(after: at)...]
        }
        port = kind == .socks ? 1080 : kind == .https ? 443 : 80
        if let (host, text) = HostPort.split(authority) {
            self.host = host
            if !text.isEmpty {
                guard let number = Int(text), (1...65535).contains(number) else { throw invalid }
                port = number
            }
        } else {
            host = HostPort.withoutBrackets(authority)
        }
        if host.isEmpty { throw invalid }
        if kind == .socks, name != nil {
            throw TransportError(
                "error creating HTTP client: a user's name for a SOCKS proxy is not supported",
                code: .setup
            )
        }
    }

    /// Host and port as they stand in URLs.
    var address: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// The header by which the user is made known to the proxy.
    var authorization: String? {
        user.map { "Basic " + Base64.encode(Array("\($0.name):\($0.password)".utf8)) }
    }

    /// The proxy as the HTTP client opens tunnels through it.
    /// - Parameter address: where the proxy is, where its name was looked up.
    /// - Throws: `TransportError` where a header has a name that none can have.
    func tunnel(connectHeader: [String: [Secret]], at address: String) throws(TransportError)
        -> HTTPClient.Configuration.Proxy
    {
        let host = address.isEmpty ? host : address
        if kind == .socks { return .socksServer(host: host, port: port) }
        var headers = HTTPHeaders()
        for (name, values) in connectHeader.sorted(by: { $0.key < $1.key }) {
            for value in values { try headers.addField(HTTPClientConfig.canonical(name), value.value) }
        }
        let authorization = user.map { HTTPClient.Authorization.basic(username: $0.name, password: $0.password) }
        return .server(host: host, port: port, authorization: authorization, connectHeaders: headers)
    }
}
