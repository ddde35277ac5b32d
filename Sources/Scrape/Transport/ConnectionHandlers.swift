import MetricModel
package import NIOCore
import NIOHTTP1

/// What is changed on the connections of the HTTP client, so that servers and proxies see and tell the same as with Go's.
package enum ConnectionHandlers {
    /// The header that carries the words of a status to where the answer is read.
    static let phraseHeader = "promenade-status-phrase"

    /// Adds the handlers to a new connection.
    package static func install(on channel: any Channel, asksForWholeURL: Bool) -> EventLoopFuture<Void> {
        channel.eventLoop.makeCompletedFuture {
            try add(to: channel.pipeline.syncOperations, asksForWholeURL: asksForWholeURL)
        }
    }

    /// Adds the handlers around the encoder of a connection.
    /// - Parameter hasAnswered: whether a request was answered there before.
    static func add(
        to pipeline: ChannelPipeline.SynchronousOperations,
        asksForWholeURL: Bool,
        hasAnswered: Bool = false
    ) throws {
        let encoder = try pipeline.handler(type: HTTPRequestEncoder.self)
        let lines = StatusLineHandler(hasAnswered: hasAnswered)
        try pipeline.addHandler(lines, position: .before(encoder))
        let heads = RequestHeadHandler(lines: lines, asksForWholeURL: asksForWholeURL)
        try pipeline.addHandler(heads, position: .after(encoder))
    }
}

/// Tells where a request begins: an answer may begin before the request's end is written. Asks for the whole URL instead of its path,
/// as proxies want it for requests without TLS.
private final class RequestHeadHandler: ChannelOutboundHandler {
    typealias OutboundIn = HTTPClientRequestPart
    typealias OutboundOut = HTTPClientRequestPart

    private let lines: StatusLineHandler
    private let asksForWholeURL: Bool

    init(lines: StatusLineHandler, asksForWholeURL: Bool) {
        self.lines = lines
        self.asksForWholeURL = asksForWholeURL
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard case .head(var head) = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
        lines.requestBegins()
        guard asksForWholeURL else { return context.write(data, promise: promise) }
        head.uri = "http://" + (head.headers.first(name: "Host") ?? "") + head.uri
        context.write(wrapOutboundOut(.head(head)), promise: promise)
    }
}

