import HTTPCalling
import MetricModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Scrape
import Testing

@Suite("Scraping over TLS", .timeLimit(.minutes(5)))
struct TLSTests {
    private static let body = LiveServer.Answer(body: Array("a 1\n".utf8))

    @Test("certificates are checked against the authority and the host or the configured name")
    func certificates() async throws {
        let server = try await LiveServer(tls: Certificates.context()) { _ in Self.body }
        let named = try await LiveServer(tls: Certificates.context(Certificates.named, key: Certificates.namedKey)) {
            _ in Self.body
        }
        let unknown = "tls: failed to verify certificate: it is out of date or not signed by a known authority"
        let cases: [(server: LiveServer, authority: Bool, name: String, skip: Bool, error: String)] = [
            (server, true, "", false, ""), (server, false, "", false, unknown), (server, false, "", true, ""),
            (named, true, "target.example", false, ""),
            (named, true, "other.example", false, "does not bear the name other.example"),
            (named, true, "", false, "does not bear the target's address"),
            // The certificate is for the address, but another name is wanted.
            (server, true, "other.example", false, "does not bear the name other.example"),
            (named, false, "target.example", false, unknown),
            (named, true, "other.example", true, ""),
        ]
        for (server, authority, name, skip, error) in cases {
            let found = await LiveScrape.error(server.port) {
                $0.scheme = "https"
                if authority { $0.client.tls.ca = Certificates.authority }
                $0.client.tls.serverName = name
                $0.client.tls.insecureSkipVerify = skip
            }
            #expect(error.isEmpty ? found == "" : found?.contains(error) == true, "\(found ?? "")")
        }
        // The name is only for the certificate.
        #expect(Set(named.requests.flatMap { $0.headers["Host"] }) == ["127.0.0.1:\(named.port)"])
        try await server.close()
        try await named.close()
    }

    @Test("a client's certificate is shown, and files with certificates are read again when they change")
    func clients() async throws {
        let server = try await LiveServer(tls: Certificates.context(asksClients: true)) { _ in Self.body }
        let folder = TemporaryFolder()
        let (certificate, key, authority) = (folder / "client.pem", folder / "client.key", folder / "ca.pem")
        folder.write(Certificates.authority, to: authority)
        folder.write(Certificates.server, to: certificate)
        folder.write(Certificates.serverKey, to: key)
        let without = await LiveScrape.error(server.port) {
            $0.scheme = "https"
            $0.client.tls.caFile = authority
        }
        #expect(without?.hasSuffix("remote error: tls: certificate required") == true, "\(without ?? "")")
        let scrape = await LiveScrape(server.port) {
            $0.scheme = "https"
            $0.client.tls.caFile = authority
            $0.client.tls.certFile = certificate
            $0.client.tls.keyFile = key
        }
        folder.write("no certificate", to: authority)
        await scrape.manager.scrapeNow()
        #expect(scrape.error?.isEmpty == false)
        folder.write(Certificates.authority + "\n", to: authority)
        folder.write(Certificates.client + "\n", to: certificate)
        folder.write(Certificates.clientKey + "\n", to: key)
        await scrape.manager.scrapeNow()
        #expect(scrape.error == "")
        await scrape.manager.stop()
        try await server.close()
    }

    @Test("files with certificates that change again and again keep few of the old connections")
    func manyChanges() async throws {
        let server = try await LiveServer(tls: Certificates.context()) { _ in Self.body }
        let folder = TemporaryFolder()
        let authority = folder / "ca.pem"
        folder.write(Certificates.authority, to: authority)
        let scrape = await LiveScrape(server.port) {
            $0.scheme = "https"
            $0.client.tls.caFile = authority
        }
        for change in 1...80 {
            folder.write(Certificates.authority + String(repeating: "\n", count: change), to: authority)
            await scrape.manager.scrapeNow()
            #expect(scrape.error == "")
        }
        #expect(server.requests.count >= 80)
        // Those of the last 64 changes, and of now; the others are about to be closed.
        while server.connections > 65, !Task.isCancelled { await Task.yield() }
        #expect(server.connections <= 65)
        await scrape.manager.stop()
        try await server.close()
    }

