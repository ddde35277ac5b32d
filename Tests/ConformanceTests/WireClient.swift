import NIOCore
import NIOHTTP1
import NIOPosix

/// An answer as it came over the wire, its body unpacked.
struct WireAnswer: Sendable {
    var status: Int
    /// The headers by their names in small letters; those that come more than once with commas in between.
    var headers: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
}

/// A client that sends paths and methods as they are, right or wrong, over one connection that is kept.
///
/// The replay asks over the wire because that is the one surface that stays the same whatever is rebuilt behind it.
actor WireClient {
    private let port: Int
    private var channel: (any Channel)?

    init(url: String) {
        port = Int(url.split(separator: ":").last?.prefix { $0.isNumber } ?? "") ?? 0
    }

    func ask(
        _ method: String,
        _ target: String,
        headers: [String: String] = [:],
        body: [UInt8] = []
    ) async throws -> WireAnswer {
        var head = HTTPRequestHead(version: .http1_1, method: HTTPMethod(rawValue: method), uri: target)
        head.headers = HTTPHeaders(headers.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        head.headers.add(name: "Host", value: "127.0.0.1:\(port)")
        head.headers.add(name: "Content-Length", value: "\(body.count)")
        do {
            return try await exchange(head, body)
        } catch {
            // The server may have given up the connection since the last answer.
            channel = nil
            return try await exchange(head, body)
        }
    }

    func close() async throws { try await channel?.close() }

    private func exchange(_ head: HTTPRequestHead, _ body: [UInt8]) async throws -> WireAnswer {
        let channel = try await connected()
        let promise = channel.eventLoop.makePromise(of: WireAnswer.self)
        channel.writeAndFlush(Exchange(head: head, body: body, answer: promise)).cascadeFailure(to: promise)
        var answer = try await promise.futureResult.get()
        if answer.headers["connection"]?.lowercased() == "close" { self.channel = nil }
        let coding = answer.headers["content-encoding"] ?? ""
        if ["gzip", "deflate"].contains(coding), !answer.body.isEmpty {
            answer.body = try Packed.inflated(answer.body)
        }
        return answer
    }

    private func connected() async throws -> any Channel {
        if let channel, channel.isActive { return channel }
        let made = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    try pipeline.addHTTPClientHandlers(enableOutboundHeaderValidation: false)
                    try pipeline.addHandler(AnswerCollector())
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        channel = made
        return made
    }
}

private struct Exchange: Sendable {
    let head: HTTPRequestHead
    let body: [UInt8]
    let answer: EventLoopPromise<WireAnswer>
}

private final class AnswerCollector: ChannelDuplexHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundIn = Exchange
    typealias OutboundOut = HTTPClientRequestPart

    private struct Closed: Error {}
    private var waiting: EventLoopPromise<WireAnswer>?
    private var answer = WireAnswer(status: 0, headers: [:], body: [])

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        let exchange = unwrapOutboundIn(data)
        waiting = exchange.answer
        context.write(wrapOutboundOut(.head(exchange.head)), promise: nil)
        if !exchange.body.isEmpty {
            context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: exchange.body)))), promise: nil)
        }
        context.write(wrapOutboundOut(.end(nil)), promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            answer = WireAnswer(status: Int(head.status.code), headers: [:], body: [])
            for (name, value) in head.headers {
                let name = name.lowercased()
                answer.headers[name] = (answer.headers[name].map { [$0] } ?? []).appending(value).joined(
                    separator: ", "
                )
            }
        case .body(let buffer): answer.body += buffer.readableBytesView
        case .end:
            waiting?.succeed(answer)
            waiting = nil
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        waiting?.fail(error)
        waiting = nil
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        waiting?.fail(Closed())
        waiting = nil
        context.fireChannelInactive()
    }
}

extension [String] {
    fileprivate func appending(_ value: String) -> [String] { (self + [value]).sorted() }
}
