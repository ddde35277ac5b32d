import AsyncHTTPClient
public import MetricModel
import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL
import Synchronization

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Fetches over HTTP as a job's configuration asks for it.
public final class HTTPTransport: TargetTransport {
    private let config: HTTPClientConfig
    private let clients: HTTPClients
    private let token: OAuthToken?

    /// A transport for a job.
    /// - Throws: what is wrong with certificates, keys or the proxy.
    public init(
        _ config: HTTPClientConfig,
        clock: any StackClock,
        environment: [String: String] = [:],
        parse: @escaping YAMLParser
    ) throws(TransportError) {
        self.config = config
        clients = try HTTPClients(
            tls: config.tls,
            proxy: config.proxy,
            followRedirects: config.followRedirects,
            enableHTTP2: config.enableHTTP2,
            environment: environment
        )
        if let oauth = config.oauth2 {
            token = try OAuthToken(oauth, clock: clock, environment: environment, parse: parse)
        } else {
            token = nil
        }
    }

    /// Connections are given up by the event loop's own timer.
    public var keepsTime: Bool { true }

    /// Closes all connections.
    public func close() async {
        await clients.close()
        await token?.close()
    }

    /// Fetches a target's body, following redirects where the configuration says so.
    public func fetch(_ request: TargetRequest) async throws(TransportError) -> TargetResponse {
        var headers = request.headers
        do throws(TransportError) {
            headers += try HTTPClientSetup.credentials(config)
            if let token { headers.append(("Authorization", try await token.header())) }
        } catch {
            throw TransportError("Get \(GoText.quoted(request.url)): \(error.message)")
        }
        let outgoing = HTTPClientSetup.sorted(headers)
        return try await HTTPFetch.run(clients, .GET, request, headers: outgoing, body: nil)
    }
}

/// One request and the collecting of its answer.
enum HTTPFetch {
    static func run(
        _ clients: HTTPClients,
        _ method: HTTPMethod,
        _ request: TargetRequest,
        headers: [(name: String, value: String)],
        body: String?
    ) async throws(TransportError) -> TargetResponse {
        let verb = method == .GET ? "Get" : "Post"
        let collector = AnswerCollector(bodyLimit: request.bodyLimit)
        do {
            var outgoing = try HTTPClient.Request(
                url: SocketURL.url(request),
                method: method,
                headers: HTTPHeaders(headers.map { ($0.name, $0.value) }),
                body: body.map { .string($0) }
            )
            if !request.socket.isEmpty {
                outgoing.headers.add(name: "Host", value: SocketURL.authority(request.url))
            }
            let limit = TimeAmount.milliseconds(request.timeoutMilliseconds)
            let task = clients.client(for: request).execute(
                request: outgoing,
                delegate: collector,
                deadline: .now() + limit
            )
            return try await withTaskCancellationHandler {
                try await task.futureResult.get()
            } onCancel: {
                task.cancel()
            }
        } catch let error as TransportError {
            throw error
        } catch {
            // As Go: a body that ends early is told without the request.
            if collector.hasHead, TransportFailure.isCut(error) { throw TransportError("unexpected EOF") }
            throw TransportError(
                "\(verb) \(GoText.quoted(request.url)): \(TransportFailure.text(error, request))"
            )
        }
    }
}

/// Gathers an answer on the event loop of its connection, so that a scrape wakes its task once and not for each piece of the body.
///
/// All calls come on that one event loop, one after the other.
private final class AnswerCollector: HTTPClientResponseDelegate, @unchecked Sendable {
    private let bodyLimit: Int
    private var answer = TargetResponse()
    private var isPlain = true
    /// Whether there was a head; to be asked when the task has ended.
    private(set) var hasHead = false

    init(bodyLimit: Int) { self.bodyLimit = bodyLimit }

