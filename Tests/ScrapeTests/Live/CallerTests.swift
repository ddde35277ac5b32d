import HTTPCalling
import MetricModel
import NIOHTTP1
import Testing

/// The way out of pushes and commands: what is refused before anybody is connected to, and how failures are told.
@Suite(.timeLimit(.minutes(5))) struct CallerTests {
    @Test(
        arguments: [
            ("localhost:9090", "http://localhost:9090"), ("http://h:1/prefix//", "http://h:1/prefix"),
            ("https://[::1]:65535/", "https://[::1]:65535"), ("h", "http://h"), ("http://u:p@h:0", "http://u:p@h:0"),
        ]
    )
    func `addresses of servers`(text: String, url: String) throws {
        #expect(try ServerAddress(text).url == url)
    }

    @Test(
        arguments: [
            ("", "it is empty"), ("http://", "no Host"), ("http://127.0.0.1:65536", "port 65536 is beyond"),
            ("127.0.0.1:18446744073709551616", "port 18446744073709551616 is beyond"), ("http://[::1", "missing ']'"),
            ("ftp://h", "neither http nor https"), ("http://h:x", "invalid port"), ("http://a b", "invalid character"),
            ("http://h/?q=1", "there is a ? in it"), ("http://:9090", "no host in it"),
            ("http://-h-:1", "no such host"),
        ]
    )
    func `what is no address of a server`(text: String, reason: String) {
        let error = #expect(throws: TransportError.self) { try ServerAddress(text) }
        #expect(error?.code == .url)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
        #expect(error?.message.hasSuffix("(an address is written like http://localhost:9090)") == true)
    }

    @Test(arguments: ["000", "099", "200"])
    func `a status that is none ends the call, not the process`(status: String) async throws {
        let server = try await RawServer { _ in .bytes("HTTP/1.1 \(status) X\r\nContent-Length: 4\r\n\r\na 1\n") }
        let failure = await Self.failure("http://127.0.0.1:\(server.port)/")
        #expect(status == "200" ? failure == nil : failure?.message.contains("malformed HTTP status code") == true)
        try await server.close()
    }

    private static func failure(_ url: String, _ method: HTTPMethod = .GET) async -> TransportError? {
        do throws(TransportError) {
            // Far longer than the test may last: whoever tries again until the time is up is found.
            _ = try await HTTPCaller.shared.send(HTTPCall(url, method: method, timeoutMilliseconds: .max))
            return nil
        } catch {
            return error
        }
    }

    @Test(
        arguments: [
            ("http://127.0.0.1:99999/a", .url, "address 99999: invalid port"),
            ("http://127.0.0.1:18446744073709551616", .url, "address 18446744073709551616: invalid port"),
            ("http://127.0.0.1:1", .refused, "dial tcp 127.0.0.1:1: connect: connection refused"),
            ("http://127.0.0.1:0", .refused, "connection refused"),
            ("http://nowhere.invalid:1", .unknownHost, "lookup nowhere.invalid: "),
            ("foo", .url, "unsupported protocol scheme"), ("ftp://h", .url, #"unsupported protocol scheme "ftp""#),
        ] as [(String, TransportError.Code, String)]
    )
    func `what cannot be reached is told at once`(url: String, code: TransportError.Code, reason: String) async {
        let error = await Self.failure(url)
        #expect(error?.code == code)
        #expect(error?.message.contains(reason) == true, "\(error?.message ?? "")")
    }

    @Test(
        arguments: [
            ("http://127.0.0.1:99999/x", "dial tcp: address 99999: invalid port"),
            ("//127.0.0.1:65536", "dial tcp: address 65536: invalid port"),
            ("ftp://h/", #"unsupported protocol scheme "ftp""#), ("http://[::1/", "missing ']' in host"),
            ("/again", "stopped after 10 redirects"),
        ]
    )
    func `redirects are looked at before they are followed`(location: String, reason: String) async throws {
        let server = try await RawServer { _ in
            .bytes("HTTP/1.1 302 Found\r\nLocation: \(location)\r\nContent-Length: 0\r\n\r\n", keepsOpen: true)
        }
        for method in [HTTPMethod.GET, .PUT] {
            let error = await Self.failure("http://127.0.0.1:\(server.port)/", method)
            #expect(error?.reason.contains(reason) == true, "\(error?.message ?? "")")
        }
        try await server.close()
    }

    @Test func `methods, users and bodies on the way`() async throws {
        let server = try await RawServer { head in
            let way = head.hasPrefix("PUT /keep") ? "307 Temporary Redirect" : "302 Found"
            guard !head.contains(" /end") else {
                return .bytes("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", keepsOpen: true)
            }
            return .bytes("HTTP/1.1 \(way)\r\nLocation: /end\r\nContent-Length: 0\r\n\r\n", keepsOpen: true)
        }
        for (path, method) in [("/keep", HTTPMethod.PUT), ("/lose", .GET)] {
            let call = HTTPCall("http://u:p@127.0.0.1:\(server.port)\(path)", method: .PUT, timeoutMilliseconds: 60_000)
            let answer = try await HTTPCaller.shared.send(call)
            #expect(answer.text == "ok")
            #expect(answer.method == method)
            #expect(answer.url.hasSuffix("/end"))
        }
        #expect(server.requests.allSatisfy { $0.lowercased().contains("authorization: basic dtpw") })
        try await server.close()
    }
}
