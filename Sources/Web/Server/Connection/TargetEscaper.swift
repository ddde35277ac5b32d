import NIOCore

/// Stands in front of NIO's parser and escapes bytes beyond ASCII in a request's target: the parser takes none, Go's server takes
/// them as they are, and clients send them (`curl -g` in a query, hand-made ones).
///
/// Nothing but such bytes of a request's first line is changed, and nothing that could end a line, a word or a request is made.
/// A request that begins in the middle of what comes at once, behind another one, is left alone.
final class TargetEscaper: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private enum Place {
        /// A request may begin.
        case start
        /// The first line of a request has begun and is not over.
        case line
        /// The first line is over; so many heads had come before.
        case rest(heads: Int)
    }

    private let guardian: ConnectionGuard
    private var place = Place.start

    init(_ guardian: ConnectionGuard) { self.guardian = guardian }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .rest(let heads) = place, heads != guardian.heads, guardian.isBetweenRequests { place = .start }
        let buffer = unwrapInboundIn(data)
        context.fireChannelRead(wrapInboundOut(escaped(buffer) ?? buffer))
    }

    /// The same with what it holds of a first line escaped; `nil` where that changes nothing.
    private func escaped(_ buffer: ByteBuffer) -> ByteBuffer? {
        let lines = (UInt8(ascii: "\r"), UInt8(ascii: "\n"))
        let bytes = buffer.readableBytesView
        var first = bytes.startIndex
        switch place {
        case .rest: return nil
        case .line: break
        case .start:
            // Empty lines in front of a request are passed over.
            let begin = bytes.drop { $0 == lines.0 || $0 == lines.1 }
            if begin.isEmpty { return nil }
            let method = begin.prefix { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
            guard !method.isEmpty, method.endIndex == begin.endIndex || begin[method.endIndex] == UInt8(ascii: " ")
            else {
                place = .rest(heads: guardian.heads)
                return nil
            }
            first = begin.startIndex
        }
        let end = bytes[first...].firstIndex(of: lines.1)
        place = end == nil ? .line : .rest(heads: guardian.heads)
        let line = bytes[..<(end ?? bytes.endIndex)]
        guard line.contains(where: { $0 >= 0x80 }) else { return nil }
        var result = ByteBuffer()
        result.reserveCapacity(buffer.readableBytes + 2 * line.count)
        for byte in line {
            if byte < 0x80 {
                result.writeInteger(byte)
            } else {
                result.writeString("%" + String(byte, radix: 16, uppercase: true))
            }
        }
        result.writeBytes(bytes[line.endIndex...])
        return result
    }
}
