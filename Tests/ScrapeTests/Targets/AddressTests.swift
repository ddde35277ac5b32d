import HTTPCalling
import MetricModel
import NIOHTTP1
import Scrape
import Testing

/// Every way from a target's labels to its URL, its `Host` header and the address that is connected to, as Prometheus 3.5 has it.
@Suite("Addresses of targets", .timeLimit(.minutes(5)))
struct AddressTests {
    private static func discovery(_ labels: [String: String]) -> [DiscoveryConfig] {
        [.fixed([TargetGroup(source: "0", targets: [labels.map { Label(name: $0.key, value: $0.value) }])])]
    }

    private static let body = LiveServer.Answer(body: Array("a 1\n".utf8))

    @Test("addresses that reach this machine, and what the server is told")
    func reached() async throws {
        let server = try await LiveServer { _ in Self.body }
        let port = server.port
        for (address, scheme, url, host) in [
            (":\(port)", "http", "http://:\(port)/metrics", ":\(port)"),
            ("LOCALHOST:\(port)", "http", "http://LOCALHOST:\(port)/metrics", "LOCALHOST:\(port)"),
            ("127.0.0.1:0\(port)", "http", "http://127.0.0.1:0\(port)/metrics", "127.0.0.1:0\(port)"),
            ("127.0.0.1:\(port)", "HTTP", "HTTP://127.0.0.1:\(port)/metrics", "127.0.0.1:\(port)"),
            (
                "[::ffff:127.0.0.1]:\(port)", "http", "http://[::ffff:127.0.0.1]:\(port)/metrics",
                "[::ffff:127.0.0.1]:\(port)"
            ),
        ] {
            let scrape = await LiveScrape(0) {
                $0.discovery = Self.discovery(["__address__": address, "__scheme__": scheme])
            }
            await scrape.manager.scrapeNow()
            #expect(scrape.error == "", "\(address)")
            #expect(scrape.manager.pools().first?.active.first?.target.url == url)
            #expect(server.requests.last?.headers["Host"] == [host])
            await scrape.manager.stop()
        }
        try await server.close()
    }

    @Test("an address with a zone")
    func zone() async throws {
        guard let server = try? await LiveServer(host: "::1", { _ in Self.body }) else { return }
        let scrape = await LiveScrape(0) { $0.discovery = Self.discovery(["__address__": "[::1%lo]:\(server.port)"]) }
        await scrape.manager.scrapeNow()
        #expect(scrape.error == "")
        #expect(scrape.manager.pools().first?.active.first?.target.url == "http://[::1%25lo]:\(server.port)/metrics")
        #expect(server.requests.last?.headers["Host"] == ["[::1]:\(server.port)"])
        await scrape.manager.stop()
        try await server.close()
    }

