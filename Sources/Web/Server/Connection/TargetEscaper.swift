import NIOCore
import NIOHTTP1

/// Stands in front of NIO's parser and escapes bytes beyond ASCII in a request's target: the parser takes none, Go's server takes
/// them as they are, and clients send them (`curl -g` in a query, hand-made ones).
///
/// It also refuses first lines of more than three words: the parser passes over blanks, Go's server does not, and what stands between
/// the two may read another request. (RFC 9112, 3 leaves room for both.)
///
/// Nothing but such bytes of a request's first line is changed, and nothing that could end a line, a word or a request is made.
/// What comes at once is handed on request by request, so that the guard behind the parser says where the next one begins; nothing
/// is copied but what is changed, and of bodies of a known length nothing is looked at. What comes when no more requests are taken goes
/// no further.
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

    private enum Byte {
        static let (lf, cr, blank) = (UInt8(ascii: "\n"), UInt8(ascii: "\r"), UInt8(ascii: " "))
    }

    private let guardian: ConnectionGuard
    private var place = Place.start
    /// How many blanks the first line has had so far.
    private var blanks = 0

    /// Between a method, a target and a version.
    private static let rightBlanks = 2

    init(_ guardian: ConnectionGuard) { self.guardian = guardian }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var buffer = unwrapInboundIn(data)
        while buffer.readableBytes > 0 {
            if guardian.isOver {
                if guardian.throwAway(buffer.readableBytes) { context.close(promise: nil) }
                return
            }
            guard let part = next(of: &buffer) else {
                // The parser's own words for it; what is left is thrown away.
                context.fireErrorCaught(HTTPParserError.invalidURL)
                continue
            }
            context.fireChannelRead(wrapInboundOut(part))
            if case .rest(let heads) = place, heads != guardian.heads, guardian.isBetweenRequests { place = .start }
        }
    }

    /// Takes off what can be handed on before the next request may begin, with a first line escaped; `nil` where the line is refused.
    private func next(of buffer: inout ByteBuffer) -> ByteBuffer? {
        switch place {
        case .rest: return buffer.readSlice(length: rest(of: buffer)) ?? buffer
        case .line, .start: break
        }
        let bytes = buffer.readableBytesView
        // Empty lines in front of a request are passed over.
        let begin = if case .start = place { bytes.drop { $0 == Byte.lf || $0 == Byte.cr } } else { bytes }
        if begin.isEmpty { return buffer.readSlice(length: bytes.count) ?? buffer }
        if case .start = place {
            blanks = 0
            let method = begin.prefix { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) }
            guard !method.isEmpty, method.endIndex == begin.endIndex || begin[method.endIndex] == Byte.blank else {
                place = .rest(heads: guardian.heads)
                return buffer.readSlice(length: bytes.count) ?? buffer
            }
        }
        let end = begin.firstIndex(of: Byte.lf)
        place = end == nil ? .line : .rest(heads: guardian.heads)
        let line = bytes[..<(end ?? bytes.endIndex)]
        var hasLetters = false
        for byte in line {
            if byte == Byte.blank { blanks += 1 } else if byte >= 0x80 { hasLetters = true }
        }
        if blanks > Self.rightBlanks { return nil }
        guard hasLetters else {
            let length = end.map { Self.head(in: bytes, from: $0 - bytes.startIndex) } ?? bytes.count
            return buffer.readSlice(length: length) ?? buffer
        }
        var result = ByteBuffer()
        result.reserveCapacity(2 * line.count)
        for byte in line {
            if byte < 0x80 {
                result.writeInteger(byte)
            } else {
                result.writeString("%" + String(byte, radix: 16, uppercase: true))
            }
        }
        buffer.moveReaderIndex(forwardBy: line.count)
        return result
    }

    /// How many bytes there are before the next request may begin, when its first line is over.
    private func rest(of buffer: ByteBuffer) -> Int {
        if let length = guardian.bodyLeft { return min(length, buffer.readableBytes) }
        let bytes = buffer.readableBytesView
        // What may end it may have begun in what came before.
        if bytes.first == Byte.lf { return 1 }
        if bytes.first == Byte.cr, bytes.dropFirst().first == Byte.lf { return 2 }
        return Self.head(in: bytes, from: 0)
    }

    /// How many bytes there are up to the end of the first empty line, with which a head or the last chunk of a body may end.
    private static func head(in bytes: ByteBufferView, from first: Int) -> Int {
        var place = bytes.startIndex + first
        while let end = bytes[place...].firstIndex(of: Byte.lf) {
            if end + 2 < bytes.endIndex, bytes[end + 1] == Byte.cr, bytes[end + 2] == Byte.lf {
                return end + 3 - bytes.startIndex
            }
            place = end + 1
        }
        return bytes.count
    }
}
