import Exposition
import MetricModel
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization
import Testing

/// A receiver that keeps all that it gets, and does with it what it is told to.
final class CapturingReceiver: Sendable {
    /// What becomes of a request.
    enum Reaction: Sendable {
        /// An answer; with what was written, as a receiver of version 2 says it, if it is one of success.
        case answer(Int, [(String, String)] = [], String = "")
        /// An answer of success that does not say what was written.
        case silent(Int)
        /// No answer at all.
        case hang
        /// The connection ends before an answer.
        case hangUp
        /// An answer that ends in the middle of its body.
        case cutOff
        /// Something that is no HTTP.
        case noise
    }

    /// A request.
    struct Captured: Sendable {
        var method: String
        var path: String
        var headers: HTTPHeaders
        var body: [UInt8]
        /// When it came, in steady nanoseconds.
        var time: Int64

        /// What the body says, in the version that the headers name.
        func message() throws -> RemoteWriteRequest {
            try RemoteWriteRequest(decoding: Snappy.decode(body), version: isVersion2 ? .version2 : .version1)
        }

        var isVersion2: Bool {
            headers.first(name: "Content-Type") == "application/x-protobuf;proto=io.prometheus.write.v2.Request"
        }
    }

    private let captured = Mutex<[Captured]>([])
    /// What becomes of the next requests; then all are taken.
    let reactions = Mutex<[Reaction]>([])
    private let channel: any Channel

    init(port: Int = 0, _ reactions: [Reaction] = []) async throws {
        let box = Box()
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(box))
                }
            }
            .bind(host: "127.0.0.1", port: port).get()
        self.reactions.withLock { $0 = reactions }
        box.receiver.withLock { $0 = self }
    }

    var port: Int { channel.localAddress?.port ?? 0 }
    var url: String { "http://127.0.0.1:\(port)/api/v1/write" }
    /// All requests, in the order in which they came.
    var requests: [Captured] { captured.withLock { $0 } }

    func close() async { try? await channel.close() }

    /// The messages with samples.
    func messages() throws -> [RemoteWriteRequest] {
        try requests.map { try $0.message() }.filter { !$0.series.isEmpty }
    }

    /// Waits until so much has come.
    func wait(for count: Int) async throws {
        while captured.withLock({ $0.count }) < count { try await SystemClock().sleep(milliseconds: 2) }
    }

    private final class Box: Sendable {
        let receiver = Mutex<CapturingReceiver?>(nil)
    }

    private func reaction(to request: Captured) -> Reaction {
        captured.withLock { $0.append(request) }
        return reactions.withLock { $0.isEmpty ? .answer(204) : $0.removeFirst() }
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let box: Box
        private var head: HTTPRequestHead?
        private var body: [UInt8] = []

        init(_ box: Box) { self.box = box }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let head): (self.head, body) = (head, [])
            case .body(let part): body.append(contentsOf: part.readableBytesView)
            case .end:
                guard let head, let receiver = box.receiver.withLock({ $0 }) else { return }
                let request = Captured(
                    method: head.method.rawValue,
                    path: head.uri,
                    headers: head.headers,
                    body: body,
                    time: SystemClock().steadyNanoseconds
                )
                switch receiver.reaction(to: request) {
                case .answer(let status, let headers, let text):
                    let counts = status < 300 ? Self.written(request) : []
                    answer(context, status, counts + headers, text)
                case .silent(let status): answer(context, status, [], "")
                case .hang: break
                case .hangUp: context.close(promise: nil)
                case .cutOff: raw(context, "HTTP/1.1 500 No\r\nContent-Length: 100\r\n\r\nhalf")
                case .noise: raw(context, "SSH-2.0-OpenSSH_9.2\r\n\r\n")
                }
            }
        }

        private static func written(_ request: Captured) -> [(String, String)] {
            guard request.isVersion2, let message = try? request.message() else { return [] }
            let prefix = "X-Prometheus-Remote-Write-"
            return [
                ("\(prefix)Samples-Written", "\(message.values.count)"),
                ("\(prefix)Histograms-Written", "\(message.histograms.count)"),
                ("\(prefix)Exemplars-Written", "\(message.exemplars.count)"),
            ]
        }

        private func answer(
            _ context: ChannelHandlerContext,
            _ status: Int,
            _ headers: [(String, String)],
            _ text: String
        ) {
            let all = HTTPHeaders([("Content-Length", "\(text.utf8.count)")] + headers)
            let head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: status), headers: all)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }

        /// Bytes past the encoder of HTTP, then the end of the connection.
        private func raw(_ context: ChannelHandlerContext, _ text: String) {
            let channel = context.channel
            let encoder = try? context.pipeline.syncOperations.context(handlerType: HTTPResponseEncoder.self)
            let bytes = NIOAny(IOData.byteBuffer(ByteBuffer(string: text)))
            encoder?.writeAndFlush(bytes).whenComplete { _ in channel.close(promise: nil) }
        }
    }
}
