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

/// Ends a connection whose peer breaks the protocol: what comes after an error has no reader, and would be gathered without end.
package final class ErrorEnding: ChannelInboundHandler {
    package typealias InboundIn = NIOAny

    package init() {}

    package func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }
}
