import MetricModel
import Testing
import Web

/// Whom the servers answer, on real sockets: what pages from elsewhere can have a browser ask for, and what leaves in headers.
@Suite(.timeLimit(.minutes(5))) struct AccessTests {
    private static let routes: [Route] = [
        .get("/show") { _ in .text("shown") }.brief(),
        .form("/ask") { _ in .text("answered") }.brief(),
        .on(.delete, .post, .put, at: "/change") { _ in .text("changed") },
        .get("/evil") { _ in
            WebResponse(headers: [("X-A", "a\r\nSet-Cookie: b=c\u{1}\0")], body: .bytes(Array("x".utf8)))
        },
        .get("/to") { .redirect(to: $0.rawQuery.removingEscapes) },
    ]

    private func status(_ request: String, _ server: LiveServer) async -> String {
        String(await server.exchange(request, endsInput: true).dropFirst(9).prefix(3))
    }

    @Test func `a server for this machine answers to its own names only`() async throws {
        let policy = AccessPolicy(hosts: ["proxy.example:81"])
        try await LiveServer.with(Self.routes, access: policy) { server in
            for (host, wanted) in [
                ("localhost", "200"), ("LOCALHOST:9090", "200"), ("127.0.0.1:1", "200"), ("127.9.9.9", "200"),
                ("[::1]:80", "200"),
                ("a.localhost", "200"), ("proxy.example", "200"), ("proxy.example:9", "200"), ("", "200"),
                ("evil.example", "403"), ("evil.example:9090", "403"), ("127.0.0.1.evil.example", "403"),
                ("10.0.0.1", "403"),
                ("localhost.evil.example", "403"), ("notlocalhost", "403"), ("127.evil", "403"),
            ] {
                for (method, path) in [("GET", "/show"), ("POST", "/ask"), ("PUT", "/change"), ("GET", "/nothing")] {
                    let found = await status(
                        "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\nContent-Length: 0\r\n\r\n",
                        server
                    )
                    #expect(
                        found == (wanted == "403" ? "403" : path == "/nothing" ? "404" : "200"),
                        "\(method) \(path) of \(host)"
                    )
                }
            }
            let refused = await server.exchange("GET /show HTTP/1.1\r\nHost: evil.example\r\n\r\n", endsInput: true)
            #expect(refused.contains("--web.allowed-hosts=evil.example"))
        }
    }

    @Test func `a server for others is called by any name, unless it is told its names`() async throws {
        for (policy, wanted) in [
            (AccessPolicy(), "200"), (AccessPolicy(hosts: ["good.example"], asksForHosts: true), "403"),
        ] {
            try await LiveServer.with(Self.routes, access: policy, host: "0.0.0.0") { server in
                #expect(await status("GET /show HTTP/1.1\r\nHost: evil.example\r\n\r\n", server) == wanted)
                #expect(await status("GET /show HTTP/1.1\r\nHost: 10.1.2.3\r\n\r\n", server) == "200")
                #expect(await status("GET /show HTTP/1.1\r\nHost: good.example\r\n\r\n", server) == "200")
            }
        }
    }

    @Test func `pages from elsewhere change nothing`() async throws {
        let policy = AccessPolicy(origins: try CrossOrigin(matching: "https://good\\.example"))
        try await LiveServer.with(Self.routes, access: policy) { server in
            let host = "localhost:\(server.port)"
            for (headers, wanted) in [
                ("", "200"), ("Origin: http://\(host)\r\n", "200"), ("Origin: https://good.example\r\n", "200"),
                ("Sec-Fetch-Site: same-origin\r\nOrigin: http://\(host)\r\n", "200"),
                ("Sec-Fetch-Site: none\r\n", "200"),
                ("Origin: http://evil.example\r\n", "403"), ("Origin: null\r\n", "403"),
                ("Origin: http://localhost:1\r\n", "403"),
                ("Origin: http://\(host).evil.example\r\n", "403"), ("Sec-Fetch-Site: cross-site\r\n", "403"),
                ("Sec-Fetch-Site: same-site\r\nOrigin: http://localhost:1\r\n", "403"),
                ("Origin: http://\(host)\r\nOrigin: http://evil.example\r\n", "403"),
                ("Origin: https://good.example\r\norigin: http://evil.example\r\n", "403"),
                ("Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n", "403"),
                ("Sec-Fetch-Site: none\r\nOrigin: http://evil.example\r\nSec-Fetch-Site: cross-site\r\n", "403"),
            ] {
                for method in ["POST", "PUT", "DELETE"] {
                    let request = "\(method) /change HTTP/1.1\r\nHost: \(host)\r\n\(headers)Content-Length: 0\r\n\r\n"
                    #expect(await status(request, server) == wanted, "\(method) \(headers)")
                }
                #expect(
                    await status("POST /ask HTTP/1.1\r\nHost: \(host)\r\n\(headers)Content-Length: 0\r\n\r\n", server)
                        == "200"
                )
                #expect(await status("GET /show HTTP/1.1\r\nHost: \(host)\r\n\(headers)\r\n", server) == "200")
            }
        }
    }

    @Test func `an origin is scheme, host and port, and a proxy's scheme is that of the external URL`() async throws {
        var policy = AccessPolicy(hosts: ["ported.example:81", "named.example"])
        policy.externalURL = "https://proxy.example/stack"
        try await LiveServer.with(Self.routes, access: policy) { server in
            let port = server.port
            for (host, origin, wanted) in [
                ("localhost:\(port)", "http://localhost:\(port)", "200"),
                ("LOCALHOST:\(port)", "HTTP://localhost:\(port)", "200"),
                ("localhost:\(port)", "https://localhost:\(port)", "403"),
                ("localhost:\(port)", "ftp://localhost:\(port)", "403"),
                ("localhost:\(port)", "http://localhost", "403"), ("localhost:\(port)", "http://localhost:80", "403"),
                ("localhost:\(port)", "://localhost:\(port)", "403"), ("localhost:\(port)", "localhost:\(port)", "403"),
                ("localhost:\(port)", "http://", "403"), ("localhost:\(port)", "http://a@localhost:\(port)", "403"),
                // A scheme's own port is not written by browsers.
                ("localhost:80", "http://localhost", "200"), ("localhost", "http://localhost", "200"),
                ("localhost", "https://localhost", "403"), ("localhost:443", "https://localhost", "403"),
                ("localhost:443", "http://localhost:443", "200"),
                ("[::1]:\(port)", "http://[::1]:\(port)", "200"), ("[::1]", "http://[::1]", "200"),
                ("[::1]:\(port)", "http://[::1]", "403"), ("[::1]:\(port)", "https://[::1]:\(port)", "403"),
                // Behind a proxy, which may leave Host as it was or not.
                ("proxy.example", "https://proxy.example", "200"), ("127.0.0.1:1", "https://proxy.example", "200"),
                ("127.0.0.1:1", "http://proxy.example", "403"),
                ("127.0.0.1:1", "https://proxy.example:443", "200"), ("localhost", "https://proxy.example:444", "403"),
                ("localhost", "https://a.proxy.example", "403"),
                ("localhost", "http://ported.example:81", "200"), ("localhost", "http://ported.example", "403"),
                ("localhost", "https://ported.example:81", "403"), ("localhost", "http://named.example", "200"),
                ("named.example:\(port)", "http://named.example:\(port)", "200"),
                ("named.example:\(port)", "https://named.example:\(port)", "403"),
            ] {
                let request = "POST /change HTTP/1.1\r\nHost: \(host)\r\nOrigin: \(origin)\r\nContent-Length: 0\r\n\r\n"
                #expect(await status(request, server) == wanted, "\(origin) at \(host)")
            }
        }
    }

    @Test func `no header that leaves has a control character, and redirects stay on the host`() async throws {
        try await LiveServer.with(Self.routes) { server in
            let evil = await server.exchange("GET /evil HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            #expect(evil.contains("X-A: a  Set-Cookie: b=c") && !evil.contains("\r\nSet-Cookie"))
            for (path, location) in [
                ("//evil.example/", "/evil.example/"), ("/%5cevil.example//", "/%5Cevil.example/"),
                ("//%5cevil/", "/%5Cevil/"),
                ("//%0d%0aSet-Cookie:%20a=b", "/%0D%0ASet-Cookie:%20a=b"), ("/a/../show", "/show"), ("/show/", "/show"),
                ("/to?//evil.example", "/evil.example"), ("/to?%5C%5Cevil.example", "/evil.example"),
                ("/to?http://evil.example", "/http://evil.example"), ("/to?%0D%0AA:%20b", "/%0D%0AA:%20b"),
            ] {
                let answer = await server.exchange(
                    "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                )
                #expect(answer.contains("\r\nLocation: \(location)\r\n"), "\(path): \(answer.debugDescription)")
            }
            for path in ["/show", "/nothing", "//x"] {
                let answer = await server.exchange(
                    "GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
                )
                #expect(
                    answer.contains("X-Content-Type-Options: nosniff") && answer.contains("Content-Security-Policy: ")
                )
            }
        }
    }
}

extension String {
    fileprivate var removingEscapes: String { PercentCoding.decodedPath(self) ?? self }
}
