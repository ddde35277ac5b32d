import MetricModel
import Testing
import Web

/// What requests may look like and may not, on real sockets. The right answers are RFC 9112's; where it leaves room, those of Go's server
/// and of the library's parser are told beside.
@Suite(.timeLimit(.minutes(5))) struct RequestShapeTests {
    /// Answers with what was understood.
    private static let routes: [Route] = [
        .form("/", echo).brief().bodies(upTo: 100), .form("/p", echo).bodies(upTo: 100),
        .on(.put, .delete, at: "/", echo).bodies(upTo: 100),
        .get("/end") { _ in .text("end") }.brief(),
    ]

    private static let echo: WebHandler = { request in
        .text(
            "\(request.method.rawValue) \(request.rawPath)?\(request.rawQuery) [\(String(decoding: request.body, as: UTF8.self))]"
        )
    }

    private static let end = "GET /end HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    /// The status codes of the answers, `+` where the connection went on, and the bodies.
    private func answers(to text: String, _ server: LiveServer, goesOn: Bool = true) async -> (String, String) {
        let answer = await server.exchange(text + (goesOn ? Self.end : ""), endsInput: !goesOn)
        let statuses = answer.ranges(of: "HTTP/1.").map { answer[$0.upperBound...].dropFirst(2).prefix(3) }.filter {
            Int($0) != nil
        }
        let isOver = answer.hasSuffix("\r\n\r\nend")
        return (statuses.joined(separator: " ") + (isOver ? " +" : ""), answer)
    }

    private static let host = "Host: x\r\n"
    private static let chunked = "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    /// Requests that are answered, what with, and that the connection goes on.
    static let good: [(String, String)] = [
        ("GET /?a=b HTTP/1.1\r\nHost: x\r\n\r\n", "GET /?a=b []"),
        ("GET / HTTP/1.1\r\nhOsT:x\r\n\r\n", "GET /? []"),
        ("GET / HTTP/1.1\r\nHost:   x  \r\n\r\n", "GET /? []"),
        ("GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET /? []"),
        ("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET /? []"),
        ("GET / HTTP/1.1\r\nHost: [::1]\r\n\r\n", "GET /? []"),
        ("GET / HTTP/1.1\r\nHost: [fe80::A%25eth0]:80\r\n\r\n", "GET /? []"),
        ("GET / HTTP/1.1\r\nHost: [::ffff:127.0.0.1]\r\n\r\n", "GET /? []"),
        ("GET / HTTP/1.1\r\nHost: a-b.c_d~%41:\r\n\r\n", "GET /? []"),
        ("\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /? []"),
        ("\r\n\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n", "GET /? []"),
        ("GET http://h/p?q HTTP/1.1\r\nHost: h\r\n\r\n", "GET /p?q []"),
        ("GET / HTTP/1.1\r\nHost: x\r\nX-Tab: a\tb\r\n\r\n", "GET /? []"),
        ("GET / HTTP/1.1\r\nHost: x\r\nX-Latin: \u{e9}\r\n\r\n", "GET /? []"),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\n\r\n", "GET /? []"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST /? [abc]"),
        ("POST /p HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "POST /p? [abc]"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "POST /? []"),
        ("POST / HTTP/1.1\r\nHost: x\r\n\r\n", "POST /? []"),
        ("PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 003\r\n\r\nabc", "PUT /? [abc]"),
        ("GET / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "GET /? []"),
        (
            "GET / HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=x\r\nContent-Length: 3\r\n\r\nabc",
            "GET /? [abc]"
        ),
        (chunked + "3\r\nabc\r\n0\r\n\r\n", "POST /? [abc]"),
        (chunked + "3;e=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n", "POST /? [abc0123456789]"),
        (chunked + "00003\r\nabc\r\n000\r\n\r\n", "POST /? [abc]"),
        (chunked + "0\r\n\r\n", "POST /? []"),
        ("POST / HTTP/1.1\r\nHost: x\r\ntransfer-encoding: CHUNKED\r\n\r\n1\r\na\r\n0\r\n\r\n", "POST /? [a]"),
        ("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab", "POST /? [ab]"),
        ("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET /? []"),
        // As Go's server; the letters of such a target are escaped before anybody reads them.
        ("GET /?q=バ HTTP/1.1\r\nHost: x\r\n\r\n", "GET /?q=%E3%83%90 []"),
        ("GET /p?é HTTP/1.1\r\nHost: x\r\nX: é\r\n\r\n", "GET /p?%C3%A9 []"),
        ("POST /?é HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\né", "POST /?%C3%A9 [é]"),
    ]

    @Test func `a head may have 64 KiB in all`() async throws {
        try await LiveServer.with(Self.routes, access: AccessPolicy(hosts: ["*"])) { server in
            let field = "GET /p HTTP/1.1\r\nHost: x\r\nLong: \(String(repeating: "x", count: 60_000))\r\n\r\n"
            let target = "GET /p?\(String(repeating: "x", count: 60_000)) HTTP/1.1\r\nHost: x\r\n\r\n"
            for request in [field, target] { #expect(await answers(to: request, server).0 == "200 200 +") }
            let both = "GET /p?\(String(repeating: "x", count: 33_000)) HTTP/1.1\r\nHost: x\r\n"
            let more = "Long: \(String(repeating: "x", count: 33_000))\r\n\r\n"
            #expect(await answers(to: both + more, server).0 == "431")
        }
    }

    @Test func `what is long is read on threads for that`() async throws {
        let route = Route.form("/where") { _ in
            let own = EvaluationThreads.reading.asUnownedTaskExecutor()
            return .text("\(withUnsafeCurrentTask { $0?.unownedTaskExecutor == own })")
        }
        try await LiveServer.with([route], access: AccessPolicy(hosts: ["*"])) { server in
            for (count, isThere) in [(100, false), (20_000, true)] {
                let body = String(repeating: "x", count: count)
                let head = "POST /where HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: \(count)\r\n\r\n"
                let answer = await server.exchange(head + body, endsInput: false)
                #expect(answer.hasSuffix("\r\n\r\n\(isThere)"), "\(count)")
            }
        }
    }

    @Test func `right requests are answered, and the next one too`() async throws {
        try await LiveServer.with(Self.routes, access: AccessPolicy(hosts: ["*"])) { server in
            for (request, body) in Self.good {
                let (statuses, answer) = await answers(to: request, server)
                #expect(
                    statuses == "200 200 +" || statuses == "100 200 200 +",
                    "\(request.debugDescription): \(answer.debugDescription)"
                )
                #expect(
                    answer.contains("\r\n\r\n" + body + "HTTP/1.1 200 OK"),
                    "\(request.debugDescription): \(answer.debugDescription)"
                )
            }
        }
    }

    /// Requests after whose answer the connection is closed, and the answer's status.
    static let last: [(String, String)] = [
        ("GET / HTTP/1.0\r\n\r\n", "200"),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", "200"),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade, close\r\n\r\n", "200"),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close, keep-alive\r\n\r\n", "200"),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: keep-alive\r\nConnection: CLOSE\r\n\r\n", "200"),
        ("GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", "200"),
        ("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 1\r\n\r\na", "200"),
        // The client has not sent the body that it is told is too long.
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", "413"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\nExpect: 100-continue\r\n\r\n", "413"),
        (chunked + "FFFFFFFF\r\n" + String(repeating: "x", count: 5000), "413"),
    ]

    /// What is not a request, or may be read in two ways: refused, and the connection is closed.
    static let bad: [(String, String)] = [
        ("nonsense\r\n\r\n", "400"), ("\u{16}\u{3}\u{1}\u{2}\r\n\r\n", "400"),
        ("x GET / HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET /\r\n\r\n", "400 505"), ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", "505"),
        ("GET / HTTP/1.1.1\r\nHost: x\r\n\r\n", "400 505"),
        ("GET / http/1.1\r\nHost: x\r\n\r\n", "400 505"),
        ("GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n", "400"), ("PUT /a/%2?b HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET /a% HTTP/1.1\r\nHost: x\r\n\r\n", "400"), ("GET /%1\u{e9} HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET nothing HTTP/1.1\r\nHost: x\r\n\r\n", "400"), ("GET * HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.0\r\nHost: x\r\nHost: y\r\n\r\n", "400"),
        // RFC 9112, 3 lets a server take more than one blank; the library's parser does, Go's server does not.
        ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", "400"), ("GET /  HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.1 \r\nHost: x\r\n\r\n", "400"), ("GET  /  HTTP/1.1  \r\nHost: x\r\n\r\n", "400"),
        ("GET  /\u{e9} HTTP/1.1\r\nHost: x\r\n\r\n", "400"), ("GET    \r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x:80x\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: x:-1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x:80:80\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: ::1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: [::1]x\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: [::1]:x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: [x]\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: [fe80::1%\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: ]\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x[::1]\r\n\r\n", "400"), ("GET http://x:y/ HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: x/y\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nBad\u{1}: 1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: x\r\n: 1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\n folded: 1\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r\n 2\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nNoColon\r\n\r\n", "400"), ("GET / HTTP/1.1\r\n Host: x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: 1\r2\r\n\r\n", "400"), ("GET / HTTP/1.1\r\nHost: x\r\nA: 1\0\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: \u{1}\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\nA: \u{7f}\r\n\r\n", "400"),
        ("GET /\0 HTTP/1.1\r\nHost: x\r\n\r\n", "400"), ("GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", "400"),
        // RFC 9112, 2.2 lets a server take a bare LF; Go's does, the library's parser does not.
        ("GET / HTTP/1.1\nHost: x\n\n", "400 505"), ("GET / HTTP/1.1\r\nHost: x\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: +1\r\n\r\na", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1 1\r\n\r\na", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 0x1\r\n\r\na", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length:\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1, 1\r\n\r\na", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999999999999\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 18446744073709551615\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\na", "400"),
        // RFC 9112, 6.3 lets a server take the same length twice; Go's does, the library's parser does not.
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", "400"),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", "501 400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "501"),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", "501 400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", "501 400"),
        (
            "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            "400"
        ),
        (chunked + "zz\r\n", "400"), (chunked + "+7\r\nabcdefg\r\n0\r\n\r\n", "400"), (chunked + "-0\r\n\r\n", "400"),
        (chunked + "7 7\r\nabcdefg\r\n0\r\n\r\n", "400"), (chunked + "0x3\r\nabc\r\n0\r\n\r\n", "400"),
        (chunked + " 3\r\nabc\r\n0\r\n\r\n", "400"),
        (chunked + "\r\nabc\r\n", "400"), (chunked + "FFFFFFFFFFFFFFFFF\r\n", "400"),
        (chunked + "3\r\nabcd\r\n0\r\n\r\n", "400"),
        (chunked + "3\nabc\n0\n\n", "400"), (chunked + "3\r\nabc\n0\r\n\r\n", "400"),
        (chunked + "3;a\u{1}\r\nabc\r\n0\r\n\r\n", "400"),
        (chunked + "0\r\nBad Trailer: 1\r\n\r\n", "400"), (chunked + "0\r\nA: \0\r\n\r\n", "400"),
        ("POST / HTTP/1.1\r\nHost: x\r\nExpect: tea\r\nContent-Length: 1\r\n\r\na", "417"),
        ("GET / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue, tea\r\n\r\n", "417"),
        ("GET / HTTP/1.1\r\nHost: x\r\nLong: \(String(repeating: "x", count: 1 << 16))\r\n\r\n", "431"),
        ("GET /\(String(repeating: "x", count: 1 << 16)) HTTP/1.1\r\nHost: x\r\n\r\n", "431"),
        ("GET / HTTP/1.1\r\nHost: x\r\n" + String(repeating: "A: 1\r\n", count: 1001) + "\r\n", "431"),
        (chunked + "0\r\n" + String(repeating: "A: 1\r\n", count: 1001) + "\r\n", "431"),
    ]

    @Test func `the last answer of a connection closes it`() async throws {
        try await LiveServer.with(Self.routes, access: AccessPolicy(hosts: ["*"])) { server in
            for (request, status) in Self.last {
                let (statuses, answer) = await answers(to: request, server)
                #expect(statuses == status, "\(request.debugDescription): \(answer.debugDescription)")
                #expect(answer.lowercased().contains("\r\nconnection: close\r\n"), "\(request.debugDescription)")
            }
        }
    }

    @Test func `what is not a request is refused, and nothing after it is read`() async throws {
        try await LiveServer.with(Self.routes, access: AccessPolicy(hosts: ["*"])) { server in
            for (request, status) in Self.bad {
                let (statuses, answer) = await answers(to: request, server)
                #expect(
                    status.split(separator: " ").contains(statuses[...]),
                    "\(request.prefix(200).debugDescription): \(answer.debugDescription)"
                )
                // In HTTP's words, not in those of the parser.
                #expect(!answer.contains("parser") && !answer.contains("status code"), "\(answer.debugDescription)")
                #expect(answer.contains("Connection: close\r\n"), "\(request.prefix(200).debugDescription)")
            }
        }
    }

    @Test func `who sends on after a refusal gets to read it`() async throws {
        let long = String(repeating: "x", count: 100_000)
        let refused = [
            "GET /\(long) HTTP/1.1\r\n", "GET / HTTP/2.0\r\n\r\n", "nonsense\r\n", Self.chunked + "zz\r\n" + long,
        ]
        let requests = refused + ["POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 200000\r\n\r\n\(long)"]
        // Its time stands still: the connection is cut when enough was thrown away, or the client is done.
        try await LiveServer.with(Self.routes, access: AccessPolicy(hosts: ["*"]), clock: ManualClock()) { server in
            for request in requests {
                let what = request.prefix(40).debugDescription
                for (more, isTaken) in [(100, true), (64_000, false)] {
                    let (answer, sent) = await server.onThread { () -> (String, Int) in
                        guard let client = RawClient(port: server.port) else { return ("", 0) }
                        client.send(Array(request.utf8))
                        let answer = String(decoding: client.readAll(), as: UTF8.self)
                        let piece = [UInt8](repeating: UInt8(ascii: "x"), count: 1000)
                        return (answer, (0..<more).first { _ in client.send(piece) < piece.count } ?? more)
                    }
                    #expect(answer.hasPrefix("HTTP/1.1 4") || answer.hasPrefix("HTTP/1.1 5"), "\(what): \(answer)")
                    #expect((sent == more) == isTaken, "\(what): \(sent) of \(more) pieces")
                }
            }
        }
    }

    /// Requests behind each other, of every kind of end, with letters in targets, headers and bodies, and with what looks like a
    /// request in a body.
    private static let stream = [
        "GET /?q=バ HTTP/1.1\r\nHost: x\r\n\r\n", "\r\nGET /p?é HTTP/1.1\r\nHost: x\r\nX: é\r\n\r\n",
        "POST /?é HTTP/1.1\r\nHost: x\r\nContent-Length: 28\r\n\r\né\r\n\r\nGET /é HTTP/1.1\r\n\r\né",
        "GET /p?ü=1 HTTP/1.1\r\nHost: x\r\n\r\n",
        "POST /p?é HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\né.\r\n"
            + "18\r\n\r\n\r\nGET /é HTTP/1.1\r\n\r\n\r\n0\r\nT: 1\r\n\r\n",
        "PUT /?ß HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", "DELETE /?😀 HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET /?ö HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", Self.end,
    ]

    private static let bodies = [
        "GET /?q=%E3%83%90 []", "GET /p?%C3%A9 []", "POST /?%C3%A9 [é\r\n\r\nGET /é HTTP/1.1\r\n\r\né]",
        "GET /p?%C3%BC=1 []", "POST /p?%C3%A9 [é.\r\n\r\nGET /é HTTP/1.1\r\n\r\n]", "PUT /?%C3%9F []",
        "DELETE /?%F0%9F%98%80 []", "GET /?%C3%B6 []", "end",
    ]

    /// Sends bytes in pieces; what comes back, without heads.
    private func bodies(of pieces: [ArraySlice<UInt8>], _ server: LiveServer) async -> [String] {
        let answer = await server.onThread { () -> String in
            guard let client = RawClient(port: server.port) else { return "" }
            for piece in pieces { client.send(Array(piece)) }
            return String(decoding: client.readAll(), as: UTF8.self)
        }
        var rest = answer[...]
        var bodies: [String] = []
        while let head = rest.firstRange(of: "\r\n\r\n") {
            let fields = rest[..<head.lowerBound].lowercased()
            guard let length = fields.firstRange(of: "content-length: "),
                let count = Int(fields[length.upperBound...].prefix { $0.isNumber })
            else { break }
            bodies.append(String(decoding: rest[head.upperBound...].utf8.prefix(count), as: UTF8.self))
            rest = Substring(rest[head.upperBound...].utf8.dropFirst(count))
        }
        return bodies
    }

    @Test func `in whatever pieces they come`() async throws {
        let text = Array(Self.stream.joined().utf8)
        try await LiveServer.with(Self.routes, access: AccessPolicy(hosts: ["*"])) { server in
            #expect(await bodies(of: [text[...]], server) == Self.bodies)
            for cut in 1..<text.count {
                let answers = await bodies(of: [text[..<cut], text[cut...]], server)
                #expect(answers == Self.bodies, "cut at \(cut)")
            }
            for length in [1, 2, 3, 5, 7, 37, 100] {
                let pieces = stride(from: 0, to: text.count, by: length).map {
                    text[$0..<min($0 + length, text.count)]
                }
                #expect(await bodies(of: pieces, server) == Self.bodies, "pieces of \(length)")
            }
        }
    }

    @Test func `blanks too many, in whatever pieces they come`() async throws {
        let text = Array("GET /end HTTP/1.1\r\nHost: x\r\n\r\nGET  /p HTTP/1.1\r\nHost: x\r\n\r\n\(Self.end)".utf8)
        try await LiveServer.with(Self.routes, access: AccessPolicy(hosts: ["*"])) { server in
            for cut in 1..<text.count {
                let answers = await bodies(of: [text[..<cut], text[cut...]], server)
                #expect(answers.first == "end" && answers.count == 2, "cut at \(cut): \(answers)")
                #expect(answers.last?.hasPrefix("400") == true, "cut at \(cut): \(answers)")
            }
        }
    }

    @Test func `any two requests, one behind the other`() async throws {
        try await LiveServer.with(Self.routes, access: AccessPolicy(hosts: ["*"])) { server in
            for (first, one) in zip(Self.stream, Self.bodies).dropLast() {
                for (second, two) in zip(Self.stream, Self.bodies) {
                    let text = Array((first + second + (two == "end" ? "" : Self.end)).utf8)
                    let wanted = [one, two] + (two == "end" ? [] : ["end"])
                    #expect(
                        await bodies(of: [text[...]], server) == wanted,
                        "\(first.debugDescription), \(second.debugDescription)"
                    )
                }
            }
        }
    }
}
