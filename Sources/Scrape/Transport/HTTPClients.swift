import AsyncHTTPClient
import MetricModel

/// The HTTP clients of a job: one for each proxy that its requests may go through, and one without.
struct HTTPClients: Sendable {
    private let rules: ProxyRules
    private let direct: HTTPClient
    private let proxied: [String: HTTPClient]

    init(
        tls: HTTPClientConfig.TLS,
        proxy: HTTPClientConfig.Proxy,
        followRedirects: Bool,
        enableHTTP2: Bool,
        environment: [String: String]
    ) throws(TransportError) {
        let rules = ProxyRules(proxy, environment: environment)
        let plain = try HTTPClientSetup.configuration(
            tls: tls,
            followRedirects: followRedirects,
            enableHTTP2: enableHTTP2
        )
        // All configurations first: a client that was made has to be shut down.
        var configurations: [String: HTTPClient.Configuration] = [:]
        for url in rules.proxies {
            var configuration = plain
            configuration.proxy = try HTTPClientSetup.proxyServer(url, connectHeader: proxy.connectHeader)
            configurations[url] = configuration
        }
        self.rules = rules
        direct = Self.client(plain)
        proxied = configurations.mapValues(Self.client)
    }

    private static func client(_ configuration: HTTPClient.Configuration) -> HTTPClient {
        HTTPClient(eventLoopGroup: HTTPClient.defaultEventLoopGroup, configuration: configuration)
    }

    /// The client for a request. Redirects stay on the way that the first URL takes.
    func client(for request: TargetRequest) -> HTTPClient {
        if proxied.isEmpty || !request.socket.isEmpty { return direct }
        return proxied[rules.proxy(for: request.url)] ?? direct
    }

    /// Closes all connections.
    func close() async {
        try? await direct.shutdown()
        for client in proxied.values { try? await client.shutdown() }
    }
}
