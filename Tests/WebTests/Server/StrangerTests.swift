import MetricModel
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

    @Test func `who is idle longest makes room for others`() async throws {
        try await LiveServer.with([.get("/") { _ in .text("here") }], slots: 4) { server in
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
}
