import NIOCore
import NIOPosix

/// Stands in front of everything on a connection, and says how soon a client that sends in small pieces is read again.
///
/// To take a byte off a connection costs as much as to take a whole request. Two thousand clients that send byte by byte would keep the
/// loops busy with nothing else, and begin their requests all at the same moment; a new connection, which is handed from loop to loop a
/// few times, would wait for that each time. What such a client sends meanwhile waits in the system, and is taken at once.
final class ReadPace: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = ByteBuffer

    private let queue: ReadQueue
    private var pieces = SmallPieces()
    private var isWaiting = false

    /// A connection that takes its turns there.
    init(_ queue: ReadQueue) { self.queue = queue }

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
        queue.add(self, context)
    }

    /// Its turn has come.
    /// - Returns: whether there was something to be read; not so where the connection is gone.
    fileprivate func takeTurn(_ context: ChannelHandlerContext) -> Bool {
        isWaiting = false
        guard context.channel.isActive else { return false }
        context.read()
        return true
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

/// The connections of a loop that wait until they are read again, a few at a time. Unchecked: only the loop's thread has it.
final class ReadQueue: NIOScheduledCallbackHandler, @unchecked Sendable {
    /// So many are read …
    private static let mostAtOnce = 32
    /// … and then no more for so long.
    private static let pause = TimeAmount.milliseconds(5)

    private static let ofThread = ThreadSpecificVariable<ReadQueue>()

    private let loop: any EventLoop
    private var waiting = CircularBuffer<(pace: ReadPace, context: ChannelHandlerContext)>()
    private var isReading = false

    private init(_ loop: any EventLoop) { self.loop = loop }

    /// That of the loop on whose thread this is called.
    static func current(_ loop: any EventLoop) -> ReadQueue {
        if let known = ofThread.currentValue { return known }
        let new = ReadQueue(loop)
        ofThread.currentValue = new
        return new
    }

    fileprivate func add(_ pace: ReadPace, _ context: ChannelHandlerContext) {
        waiting.append((pace, context))
        if waiting.count == 1, !isReading { wait() }
    }

    private func wait() {
        // A loop takes none when it has ended, and with it the process.
        _ = try? loop.scheduleCallback(in: Self.pause, handler: self)
    }

    func handleScheduledCallback(eventLoop: some EventLoop) {
        // Whoever is read and has more to send stands behind all others again, and is not read twice in a turn.
        var (left, known) = (Self.mostAtOnce, waiting.count)
        isReading = true
        while left > 0, known > 0, let (pace, context) = waiting.popFirst() {
            known -= 1
            // Those that are gone take nobody's turn.
            if pace.takeTurn(context) { left -= 1 }
        }
        isReading = false
        if !waiting.isEmpty { wait() }
    }
}
