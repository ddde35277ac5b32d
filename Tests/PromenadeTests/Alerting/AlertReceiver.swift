import Foundation
import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// Takes notices as an Alertmanager does, and tells of each request.
final class AlertReceiver: Sendable {
    /// An alert as it was told.
    struct Told: Decodable, Sendable {
        var labels: [String: String]
        var annotations: [String: String]?
        var startsAt: String
        var endsAt: String
        var generatorURL: String
    }

    struct Request: Sendable {
        var uri: String
        var headers: HTTPHeaders
        var body: String
        var alerts: [Told]
    }

    /// What is answered.
    enum Answer: Sendable {
        case status(Int)
        /// A JSON document.
        case document(String)
        /// Nothing, ever.
        case silence
    }

    private let channel: any Channel
    private let inbox: Inbox

    private final class Inbox: Sendable {
        let answers = Mutex<[Answer]>([])
        let standing = Mutex<Answer>(.status(200))
        let requests: AsyncStream<Request>
        let take: AsyncStream<Request>.Continuation

        init() { (requests, take) = AsyncStream<Request>.makeStream() }
    }

    init() async throws {
        let inbox = Inbox()
        self.inbox = inbox
        channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Handler(inbox))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
    }

    var address: String { "127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    /// Answers so from now on, after the answers that are given for single requests.
    func answer(_ standing: Answer, first: [Answer] = []) {
        inbox.answers.withLock { $0 = first }
        inbox.standing.withLock { $0 = standing }
    }

    /// So many of the next requests.
    func next(_ count: Int) async -> [Request] {
        var found: [Request] = []
        for await request in inbox.requests {
            found.append(request)
            if found.count == count { break }
        }
        return found
    }

    func close() async {
        inbox.take.finish()
        try? await channel.close()
    }

    private final class Handler: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart
        private let inbox: Inbox
        private var head: HTTPRequestHead?
        private var body = ""

        init(_ inbox: Inbox) { self.inbox = inbox }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head(let new): (head, body) = (new, "")
            case .body(let buffer): body += String(buffer: buffer)
            case .end:
                guard let head else { return }
                let alerts = (try? JSONDecoder().decode([Told].self, from: Data(body.utf8))) ?? []
                inbox.take.yield(Request(uri: head.uri, headers: head.headers, body: body, alerts: alerts))
                let answer = inbox.answers.withLock { $0.isEmpty ? nil : $0.removeFirst() }
                switch answer ?? inbox.standing.withLock({ $0 }) {
                case .silence: return
                case .document(let text): respond(200, text, context)
                case .status(let status): respond(status, "", context)
                }
            }
        }

        private func respond(_ status: Int, _ text: String, _ context: ChannelHandlerContext) {
            let head = HTTPResponseHead(
                version: .http1_1,
                status: HTTPResponseStatus(statusCode: status),
                headers: ["Content-Type": "application/json", "Content-Length": String(text.utf8.count)]
            )
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
