import AsyncHTTPClient
import MetricModel
import NIOCore
import NIOHTTP1

/// One request with the redirects that follow from it, and the collecting of its answer.
struct HTTPFetch: Sendable {
    let clients: HTTPClients
    let method: HTTPMethod
    let followsRedirects: Bool
    var body: ByteBuffer?
    /// Headers of the configuration that hold secrets; in small letters.
    var secretHeaders: Set<String> = []
    /// Whether the body holds secrets.
    var hasSecretBody = false
    /// Who has connections for what needs nothing else.
    var connections: PlainConnections?

    /// How a request is carried to its server.
    private enum Carrier {
        case client(HTTPClients.Route, HTTPHeaders)
        case connections(PlainConnections, PlainRequest)

        /// Who is connected to, for messages, and whether that is a proxy; `nil` for the URL's own address.
        var dialled: (address: String, isProxied: Bool)? {
            switch self {
            case .client(let route, _): (route.address, route.isProxied)
            case .connections: nil
            }
        }
    }

    /// Fetches.
    /// - Parameter plain: the first request, where it needs nothing but a connection.
    func run(
        _ request: TargetRequest,
        at url: URLParts,
        until deadline: NIODeadline,
        headers: [(name: String, value: String)],
        plain: PlainRequest? = nil
    ) async throws(TransportError) -> TargetResponse {
        let secrets = secretHeaders.union(request.secretHeaders)
        var way = RequestWay(url, method: method, secrets: secrets, hasSecretBody: hasSecretBody)
        var plain = plain
        while true {
            let answer: TargetResponse
            if let connections, let plain {
                answer = try await attempt(.connections(connections, plain), request, way, until: deadline)
            } else {
                answer = try await once(request, way, until: deadline, headers: way.headers(headers))
            }
            guard followsRedirects, try way.follow(status: answer.status, location: answer.header("Location")) else {
                return answer
            }
            request.memory?.end(nil)
            plain = self.plain(request, way, headers)
        }
    }

    /// The next request of a way, where it needs nothing but a connection.
    func plain(_ request: TargetRequest, _ way: RequestWay, _ headers: [(name: String, value: String)]) -> PlainRequest?
    {
        guard connections != nil, way.method == .GET, request.socket.isEmpty, !clients.isProxied(way.url) else {
            return nil
        }
        return PlainRequest(way.url, headers: HTTPClientSetup.sorted(way.headers(headers)))
    }

    private func once(
        _ request: TargetRequest,
        _ way: RequestWay,
        until deadline: NIODeadline,
        headers: [(name: String, value: String)]
    ) async throws(TransportError) -> TargetResponse {
        let connects = request.socket.isEmpty && !clients.isProxied(way.url)
        try way.check(connects: connects)
        guard connects else { return try await once(request, way, to: way.url, until: deadline, headers: headers) }
        return try await way.url.dial { url throws(TransportError) in
            try await once(request, way, to: url, until: deadline, headers: headers)
        }
    }

    private func once(
        _ request: TargetRequest,
        _ way: RequestWay,
        to url: URLParts,
        until deadline: NIODeadline,
        headers: [(name: String, value: String)]
    ) async throws(TransportError) -> TargetResponse {
        let name = request.socket.isEmpty ? clients.name(on: url) : nil
        var left: [String?] = [nil]
        do throws(TransportError) {
            if let name { left = try await clients.addresses(of: name, until: deadline) }
        } catch {
            throw error.during(way.context + (clients.isProxied(url) ? "proxyconnect tcp: " : ""))
        }
        var first: TransportError?
        for address in left {
            let (route, fields) = try carrier(request, way, to: url, at: address, headers)
            do throws(TransportError) {
                let answer = try await attempt(.client(route, fields), request, way, until: deadline)
                if let name, first != nil, let address { clients.prefer(address, of: name) }
                return answer
            } catch {
                if let name, let address, [.refused, .timeout].contains(error.code) {
                    clients.distrust(address, of: name)
                }
                guard error.code == .refused else { throw error }
                // Nobody listens at this one: there may be others.
                first = first ?? error
            }
        }
        throw first ?? .late(context: way.context)
    }

