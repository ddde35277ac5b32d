import HTTPTypes
import Hummingbird
import HummingbirdCore
import Logging
import MetricModel
import NIOCore
import NIOHTTP1
import Scrape

/// A client's connection: the library's HTTP/1 channel, with a guard behind NIO's parser.
///
/// The library serves a connection in a task. Here that task runs on the thread of the connection's event loop, so that a brief
/// answer is made and written without another thread being woken; whatever takes time is handed on (``WebConnection``).
struct WebChannel: ServerChildChannel {
    /// The most bytes of a request's head, its target among them. Go takes a megabyte, which the loop of a connection would read for
    /// milliseconds while others wait; what is longer than this belongs into a body.
    private static let headLimit = 64 << 10
    private static let headLimits = HTTP1Channel.Configuration.DecoderConfiguration(
        maxHeaderFieldSize: headLimit,
        maxHeaderListSize: headLimit,
        maxHeaderFieldCount: 1000
    )

    /// An accepted connection.
    struct Value: ServerChildChannelValue {
        let http: HTTP1Channel.Value
        let connection: WebConnection
        var channel: any Channel { http.channel }
    }

    let routes: ServedRoutes
    /// Whether TLS stands in front of it.
    let isEncrypted: Bool
    let clock: any StackClock
    let date: HTTPDate
    let idleLimit: Int64?
    let counts: ConnectionCounts
    let slots: ConnectionSlots

    private var configuration: HTTP1Channel.Configuration {
        HTTP1Channel.Configuration(
            idleTimeout: idleLimit.map { .milliseconds($0) },
            httpDecoderConfiguration: Self.headLimits
        )
    }

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        counts.add()
        channel.closeFuture.whenComplete { [counts] _ in counts.remove() }
        let slot = slots.add(channel)
        switch PeerState(channel) {
        case .present:
            slot.takeIn(clientHasLeft: false)
            return open(channel, slot, logger)
        case .halfClosed:
            slot.takeIn(clientHasLeft: true)
            return openInTurn(channel, slot, logger)
        case .gone:
            channel.close(promise: nil)
            return channel.eventLoop.makeFailedFuture(ChannelError.ioOnClosedChannel)
        }
    }

    /// Opens a connection that its client has left. Thousands that have come and gone are no reason to let others wait that came after
    /// them; what they have sent is answered, where nobody else needs the place.
    private func openInTurn(
        _ channel: any Channel,
        _ slot: ConnectionSlot,
        _ logger: Logger
    ) -> EventLoopFuture<Value> {
        let opened = channel.eventLoop.makePromise(of: Value.self)
        let leave = {
            channel.close(promise: nil)
            opened.fail(ChannelError.ioOnClosedChannel)
        }
        let take = {
            // The end of the server is told to those that are open, so this one has not heard of it.
            guard !slot.hasEnded, channel.parent?.isActive ?? true else {
                leave()
                return false
            }
            opened.completeWith(open(channel, slot, logger))
            return true
        }
        WaitingRoom.of(channel.eventLoop).gone.add(take, leave: leave)
        return opened.futureResult
    }

    private func open(_ channel: any Channel, _ slot: ConnectionSlot, _ logger: Logger) -> EventLoopFuture<Value> {
        let library = HTTP1Channel(responder: { _, _, _ in }, configuration: configuration)
        return library.setup(channel: channel, logger: logger).flatMapThrowing { http in
            let pipeline = channel.pipeline.syncOperations
            let guardian = ConnectionGuard(clock: clock, slot: slot, readLimit: idleLimit)
            let parser = try pipeline.handler(type: ByteToMessageHandler<HTTPRequestDecoder>.self)
            try pipeline.addHandler(guardian, position: .after(parser))
            try pipeline.addHandler(TargetEscaper(guardian), position: .before(parser))
            let context = NIOLoopBound(
                (guardian, try pipeline.context(handler: guardian)),
                eventLoop: channel.eventLoop
            )
            let loop = channel.eventLoop
            let connection = WebConnection(
                remoteAddress: Self.text(channel.remoteAddress),
                executor: LoopExecutor(loop),
                bodies: slots.bodies,
                sendContinue: { loop.execute { context.value.0.sendContinue(context.value.1) } }
            )
            let pace = ReadPace(WaitingRoom.of(channel.eventLoop).slow)
            if isEncrypted { try pipeline.addHandler(PlainRequestAnswer(), position: .first) }
            try pipeline.addHandler(pace, position: .first)
            guardian.attach(to: connection, ReadPortion(channel), pace)
            return Value(http: http, connection: connection)
        }
    }

    private static func text(_ address: SocketAddress?) -> String {
        guard let address, let host = address.ipAddress, let port = address.port else { return "" }
        return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    func handle(value: Value, logger: Logger) async {
        let connection = value.connection
        let library = HTTP1Channel(
            responder: { request, writer, _ in try await answer(request, writer, on: connection) },
            configuration: configuration
        )
        await withTaskExecutorPreference(connection.executor) {
            await library.handle(value: value.http, logger: logger)
        }
    }

    @concurrent
    private func answer(_ request: Request, _ writer: consuming ResponseWriter, on connection: WebConnection)
        async throws
    {
        var response = try await routes.respond(to: request, on: connection)
        response.headers.append(date.field)
        if request.method == .head {
            // Of an answer that is written piece by piece nobody knows the length.
            if response.body.contentLength == nil { response.headers[.contentLength] = "0" }
            try await writer.writeResponse(response.head)
        } else {
            try await writer.write(response: response.head, body: response.body)
        }
    }
}
