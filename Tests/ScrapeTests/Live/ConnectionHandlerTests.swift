import MetricModel
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Scrape
import Testing

/// The handlers on a connection of the client, without a socket.
@Suite(.timeLimit(.minutes(5)))
struct ConnectionHandlerTests {
    private func connection() throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandler(HTTPRequestEncoder())
        try ConnectionHandlers.install(on: channel, asksForWholeURL: false).wait()
        return channel
    }

    private func begin(_ channel: EmbeddedChannel) throws {
        let head = HTTPRequestHead(
            version: .http1_1,
            method: .POST,
            uri: "/",
            headers: ["Host": "a", "Content-Length": "1"]
        )
        try channel.writeOutbound(HTTPClientRequestPart.head(head))
    }

    private func read(_ text: String, from channel: EmbeddedChannel) throws -> String {
        try channel.writeInbound(ByteBuffer(string: text))
        return try channel.readInbound(as: ByteBuffer.self).map { String(buffer: $0) } ?? ""
    }

    @Test func `an answer may begin before the end of its request is written`() throws {
        let channel = try connection()
        for _ in 0..<2 {
            try begin(channel)
            let head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            #expect(try read(head, from: channel) == head)
            try channel.writeOutbound(HTTPClientRequestPart.body(.byteBuffer(ByteBuffer(string: "x"))))
            try channel.writeOutbound(HTTPClientRequestPart.end(nil))
            #expect(try read("6f\r\n", from: channel) == "6f\r\n")
        }
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    @Test func `what is no answer is told`() throws {
        let channel = try connection()
        try begin(channel)
        #expect(throws: TransportError.self) { try channel.writeInbound(ByteBuffer(string: "6f\r\n")) }
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
