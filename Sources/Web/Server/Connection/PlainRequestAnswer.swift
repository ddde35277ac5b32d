import NIOCore

/// Stands in front of TLS, and tells who speaks HTTP there what is wrong, in the words of Go's server. It is gone after the first bytes.
final class PlainRequestAnswer: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private static let answer =
        "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n"
    private var hasAnswered = false

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if hasAnswered { return }
        // A method begins with a letter, and no record of TLS does.
        guard let first = unwrapInboundIn(data).readableBytesView.first,
            UInt8(ascii: "A")...UInt8(ascii: "Z") ~= first
        else {
            context.fireChannelRead(data)
            context.pipeline.syncOperations.removeHandler(self, promise: nil)
            return
        }
        hasAnswered = true
        let channel = context.channel
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: Self.answer))).whenComplete { _ in
            channel.close(promise: nil)
        }
    }
}
