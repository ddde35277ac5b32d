import MetricModel
import NIOCore

/// One connection: reads requests, has them answered one after the other, writes the answers.
///
/// Small answers that need no waiting are made and written on the connection's own thread; all others in a task, which is
/// cancelled where the client goes away. Brief ones run there too, as waking another thread would take longer.
final class HTTPConnection<Responder: WebResponder>: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// How many bytes of requests that came too early are kept before reading stops.
    private static var pipelineLimit: Int { 1 << 20 }

    /// How many bytes of a body are thrown away after the answer, as in Go; then the connection is cut.
    private static var drainLimit: Int { 256 << 10 }

    private enum State {
        /// Reading a request.
        case reading
        /// A task makes the answer.
        case answering(Task<Void, Never>?)
        /// Nothing more will be read or answered.
        case closing
        /// All is answered; what the client still sends is thrown away, so that it gets to read the answer.
        case draining(received: Int)
    }

    private let responder: Responder
    private let date: HTTPDate
    private var state = State.reading
    private var parser = RequestParser()
    private var received = ByteBuffer()
    private var keepAlive = true
    private var isHead = false
    private var isQuiescing = false
    private var isInputClosed = false
    private var isReadingPaused = false
    private var needsFlush = false
    private var remoteAddress = ""

    init(responder: Responder, clock: any StackClock) {
        self.responder = responder
        date = HTTPDate(clock: clock)
    }

    func handlerAdded(context: ChannelHandlerContext) {
        guard let address = context.remoteAddress, let host = address.ipAddress, let port = address.port else { return }
        remoteAddress = host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        var bytes = unwrapInboundIn(data)
        if case .draining(let count) = state {
            state = .draining(received: count + bytes.readableBytes)
            if count + bytes.readableBytes > Self.drainLimit { context.close(promise: nil) }
            return
        }
        if received.readableBytes == 0 {
            received = bytes
        } else {
            received.writeBuffer(&bytes)
        }
        process(context)
        if case .answering = state, received.readableBytes > Self.pipelineLimit, !isReadingPaused {
            isReadingPaused = true
            context.channel.setOption(.autoRead, value: false).whenFailure { _ in }
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if needsFlush {
            needsFlush = false
            context.flush()
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        cancelTask()
        state = .closing
        context.fireChannelInactive()
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed:
            // Go's server cancels a request whose client has closed its half, and answers all the same.
            isInputClosed = true
            switch state {
            case .answering: cancelTask()
            case .draining: context.close(promise: nil)
            case .reading, .closing: close(context)
            }
        case is ChannelShouldQuiesceEvent:
            isQuiescing = true
            switch state {
            case .reading: close(context)
            case .draining: context.close(promise: nil)
            case .answering, .closing: break
            }
        case IdleStateHandler.IdleStateEvent.read:
            // An answer may take as long as it needs; the limit is for what the client sends.
            switch state {
            case .reading: close(context)
            case .draining: context.close(promise: nil)
            case .answering, .closing: break
            }
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        cancelTask()
        state = .closing
        context.close(promise: nil)
    }

    private func cancelTask() {
        if case .answering(let task) = state { task?.cancel() }
    }

    private func close(_ context: ChannelHandlerContext) {
        state = .closing
        context.flush()
        context.close(promise: nil)
    }

    /// Takes requests out of what was received as long as they can be answered at once.
    private func process(_ context: ChannelHandlerContext) {
        while case .reading = state, received.readableBytes > 0 {
            var consumed = 0
            let outcome = received.withUnsafeReadableBytes { bytes in
                parser.parse(bytes, consumed: &consumed, refusal: responder.refusal(before:)) { method, path in
                    responder.bodyLimit(for: method, rawPath: path)
                }
            }
            received.moveReaderIndex(forwardBy: consumed)
            if received.readableBytes == 0 { received = ByteBuffer() }
            switch outcome {
            case .needMore: return
            case .expectsContinue:
                context.writeAndFlush(
                    wrapOutboundOut(ByteBuffer(string: "HTTP/1.1 100 Continue\r\n\r\n")),
                    promise: nil
                )
            case .turnedAway(let request, let response):
                keepAlive = false
                isHead = request.method == .head
                if let body = whole(response) { write(context, response, body: body, drains: true) }
            case .refused(let status, let text):
                refuse(context, status: status, text)
            case .request(var request, let keepAlive):
                request.remoteAddress = remoteAddress
                self.keepAlive = keepAlive
                isHead = request.method == .head
                if let response = responder.respondAtOnce(to: request), case .some(let bytes) = whole(response) {
                    write(context, response, body: bytes)
                } else {
                    start(context, request)
                }
            }
        }
    }

    private func refuse(_ context: ChannelHandlerContext, status: Int, _ text: String) {
        let reason = HTTPStatus.reason(status)
        let body = text.isEmpty || status == 501 ? "\(status) \(reason)" : "\(status) \(reason): \(text)"
        let head =
            "HTTP/1.1 \(status) \(reason)\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n"
        context.write(wrapOutboundOut(ByteBuffer(string: head + body)), promise: nil)
        close(context)
    }

    /// The body where it is at hand.
    private func whole(_ response: WebResponse) -> WebResponse.Body? {
        switch response.body {
        case .stream, .none: nil
        case .bytes, .buffer: response.body
        }
    }

    /// Writes head and body; flushed with whatever else this read brings.
    /// - Parameter drains: whether the client may still be sending.
    private func write(
        _ context: ChannelHandlerContext,
        _ response: WebResponse,
        body: WebResponse.Body,
        drains: Bool = false
    ) {
        var count = 0
        switch body {
        case .bytes(let bytes): count = bytes.count
        case .buffer(let buffer): count = buffer.readableBytes
        case .stream, .none: break
        }
        let isJoined = count <= 1 << 16
        var output = context.channel.allocator.buffer(capacity: 256 + (isJoined && !isHead ? count : 0))
        writeHead(response, length: count, to: &output)
        if isHead || count == 0 || response.status == 304 {
            context.write(wrapOutboundOut(output), promise: nil)
        } else {
            switch body {
            case .bytes(let bytes):
                if isJoined {
                    output.writeBytes(bytes)
                    context.write(wrapOutboundOut(output), promise: nil)
                } else {
                    context.write(wrapOutboundOut(output), promise: nil)
                    context.write(wrapOutboundOut(ByteBuffer(bytes: bytes)), promise: nil)
                }
            case .buffer(let buffer):
                context.write(wrapOutboundOut(output), promise: nil)
                context.write(wrapOutboundOut(buffer), promise: nil)
            case .stream, .none: break
            }
        }
        needsFlush = true
        if drains { drain(context) } else { finish(context) }
    }

    /// Closes this side. The other one is closed when the client has noticed, has sent too much, or falls silent: closed at
    /// once, the system would throw away the answer as well.
    private func drain(_ context: ChannelHandlerContext) {
        state = .draining(received: received.readableBytes)
        received = ByteBuffer()
        context.flush()
        needsFlush = false
        context.close(mode: .output, promise: nil)
    }

    private func finish(_ context: ChannelHandlerContext) {
        if keepAlive, !isQuiescing, !isInputClosed {
            state = .reading
            if isReadingPaused {
                isReadingPaused = false
                context.channel.setOption(.autoRead, value: true).whenFailure { _ in }
            }
        } else {
            close(context)
        }
    }

    /// The status line and the headers; `length` is `nil` for a body in chunks.
    private func writeHead(_ response: WebResponse, length: Int?, to output: inout ByteBuffer) {
        if response.status == 200 {
            output.writeStaticString("HTTP/1.1 200 OK\r\n")
        } else {
            output.writeString("HTTP/1.1 \(response.status) \(HTTPStatus.reason(response.status))\r\n")
        }
        for header in response.headers {
            output.writeString(header.name)
            output.writeStaticString(": ")
            output.writeString(header.value)
            output.writeStaticString("\r\n")
        }
        output.writeStaticString("Date: ")
        output.writeBytes(date.bytes())
        if let length {
            if response.status != 304, response.status != 204 {
                output.writeStaticString("\r\nContent-Length: ")
                output.writeString(String(length))
            }
        } else {
            output.writeStaticString("\r\nTransfer-Encoding: chunked")
        }
        output.writeStaticString(keepAlive && !isQuiescing ? "\r\n\r\n" : "\r\nConnection: close\r\n\r\n")
    }

    // MARK: Answers that take time

    private func start(_ context: ChannelHandlerContext, _ request: WebRequest) {
        state = .answering(nil)
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        let loop = context.eventLoop
        let responder = responder
        let isHead = isHead
        let executor = responder.isBrief(request) ? LoopExecutor(loop) : responder.threads(for: request)
        let task = Task(executorPreference: executor) {
            let response = await responder.respond(to: request)
            guard case .stream(let produce) = response.body else {
                loop.execute {
                    let (connection, context) = bound.value
                    connection.answered(context, response)
                }
                return
            }
            if isHead {
                var bare = response
                bare.body = .bytes([])
                let head = bare
                loop.execute {
                    let (connection, context) = bound.value
                    connection.answered(context, head)
                }
                return
            }
            var failed = false
            do {
                try await loop.submit {
                    let (connection, context) = bound.value
                    try connection.beginStream(context, response)
                }.get()
                try await produce(
                    WebBodyWriter { bytes in
                        try await loop.flatSubmit {
                            let (connection, context) = bound.value
                            return connection.writeChunk(context, bytes)
                        }.get()
                    }
                )
            } catch {
                failed = true
            }
            let isBroken = failed
            loop.execute {
                let (connection, context) = bound.value
                connection.endStream(context, isBroken: isBroken)
            }
        }
        if case .answering = state { state = .answering(task) }
    }

    private func answered(_ context: ChannelHandlerContext, _ response: WebResponse) {
        guard case .answering = state else { return }
        if case .none = response.body {
            state = .closing
            return context.close(promise: nil)
        }
        write(context, response, body: response.body)
        needsFlush = false
        context.flush()
        process(context)
        channelReadComplete(context: context)
    }

    private func beginStream(_ context: ChannelHandlerContext, _ response: WebResponse) throws {
        guard case .answering = state else { throw CancellationError() }
        var output = context.channel.allocator.buffer(capacity: 512)
        writeHead(response, length: nil, to: &output)
        context.write(wrapOutboundOut(output), promise: nil)
    }

    private func writeChunk(_ context: ChannelHandlerContext, _ bytes: [UInt8]) -> EventLoopFuture<Void> {
        guard case .answering = state else { return context.eventLoop.makeFailedFuture(CancellationError()) }
        if bytes.isEmpty {
            // An empty chunk would be the end: only what was written before goes out.
            context.flush()
            return context.eventLoop.makeSucceededVoidFuture()
        }
        var output = context.channel.allocator.buffer(capacity: bytes.count + 16)
        output.writeString(String(bytes.count, radix: 16))
        output.writeStaticString("\r\n")
        output.writeBytes(bytes)
        output.writeStaticString("\r\n")
        let promise = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(output), promise: promise)
        return promise.futureResult
    }

    private func endStream(_ context: ChannelHandlerContext, isBroken: Bool) {
        guard case .answering = state else { return }
        if isBroken { return close(context) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: "0\r\n\r\n")), promise: nil)
        finish(context)
        process(context)
        channelReadComplete(context: context)
    }
}
