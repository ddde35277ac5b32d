import Exposition
import Logging
import MetricModel
import NIOCore
import NIOHTTP1
import Scrape
import Synchronization
import Testing

#if canImport(Darwin)
    import Darwin

    private let streamSocket = SOCK_STREAM
#else
    import Glibc

    private let streamSocket = Int32(SOCK_STREAM.rawValue)
#endif

/// A port of this machine that is taken, so that no other test gets it, and where nobody listens.
private func takenPort() -> (descriptor: Int32, port: Int) {
    let descriptor = socket(AF_INET, streamSocket, 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    _ = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0
        }
    }
    return (descriptor, Int(UInt16(bigEndian: address.sin_port)))
}

@Suite("Scraping over HTTP", .timeLimit(.minutes(5)))
struct HTTPTransportTests {
    private func stack(_ port: Int, _ change: (inout ScrapeConfig) -> Void = { _ in }) async
        -> (ScrapeManager, RecordingStore)
    {
        let scrape = await LiveScrape(port, change)
        return (scrape.manager, scrape.store)
    }

    @Test("headers go out to the byte as Prometheus sends them, in its order")
    func headers() async throws {
        let server = try await LiveServer { _ in .init(body: Array("a 1\n".utf8)) }
        let (manager, store) = await stack(server.port) {
            var auth = HTTPClientConfig.BasicAuth()
            auth.username = "u"
            auth.password = Secret("p:w")
            $0.client.basicAuth = auth
            var header = HTTPClientConfig.Header()
            header.values = ["1", "2"]
            $0.client.headers = ["x-more": header]
            $0.params = ["m": ["a b", "c&d"]]
        }
        await manager.scrapeNow()
        #expect(store.last("up") == 1)
        let request = try #require(server.requests.first)
        #expect(request.uri == "/metrics?m=a+b&m=c%26d")
        let sent = request.headers.map { "\($0.name): \($0.value)" }.filter { !$0.lowercased().hasPrefix("connection") }
        let accept =
            "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
            + "application/openmetrics-text;version=0.0.1;q=0.5,"
            + "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,text/plain;version=0.0.4;q=0.3,*/*;q=0.2"
        #expect(
            Set(sent).isSuperset(of: [
                "User-Agent: Prometheus/3.5.0", "Accept: \(accept)", "Accept-Encoding: gzip",
                "Authorization: Basic dTpwOnc=", "X-More: 1", "X-More: 2", "X-Prometheus-Scrape-Timeout-Seconds: 10",
            ])
        )
        await manager.stop()
        try await server.close()
    }

    @Test("compressed bodies, redirects and failures")
    func answers() async throws {
        let packed = GzipEncoder.encode(Array("a 7\n".utf8))
        // A mebibyte, of which 257 are more than is read of a target that has no limit.
        let blanks = GzipEncoder.encode([UInt8](repeating: UInt8(ascii: "\n"), count: 1 << 20))
        let server = try await LiveServer { head in
            switch head.uri {
            case "/gzip":
                .init(headers: [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")], body: packed)
            case "/cut":
                .init(
                    headers: [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")],
                    body: Array(packed.dropLast(9))
                )
            case "/bomb":
                .init(
                    headers: [("Content-Type", "text/plain"), ("Content-Encoding", "gzip")],
                    body: [[UInt8]](repeating: blanks, count: 257).flatMap(\.self)
                )
            case "/moved": .init(status: .found, headers: [("Location", "/gzip")])
            case "/round": .init(status: .found, headers: [("Location", "/round")])
            default: .init(status: .notFound)
            }
        }
        for (path, follow, error) in [
            ("/gzip", true, ""), ("/moved", true, ""), ("/moved", false, "server returned HTTP status 302 Found"),
            ("/round", true, "Get \"/round\": stopped after 10 redirects"), ("/cut", true, "unexpected EOF"),
            ("/none", true, "server returned HTTP status 404 Not Found"), ("/bomb", true, "body size limit exceeded"),
        ] {
            let (manager, store) = await stack(server.port) {
                $0.metricsPath = path
                $0.client.followRedirects = follow
            }
            await manager.scrapeNow()
            #expect(manager.pools().first?.active.first?.report.lastError == error)
            #expect(store.last("up") == (error.isEmpty ? 1 : 0))
            await manager.stop()
        }
        try await server.close()
    }

    @Test(
        "what is packed has a limit on the wire, too",
        arguments: ["200 OK", "302 Found", "500 Internal Server Error"]
    )
    func packedBodies(status: String) async throws {
        let reply: @Sendable (Int) -> RawServer.Reply = { size in
            let head = "HTTP/1.1 \(status)\r\nContent-Encoding: gzip\r\nLocation: /moved\r\n\r\n"
            return .bytes(head + String(repeating: "x", count: size), keepsOpen: true)
        }
        // It never ends, so that whoever waits for all of it waits for the timeout.
        for size in [1 << 17, 1 << 20] {
            let server = try await RawServer { _ in reply(size) }
            let error = await LiveScrape.error(server.port) { $0.limits.bodySize = ByteSize(bytes: 1000) }
            #expect(error == "body size limit exceeded")
            try await server.close()
        }
    }

    @Test("a header's name that is none is told, and nothing is sent", arguments: ["é", "a b", "", "a:", "日本"])
    func badHeaderName(name: String) async {
        var header = HTTPClientConfig.Header()
        header.values = ["v"]
        let problem = "net/http: invalid header field name \(GoText.quoted(name))"
        #expect(
            await LiveScrape.error(1) { $0.client.headers = [name: header] } == #"Get "http://127.0.0.1:1/metrics": "#
                + problem
        )
        let proxied = await LiveScrape.error(1) {
            $0.scheme = "https"
            $0.client.proxy.url = "http://127.0.0.1:2"
            $0.client.proxy.connectHeader = [name: [Secret("s")]]
        }
        #expect(proxied == #"Get "https://127.0.0.1:1/metrics": "# + problem)
    }

    @Test(
        "a header's value that would be more than one is told, and nothing is sent",
        arguments: ["a\r\nX: 1", "a\n", "\ra", "a\0b", "a\u{7F}", "a\r\n\r\nDELETE / HTTP/1.1\r\n\r\n"]
    )
    func badHeaderValue(value: String) async throws {
        let problem = #"net/http: invalid header field value for "Authorization""#
        let plain = await LiveScrape.error(1) {
            $0.client.authorization = HTTPClientConfig.Authorization()
            $0.client.authorization?.credentials = Secret(value)
        }
        #expect(plain == #"Get "http://127.0.0.1:1/metrics": "# + problem)
        let proxied = await LiveScrape.error(1) {
            $0.scheme = "https"
            $0.client.proxy.url = "http://127.0.0.1:2"
            $0.client.proxy.connectHeader = ["Authorization": [Secret(value)]]
        }
        #expect(proxied == #"Get "https://127.0.0.1:1/metrics": "# + problem)
        // Whoever gives tokens is somebody else.
        let escaped: [Unicode.Scalar: String] = ["\r": "\\r", "\n": "\\n", "\0": "\\u0000"]
        let text = value.unicodeScalars.map { escaped[$0] ?? String($0) }.joined()
        let answer = LiveServer.Answer(headers: [], body: Array("{\"access_token\": \"\(text)\"}".utf8))
        let tokens = try await LiveServer { _ in answer }
        let token = await LiveScrape.error(1) {
            $0.client.oauth2 = HTTPClientConfig.OAuth2()
            $0.client.oauth2?.clientID = "a"
            $0.client.oauth2?.tokenURL = "http://127.0.0.1:\(tokens.port)/"
        }
        #expect(token == #"Get "http://127.0.0.1:1/metrics": "# + problem)
        try await tokens.close()
    }

    @Test("a port that nobody listens on")
    func refused() async throws {
        let (descriptor, port) = takenPort()
        defer { close(descriptor) }
        let (manager, _) = await stack(port)
        await manager.scrapeNow()
        #expect(
            manager.pools().first?.active.first?.report.lastError
                == "Get \"http://127.0.0.1:\(port)/metrics\": dial tcp 127.0.0.1:\(port): connect: connection refused"
        )
        await manager.stop()
    }

    @Test("targets behind a socket of this machine")
    func socket() async throws {
        let path = "/tmp/promenade-\(UInt32.random(in: 0 ... .max)).sock"
        let server = try await LiveServer(socket: path) { _ in .init(body: Array("a 1\n".utf8)) }
        func scrape(_ path: String) async -> (error: String?, value: Double?) {
            let (manager, store) = await stack(1) { job in
                let labels = [("__address__", "a.example:99"), ("__unix_socket__", path)]
                job.discovery = [
                    .fixed([TargetGroup(source: "0", targets: [labels.map { Label(name: $0.0, value: $0.1) }])])
                ]
                job.params = ["m": ["x"]]
            }
            await manager.scrapeNow()
            await manager.stop()
            return (manager.pools().first?.active.first?.report.lastError, store.last("a"))
        }
        let good = await scrape(path)
        #expect(good.error == "")
        #expect(good.value == 1)
        #expect(server.requests.map(\.uri) == ["/metrics?m=x"])
        #expect(server.requests.first?.headers["Host"] == ["a.example:99"])
        try await server.close()
        let none = path + ".none"
        #expect(
            await scrape(none).error
                == "Get \"http://a.example:99/metrics?m=x\": dial unix \(none): connect: no such file or directory"
        )
    }

    @Test("targets that a server names")
    func discovery() async throws {
        let target = try await LiveServer { _ in .init(body: Array("a 1\n".utf8)) }
        let json = "[{\"targets\": [\"127.0.0.1:\(target.port)\"], \"labels\": {\"zone\": \"z\"}}]"
        let server = try await LiveServer { _ in
            .init(headers: [("Content-Type", "application/json; charset=utf-8")], body: Array(json.utf8))
        }
        let (manager, store) = await stack(0) {
            var http = DiscoveryConfig.HTTPDiscovery()
            http.url = "http://127.0.0.1:\(server.port)/sd"
            $0.discovery = [.http(http)]
        }
        await manager.start()
        #expect(await ScrapeHarness.eventually { store.last("up") != nil })
        #expect(store.series == [#"a{instance="127.0.0.1:\#(target.port)",job="j",zone="z"}"#])
        #expect(server.requests.first?.headers.first(name: "X-Prometheus-Refresh-Interval-Seconds") == "60")
        await manager.stop()
        try await server.close()
        try await target.close()
    }
}
