import Exposition
import MetricModel
public import NIOCore
import Synchronization

/// An answer: status, headers and body.
public struct WebResponse: Sendable {
    /// What follows the headers.
    public enum Body: Sendable {
        /// Bytes at hand.
        case bytes([UInt8])
        /// Bytes at hand, shared between answers (the files of the web pages).
        case buffer(ByteBuffer)
        /// Bytes that are written piece by piece while they are made. An error thrown closes the connection.
        case stream(@Sendable (borrowing WebBodyWriter) async throws -> Void)
        /// Nothing, and no headers either: the connection is closed.
        case none
    }

    /// The status code.
    public var status: Int
    /// The headers, without the length and the date, which the connection adds.
    public var headers: [(name: String, value: String)]
    /// The body.
    public var body: Body

    /// An answer.
    public init(status: Int = 200, headers: [(name: String, value: String)] = [], body: Body = .bytes([])) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// Text in UTF-8 as Go's servers send it.
    public static func text(_ text: String, status: Int = 200) -> WebResponse {
        WebResponse(
            status: status,
            headers: [("Content-Type", "text/plain; charset=utf-8")],
            body: .bytes(Array(text.utf8))
        )
    }

    /// An error as Go's `http.Error` sends it: the text with a line's end.
    public static func error(_ message: String, status: Int) -> WebResponse {
        var response = text(message + "\n", status: status)
        response.headers.append(("X-Content-Type-Options", "nosniff"))
        return response
    }

    /// There are too many long bodies at a time.
    static var noRoom: WebResponse {
        var response = error("\(CompressionError.noRoom.message): the server holds no more", status: 503)
        response.headers.append(("Retry-After", "1"))
        return response
    }

    /// What Go's servers answer for a path that nothing is at.
    public static var notFound: WebResponse { error("404 page not found", status: 404) }

    /// What the router answers for a path that exists, but not with this method.
    public static func methodNotAllowed(_ allowed: String) -> WebResponse {
        var response = error("Method Not Allowed", status: 405)
        response.headers.append(("Allow", allowed))
        return response
    }

    /// A redirect to a path of this server. Not Go's: its page of HTML is left out, which nobody reads.
    public static func redirect(to location: String, status: Int = 302) -> WebResponse {
        WebResponse(status: status, headers: [("Location", location)])
    }

    /// All of the body.
    /// - Throws: What its making fails with.
    public func wholeBody() async throws -> [UInt8] {
        switch body {
        case .bytes(let bytes): return bytes
        case .buffer(let buffer): return Array(buffer.readableBytesView)
        case .none: return []
        case .stream(let produce):
            let collected = Mutex<[UInt8]>([])
            try await produce(WebBodyWriter { bytes in collected.withLock { $0 += bytes } })
            return collected.withLock { $0 }
        }
    }

    /// The value of the first header of that name.
    public func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }
}

/// Where a streamed body is written.
public struct WebBodyWriter: Sendable {
    private let send: @Sendable ([UInt8]) async throws -> Void

    /// A writer that hands each piece on.
    public init(_ send: @escaping @Sendable ([UInt8]) async throws -> Void) { self.send = send }

    /// Writes a piece and waits until the network has taken it.
    /// - Throws: Where the client has gone away.
    public func write(_ bytes: [UInt8]) async throws {
        if !bytes.isEmpty { try await send(bytes) }
    }
}

extension WebResponse.Body {
    /// Its length; `nil` where it is written piece by piece.
    var count: Int? {
        switch self {
        case .bytes(let bytes): bytes.count
        case .buffer(let buffer): buffer.readableBytes
        case .stream: nil
        case .none: 0
        }
    }
}
