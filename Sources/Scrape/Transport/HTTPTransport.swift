import AsyncHTTPClient
public import MetricModel
package import NIOCore
import NIOHTTP1
import Synchronization

/// Fetches over HTTP as a job's configuration asks for it.
public final class HTTPTransport: TargetTransport {
    private let config: HTTPClientConfig
    private let clients: HTTPClients
    private let token: OAuthToken?
    /// URLs taken apart: as a rule the same ones are asked for again and again.
    private let urls = Mutex<[String: URLParts]>([:])
    /// So many of them are remembered.
    private static let mostURLs = 1000
    /// The network keeps the machine's time, whatever time the stack lives by.
    private let network = SystemClock()

    /// A transport for a job.
    /// - Throws: what is wrong with certificates, keys or the proxy.
    public convenience init(
        _ config: HTTPClientConfig,
        clock: any StackClock,
        environment: [String: String] = [:]
    ) throws(TransportError) {
        try self.init(config, clock: clock, environment: environment, loops: HTTPClient.defaultEventLoopGroup)
    }

    /// A transport whose connections live on loops of somebody's own.
    package init(
        _ config: HTTPClientConfig,
        clock: any StackClock,
        environment: [String: String],
        loops: any EventLoopGroup
    ) throws(TransportError) {
        self.config = config
        clients = try HTTPClients(
            tls: config.tls,
            proxy: config.proxy,
            enableHTTP2: config.enableHTTP2,
            environment: environment,
            loops: loops
        )
        if let oauth = config.oauth2 {
            token = try OAuthToken(oauth, clock: clock, environment: environment)
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

    /// Posts a body, following redirects where the configuration says so.
    public func post(_ request: TargetRequest, body: String) async throws(TransportError) -> TargetResponse {
        try await send(request, .POST, body: Array(body.utf8))
    }

    /// Posts bytes.
    public func post(_ request: TargetRequest, bytes: [UInt8]) async throws(TransportError) -> TargetResponse {
        try await send(request, .POST, body: bytes)
    }

    /// Fetches a target's body, following redirects where the configuration says so.
    public func fetch(_ request: TargetRequest) async throws(TransportError) -> TargetResponse {
        try await send(request, .GET, body: nil)
    }

    private func send(
        _ request: TargetRequest,
        _ method: HTTPMethod,
        body: [UInt8]?
    ) async throws(TransportError) -> TargetResponse {
        let end = network.steadyNanoseconds + request.timeoutNanoseconds
        let deadline = NIODeadline.uptimeNanoseconds(UInt64(max(0, end)))
        var headers = request.headers
        do throws(TransportError) {
            headers += try HTTPClientSetup.credentials(config)
            if let token { headers.append(("Authorization", try await token.header(until: deadline))) }
            headers += try HTTPClientSetup.additional(config)
        } catch {
            throw error.during(
                "\(method == .GET ? "Get" : "Post") \(GoText.quoted(URLParts(request.url)?.shown ?? request.url)): "
            )
        }
        let fetch = HTTPFetch(
            clients: clients,
            method: method,
            followsRedirects: config.followRedirects,
            body: body.map { ByteBuffer(bytes: $0) },
            secretHeaders: HTTPClientSetup.secretHeaders(config)
        )
        return try await fetch.run(request, at: try parts(of: request.url), until: deadline, headers: headers)
    }

    private func parts(of url: String) throws(TransportError) -> URLParts {
        if let known = urls.withLock({ $0[url] }) { return known }
        let parts = try RequestWay.parts(of: url)
        urls.withLock { urls in
            if urls.count >= Self.mostURLs { urls = [:] }
            urls[url] = parts
        }
        return parts
    }
}
