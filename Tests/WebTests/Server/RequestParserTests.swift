import Testing
import Web

@Suite(.timeLimit(.minutes(5))) struct RequestParserTests {
    /// Feeds the bytes in pieces and tells what came out.
    private func outcomes(_ text: String, cut: Int, limit: Int = 100) -> [String] {
        let bytes = Array(text.utf8)
        var parser = RequestParser()
        var buffer: [UInt8] = []
        var result: [String] = []
        for piece in [bytes[..<cut], bytes[cut...]] {
            buffer += piece
            reading: while true {
                var consumed = 0
                let outcome = buffer.withUnsafeBytes { bytes in
                    parser.parse(bytes, consumed: &consumed, refusal: Self.refusal(before:)) { _, _ in limit }
                }
                buffer.removeFirst(consumed)
                switch outcome {
                case .needMore: break reading
                case .expectsContinue: result.append("continue")
                case .turnedAway(let request, let response):
                    result.append("\(request.method) \(request.rawPath) \(response.status)")
                    return result
                case .refused(let status, let text):
                    result.append("\(status) \(text)")
                    return result
                case .request(let request, let keepAlive):
                    let body = String(decoding: request.body, as: UTF8.self)
                    let host = request.headers["host"] ?? "-"
                    result.append(
                        "\(request.method) \(request.rawPath)?\(request.rawQuery) \(host) [\(body)] \(keepAlive)"
                    )
                    if buffer.isEmpty { break reading }
                }
            }
        }
        return result
    }

    private static func refusal(before request: WebRequest) -> WebResponse? {
        request.rawPath == "/secret" ? WebResponse(status: 401) : nil
    }

    @Test(
        arguments: [
            ("GET /a?b=c HTTP/1.1\r\nHost: x\r\n\r\n", ["get /a?b=c x [] true"]),
            ("GET / HTTP/1.1\nHost: x\n\n", ["get /? x [] true"]),
            ("GET / HTTP/1.0\r\n\r\n", ["get /? - [] false"]),
            ("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n", ["get /? x [] false"]),
            (
                "\r\nGET / HTTP/1.1\r\nhOsT:x\r\n\r\nPUT /b HTTP/1.1\r\nHost: y\r\n\r\n",
                ["get /? x [] true", "put /b? y [] true"]
            ),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", ["post /? x [abc] true"]),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab",
                ["continue", "post /? x [ab] true"]
            ),
            (
                "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3;e=1\r\nabc\r\nA\r\n0123456789\r\n0\r\nT: 1\r\n\r\n",
                ["post /? x [abc0123456789] true"]
            ),
            ("GET http://h/p?q HTTP/1.1\r\nHost: h\r\n\r\n", ["get /p?q h [] true"]),
            ("BREW / HTTP/1.1\r\nHost: x\r\n\r\n", ["other /? x [] true"]),
            ("PUT /secret HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nabc", ["put /secret 401"]),
            (
                "PUT /secret HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n",
                ["put /secret 401"]
            ),
            // Without a body there is nothing to save.
            ("GET /secret HTTP/1.1\r\nHost: x\r\n\r\n", ["get /secret? x [] true"]),
        ]
    )
    func `requests in whatever pieces they come`(text: String, expected: [String]) {
        for cut in 0...text.utf8.count { #expect(outcomes(text, cut: cut) == expected, "cut at \(cut)") }
    }

    @Test(
        arguments: [
            ("nonsense\r\n\r\n", 400), ("GET / HTTP/2.0\r\nHost: x\r\n\r\n", 505), ("GET / HTTP/1.1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nBad Name: 1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: x\r\n folded: 1\r\n\r\n", 400),
            ("GET / HTTP/1.1\r\nHost: x\r\nNoColon\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 101\r\n\r\n", 413),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", 400),
            ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n65\r\n", 413),
        ]
    )
    func `what is not a request is refused`(text: String, status: Int) {
        for cut in [0, text.utf8.count / 2, text.utf8.count] {
            #expect(outcomes(text, cut: cut).last?.hasPrefix("\(status) ") == true)
        }
    }

    @Test func `a head has a limit`() {
        let text = "GET / HTTP/1.1\r\nX: " + String(repeating: "x", count: RequestParser.headLimit)
        #expect(outcomes(text, cut: 0).last == "431 ")
    }
}
