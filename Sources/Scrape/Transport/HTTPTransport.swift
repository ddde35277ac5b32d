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
    /// Connections for what needs nothing else, by loop; none where somebody brings loops of their own.
    private let plain: [PlainConnections]

    /// A transport for a job.
    /// - Throws: what is wrong with certificates, keys or the proxy.
    public convenience init(
        _ config: HTTPClientConfig,
        clock: any StackClock,
        environment: [String: String] = [:]
    ) throws(TransportError) {
        try self.init(config, clock, environment, { LoopExecutor.calling }, LoopExecutor.scraping)
    }

    /// A transport whose connections live on loops of somebody's own.
    package convenience init(
        _ config: HTTPClientConfig,
        clock: any StackClock,
        environment: [String: String],
        loops: any EventLoopGroup
    ) throws(TransportError) {
        try self.init(config, clock, environment, { loops }, [])
    }

    private init(
        _ config: HTTPClientConfig,
        _ clock: any StackClock,
        _ environment: [String: String],
        _ loops: @escaping @Sendable () -> any EventLoopGroup,
        _ executors: [LoopExecutor]
    ) throws(TransportError) {
        self.config = config
        plain = executors.map(PlainConnections.init)
        clients = try HTTPClients(
            tls: config.tls,
            proxy: config.proxy,
            enableHTTP2: config.enableHTTP2,
            environment: environment,
            loops: loops
        )
        if let oauth = config.oauth2 {
            token = try OAuthToken(oauth, clock: clock, environment: environment, loops: loops)
        } else {
            token = nil
        }
    }

    /// Connections are given up by the event loop's own timer.
    public var keepsTime: Bool { true }

    /// Closes all connections.
    public func close() async {
        for connections in plain { await connections.close() }
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
        if plain.isEmpty { return try await send(request, .GET, body: nil) }
        if let here = plain.first(where: { $0.executor.loop.inEventLoop }) {
            return try await send(request, .GET, body: nil, by: here)
        }
        // By its URL, so that it meets the connection that was kept for it.
        let chosen = plain[Int(UInt(bitPattern: request.url.hashValue) % UInt(plain.count))]
        return try await withTaskExecutorPreference(chosen.executor) { () async throws(TransportError) in
            try await send(request, .GET, body: nil, by: chosen)
        }
    }

    private func send(
        _ request: TargetRequest,
        _ method: HTTPMethod,
        body: [UInt8]?,
        by connections: PlainConnections? = nil
    ) async throws(TransportError) -> TargetResponse {
        let end = network.steadyNanoseconds.plus(request.timeoutNanoseconds)
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
            secretHeaders: HTTPClientSetup.secretHeaders(config),
            connections: connections
        )
        let known = try known(request, headers, fetch)
        do throws(TransportError) {
            let answer = try await fetch.run(
                request,
                at: known.parts,
                until: deadline,
                headers: headers,
                plain: known.plain
            )
            request.memory?.end(nil)
            return answer
        } catch {
            request.memory?.end(error.code)
            throw error
        }
    }

    /// What a request is made of.
    private func known(_ request: TargetRequest, _ headers: [(name: String, value: String)], _ fetch: HTTPFetch)
        throws(TransportError) -> RequestMemory.Known
    {
        if let known = request.memory?.recall(request.url, headers) { return known }
        let parts = try parts(of: request.url)
        let way = RequestWay(parts, method: fetch.method)
        let plain = fetch.plain(request, way, headers)
        let known = RequestMemory.Known(url: request.url, headers: headers, parts: parts, plain: plain)
        request.memory?.keep(known)
        return known
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
