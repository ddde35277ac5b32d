import MetricModel
import NIOCore
import NIOPosix
import Synchronization
import Testing
import Web

/// What strangers can fill, and how much of it: answers that nobody reads, connections that nobody uses.
@Suite(.timeLimit(.minutes(5))) struct StrangerTests {
    @Test func `what a client does not read is not made, and it is not read from any more`() async throws {
        let made = Atomic(0)
        let routes: [Route] = [
            .get("/large") { _ in
                made.wrappingAdd(1, ordering: .relaxed)
                return WebResponse(body: .bytes([UInt8](repeating: 120, count: 100_000)))
            }
        ]
        try await LiveServer.with(routes) { server in
            let request = Array("GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8)
            let sent = await server.onThread { () -> Int in
                guard let client = RawClient(port: server.port) else { return 0 }
                // Ends when the server has stopped reading for as long as the client waits.
                return client.send(Array(repeatElement(request, count: 1_000_000).joined()))
            }
            #expect(sent > 0 && sent < 30_000_000)
            let count = made.load(ordering: .relaxed)
            #expect(count < 2000)
        }
    }

    @Test func `a streamed answer waits for its client, and ends when that leaves`() async throws {
        let pieces = Atomic(0)
        let isOver = Atomic(false)
        let routes: [Route] = [
            .get("/endless") { _ in
                WebResponse(
                    body: .stream { writer in
                        defer { isOver.store(true, ordering: .relaxed) }
                        while true {
                            try await writer.write([UInt8](repeating: 120, count: 100_000))
                            pieces.wrappingAdd(1, ordering: .relaxed)
                        }
                    }
                )
            }
        ]
        try await LiveServer.with(routes) { server in
            _ = await server.onThread { () -> [UInt8] in
                guard let client = RawClient(port: server.port) else { return [] }
                client.send(Array("GET /endless HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
                return client.read()
            }
            while !isOver.load(ordering: .relaxed), !Task.isCancelled { await Task.yield() }
            let (hasEnded, count) = (isOver.load(ordering: .relaxed), pieces.load(ordering: .relaxed))
            #expect(hasEnded && count < 1000)
        }
    }

    @Test func `clients that have closed their half are answered, taken in at once or in their turn`() async throws {
        try await LiveServer.with([.get("/end") { _ in .text("end") }]) { server in
            let answers = await server.onThread { () -> [String] in
                let clients = (0..<100).compactMap { _ -> RawClient? in
                    let client = RawClient(port: server.port, patience: 60)
                    client?.send(Array("GET /end HTTP/1.1\r\nHost: localhost\r\n\r\n".utf8))
                    client?.endInput()
                    return client
                }
                return clients.map { String(decoding: $0.readAll(), as: UTF8.self) }
            }
            #expect(answers.filter { $0.hasSuffix("\r\n\r\nend") }.count == 100)
        }
    }

    /// Where the process has no more files, and where the server may have no more connections.
    @Test(arguments: [true, false])
    func `who is idle longest makes room for others`(_ isProcessFull: Bool) async throws {
        var limits = ConnectionLimits()
        if !isProcessFull { limits.connections = 4 }
        let slots = isProcessFull ? 4 : nil
        try await LiveServer.with([.get("/") { _ in .text("here") }], slots: slots, limits: limits) { server in
            let answers = await server.onThread { () -> [String] in
                // A hundred connections that say nothing.
                let silent = (0..<100).compactMap { _ in RawClient(port: server.port) }
                return (0..<5).map { _ in
                    // The other suites of this process keep its threads busy meanwhile.
                    guard let client = RawClient(port: server.port, patience: 60) else { return "" }
                    client.send(Array("GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".utf8))
                    return String(decoding: client.readAll().suffix(4), as: UTF8.self)
                } + ["\(silent.count)"]
            }
            #expect(answers == ["here", "here", "here", "here", "here", "100"])
        }
    }

    @Test func `a body that comes byte by byte has a limit of time`() async throws {
        var limits = ConnectionLimits()
        limits.idleMilliseconds = 200
        let routes: [Route] = [.on(.put, at: "/") { .text("\($0.body.count)") }.bodies(upTo: 1 << 30)]
        try await LiveServer.with(routes, limits: limits) { server in
            let hasEnded = await server.onThread { () -> Bool in
                guard let client = RawClient(port: server.port) else { return false }
                client.send(Array("PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n".utf8))
                let chunk = Array("1\r\nx\r\n".utf8)
                return (0..<20_000_000).contains { _ in client.send(chunk) < chunk.count }
            }
            #expect(hasEnded)
        }
    }

    @Test(arguments: ["Content-Length: 40\r\n\r\n" + String(repeating: "x", count: 40), chunked(40)])
    func `a request that comes byte by byte is answered as one that comes at once`(_ rest: String) async throws {
        let routes: [Route] = [.on(.put, at: "/") { .text("\($0.body.count) bytes\n") }]
        try await LiveServer.with(routes) { server in
            let answers = await server.onThread { () -> [String] in
                guard let client = RawClient(port: server.port) else { return [] }
                let request = Array(("PUT / HTTP/1.1\r\nHost: localhost\r\n" + rest).utf8)
                return [true, false, true].map { isSlow in
                    if isSlow { for byte in request { client.send([byte]) } } else { client.send(request) }
                    var answer = ""
                    while !answer.hasSuffix("bytes\n") {
                        let more = client.read()
                        if more.isEmpty { break }
                        answer += String(decoding: more, as: UTF8.self)
                    }
                    return answer
                }
            }
            #expect(answers.map { $0.hasSuffix("40 bytes\n") } == [true, true, true], "\(answers)")
        }
    }

    private static func chunked(_ count: Int) -> String {
        "Transfer-Encoding: chunked\r\n\r\n" + String(repeating: "1\r\nx\r\n", count: count) + "0\r\n\r\n"
    }

    @Test func `long bodies have a limit in all, and give back what they took`() async throws {
        let routes: [Route] = [.on(.put, at: "/") { .text("\($0.body.count)") }.bodies(upTo: 16 << 20)]
        try await LiveServer.with(routes, bodyBytes: 4 << 20) { server in
            for (count, wanted) in [(3 << 20, "3145728"), (6 << 20, "holds no more\n"), (5 << 20, "5242880")] {
                let head =
                    "PUT / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: \(count)\r\n\r\n"
                let bytes = await server.exchange(Array(head.utf8) + [UInt8](repeating: 120, count: count))
                let answer = String(decoding: bytes, as: UTF8.self)
                #expect(answer.hasSuffix(wanted), "\(count): \(answer)")
                let isRefused = answer.hasPrefix("HTTP/1.1 503 ") && answer.contains("Retry-After: 1\r\n")
                #expect(isRefused == wanted.hasSuffix("more\n"), "\(count): \(answer)")
            }
        }
    }

    @Test func `what a body unpacks to counts, until the answer is made`() async throws {
        let routes: [Route] = [
            .on(.put, at: "/:size") { request in
                let size = Int(request.rawPath.dropFirst()) ?? 0
                return .text(request.hasRoom(unpacked: size) ? "room" : "none")
            }.brief()
        ]
        try await LiveServer.with(routes, bodyBytes: 4 << 20) { server in
            for (size, wanted) in [
                (1, "room"), (8 << 20, "none"), (4 << 20, "room"), (6 << 20, "none"), (5 << 20, "room"),
            ] {
                let request =
                    "PUT /\(size) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
                let answer = await server.exchange(request, endsInput: false)
                #expect(answer.hasSuffix("\r\n\r\n" + wanted), "\(size): \(answer)")
            }
        }
    }
}