    func didReceiveHead(task: HTTPClient.Task<TargetResponse>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        hasHead = true
        answer = TargetResponse(
            status: Int(head.status.code),
            reason: head.status.reasonPhrase,
            headers: head.headers.map { ($0.name, $0.value) }
        )
        isPlain = answer.header("Content-Encoding").isEmpty
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<TargetResponse>, _ part: ByteBuffer) -> EventLoopFuture<Void> {
        if answer.body.readableBytes == 0 {
            answer.body = part
        } else {
            var part = part
            answer.body.writeBuffer(&part)
        }
        if bodyLimit > 0, isPlain, answer.body.readableBytes >= bodyLimit {
            return task.eventLoop.makeFailedFuture(TransportError.bodyTooLarge)
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<TargetResponse>) -> TargetResponse { answer }
}

/// Targets behind a socket of this machine.
enum SocketURL {
    /// The URL by which the HTTP client finds the target: its own, or that of the socket with the target's path.
    static func url(_ request: TargetRequest) -> String {
        if request.socket.isEmpty { return request.url }
        let scheme = request.url.hasPrefix("https:") ? "https+unix" : "http+unix"
        let path = rest(request.url).drop { $0 != "/" && $0 != "?" }
        return "\(scheme)://\(URLText.host(request.socket))\(path.hasPrefix("/") ? "" : "/")\(path)"
    }

    /// Host and port as they stand in a URL.
    static func authority(_ url: String) -> String { String(rest(url).prefix { $0 != "/" && $0 != "?" }) }

    private static func rest(_ url: String) -> Substring {
        url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
    }
}

/// Failures of connections in Go's words.
package enum TransportFailure {
    static func text(_ error: any Error, _ request: TargetRequest) -> String {
        if !request.socket.isEmpty, let error = error as? IOError {
            return "dial unix \(request.socket): connect: \(system(error.errnoCode))"
        }
        return text(error, url: request.url)
    }

    /// Whether the connection ended in the middle of a body.
    static func isCut(_ error: any Error) -> Bool {
        error as? HTTPClientError == .remoteConnectionClosed || error is HTTPParserError
    }

    package static func text(_ error: any Error, url: String) -> String {
        switch error {
        case let error as NIOConnectionError: return connection(error, url)
        case let error as HTTPClientError: return client(error)
        case let error as IOError: return io(error.errnoCode, url)
        case is CancellationError: return "context canceled"
        case let error as ChannelError:
            if case .connectTimeout = error { return "context deadline exceeded" }
            return "\(error)"
        case let error as NIOSSLError: return "tls: failed to verify certificate: \(error)"
        default: return "\(error)"
        }
    }

    private static func io(_ code: Int32, _ url: String) -> String {
        switch code {
        case ECONNREFUSED, EHOSTUNREACH, ENETUNREACH, ETIMEDOUT, EADDRNOTAVAIL:
            return "dial tcp \(authority(of: url)): connect: \(system(code))"
        default: return "read: " + system(code)
        }
    }

    /// Host and port of a URL.
    private static func authority(of url: String) -> String {
        let authority = SocketURL.authority(url)
        if let colon = authority.lastIndex(of: ":"), !authority[colon...].contains("]") { return authority }
        return authority + (url.hasPrefix("https") ? ":443" : ":80")
    }

    private static func connection(_ error: NIOConnectionError, _ url: String) -> String {
        guard let first = error.connectionErrors.first else {
            return "dial tcp: lookup \(error.host): no such host"
        }
        let address = "\(first.target.ipAddress ?? error.host):\(error.port)"
        if let system = first.error as? IOError {
            return "dial tcp \(address): connect: \(Self.system(system.errnoCode))"
        }
        return "dial tcp \(address): \(text(first.error, url: url))"
    }

    private static func client(_ error: HTTPClientError) -> String {
        switch error {
        case .deadlineExceeded, .connectTimeout, .readTimeout, .getConnectionFromPoolTimeout:
            "context deadline exceeded"
        case .remoteConnectionClosed: "EOF"
        case .redirectLimitReached: "stopped after 10 redirects"
        case .tlsHandshakeTimeout: "net/http: TLS handshake timeout"
        case .cancelled: "context canceled"
        default: "\(error)"
        }
    }

    /// The system's words for an error number, as Go writes them.
    static func system(_ code: Int32) -> String { SystemText.error(code) }
}