    /// The way to a URL, and what is sent on it.
    private func carrier(
        _ request: TargetRequest,
        _ way: RequestWay,
        to url: URLParts,
        at address: String?,
        _ headers: [(name: String, value: String)]
    ) throws(TransportError) -> (HTTPClients.Route, HTTPHeaders) {
        var fields = HTTPHeaders([("Host", way.url.hostHeader)])
        do throws(TransportError) {
            var route = try clients.route(to: url, socket: request.socket, at: address)
            // What stands for another address is told as it was written.
            if address == nil, !route.isProxied { route.address = way.url.address }
            for header in HTTPClientSetup.sorted(headers + route.headers) {
                try fields.addField(header.name, header.value)
            }
            return (route, fields)
        } catch {
            throw error.during(way.context)
        }
    }

    private func attempt(
        _ carrier: Carrier,
        _ request: TargetRequest,
        _ way: RequestWay,
        until deadline: NIODeadline
    ) async throws(TransportError) -> TargetResponse {
        var attempt = 0
        while true {
            attempt += 1
            let collector = AnswerCollector(request)
            do {
                return try await answer(collector, carrier, request, way, until: deadline)
            } catch let error as TransportError where error.code == .bodyTooLarge || error.code == .noRoom {
                throw error
            } catch  where isWorthAnother(attempt, way.method, error, collector) {
                continue
            } catch {
                // The future has ended, so nothing touches the collector any more.
                if let whole = collector.ended(by: error) { return whole }
                if collector.hasBegun { throw TransportFailure.ofBody(error) }
                throw TransportFailure.failure(
                    error,
                    address: carrier.dialled?.address ?? way.url.address,
                    socket: request.socket,
                    isProxied: carrier.dialled?.isProxied ?? false
                ).during(way.context)
            }
        }
    }

    /// Whether to try again: a server may give up a kept connection at the moment at which it is used, which is no failure of its
    /// own. Go's client does so for requests without a body.
    private func isWorthAnother(
        _ attempt: Int,
        _ method: HTTPMethod,
        _ error: any Error,
        _ collector: AnswerCollector
    ) -> Bool {
        guard attempt < 4, method == .GET, !collector.hasBegun else { return false }
        if let error = error as? ChannelError, error == .ioOnClosedChannel { return true }
        return error is StaleConnection
    }

    /// A request of the client takes a file, and so may one before it that was given up while it connected.
    private static let files = 2

    private func roomForClient(isDoubtful: Bool) throws(TransportError) -> ConnectionFiles.Outgoing {
        do throws(ConnectionFiles.Full) {
            return try ConnectionFiles.shared.takeOutgoing(Self.files, isDoubtful: isDoubtful)
        } catch {
            throw TransportError(error)
        }
    }

    private func answer(
        _ collector: AnswerCollector,
        _ carrier: Carrier,
        _ request: TargetRequest,
        _ way: RequestWay,
        until deadline: NIODeadline
    ) async throws -> TargetResponse {
        let isDoubtful = request.memory?.isDoubtful ?? false
        let (route, fields): (HTTPClients.Route, HTTPHeaders)
        switch carrier {
        case .connections(let connections, let plain):
            return try await connections.fetch(plain, into: collector, until: deadline, isDoubtful: isDoubtful)
        case .client(let chosen, let all): (route, fields) = (chosen, all)
        }
        // Of those who ask one server again and again the client bounds the connections.
        let room = connections == nil ? nil : try roomForClient(isDoubtful: isDoubtful)
        defer { room?.giveBack() }
        let outgoing = try HTTPClient.Request(
            url: route.url,
            method: way.method,
            headers: fields,
            body: way.hasBody ? body.map { .byteBuffer($0) } : nil
        )
        let task = route.client.execute(request: outgoing, delegate: collector, deadline: deadline)
        return try await withTaskCancellationHandler {
            try await task.futureResult.get()
        } onCancel: {
            task.cancel()
        }
    }
}
