import MetricModel
import Scrape
import Synchronization
import Testing

@Suite("Answers as they come over the wire", .timeLimit(.minutes(5)))
struct WireTests {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"
    private static let broken = "Get \"URL\": net/http: HTTP/1.x transport connection broken: "

    @Test(
        "what is told about odd answers",
        arguments: [
            ("\(ok)Content-Length: 4\r\n\r\na 1\n", ""),
            ("\(ok)\r\na 1\n", ""),
            ("HTTP/1.0 200 OK\r\nContent-Type: text/plain\r\n\r\na 1\n", ""),
            ("\(ok)Transfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n0\r\n\r\n", ""),
            ("\(ok)Transfer-Encoding: chunked\r\n\r\n4\r\na 1\n\r\n", "unexpected EOF"),
            ("\(ok)Transfer-Encoding: chunked\r\n\r\nx\r\na 1\n\r\n", "invalid byte in chunk length"),
            ("\(ok)Content-Length: 9\r\n\r\na 1\n", "unexpected EOF"),
            ("\(ok)Content-Encoding: GZIP\r\n\r\na 1\n", ""),
            ("", "Get \"URL\": EOF"),
            ("HTTP/1.1 200 Fine\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\na 1\n", ""),
            ("HTTP/1.1 418 I'm a Teapot\r\nContent-Length: 0\r\n\r\n", "server returned HTTP status 418 I'm a Teapot"),
            ("HTTP/1.1 503 Gone Fishing\r\nContent-Length: 0\r\n\r\n", "server returned HTTP status 503 Gone Fishing"),
            ("HTTP/1.1 503\r\nContent-Length: 0\r\n\r\n", "server returned HTTP status 503"),
            ("HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n", "server returned HTTP status 799 Odd"),
            ("HTTP/1.1 204 No Content\r\n\r\n", "server returned HTTP status 204 No Content"),
            ("HTTP/1.1 500 \r\nContent-Length: 0\r\n\r\n", "server returned HTTP status 500 "),
            ("HTTP/3.0 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\na 1\n", ""),
            ("HTTP/1.1 200 OK\nContent-Type: text/plain\nContent-Length: 4\n\na 1\n", ""),
            ("HTTP/1.1 200 OK\nContent-Type: text/plain\n\na 1\n", ""),
            (
                "HTTP/1.1 302 Found\r\nLocation: http://[x\r\n\r\n",
                "Get \"URL\": failed to parse Location header \"http://[x\": parse \"http://[x\": missing ']' in host"
            ),
            (
                "HTTP/1.1 302 Found\r\nLocation: mailto:x\r\n\r\n",
                "Get \"mailto:x\": unsupported protocol scheme \"mailto\""
            ),
            ("HTTP/1.1 302 Found\r\n\r\n", "server returned HTTP status 302 Found"),
            ("gibberish\r\n\r\n", broken + "malformed HTTP response \"gibberish\""),
            ("HTTP/1.1 000 X\r\nContent-Length: 4\r\n\r\na 1\n", broken + "malformed HTTP status code \"000\""),
            ("HTTP/1.1 099 X\r\nContent-Length: 4\r\n\r\na 1\n", broken + "malformed HTTP status code \"099\""),
            ("HTTP/1.1 20 OK\r\n\r\n", broken + "malformed HTTP status code \"20\""),
            ("HTTP/1 200 OK\r\n\r\n", broken + "malformed HTTP version \"HTTP/1\""),
            ("SSH-2.0-OpenSSH 9\r\n", broken + "malformed HTTP status code \"9\""),
        ]
    )
    func answers(bytes: String, error: String) async throws {
        let server = try await RawServer { _ in .bytes(bytes) }
        let found = await LiveScrape.error(server.port)
        let url = "http://127.0.0.1:\(server.port)/metrics"
        #expect(found?.split(separator: url).joined(separator: "URL") == error)
        try await server.close()
    }

    @Test("a kept connection that the server has given up is no failure, a new one is")
    func staleConnections() async throws {
        let leads = Self.ok.replacing("200 OK", with: "302 Found") + "Location: /b\r\nContent-Length: 0\r\n\r\n"
        for closings in 1...2 {
            let left = Mutex(closings)
            let server = try await RawServer { head in
                if head.hasPrefix("GET /metrics") { return .bytes(leads, keepsOpen: true) }
                let isClosed = left.withLock { left in
                    left -= 1
                    return left >= 0
                }
                return .bytes(isClosed ? "" : Self.ok + "Content-Length: 4\r\n\r\na 1\n")
            }
            let error = await LiveScrape.error(server.port)
            #expect(error == (closings == 1 ? "" : "Get \"http://127.0.0.1:\(server.port)/b\": EOF"))
            #expect(server.requests.count == 3)
            try await server.close()
        }
    }

    @Test("a body that does not end in time")
    func slow() async throws {
        let server = try await RawServer { _ in .bytes(Self.ok + "Content-Length: 9\r\n\r\na 1\n", keepsOpen: true) }
        let silent = try await RawServer { _ in .bytes("", keepsOpen: true) }
        func error(_ port: Int) async -> String? {
            await LiveScrape.error(port) { $0.scrapeTimeout = PrometheusDuration(milliseconds: 100) }
        }
        // Told without the request, where its head came in time.
        #expect(await error(server.port)?.hasSuffix("context deadline exceeded") == true)
        #expect(
            await error(silent.port)
                == "Get \"http://127.0.0.1:\(silent.port)/metrics\": context deadline exceeded"
        )
        try await server.close()
        try await silent.close()
    }

    @Test(
        "references in redirects",
        arguments: [
            ("/b", "http://h:1/b"), ("b?x=1", "http://h:1/a/b?x=1"), ("../b", "http://h:1/b"), ("./", "http://h:1/a/"),
            ("../../../b", "http://h:1/b"), ("?y", "http://h:1/a/m?y"), ("//o/p", "http://o/p"),
            ("https://o:2", "https://o:2/"), ("#f", "http://h:1/a/m?q"), ("", "http://h:1/a/m?q"),
            ("/a/./b/../c", "http://h:1/a/c"), ("x:y", nil), ("http://a b/", nil), ("//[a/", nil), (":x", nil),
        ] as [(String, String?)]
    )
    func references(reference: String, url: String?) throws {
        let base = try #require(URLParts("http://h:1/a/m?q"))
        #expect((try? base.resolve(reference))?.text == url)
    }
}
