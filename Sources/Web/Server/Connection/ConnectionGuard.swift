import MetricModel
import NIOCore
import NIOHTTP1

/// Stands between NIO's parser and the library's connection: refuses what RFC 9112 refuses, ends connections when it is time.
///
/// One refusal is the last thing that a connection brings; what the client still sends is thrown away for a moment, so that it
/// gets to read the answer.
final class ConnectionGuard: ChannelDuplexHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// How many bytes are thrown away after the last answer, as in Go; then the connection is cut.
    private static let drainLimit = 256 << 10
    /// Pieces of a body that are shorter are put together: a megabyte in chunks of one byte must not be a million turns of a task.
    private static let smallPiece = 4096
    /// For how long, in milliseconds, as in Go.
    private static let drainMilliseconds: Int64 = 500

    /// A request and its answer.
    private struct Exchange {
        /// What its head says.
        let check: RequestHeadCheck
        /// Whether all of the request is there.
        var isRead = false
        /// How many bytes of the body are still to come; `nil` where only its chunks tell.
        var bodyLeft: Int?
        /// Whether the head of the answer is written.
        var isAnswered = false
        /// Whether it is the last one.
        var closes: Bool
    }

    private enum Phase {
        case open
        /// This is answered when everything before it is; nothing more is read.
        case refusing(RequestHeadCheck.Refusal)
        /// All is answered. What comes is thrown away; so many bytes were.
        case draining(Int)
        case closed
    }

    private let clock: any StackClock
    private let slot: ConnectionSlot
    /// How long the body of a request may take, in milliseconds; `nil` for as long as it likes.
    private let readLimit: Int64?
    /// Ends the connection where the body of that request has not come by then.
    private var bodyWait: (request: Int, timer: Scheduled<Void>)?
    /// What those who answer know of the connection.
    private var connection: WebConnection?
    /// How much is read at a time.
    private var portion: ReadPortion?
    /// How soon more is read.
    private var pace: ReadPace?
    private var exchanges = CircularBuffer<Exchange>(initialCapacity: 2)
    private var phase = Phase.open
    private var isQuiescing = false
    /// Small pieces of a body that are handed on together: whoever answers wants all of it, and a client that sends it byte by byte would
    /// wake a task for each.
    private var gathered: ByteBuffer?

    init(clock: any StackClock, slot: ConnectionSlot, readLimit: Int64?) {
        self.clock = clock
        self.slot = slot
        self.readLimit = readLimit
    }

    /// Puts it on its connection, before anything is read of that.
    func attach(to connection: WebConnection, _ portion: ReadPortion?, _ pace: ReadPace) {
        self.connection = connection
        self.portion = portion
        self.pace = pace
    }

    /// How many heads of requests have come.
    private(set) var heads = 0

    /// Whether what comes next is the beginning of a request.
    var isBetweenRequests: Bool {
        guard case .open = phase else { return false }
        return exchanges.last?.isRead ?? true
    }

    /// Whether no more requests are taken.
    var isOver: Bool { if case .open = phase { false } else { true } }

    /// How many bytes of a body are to come before the next request may begin; `nil` where that is not known.
    var bodyLeft: Int? {
        guard let last = exchanges.last, !last.isRead, let left = last.bodyLeft, left > 0 else { return nil }
        return left
    }

    // MARK: What comes in

    /// Counts what comes after the last answer and is thrown away. It does not get to the parser, which after an error of its own has
    /// another one for every piece, and after some keeps whatever comes.
    /// - Returns: whether that is enough, and the connection is to be cut.
    func throwAway(_ count: Int) -> Bool {
        guard case .draining(let before) = phase else { return false }
        phase = .draining(before + count)
        return before + count > Self.drainLimit
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard case .open = phase else { return }
        switch unwrapInboundIn(data) {
        case .head(var head):
            handOn(context)
            heads += 1
            let check = RequestHeadCheck(&head)
            if let refusal = check.refusal { return refuse(context, refusal) }
            if exchanges.isEmpty { slot.isBusy() } else { connection?.isPipelined = true }
            exchanges.append(Exchange(check: check, bodyLeft: check.bodyLength, closes: check.closes))
            portion?.begin(check.bodyLength)
            // When the connection ends is decided here. Told that the client wants it, the library ends it as well, also while an answer
            // of more than the channel holds is on its way.
            if check.closes { head.headers.remove(name: "Connection") }
            context.fireChannelRead(wrapInboundOut(.head(head)))
        case .body(var bytes):
            if let left = exchanges.last?.bodyLeft {
                exchanges[exchanges.index(before: exchanges.endIndex)].bodyLeft = left - bytes.readableBytes
            }
            if bytes.readableBytes >= Self.smallPiece {
                handOn(context)
                return context.fireChannelRead(data)
            }
            if gathered == nil { gathered = bytes } else { gathered?.writeBuffer(&bytes) }
            if (gathered?.readableBytes ?? 0) >= Self.smallPiece { handOn(context) }
        case .end:
            handOn(context)
            portion?.end()
            pace?.endRequest()
            if !exchanges.isEmpty { exchanges[exchanges.index(before: exchanges.endIndex)].isRead = true }
            // Nobody reads trailers.
            context.fireChannelRead(wrapInboundOut(.end(nil)))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        watchBody(context)
        context.fireChannelReadComplete()
    }

    /// A body that comes byte by byte is never silent, and must not keep its place for ever. Most are there with their head.
    private func watchBody(_ context: ChannelHandlerContext) {
        let request = heads
        let isAwaited = if case .open = phase { exchanges.last.map { !$0.isRead } ?? false } else { false }
        if let wait = bodyWait {
            if isAwaited, wait.request == request { return }
            wait.timer.cancel()
            bodyWait = nil
        }
        guard isAwaited, let readLimit else { return }
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        // By the loop's own time, as the library measures silence. Its timers can be taken back: what sleeps by a clock stays in memory
        // until its time has come, which a stranger could make a gigabyte of.
        let timer = context.eventLoop.scheduleTask(in: .milliseconds(readLimit)) {
            let (guardian, context) = bound.value
            guard guardian.heads == request, guardian.exchanges.last?.isRead == false else { return }
            guardian.connection?.clientHasLeft()
            context.close(promise: nil)
        }
        bodyWait = (request, timer)
    }

    /// Hands on what was gathered.
    private func handOn(_ context: ChannelHandlerContext) {
        guard let bytes = gathered else { return }
        gathered = nil
        guard case .open = phase else { return }
        context.fireChannelRead(wrapInboundOut(.body(bytes)))
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard case .open = phase else {
            // What the parser finds in the rest of a piece that is thrown away is nobody's concern.
            if case .draining = phase, !(error is HTTPParserError) { context.close(promise: nil) }
            return
        }
        handOn(context)
        switch error {
        case HTTPParserError.headerOverflow: refuse(context, RequestHeadCheck.Refusal(status: 431, message: ""))
        case HTTPParserError.invalidVersion:
            refuse(context, RequestHeadCheck.Refusal(status: 505, message: "unsupported protocol version"))
        case HTTPParserError.invalidEOFState: fail(context, error)
        // As Go's server: what the parser calls it says nothing to people.
        case is HTTPParserError: refuse(context, RequestHeadCheck.Refusal(status: 400, message: ""))
        default: fail(context, error)
        }
    }

    private func fail(_ context: ChannelHandlerContext, _ error: any Error) {
        connection?.clientHasLeft()
        phase = .closed
        context.fireErrorCaught(error)
        context.close(promise: nil)
    }

    func channelInactive(context: ChannelHandlerContext) {
        phase = .closed
        bodyWait?.timer.cancel()
        connection?.clientHasLeft()
        context.fireChannelInactive()
    }

    /// The connection tells this handler what to send: without an end each would keep the other for ever.
    func handlerRemoved(context: ChannelHandlerContext) {
        connection?.clientHasLeft()
        connection = nil
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            // Go's server cancels a request whose client has closed its half, and answers all the same.
            connection?.clientHasLeft()
            if case .draining = phase { context.close(promise: nil) }
        case is ChannelShouldQuiesceEvent:
            isQuiescing = true
            if case .draining = phase { context.close(promise: nil) }
        default: break
        }
        context.fireUserInboundEventTriggered(event)
    }

    // MARK: What goes out

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !exchanges.isEmpty else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        switch unwrapOutboundIn(data) {
        case .head(var head):
            let isInformation = (100..<200).contains(head.status.code)
            if !isInformation { settle(&head) }
            context.write(wrapOutboundOut(.head(head)), promise: promise)
        case .body: context.write(data, promise: promise)
        case .end:
            let exchange = exchanges.removeFirst()
            if exchange.closes {
                let written = promise ?? context.eventLoop.makePromise()
                end(context, after: written.futureResult, drains: !exchange.isRead)
                context.writeAndFlush(data, promise: written)
            } else {
                context.write(data, promise: promise)
                if exchanges.isEmpty {
                    slot.isIdle()
                    connection?.isPipelined = false
                }
                answerRefused(context)
            }
        }
    }

    /// Decides at the head of an answer whether the connection goes on after it.
    private func settle(_ head: inout HTTPResponseHead) {
        let first = exchanges.startIndex
        exchanges[first].isAnswered = true
        let check = exchanges[first].check
        if check.isOld {
            head.version = .http1_0
            if !head.headers.contains(name: "content-length") { exchanges[first].closes = true }
        }
        // Whoever is answered before the body has come may not want to send it any more.
        if isQuiescing || !exchanges[first].isRead { exchanges[first].closes = true }
        if exchanges[first].closes {
            head.headers.replaceOrAdd(name: "Connection", value: "close")
        } else if check.isOldKeepAlive {
            head.headers.replaceOrAdd(name: "Connection", value: "keep-alive")
        }
    }

    /// Lets the client send its body, where it waits for that.
    func sendContinue(_ context: ChannelHandlerContext) {
        guard case .open = phase, let exchange = exchanges.first, exchange.check.expectsContinue, !exchange.isRead,
            !exchange.isAnswered
        else { return }
        let head = HTTPResponseHead(version: .http1_1, status: .continue)
        context.writeAndFlush(wrapOutboundOut(.head(head)), promise: nil)
    }

    // MARK: Refusing and ending

    private func refuse(_ context: ChannelHandlerContext, _ refusal: RequestHeadCheck.Refusal) {
        phase = .refusing(refusal)
        answerRefused(context)
    }

    /// Answers the refused request, if it is its turn: when all before it are answered, and the one itself is not.
    private func answerRefused(_ context: ChannelHandlerContext) {
        guard case .refusing(let refusal) = phase else { return }
        if let exchange = exchanges.first, exchange.isRead || exchange.isAnswered {
            // What comes in the middle of a body while the answer is on its way cannot be told any more.
            if exchange.isAnswered, !exchange.isRead { context.close(promise: nil) }
            return
        }
        exchanges.removeAll()
        let status = HTTPResponseStatus(statusCode: refusal.status)
        let reason = HTTPStatus.reason(refusal.status)
        let text =
            refusal.message.isEmpty || refusal.status == 501
            ? "\(refusal.status) \(reason)" : "\(refusal.status) \(reason): \(refusal.message)"
        let headers: HTTPHeaders = [
            "Content-Type": "text/plain; charset=utf-8", "X-Content-Type-Options": "nosniff", "Connection": "close",
            "Content-Length": String(text.utf8.count),
        ]
        let head = HTTPResponseHead(
            version: .http1_1,
            status: .custom(code: UInt(status.code), reasonPhrase: reason),
            headers: headers
        )
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(string: text)))), promise: nil)
        let written = context.eventLoop.makePromise(of: Void.self)
        end(context, after: written.futureResult, drains: true)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: written)
        connection?.clientHasLeft()
    }

    /// Ends the connection once the last answer is out: at once, or when the client has noticed. Closed at once while it still
    /// sends, the system would throw away the answer as well.
    private func end(_ context: ChannelHandlerContext, after written: EventLoopFuture<Void>, drains: Bool) {
        phase = .draining(0)
        let bound = NIOLoopBound(context, eventLoop: context.eventLoop)
        let (channel, clock) = (context.channel, clock)
        written.whenComplete { _ in
            guard drains else { return bound.value.close(promise: nil) }
            bound.value.close(mode: .output, promise: nil)
            let waiting = Task {
                try? await clock.sleep(milliseconds: Self.drainMilliseconds)
                channel.close(promise: nil)
            }
            channel.closeFuture.whenComplete { _ in waiting.cancel() }
        }
    }
}