    @Test("a server that hangs up while TLS begins, or refuses it, is told in Go's words")
    func ends() async throws {
        let hangsUp = try await RawServer(any: { .bytes("") })
        let refuses = try await RawServer(any: { .bytes("\u{15}\u{3}\u{3}\0\u{2}\u{2}1") })
        for (server, words) in [(hangsUp, "EOF"), (refuses, "remote error: tls: access denied")] {
            let error = await LiveScrape.error(server.port) { $0.scheme = "https" }
            #expect(error == "Get \"https://127.0.0.1:\(server.port)/metrics\": \(words)")
            try await server.close()
        }
    }

    @Test("an answer without a length may end without a word of TLS, one with a length may not")
    func abruptly() async throws {
        for (length, words) in [("", ""), ("Content-Length: 9\r\n", "unexpected EOF")] {
            let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\(length)\r\n"
            let context = try Certificates.context()
            let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        let pipeline = channel.pipeline.syncOperations
                        try pipeline.addHandler(NIOSSLServerHandler(context: context))
                        try pipeline.addHandler(AbruptServer(answer: head + "a 1\n"))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let error = await LiveScrape.error(server.localAddress?.port ?? 0) {
                $0.scheme = "https"
                $0.client.tls.ca = Certificates.authority
            }
            #expect(error == words)
            try await server.close()
        }
    }

    /// Answers and closes the connection under TLS.
    private final class AbruptServer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let answer: String

        init(answer: String) { self.answer = answer }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let pipeline = context.pipeline.syncOperations
            let below = NIOLoopBound(
                try? pipeline.context(handlerType: NIOSSLServerHandler.self),
                eventLoop: context.eventLoop
            )
            context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: answer))).whenComplete { _ in
                below.value?.close(promise: nil)
            }
        }
    }

    @Test("names that certificates bear")
    func names() {
        for (pattern, host, isMatch) in [
            ("a.example", "A.Example.", true), ("*.example", "a.example", true), ("*.example", "a.b.example", false),
            ("*", "a", false), ("*", "*", true), ("a.", "a", false), ("a.", "a.", true),
            ("\u{212A}.example", "k.example", false),
            ("*..", "a..", false), ("a*.example", "ab.example", false), ("a.*", "a.b", false), ("", "", false),
        ] {
            #expect(CertificateName.isMatch(pattern, host) == isMatch, "\(pattern) \(host)")
        }
    }

    @Test("a server that does not speak TLS is told as such")
    func plain() async throws {
        let server = try await RawServer { _ in .bytes("HTTP/1.1 400 Bad Request\r\n\r\n") }
        let plain = try await LiveServer { _ in Self.body }
        let error = await LiveScrape.error(plain.port) { $0.scheme = "https" }
        #expect(
            error == "Get \"https://127.0.0.1:\(plain.port)/metrics\": http: server gave HTTP response to HTTPS client"
        )
        try await server.close()
        try await plain.close()
    }

    @Test("who says nothing, about TLS or about a tunnel, does not hold up the end", arguments: [false, true])
    func silence(isProxied: Bool) async throws {
        let server = try await RawServer { _ in .bytes("", keepsOpen: true) }
        var config = HTTPClientConfig()
        if isProxied { config.proxy.url = "http://127.0.0.1:\(server.port)" }
        let transport = try HTTPTransport(config, clock: SystemClock())
        let request = TargetRequest(url: "https://127.0.0.1:\(server.port)/", timeoutMilliseconds: 20)
        await #expect(throws: TransportError.self) { try await transport.fetch(request) }
        let start = SystemClock().steadyNanoseconds
        await transport.close()
        // The library's own timeout is half a minute.
        #expect(SystemClock().steadyNanoseconds - start < 15_000_000_000)
        try await server.close()
    }
}
