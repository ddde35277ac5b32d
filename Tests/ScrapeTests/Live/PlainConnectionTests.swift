import Exposition
import MetricModel
import NIOCore
import Scrape
import Synchronization
import Testing

/// Answers to requests that need nothing but a connection: read here where they are as usual, by the HTTP library where not.
@Suite(.timeLimit(.minutes(5))) struct PlainConnectionTests {
    private static let ok = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"

    /// Answers one after the other on kept connections, and what came of them.
    private func bodies(_ answers: [String], keepsOpen: Bool = true) async throws -> (
        bodies: [String], connections: Int
    ) {
        let left = Mutex(answers[...])
        let server = try await RawServer { _ in
            .bytes(left.withLock { $0.popFirst() } ?? "", keepsOpen: keepsOpen)
        }
        let transport = try HTTPTransport(HTTPClientConfig(), clock: SystemClock())
        var found: [String] = []
        for _ in answers {
            do throws(TransportError) {
                let answer = try await transport.fetch(TargetRequest(url: "http://127.0.0.1:\(server.port)/metrics"))
                found.append("\(answer.statusText) \(String(buffer: answer.body))")
            } catch {
                found.append(error.reason)
            }
        }
        await transport.close()
        let connections = server.connections
        try await server.close()
        return (found, connections)
    }

    @Test(arguments: [true, false])
    func `a body has its part of the memory for all, and gives it back with the answer`(isProxied: Bool) async throws {
        let body = String(repeating: "x", count: 4 << 20)
        let server = try await RawServer { _ in
            .bytes("\(Self.ok)Content-Length: \(body.utf8.count)\r\n\r\n\(body)", keepsOpen: true)
        }
        var config = HTTPClientConfig()
        if isProxied { config.proxy.url = "http://127.0.0.1:\(server.port)" }
        let transport = try HTTPTransport(config, clock: SystemClock())
        var request = TargetRequest(url: "http://127.0.0.1:\(server.port)/metrics")
        let budget = BodyBudget(limit: 5 << 20)
        request.bodies = budget
        do {
            let first = try await transport.fetch(request)
            #expect(first.body.readableBytes == body.utf8.count)
            await #expect(throws: TransportError.noRoom) { try await transport.fetch(request) }
            withExtendedLifetime(first) {}
        }
        #expect(try await transport.fetch(request).body.readableBytes == body.utf8.count)
        await transport.close()
        try await server.close()
    }

    @Test func `usual and unusual answers follow each other on one connection`() async throws {
        let found = try await bodies([
            "\(Self.ok)Content-Length: 4\r\n\r\na 1\n", "\(Self.ok)Content-Length: 0\r\n\r\n",
            "\(Self.ok)Transfer-Encoding: chunked\r\n\r\n4\r\na 2\n\r\n0\r\n\r\n",
            "HTTP/1.1 100 Continue\r\n\r\n\(Self.ok)content-length: 4\r\n\r\na 3\n",
            "HTTP/1.1 404 Gone Fishing\r\nContent-Length: 1\r\n\r\nx", "\(Self.ok)Content-Length: 4\r\n\r\na 4\n",
        ])
        #expect(
            found.bodies == [
                "200 OK a 1\n", "200 OK ", "200 OK a 2\n", "200 OK a 3\n", "404 Gone Fishing x", "200 OK a 4\n",
            ]
        )
        #expect(found.connections == 1)
    }

    @Test(arguments: [
        "Connection: close\r\nContent-Length: 4\r\n\r\na 1\n", "Content-Length: 4\r\n\r\na 1\nHTTP/1.1 200 OK\r\n",
    ])
    func `a connection after which there is no other answer, or a wrong one, is not used again`(_ rest: String)
        async throws
    {
        let found = try await bodies([Self.ok + rest, Self.ok + rest])
        #expect(found.bodies == ["200 OK a 1\n", "200 OK a 1\n"])
        #expect(found.connections == 2)
    }

    @Test func `a kept connection that the server has given up is replaced, a new one is not`() async throws {
        // The server ends the connection after its answer.
        let found = try await bodies(["\(Self.ok)Content-Length: 4\r\n\r\na 1\n", ""], keepsOpen: false)
        #expect(found.bodies == ["200 OK a 1\n", "EOF"])
        let cut = try await bodies(["\(Self.ok)Content-Length: 5\r\n\r\na 1\n"], keepsOpen: false)
        #expect(cut.bodies == ["unexpected EOF"])
    }

    @Test(
        arguments: [
            ("\(ok)Content-Length: 4\r\n\r\nrest", 4), ("\(ok)content-LENGTH:4\r\nX: \r\n\r\n", 4),
            ("HTTP/1.1 200 Fine\r\nContent-Length: 4\r\n\r\n", nil), ("\(ok)\r\n", nil),
            ("\(ok)Content-Length: 4\r\n", nil),
            ("\(ok)Content-Length: 4\r\nContent-Length: 4\r\n\r\n", nil), ("\(ok)Content-Length: +4\r\n\r\n", nil),
            ("\(ok)Content-Length: 4 \r\n\r\n", nil), ("\(ok)Content-Length: 4\r\n folded: 1\r\n\r\n", nil),
            ("\(ok)Content-Length: 4\r\nConnection: close\r\n\r\n", nil), ("\(ok)Content-Length: 4\n\n", nil),
            ("\(ok)Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", nil),
            ("\(ok)Content-Length: 4\r\nX: \u{1}\r\n\r\n", nil),
            ("\(ok)Content-Length: 4\r\nX y: 1\r\n\r\n", nil), ("\(ok)Content-Length: 4\r\n: 1\r\n\r\n", nil),
            ("", nil),
            ("\(ok)Content-Length: 9999999999999999\r\n\r\n", nil), ("\(ok)Content-Length: 4\r\n\r", nil),
        ] as [(String, Int?)]
    )
    func `only what is just so is a usual head`(_ text: String, _ length: Int?) {
        let head = Array(text.utf8).withUnsafeBytes(UsualHead.init)
        #expect(head?.length == length)
        guard let head else { return }
        #expect(head.size == text.utf8.count - (text.hasSuffix("rest") ? 4 : 0))
        #expect(head.headers.first?.value == "text/plain" && head.headers.count == (text.contains("X:") ? 3 : 2))
    }
}
