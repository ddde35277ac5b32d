import NIOCore
import NIOPosix
import Synchronization

/// A server that answers each request with bytes of one's choice, or connects it on as a proxy does.
final class RawServer: Sendable {
    enum Reply: Sendable {
        /// The bytes; then the connection ends, unless it is kept.
        case bytes(String, keepsOpen: Bool = false)
        /// Says so, then passes everything to and fro.
        case tunnel(port: Int)
    }

    private let channel: any Channel
    private let heads: Heads

    final class Heads: Sendable {
        let all = Mutex<[String]>([])
        let connections = Mutex(0)
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    /// How many connections there were.
    var connections: Int { heads.connections.withLock { $0 } }
    /// The requests up to the empty line.
    var requests: [String] { heads.all.withLock { $0 } }

    /// A server that does not wait for the end of a request.
    convenience init(any reply: @escaping @Sendable () -> Reply) async throws {
        try await self.init(waitsForHead: false) { _ in reply() }
    }

    init(waitsForHead: Bool = true, _ reply: @escaping @Sendable (String) -> Reply) async throws {
        let heads = Heads()
        self.heads = heads
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                heads.connections.withLock { $0 += 1 }
                return channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Responder(waitsForHead, reply, heads))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    func close() async throws { try await channel.close() }

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer
        private let waitsForHead: Bool
        private let reply: @Sendable (String) -> Reply
        private let heads: Heads
        private var text = ""
        private var held: [ByteBuffer] = []
        private var other: (any Channel)?
        private var isTunnel = false

        init(_ waitsForHead: Bool, _ reply: @escaping @Sendable (String) -> Reply, _ heads: Heads) {
            self.waitsForHead = waitsForHead
            self.reply = reply
            self.heads = heads
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            let buffer = unwrapInboundIn(data)
            if let other { return other.writeAndFlush(buffer, promise: nil) }
            if isTunnel { return held.append(buffer) }
            text += String(buffer: buffer)
            if waitsForHead, !text.hasSuffix("\r\n\r\n") { return }
            let head = text
            text = ""
            heads.all.withLock { $0.append(head) }
            switch reply(head) {
            case .bytes(let bytes, let keepsOpen):
                context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: bytes)), promise: nil)
                if !keepsOpen { context.close(promise: nil) }
            case .tunnel(let port): connect(context, port)
            }
        }

        private func connect(_ context: ChannelHandlerContext, _ port: Int) {
            isTunnel = true
            let back = context.channel
            let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
            ClientBootstrap(group: context.eventLoop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Forwarder(back))
                    }
                }
                .connect(host: "127.0.0.1", port: port)
                .whenSuccess { channel in
                    bound.value.other = channel
                    back.writeAndFlush(ByteBuffer(string: "HTTP/1.1 200 OK\r\n\r\n"), promise: nil)
                    for buffer in bound.value.held { channel.writeAndFlush(buffer, promise: nil) }
                }
        }

        func channelInactive(context: ChannelHandlerContext) {
            other?.close(promise: nil)
            context.fireChannelInactive()
        }
    }

    private final class Forwarder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let channel: any Channel

        init(_ channel: any Channel) { self.channel = channel }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            channel.writeAndFlush(unwrapInboundIn(data), promise: nil)
        }

        func channelInactive(context: ChannelHandlerContext) { channel.close(promise: nil) }
    }
}
