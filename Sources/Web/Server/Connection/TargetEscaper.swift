import NIOCore

/// Stands in front of NIO's parser and escapes bytes beyond ASCII in a request's target: the parser takes none, Go's server takes
/// them as they are, and clients send them (`curl -g` in a query, hand-made ones).
///
/// Only where a request begins a buffer and its first line is whole; elsewhere the parser refuses it.
final class TargetEscaper: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let guardian: ConnectionGuard

    init(_ guardian: ConnectionGuard) { self.guardian = guardian }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let buffer = unwrapInboundIn(data)
        guard guardian.isBetweenRequests, let escaped = Self.escaped(buffer) else {
            return context.fireChannelRead(data)
        }
        context.fireChannelRead(wrapInboundOut(escaped))
    }

    /// The same with its first line escaped; `nil` where there is nothing to escape, or the line is no request line.
    static func escaped(_ buffer: ByteBuffer) -> ByteBuffer? {
        let length = buffer.withUnsafeReadableBytes { bytes -> Int? in
            guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
            return bytes[..<end].contains { $0 >= 0x80 } ? end : nil
        }
        guard let length else { return nil }
        let line = buffer.readableBytesView.prefix(length)
        let words = (line.last == UInt8(ascii: "\r") ? line.dropLast() : line).split(
            separator: UInt8(ascii: " "),
            omittingEmptySubsequences: false
        )
        guard words.count == 3, words[0].allSatisfy({ (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }),
            words[2].starts(with: "HTTP/1.".utf8)
        else { return nil }
        var result = ByteBuffer()
        result.reserveCapacity(buffer.readableBytes + 2 * length)
        for byte in line {
            if byte < 0x80 {
                result.writeInteger(byte)
            } else {
                result.writeString("%" + String(byte, radix: 16, uppercase: true))
            }
        }
        result.writeBytes(buffer.readableBytesView.dropFirst(length))
        return result
    }
}
