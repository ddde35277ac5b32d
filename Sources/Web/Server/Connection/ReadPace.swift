import NIOCore

/// Stands in front of everything on a connection, and says how soon a client that sends in small pieces is read again.
///
/// To take a byte off a connection costs as much as to take a whole request. Two thousand clients that send byte by byte would keep the
/// loops busy with nothing else, and begin their requests all at the same moment; a new connection, which is handed from loop to loop a
/// few times, would wait for that each time. What such a client sends meanwhile waits in the system, and is taken at once.
final class ReadPace: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let room: WaitingRoom
    private var pieces = SmallPieces()
    private var isWaiting = false

    /// A connection that takes its turns there.
    init(_ room: WaitingRoom) { self.room = room }

    /// All of a request is there.
    func endRequest() { pieces.endRequest() }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        pieces.take(unwrapInboundIn(data).readableBytes)
        context.fireChannelRead(data)
    }

    func read(context: ChannelHandlerContext) {
        if !pieces.areMany { return context.read() }
        if isWaiting { return }
        isWaiting = true
        room.add { [self] in
            isWaiting = false
            guard context.channel.isActive else { return false }
            context.read()
            return true
        }
    }
}

/// How many small pieces a client has sent beyond what its requests need.
package struct SmallPieces: Sendable {
    /// A piece has this many bytes: fewer are a small one, and more make up for several.
    private static let piece = 512
    /// So many more small pieces than others are read as they come; then it is the loop that says when.
    private static let mostPieces = 8

    private var surplus = 0

    /// None yet.
    package init() {}

    /// Whether there are too many.
    package var areMany: Bool { surplus >= Self.mostPieces }

    /// So many bytes have come at once.
    package mutating func take(_ count: Int) {
        surplus = min(max(0, surplus + 1 - count / Self.piece), 2 * Self.mostPieces)
    }

    /// All of a request is there: its pieces count half.
    package mutating func endRequest() { surplus /= 2 }
}
