import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

/// A small HTTP server on a free port of this machine.
final class LiveServer: Sendable {
    struct Answer: Sendable {
        var status = HTTPResponseStatus.ok
        var headers: [(String, String)] = [("Content-Type", "text/plain; version=0.0.4")]
        var body: [UInt8] = []
    }

    typealias Handler = @Sendable (HTTPRequestHead) -> Answer

    private let channel: any Channel
    private let heads: Seen

    final class Seen: Sendable {
        let all = Mutex<[HTTPRequestHead]>([])
        let bodies = Mutex<[String]>([])
        let connections = Mutex(0)
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var requests: [HTTPRequestHead] { heads.all.withLock { $0 } }
    /// How many connections are there now.
    var connections: Int { heads.connections.withLock { $0 } }
    /// The bodies of requests other than GET.
    var bodies: [String] { heads.bodies.withLock { $0 } }

    /// A server on a free port, or on a socket at a path.
    init(socket: String? = nil, host: String = "127.0.0.1", tls: NIOSSLContext? = nil, _ handler: @escaping Handler)
        async throws
    {
        let heads = Seen()
        self.heads = heads
        let bootstrap = ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls)) }
                    try pipeline.configureHTTPServerPipeline()
                    try pipeline.addHandler(Responder(handler, heads))
                }
            }
        if let socket {
            channel = try await bootstrap.bind(unixDomainSocketPath: socket, cleanupExistingSocketFile: true).get()
        } else {
            channel = try await bootstrap.bind(host: host, port: 0).get()
        }
    }

    func close() async throws { try await channel.close() }

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let handler: Handler
        private let heads: Seen
        private var head: HTTPRequestHead?
        private var body = ""

        init(_ handler: @escaping Handler, _ heads: Seen) {
            self.handler = handler
            self.heads = heads
        }

        func channelActive(context: ChannelHandlerContext) {
            heads.connections.withLock { $0 += 1 }
            context.fireChannelActive()
        }

        func channelInactive(context: ChannelHandlerContext) {
            heads.connections.withLock { $0 -= 1 }
            context.fireChannelInactive()
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head):
                heads.all.withLock { $0.append(head) }
                self.head = head
                body = ""
                // Tunnels have no end.
                if head.method == .CONNECT { answer(context, head) }
            case .body(let part): body += String(buffer: part)
            case .end:
                guard let head, head.method != .CONNECT else { return }
                if head.method != .GET { heads.bodies.withLock { $0.append(body) } }
                answer(context, head)
            }
        }

        private func answer(_ context: ChannelHandlerContext, _ head: HTTPRequestHead) {
            let answer = handler(head)
            var headers = HTTPHeaders(answer.headers)
            headers.add(name: "Content-Length", value: "\(answer.body.count)")
            context.write(
                wrapOutboundOut(.head(.init(version: .http1_1, status: answer.status, headers: headers))),
                promise: nil
            )
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: answer.body)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
