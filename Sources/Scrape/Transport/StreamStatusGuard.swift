import HTTPCalling
package import NIOCore
import NIOHPACK
package import NIOHTTP2

/// Refuses answers over HTTP/2 whose status has not three digits (RFC 9110, 15): what makes HTTP/1 of them would take any number, and one
/// below 0 would end the process.
package final class StreamStatusGuard: ChannelInboundHandler {
    package typealias InboundIn = HTTP2Frame.FramePayload
    package typealias InboundOut = HTTP2Frame.FramePayload

    private var isRefused = false

    package init() {}

    package func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if isRefused { return }
        if case .headers(let content) = unwrapInboundIn(data),
            let wrong = content.headers[":status"].first(where: isWrong)
        {
            isRefused = true
            context.fireErrorCaught(TransportError("malformed HTTP status code \"\(wrong)\"", code: .malformed))
            return context.close(promise: nil)
        }
        context.fireChannelRead(data)
    }

    private func isWrong(_ status: String) -> Bool {
        status.utf8.count != 3 || !status.utf8.allSatisfy { UInt8(ascii: "0")...UInt8(ascii: "9") ~= $0 }
    }
}
