import MetricModel
import NIOCore
import NIOHTTP1
import Scrape
import Testing

@Suite("Scraping through proxies", .timeLimit(.minutes(5)))
struct ProxyTests {
    private static let body = LiveServer.Answer(body: Array("a 1\n".utf8))

    @Test("a proxy is asked for the whole URL of targets without TLS, with the user it knows")
    func forwarding() async throws {
        let proxy = try await LiveServer { _ in Self.body }
        let error = await LiveScrape.error(1) {
            $0.client.proxy.url = "http://me:p%40ss@127.0.0.1:\(proxy.port)"
            $0.client.proxy.connectHeader = ["X-Way": [Secret("s")]]
            $0.params = ["a": ["b"]]
        }
        #expect(error == "")
        let request = try #require(proxy.requests.first)
        #expect(request.method == .GET && request.uri == "http://127.0.0.1:1/metrics?a=b")
        #expect(request.headers["Host"] == ["127.0.0.1:1"])
        #expect(request.headers["Proxy-Authorization"] == ["Basic bWU6cEBzcw=="])
        #expect(request.headers["X-Way"] == [])
        try await proxy.close()
    }

    @Test("targets over TLS are reached through a tunnel, which the certificate's name does not change")
    func tunnel() async throws {
        let target = try await LiveServer(tls: Certificates.context(Certificates.named, key: Certificates.namedKey)) {
            _ in Self.body
        }
        let port = target.port
        let proxy = try await RawServer { _ in .tunnel(port: port) }
        let error = await LiveScrape.error(port) {
            $0.scheme = "https"
            $0.client.tls.ca = Certificates.authority
            $0.client.tls.serverName = "target.example"
            $0.client.proxy.url = "http://me:pass@127.0.0.1:\(proxy.port)"
            $0.client.proxy.connectHeader = ["x-way": [Secret("s"), Secret("t")]]
        }
        #expect(error == "")
        let lines = proxy.requests.first?.split(separator: "\r\n").map(String.init) ?? []
        #expect(lines.first == "CONNECT 127.0.0.1:\(port) HTTP/1.1")
        #expect(lines.contains("X-Way: s") && lines.contains("X-Way: t"))
        #expect(lines.contains { $0.lowercased() == "proxy-authorization: basic bwu6cgfzcw==" })
        #expect(target.requests.first?.headers["Host"] == ["127.0.0.1:\(port)"])
        try await target.close()
        try await proxy.close()
    }

    @Test("who is asked: the configuration's proxy, the environment's, or the target itself")
    func choice() async throws {
        let target = try await LiveServer { _ in Self.body }
        let proxy = try await LiveServer { _ in .init(status: .forbidden) }
        let address = "http://127.0.0.1:\(proxy.port)"
        func error(_ environment: [String: String], _ change: (inout HTTPClientConfig.Proxy) -> Void) async -> String? {
            await LiveScrape.error(target.port, environment: environment) { change(&$0.client.proxy) }
        }
        let refused = "server returned HTTP status 403 Forbidden"
        #expect(await error(["HTTP_PROXY": address]) { _ in } == "")
        #expect(await error([:]) { $0.url = address } == refused)
        // Go's client never asks the environment's proxy for this machine, nor one with exceptions.
        #expect(await error(["HTTP_PROXY": address]) { $0.fromEnvironment = true } == "")
        #expect(
            await error([:]) {
                $0.url = address
                $0.noProxy = "example.com"
            } == ""
        )
        let elsewhere = await LiveScrape.error(1, environment: ["http_proxy": address]) {
            $0.client.proxy.fromEnvironment = true
            $0.discovery = [
                .fixed([TargetGroup(source: "0", targets: [[Label(name: "__address__", value: "target.example")]])])
            ]
        }
        #expect(elsewhere == refused)
        #expect(proxy.requests.last?.uri == "http://target.example/metrics")
        try await target.close()
        try await proxy.close()
        let closed = await LiveScrape.error(1) { $0.client.proxy.url = address }
        #expect(
            closed
                == "Get \"http://127.0.0.1:1/metrics\": proxyconnect tcp: dial tcp "
                + "\(address.dropFirst(7)): connect: connection refused"
        )
    }

    @Test(
        "hosts that are excepted from the proxy",
        arguments: [
            ("", "http://a.example/", true), ("a.example", "http://a.example/", false),
            ("example", "http://a.example/", false), (".example", "http://example/", true),
            ("*.example", "https://b.a.EXAMPLE:1/", false), ("b", "http://ab/", true),
            ("x, a:81", "http://a:81/", false),
            ("a:81", "http://a/", true), ("a:80", "http://a/", false), ("*", "http://a/", false),
            ("", "http://localhost:1/", false), ("", "http://127.9.9.9/", false), ("", "http://[::1]:5/", false),
            ("10.0.0.0/8", "http://10.1.2.3:9090/", false), ("10.0.0.0/9", "http://10.128.0.1/", true),
            ("10.0.0.1:80", "http://10.0.0.1:81/", true), ("fd00::/8", "http://[fd12::1]/", false),
            ("[fd00::1]:9", "http://[fd00::1]:9/", false),
        ] as [(String, String, Bool)]
    )
    func exceptions(list: String, url: String, isProxied: Bool) {
        var proxy = HTTPClientConfig.Proxy()
        proxy.fromEnvironment = true
        let environment = ["http_proxy": "p", "HTTPS_PROXY": "q", "NO_PROXY": list]
        let chosen = ProxyRules(proxy, environment: environment).proxy(for: url)
        #expect(chosen == (isProxied ? (url.hasPrefix("https") ? "q" : "p") : ""))
    }
}