/// Looks at the first line of each answer. The parser behind it keeps the words of a status only where it does not know the
/// number, and says little about lines that are none.
private final class StatusLineHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private var awaitsLine = false {
        didSet { if oldValue, !awaitsLine { hasAnswered = true } }
    }
    /// Whether a request before was answered.
    private var hasAnswered: Bool
    /// The beginning of a line that has not come whole.
    private var held: ByteBuffer?
    private static let longestLine = 4096
    /// The longest head whose lines are mended.
    private static let longestHead = 65536

    init(hasAnswered: Bool) { self.hasAnswered = hasAnswered }

    /// A request is about to be written.
    func requestBegins() { awaitsLine = true }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard awaitsLine else { return context.fireChannelRead(data) }
        var buffer = unwrapInboundIn(data)
        if var begun = held.take() {
            begun.writeBuffer(&buffer)
            buffer = begun
        }
        guard let end = buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else {
            if buffer.readableBytes < Self.longestLine {
                held = buffer
            } else {
                awaitsLine = false
                context.fireChannelRead(wrapInboundOut(buffer))
            }
            return
        }
        let line = buffer.readableBytesView[..<end]
        if line.starts(with: "HTTP/1.1 200 OK\r".utf8) {
            awaitsLine = false
            return context.fireChannelRead(wrapInboundOut(buffer))
        }
        let text = String(decoding: line, as: UTF8.self)
        if let problem = Self.problem(text) {
            awaitsLine = false
            context.fireErrorCaught(Self.failure(problem))
            return context.close(promise: nil)
        }
        if line.last != UInt8(ascii: "\r"), !Self.complete(&buffer) {
            held = buffer
            return
        }
        awaitsLine = false
        buffer.moveReaderIndex(
            forwardBy: (buffer.readableBytesView.firstIndex(of: UInt8(ascii: "\n")) ?? end) + 1 - buffer.readerIndex
        )
        var changed = context.channel.allocator.buffer(capacity: buffer.readableBytes + 128)
        let status = text.drop { $0 != " " }.dropFirst().filter { $0 != "\r" && $0 != "\r\n" }
        // Go's client takes any version; what comes behind is read as the first it knows.
        let version = text.hasPrefix("HTTP/1.0") ? "HTTP/1.0" : "HTTP/1.1"
        changed.writeString("\(version) \(status)\r\n")
        if !status.hasPrefix("1") {
            // Spaces at the end count, so they are kept from being trimmed.
            changed.writeString("\(ConnectionHandlers.phraseHeader): =\(status)=\r\n")
        }
        changed.writeBuffer(&buffer)
        context.fireChannelRead(wrapInboundOut(changed))
    }

    /// Gives each line of a head its carriage return. Answers `false` where the head has not come whole.
    private static func complete(_ buffer: inout ByteBuffer) -> Bool {
        let newline = UInt8(ascii: "\n")
        let bytes = buffer.readableBytesView
        var changed = ByteBuffer()
        var start = bytes.startIndex
        while let end = bytes[start...].firstIndex(of: newline) {
            var line = bytes[start..<end]
            if line.last == UInt8(ascii: "\r") { line = line.dropLast() }
            changed.writeBytes(line)
            changed.writeString("\r\n")
            start = end + 1
            if line.isEmpty {
                changed.writeBytes(bytes[start...])
                buffer = changed
                return true
            }
        }
        return bytes.count > longestHead
    }

    func channelInactive(context: ChannelHandlerContext) {
        if let begun = held.take() {
            // What comes without an end is a line, too, when nothing more comes.
            if let problem = Self.problem(String(decoding: begun.readableBytesView, as: UTF8.self)) {
                awaitsLine = false
                let isAlert = begun.readableBytesView.starts(with: [0x15, 0x03])
                context.fireErrorCaught(
                    Self.failure(problem + (isAlert ? " (the server speaks TLS: scheme: https?)" : ""))
                )
            } else {
                context.fireChannelRead(wrapInboundOut(begun))
            }
        } else if isStale {
            context.fireErrorCaught(StaleConnection())
        }
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.fireErrorCaught(error is IOError && held == nil && isStale ? StaleConnection() : error)
    }

    /// Whether a request waits for its answer on a connection that was kept from an earlier one.
    private var isStale: Bool { awaitsLine && hasAnswered }

    private static func failure(_ problem: String) -> TransportError {
        TransportError("net/http: HTTP/1.x transport connection broken: " + problem, code: .malformed)
    }

    /// What Go's client says about a line that is no status line.
    private static func problem(_ line: String) -> String? {
        var line = line[...]
        if line.last == "\r" || line.last == "\r\n" { line.removeLast() }
        guard let space = line.firstIndex(of: " ") else {
            return "malformed HTTP response \(GoText.quoted(String(line)))"
        }
        let code = line[line.index(after: space)...].drop { $0 == " " }.prefix { $0 != " " }
        if code.utf8.count != 3 || Int(code).map({ $0 < 100 }) ?? true {
            return "malformed HTTP status code \(GoText.quoted(String(code)))"
        }
        let version = line[..<space].split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        let numbers = version.count == 2 ? version[1].split(separator: ".", omittingEmptySubsequences: false) : []
        let isVersion = numbers.count == 2 && numbers.allSatisfy { $0.utf8.count == 1 && $0.first?.isNumber ?? false }
        if version[0] != "HTTP" || !isVersion {
            return "malformed HTTP version \(GoText.quoted(String(line[..<space])))"
        }
        return nil
    }
}