    @Test(
        "addresses that reach nobody, in Go's words",
        arguments: [
            ("user@127.0.0.1:9100", #"parse "http://user%40127.0.0.1:9100/metrics": invalid URL escape "%40""#),
            ("user:pw@127.0.0.1:9100", #"parse "http://user:pw%40127.0.0.1:9100/metrics": invalid URL escape "%40""#),
            ("127.0.0.1:abc", #"parse "http://127.0.0.1:abc/metrics": invalid port ":abc" after host"#),
            ("127.0.0.1:-1", #"parse "http://127.0.0.1:-1/metrics": invalid port ":-1" after host"#),
            ("localhost:+9100", #"parse "http://localhost:+9100/metrics": invalid port ":+9100" after host"#),
            ("127.0.0.1:99999", #"Get "http://127.0.0.1:99999/metrics": dial tcp: address 99999: invalid port"#),
            ("127.0.0.1:9100@x", #"parse "http://127.0.0.1:9100%40x/metrics": invalid port ":9100%40x" after host"#),
            (
                "127.0.0.1:9100?x=1",
                #"parse "http://127.0.0.1:9100%3Fx=1/metrics": invalid port ":9100%3Fx=1" after host"#
            ),
            ("127.0.0.1:9100#f", #"parse "http://127.0.0.1:9100%23f/metrics": invalid port ":9100%23f" after host"#),
            ("a b:9100", #"parse "http://a%20b:9100/metrics": invalid URL escape "%20""#),
            ("a%zz:9100", #"Get "http://a%25zz:9100/metrics": dial tcp: lookup a%zz: no such host"#),
            ("127.0.0.1%:9100", #"Get "http://127.0.0.1%25:9100/metrics": dial tcp: lookup 127.0.0.1%: no such host"#),
            (
                "[::1%]:9100",
                #"parse "http://[::1%25]:9100/metrics": invalid host: ParseAddr("::1%"): zone must be a non-empty string"#
            ),
            ("[::1", #"parse "http://[::1/metrics": missing ']' in host"#),
            ("[127.0.0.1]:9100", #"parse "http://[127.0.0.1]:9100/metrics": invalid IP-literal"#),
            ("127.1:9100", #"Get "http://127.1:9100/metrics": dial tcp: lookup 127.1: no such host"#),
            ("2130706433:9100", #"Get "http://2130706433:9100/metrics": dial tcp: lookup 2130706433: no such host"#),
            ("a,b:1", #"Get "http://a,b:1/metrics": dial tcp: lookup a,b: no such host"#),
            ("<x>:9100", #"Get "http://<x>:9100/metrics": dial tcp: lookup <x>: no such host"#),
            ("\"x\":9100", #"Get "http://\"x\":9100/metrics": dial tcp: lookup "x": no such host"#),
            ("*:9100", #"Get "http://*:9100/metrics": dial tcp: lookup *: no such host"#),
            ("-a.invalid:80", #"Get "http://-a.invalid:80/metrics": dial tcp: lookup -a.invalid: no such host"#),
            ("a..b:1", #"Get "http://a..b:1/metrics": dial tcp: lookup a..b: no such host"#),
            ("127.0.0.1:1", #"Get "http://127.0.0.1:1/metrics": dial tcp 127.0.0.1:1: connect: connection refused"#),
            ("[::1]:1", #"Get "http://[::1]:1/metrics": dial tcp [::1]:1: connect: connection refused"#),
        ]
    )
    func refused(address: String, error: String) async {
        let found = await LiveScrape.error(0) { $0.discovery = Self.discovery(["__address__": address]) }
        #expect(found == error)
    }

    @Test(
        "schemes",
        arguments: [
            ("ftp", #"Get "ftp://127.0.0.1:1/metrics": unsupported protocol scheme "ftp""#),
            ("FTP", #"Get "ftp://127.0.0.1:1/metrics": unsupported protocol scheme "ftp""#),
            ("http+unix", #"Get "http+unix://127.0.0.1:1/metrics": unsupported protocol scheme "http+unix""#),
            ("http:", #"Get "http:://127.0.0.1:1/metrics": http: no Host in request URL"#),
            ("1x", #"parse "1x://127.0.0.1:1/metrics": first path segment in URL cannot contain colon"#),
            ("a b", #"parse "a b://127.0.0.1:1/metrics": first path segment in URL cannot contain colon"#),
            ("HTTPS", #"Get "https://127.0.0.1:1/metrics": dial tcp 127.0.0.1:1: connect: connection refused"#),
        ]
    )
    func schemes(scheme: String, error: String) async {
        let labels = ["__address__": "127.0.0.1:1", "__scheme__": scheme]
        #expect(await LiveScrape.error(0) { $0.discovery = Self.discovery(labels) } == error)
    }

    @Test("a reference whose query holds a URL is a path here")
    func references() throws {
        let here = try URLParts(parsing: "http://a/b/c")
        #expect(try here.resolve("login?next=http://b/").text == "http://a/b/login?next=http://b/")
        #expect(try here.resolve("HTTP://b/").text == "http://b/")
        #expect(URLParts.malformation(of: "foo?x=a:b") == nil)
    }

    @Test("a target whose scheme is taken away")
    func schemeGone() async throws {
        let rule = try RelabelRule(.labeldrop, regex: "__scheme__")
        let error = await LiveScrape.error(0) {
            $0.discovery = Self.discovery(["__address__": "127.0.0.1:1"])
            $0.relabelRules = [rule]
        }
        #expect(error == #"Get "//127.0.0.1:1/metrics": unsupported protocol scheme """#)
    }

    @Test("an address that stands for all of a machine's is this machine")
    func unspecified() async throws {
        let server = try await LiveServer { _ in Self.body }
        for host in ["", "[::]", "[::0]", "[0:0:0:0:0:0:0:0]", "[::%lo]", "0.0.0.0", "[::ffff:0.0.0.0]"] {
            let address = "\(host):\(server.port)"
            let error = await LiveScrape.error(0) { $0.discovery = Self.discovery(["__address__": address]) }
            #expect(error == "", "\(address)")
        }
        try await server.close()
        guard let six = try? await LiveServer(host: "::1", { _ in Self.body }) else { return }
        for host in ["[::]", "[::0]", "[0:0:0:0:0:0:0:0]", "[::%lo]"] {
            let address = "\(host):\(six.port)"
            let error = await LiveScrape.error(0) { $0.discovery = Self.discovery(["__address__": address]) }
            #expect(error == "", "\(address)")
        }
        let url = "http://[::]:\(six.port)/"
        #expect(try await HTTPCaller.shared.send(HTTPCall(url, timeoutMilliseconds: 60_000)).status == 200)
        try await six.close()
    }

    @Test(
        "nobody listens at an address that stands for all of a machine's",
        arguments: [
            (":1", ":1"), (":01", ":1"), ("[::]:1", "[::]:1"), ("[::0]:1", "[::]:1"), ("0.0.0.0:1", "0.0.0.0:1"),
            ("[::ffff:0.0.0.0]:1", "0.0.0.0:1"), ("[::ffff:127.0.0.1]:1", "127.0.0.1:1"), ("[0:0::1]:1", "[::1]:1"),
        ] as [(String, String)]
    )
    func refused(address: String, dialled: String) async {
        let error = await LiveScrape.error(0) { $0.discovery = Self.discovery(["__address__": address]) }
        #expect(error == "Get \"http://\(address)/metrics\": dial tcp \(dialled): connect: connection refused")
    }

    @Test("a colon alone is no address")
    func colon() async {
        let error = await LiveScrape.error(0) { $0.discovery = Self.discovery(["__address__": ":"]) }
        #expect(error == #"Get "http:///metrics": http: no Host in request URL"#)
    }

    @Test("a server that ends the connection behind a few bytes")
    func cut() async throws {
        for (bytes, words) in [
            (
                "\u{15}\u{3}\u{1}\0\u{2}\u{2}(",
                #"malformed HTTP response "\x15\x03\x01\x00\x02\x02(" (the server speaks TLS: scheme: https?)"#
            ),
            ("SSH-2.0-x", #"malformed HTTP response "SSH-2.0-x""#),
            ("HTTP/1.1 2x0 OK", #"malformed HTTP status code "2x0""#),
        ] {
            let server = try await RawServer { _ in .bytes(bytes) }
            let url = "http://127.0.0.1:\(server.port)/metrics"
            #expect(
                await LiveScrape.error(server.port) { _ in }
                    == "Get \"\(url)\": net/http: HTTP/1.x transport connection broken: \(words)"
            )
            try await server.close()
        }
    }

    @Test("TLS asked of a server that has none")
    func tls() async throws {
        let server = try await LiveServer { _ in Self.body }
        let error = await LiveScrape.error(server.port) { $0.scheme = "https" }
        #expect(
            error == "Get \"https://127.0.0.1:\(server.port)/metrics\": http: server gave HTTP response to HTTPS client"
        )
        try await server.close()
    }

    @Test("what is too long to be a name is looked at no further, and a message does not repeat all of it")
    func longNames() {
        let name = String(String.UnicodeScalarView((0x4e00..<0x9e00).compactMap { Unicode.Scalar($0) }))
        #expect(Punycode.ascii(name) == name)
        let error = TransportError(name, context: "Get \(name): ")
        #expect(error.message.utf8.count < 9_000 && error.message.hasPrefix("Get 一"))
    }

    @Test(
        "names with other letters",
        arguments: [
            ("münchen.de", "xn--mnchen-3ya.de"), ("é", "xn--9ca"), ("MÜNCHEN.de", "xn--mnchen-3ya.de"),
            ("bücher.例え.jp", "xn--bcher-kva.xn--r8jz45g.jp"),
            ("a\u{ad}b。例え", "ab.xn--r8jz45g"), ("\u{feff}127.0.0.1", "127.0.0.1"),
            ("☃.net", "xn--n3h.net"), ("Example.org", "Example.org"),
            ("пример.испытание", "xn--e1afmkfd.xn--80akhbyknj4f"),
        ]
    )
    func names(host: String, ascii: String) throws {
        let labels: Labels = ["__address__": host + ":9100", "__scheme__": "http", "__metrics_path__": "/metrics"]
        let target = ScrapeTarget(labels: labels, config: ScrapeConfig(jobName: "j"))
        let parts = try URLParts(parsing: target.url)
        #expect(parts.host == host && parts.hostHeader == ascii + ":9100" && parts.address == ascii + ":9100")
    }

    @Test(
        "paths",
        arguments: [
            ("/a'b", "/a%27b"), ("/*", "/%2A"), ("*", "/*"), ("/!(b)", "/%21%28b%29"), ("/a?b=c", "/a%3Fb=c"),
            ("a:b", "/a:b"),
            ("/a;b,c=d@e$f&g+h~i", "/a;b,c=d@e$f&g+h~i"), ("/a%20b", "/a%2520b"), ("/ä|[x]", "/%C3%A4%7C%5Bx%5D"),
            ("//x/../y", "//x/../y"),
        ]
    )
    func paths(path: String, written: String) {
        let labels: Labels = ["__address__": "h:1", "__scheme__": "http", "__metrics_path__": path]
        #expect(ScrapeTarget(labels: labels, config: ScrapeConfig(jobName: "j")).url == "http://h:1" + written)
    }

    @Test("the user of a URL is sent, but its password not told")
    func user() throws {
        let parts = try URLParts(parsing: "http://u%40x:p@h:1/a?b")
        #expect(parts.shown == "http://u%40x:***@h:1/a?b" && parts.text == "http://h:1/a?b" && parts.user == "u%40x:p")
    }

    @Test("no name of a case reaches a person")
    func words() {
        struct Odd: Error { var secretName = 1 }
        let errors: [any Error] = [Odd(), NIOConnectionErrorLike.closed, CancellationError()]
        for error in errors {
            let text = TransportFailure.text(error, url: "http://h/")
            #expect(!text.contains("(") && !text.contains("secretName") && text.contains(" "))
        }
    }

    private enum NIOConnectionErrorLike: Error { case closed }
}
