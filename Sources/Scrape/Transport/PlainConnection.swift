import AsyncHTTPClient
import HTTPCalling
import MetricModel
import NIOCore
import NIOHTTP1

/// One connection, with at most one request at a time.
///
/// What targets answer as a rule (200, with a length, nothing unusual) is read here, in as few steps as there can be. With the first other
/// answer the handlers of the HTTP library come in behind this one, and what the connection brings is theirs from then on.
// Everything is called on the connection's loop.
final class PlainConnection: ChannelDuplexHandler, @unchecked Sendable {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    let place: PlainRequest.Place
    var idleSince = NIODeadline.uptimeNanoseconds(0)
    let room: ConnectionFiles.Outgoing
    private weak var owner: PlainConnections?
    private var context: ChannelHandlerContext?
    private var request: PlainRequest?
    private var exchange: PlainExchange?
    /// Whether the answer that is coming leaves the connection open.
    private var isKept = false
    /// How much of the body is missing; `nil` while the head is.
    private var missing: Int?
    /// Whether a request before was answered.
    private var hasAnswered = false
    /// Who reads answers of all kinds, once there was an unusual one.
    private var general: AnswerHandler?
    /// Whether the library is only told of a request that has been sent.
    private var isReplaying = false

    init(_ owner: PlainConnections, _ place: PlainRequest.Place, _ room: ConnectionFiles.Outgoing) {
        self.owner = owner
        self.place = place
        self.room = room
    }

    /// Makes it the end of a new connection.
    func install(on channel: any Channel) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(self) }
    }

    /// Sends a request; `false` where the connection has ended.
    func send(_ request: PlainRequest, for exchange: PlainExchange) -> Bool {
        guard let context, context.channel.isActive else { return false }
        self.exchange = exchange
        self.request = request
        exchange.connection = self
        missing = nil
        if let general {
            general.send(request.head)
        } else {
            context.writeAndFlush(wrapOutboundOut(request.bytes), promise: nil)
        }
        return true
    }

    func close() -> EventLoopFuture<Void>? {
        guard let channel = context?.channel else { return nil }
        channel.close(promise: nil)
        return channel.closeFuture
    }

    /// Its request is over; where it has not come to its end, nothing else can be asked here.
    func letGo(of exchange: PlainExchange) {
        guard self.exchange === exchange else { return }
        self.exchange = nil
        _ = close()
    }

    // MARK: What comes of a request

    fileprivate func fail(_ error: any Error) {
        guard let exchange else { return }
        self.exchange = nil
        owner?.end(exchange, .failure(error))
    }

    fileprivate func begin(_ head: HTTPResponseHead) {
        isKept = head.isKeepAlive && head.status != .switchingProtocols
        exchange?.collector.begin(head)
    }

    fileprivate func add(_ part: ByteBuffer) {
        guard let exchange, let error = exchange.collector.add(part) else { return }
        fail(error)
        _ = close()
    }

    fileprivate func finish() {
        guard let exchange else { return }
        self.exchange = nil
        hasAnswered = true
        if isKept, context?.channel.isActive ?? false { owner?.keep(self) } else { _ = close() }
        owner?.end(exchange, .success(exchange.collector.answer))
    }

    fileprivate func ended() { owner?.remove(self) }

    // MARK: The handler

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
        // The two hold each other.
        general = nil
        request = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if general != nil { return context.fireChannelRead(data) }
        let buffer = unwrapInboundIn(data)
        guard exchange != nil else {
            // Nobody has asked for that.
            return context.close(promise: nil)
        }
        if let missing {
            take(buffer, of: missing)
        } else if let head = buffer.withUnsafeReadableBytes(UsualHead.init) {
            isKept = true
            exchange?.collector.begin(head)
            var body = buffer
            body.moveReaderIndex(forwardBy: head.size)
            take(body, of: head.length)
        } else {
            leave(to: buffer, context)
        }
    }

    private func take(_ part: ByteBuffer, of length: Int) {
        var part = part
        if part.readableBytes > length {
            // Nobody has asked for what follows, so nobody is asked here again.
            isKept = false
            part = part.getSlice(at: part.readerIndex, length: length) ?? part
        }
        missing = length - part.readableBytes
        if part.readableBytes > 0 { add(part) }
        if missing == 0 { finish() }
    }

    /// Leaves the answer that begins here, and all later ones, to the library.
    private func leave(to buffer: ByteBuffer, _ context: ChannelHandlerContext) {
        guard let request else { return }
        let handler = AnswerHandler(self)
        do {
            let pipeline = context.pipeline.syncOperations
            try pipeline.addHandler(HTTPRequestEncoder())
            let decoder = HTTPResponseDecoder(
                leftOverBytesStrategy: .dropBytes,
                informationalResponseStrategy: .forward
            )
            try pipeline.addHandler(ByteToMessageHandler(decoder))
            try pipeline.addHandler(handler)
            try ConnectionHandlers.add(to: pipeline, asksForWholeURL: false, hasAnswered: hasAnswered)
        } catch {
            fail(error)
            return context.close(promise: nil)
        }
        general = handler
        isReplaying = true
        handler.send(request.head)
        isReplaying = false
        context.fireChannelRead(wrapInboundOut(buffer))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if isReplaying { promise?.succeed() } else { context.write(data, promise: promise) }
    }

    func flush(context: ChannelHandlerContext) {
        if !isReplaying { context.flush() }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        if general != nil { return context.fireErrorCaught(error) }
        fail(error is IOError && missing == nil && hasAnswered ? StaleConnection() : error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if general != nil { return context.fireChannelInactive() }
        if missing != nil {
            fail(HTTPParserError.invalidEOFState)
        } else {
            fail(hasAnswered ? StaleConnection() : HTTPClientError.remoteConnectionClosed)
        }
        ended()
    }
}

/// Reads answers of all kinds behind the handlers of the HTTP library.
private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let connection: PlainConnection
    private var context: ChannelHandlerContext?

    init(_ connection: PlainConnection) { self.connection = connection }

    func send(_ head: HTTPRequestHead) {
        context?.write(wrapOutboundOut(.head(head)), promise: nil)
        context?.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            // What comes before the answer itself; none of it was asked for.
            if (100..<200).contains(head.status.code), head.status != .switchingProtocols { return }
            connection.begin(head)
        case .body(let part): connection.add(part)
        case .end: connection.finish()
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        connection.fail(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        connection.fail(HTTPClientError.remoteConnectionClosed)
        connection.ended()
    }
}
