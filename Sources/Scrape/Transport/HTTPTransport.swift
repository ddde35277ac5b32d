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
    private let client: HTTPClient
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
        client = HTTPClient(
            eventLoopGroup: HTTPClient.defaultEventLoopGroup,
            configuration: try HTTPClientSetup.configuration(config, environment: environment)
        )
        if let oauth = config.oauth2 {
            token = try OAuthToken(oauth, clock: clock, environment: environment, parse: parse)
        } else {
            token = nil
        }
    }

    /// Closes all connections.
    public func close() async {
        try? await client.shutdown()
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
        return try await HTTPFetch.run(client, .GET, request, headers: outgoing, body: nil)
    }
}

/// One request and the collecting of its answer.
enum HTTPFetch {
    static func run(
        _ client: HTTPClient,
        _ method: HTTPMethod,
        _ request: TargetRequest,
        headers: [(name: String, value: String)],
        body: String?
    ) async throws(TransportError) -> TargetResponse {
        var outgoing = HTTPClientRequest(url: request.url)
        outgoing.method = method
        outgoing.headers = HTTPHeaders(headers.map { ($0.name, $0.value) })
        if let body { outgoing.body = .bytes(ByteBuffer(string: body)) }
        let verb = method == .GET ? "Get" : "Post"
        do {
            let limit = TimeAmount.milliseconds(request.timeoutMilliseconds + 1000)
            let response = try await client.execute(outgoing, timeout: limit)
            var answer = TargetResponse(
                status: Int(response.status.code),
                reason: response.status.reasonPhrase,
                headers: response.headers.map { ($0.name, $0.value) }
            )
            let isPlain = answer.header("Content-Encoding").isEmpty
            for try await var chunk in response.body {
                if answer.body.readableBytes == 0 { answer.body = chunk } else { answer.body.writeBuffer(&chunk) }
                if request.bodyLimit > 0, isPlain, answer.body.readableBytes >= request.bodyLimit {
                    throw TransportError.bodyTooLarge
                }
            }
            return answer
        } catch let error as TransportError {
            throw error
        } catch {
            throw TransportError(
                "\(verb) \(GoText.quoted(request.url)): \(TransportFailure.text(error, url: request.url))"
            )
        }
    }
}

/// Failures of connections in Go's words.
enum TransportFailure {
    static func text(_ error: any Error, url: String) -> String {
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
        let rest = url.firstRange(of: "://").map { url[$0.upperBound...] } ?? url[...]
        let authority = String(rest.prefix { $0 != "/" && $0 != "?" })
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
