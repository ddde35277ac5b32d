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

    /// What Go's servers answer for a path that nothing is at.
    public static var notFound: WebResponse { error("404 page not found", status: 404) }

    /// What the router answers for a path that exists, but not with this method.
    public static func methodNotAllowed(_ allowed: String) -> WebResponse {
        var response = error("Method Not Allowed", status: 405)
        response.headers.append(("Allow", allowed))
        return response
    }

    /// A redirect as Go's `http.Redirect` sends it in answer to GET and HEAD.
    public static func redirect(to location: String, status: Int = 302, for method: WebRequest.Method) -> WebResponse {
        var response = WebResponse(status: status, headers: [("Location", location)])
        if method == .get || method == .head {
            response.headers.append(("Content-Type", "text/html; charset=utf-8"))
            let text = HTTPStatus.reason(status)
            response.body = .bytes(Array("<a href=\"\(HTMLText.escaped(location))\">\(text)</a>.\n\n".utf8))
        }
        return response
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

    /// Sends what the connection holds back, such as the headers before the first piece.
    /// - Throws: Where the client has gone away.
    func flush() async throws { try await send([]) }
}

/// How much of a body was written.
final class WrittenBytes: Sendable {
    /// The count.
    private let total = Atomic(0)

    /// How much it is so far.
    var count: Int { total.load(ordering: .relaxed) }

    /// A writer that counts what it hands on.
    func counting(_ writer: borrowing WebBodyWriter) -> WebBodyWriter {
        let target = copy writer
        return WebBodyWriter { bytes in
            self.total.wrappingAdd(bytes.count, ordering: .relaxed)
            if bytes.isEmpty { try await target.flush() } else { try await target.write(bytes) }
        }
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

/// Whatever answers requests.
public protocol WebResponder: Sendable {
    /// The longest body that is read for a request to that path; a longer one is answered with 413.
    func bodyLimit(for method: WebRequest.Method, rawPath: String) -> Int
    /// The answer to a request of which only the head has come, where it is refused whatever its body says.
    func refusal(before request: WebRequest) -> WebResponse?
    /// Answers at once, on the connection's own thread, which serves many others; `nil` for whatever needs longer than some
    /// ten microseconds or has to wait: then ``respond(to:)`` is asked, in a task of its own.
    func respondAtOnce(to request: WebRequest) -> WebResponse?
    /// Whether ``respond(to:)`` takes a fraction of a millisecond, so that it may run on the connection's own thread.
    func isBrief(_ request: WebRequest) -> Bool
    /// The threads on which ``respond(to:)`` runs, and on which a streamed body is made, where these may take long; `nil` for
    /// those that everything else runs on.
    func threads(for request: WebRequest) -> (any TaskExecutor)?
    /// Answers. The task is cancelled where the client goes away.
    func respond(to request: WebRequest) async -> WebResponse
}

extension WebResponder {
    /// One megabyte.
    public func bodyLimit(for method: WebRequest.Method, rawPath: String) -> Int { 1 << 20 }
    /// Nobody is refused without a look at the body.
    public func refusal(before request: WebRequest) -> WebResponse? { nil }
    /// Nothing takes long.
    public func threads(for request: WebRequest) -> (any TaskExecutor)? { nil }
    /// Nothing is known about the time it takes.
    public func isBrief(_ request: WebRequest) -> Bool { false }
    /// Nothing is answered at once.
    public func respondAtOnce(to request: WebRequest) -> WebResponse? { nil }
}
