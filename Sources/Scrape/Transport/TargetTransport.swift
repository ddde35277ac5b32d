package import Exposition
public import MetricModel
public import NIOCore

/// Fetches what targets expose. Tests put faults here; ordinary runs use HTTP.
public protocol TargetTransport: Sendable {
    /// Fetches a target's body.
    /// - Throws: ``TransportError`` with a message as Prometheus would show it. Where ``keepsTime`` is false, the caller applies
    ///   the timeout by cancelling.
    func fetch(_ request: TargetRequest) async throws(TransportError) -> TargetResponse
    /// Closes connections. No call may follow.
    func close() async
    /// Whether requests end by themselves when the system's clock has passed their timeout.
    var keepsTime: Bool { get }
}

extension TargetTransport {
    /// Most transports leave the time to the caller.
    public var keepsTime: Bool { false }
}

/// A request to a target.
public struct TargetRequest: Sendable {
    /// The whole URL.
    public var url: String
    /// Headers in the order in which they are sent.
    public var headers: [(name: String, value: String)]
    /// Which of them hold secrets, besides those that always do: a redirect to another host leaves them behind. In small letters.
    public var secretHeaders: Set<String> = []
    /// The longest wait.
    public var timeoutMilliseconds: Int64
    /// The most bytes that may come over the wire; 0 for no limit.
    public var bodyLimit: Int
    /// Whether what comes beyond the limit is left out; else it is a failure.
    public var cutsBody = false
    /// The path of the socket of this machine behind which the target is; empty for one in the network.
    public var socket = ""
    /// The clock by which the scrape lives; slowness made on purpose passes on it.
    public var clock: any StackClock = SystemClock()

    /// The memory that its answer shares with others; `nil` where nothing bounds it but its own limit.
    package var bodies: BodyBudget?
    /// What was made of it before, where it is sent again and again.
    package var memory: RequestMemory?

    /// The longest wait, for a deadline.
    package var timeoutNanoseconds: Int64 { PrometheusDuration(milliseconds: timeoutMilliseconds).nanoseconds }

    /// A request.
    public init(
        url: String,
        headers: [(name: String, value: String)] = [],
        timeoutMilliseconds: Int64 = 10_000,
        bodyLimit: Int = 0
    ) {
        self.url = url
        self.headers = headers
        self.timeoutMilliseconds = timeoutMilliseconds
        self.bodyLimit = bodyLimit
    }
}

/// A target's answer, with the body as it came over the wire.
public struct TargetResponse: Sendable {
    /// The status code.
    public var status: Int
    /// The status in words.
    public var reason: String
    /// Headers in the order in which they came.
    public var headers: [(name: String, value: String)]
    /// The body, not decompressed.
    public var body: ByteBuffer

    /// An answer.
    public init(
        status: Int = 200,
        reason: String = "OK",
        headers: [(name: String, value: String)] = [],
        body: ByteBuffer = ByteBuffer()
    ) {
        self.status = status
        self.reason = reason
        self.headers = headers
        self.body = body
    }

    /// A text as a target exposes it.
    public static func text(
        _ body: String,
        contentType: String = "text/plain; version=0.0.4; charset=utf-8",
        status: Int = 200,
        reason: String = "OK"
    ) -> TargetResponse {
        TargetResponse(
            status: status,
            reason: reason,
            headers: contentType.isEmpty ? [] : [("Content-Type", contentType)],
            body: ByteBuffer(string: body)
        )
    }

    /// The part that the body, and what it unpacks to, has of the memory for all.
    package var share: BodyBudget.Share?

    /// Whether there is room for so many bytes that the body unpacks to; it is taken then, as long as the answer is there.
    func hasRoom(unpacked count: Int) -> Bool { share?.grow(to: body.readableBytes + count) ?? true }

    /// The status line behind the version to the byte, where it is known.
    package var statusLine: String?

    /// Number and words of the status, as messages tell them.
    package var statusText: String { statusLine ?? (reason.isEmpty ? "\(status)" : "\(status) \(reason)") }

    /// Whether the body came packed, as Prometheus sees it: by this very word.
    package var isCompressed: Bool { header("Content-Encoding") == "gzip" }

    /// The value of the first header of that name, empty where there is none.
    public func header(_ name: String) -> String {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value ?? ""
    }
}
