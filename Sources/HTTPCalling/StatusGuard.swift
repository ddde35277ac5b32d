package import NIOCore
package import NIOHTTP1

/// Refuses answers whose status is no status: AsyncHTTPClient takes all below 200 for ones that announce another, and one below 100 with a
/// body would end the process.
package final class StatusGuard: ChannelInboundHandler {
    package typealias InboundIn = HTTPClientResponsePart
    package typealias InboundOut = HTTPClientResponsePart

    private var isRefused = false

    package init() {}

    /// Adds one to a new connection of HTTP/1.
    package static func install(on channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            let pipeline = channel.pipeline.syncOperations
            let decoder = try pipeline.handler(type: ByteToMessageHandler<HTTPResponseDecoder>.self)
            try pipeline.addHandler(StatusGuard(), position: .after(decoder))
        }
    }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isRefused { return }
        if case .head(let head) = unwrapInboundIn(data), head.status.code < 100 {
            isRefused = true
            let code = String(head.status.code)
            let shown = String(repeating: "0", count: max(0, 3 - code.utf8.count)) + code
            context.fireErrorCaught(TransportError("malformed HTTP status code \"\(shown)\"", code: .malformed))
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }
}

/// Ends a connection of HTTP/2 whose peer breaks the protocol: what comes after an error has no reader, and would be gathered without
/// end. And one whose peer sends frames that belong to no answer again and again, which cost time as long as they come.
package final class ErrorEnding: ChannelInboundHandler {
    package typealias InboundIn = NIOAny

    /// What a connection is ended with.
    private struct TooManyFrames: Error {}

    /// So many frames may come for the connection as a whole until the next request.
    private static let frameLimit = 1000
    private var frames = 0

    package init() {}

    /// The next request begins.
    package func requestBegins() { frames = 0 }

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        frames += 1
        if frames == Self.frameLimit { errorCaught(context: context, error: TooManyFrames()) }
        if frames < Self.frameLimit { context.fireChannelRead(data) }
    }

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }
}
