import HTTPCalling
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOHTTP2
import NIOHPACK
import Scrape
import Testing

/// Statuses of answers over HTTP/2.
@Suite(.timeLimit(.minutes(5))) struct StreamStatusTests {
    /// What a peer says, and whether it is a status.
    static let statuses: [(String, Bool)] = [
        ("200", true), ("999", true), ("-12", false), ("-9223372036854775808", false), ("9223372036854775808", false),
        ("20", false), ("0200", false), ("+20", false), ("2 0", false), ("", false),
    ]

    @Test(arguments: statuses) func `a status of other than three digits is refused before anybody counts with it`(
        _ status: String,
        _ isTaken: Bool
    ) throws {
        let channel = EmbeddedChannel()
        try channel.pipeline.syncOperations.addHandlers([
            StreamStatusGuard(), HTTP2FramePayloadToHTTP1ClientCodec(httpProtocol: .https),
        ])
        let request = HTTPRequestHead(version: .http1_1, method: .GET, uri: "/", headers: ["Host": "a"])
        try channel.writeOutbound(HTTPClientRequestPart.head(request))
        let head = HTTP2Frame.FramePayload.headers(.init(headers: HPACKHeaders([(":status", status)])))
        if isTaken {
            try channel.writeInbound(head)
            let part = try channel.readInbound(as: HTTPClientResponsePart.self)
            guard case .head(let found) = part else {
                Issue.record("no head: \(String(describing: part))")
                return
            }
            #expect(String(found.status.code) == status)
        } else {
            let error = #expect(throws: TransportError.self) { try channel.writeInbound(head) }
            #expect(error?.message == "malformed HTTP status code \"\(status)\"")
            #expect(try channel.readInbound(as: HTTPClientResponsePart.self) == nil)
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }
}
