import AsyncHTTPClient
import MetricModel
import NIOCore
import NIOHTTP1
import NIOPosix

/// The kept connections of a job to servers that are asked without TLS and proxies, on one loop.
///
/// The usual scrape, and done as often as there are targets: whoever asks is on the loop's thread already, where the request is
/// written, the answer read and the task goes on, without a lock, another thread or a timer of its own. All else is the HTTP client's.
// Everything but `fetch` and `close` is called on the loop.
final class PlainConnections: @unchecked Sendable {
    let executor: LoopExecutor
    private var idle: [PlainRequest.Place: [PlainConnection]] = [:]
    /// Those that wait for their answer.
    private var inFlight: [PlainExchange] = []
    /// When somebody looks next whose time is up.
    private var nextLook: NIODeadline?
    private var isSweeping = false
    private var isClosed = false

    /// So long a connection is kept that nobody uses, as with Prometheus.
    private static let idleTime = TimeAmount.minutes(5)
    /// The longest wait for a connection, as with Go's client.
    private static let connectTime = TimeAmount.seconds(30)

    init(_ executor: LoopExecutor) { self.executor = executor }

    private var loop: any EventLoop { executor.loop }

    /// Sends a request and gathers the answer.
    /// - Parameter isDoubtful: whether the other end said nothing the last time.
    func fetch(
        _ request: PlainRequest,
        into collector: AnswerCollector,
        until deadline: NIODeadline,
        isDoubtful: Bool
    ) async throws -> TargetResponse {
        let exchange = PlainExchange(collector, deadline, isDoubtful: isDoubtful)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                if loop.inEventLoop {
                    start(exchange, request, continuation)
                } else {
                    loop.execute { self.start(exchange, request, continuation) }
                }
            }
        } onCancel: {
            loop.execute { self.end(exchange, .failure(HTTPClientError.cancelled)) }
        }
    }

    /// Closes all connections.
    func close() async {
        let done = loop.flatSubmit {
            self.isClosed = true
            for exchange in self.inFlight { self.end(exchange, .failure(HTTPClientError.cancelled)) }
            let all = self.idle.values.joined()
            self.idle = [:]
            return EventLoopFuture.andAllComplete(all.compactMap { $0.close() }, on: self.loop)
        }
        try? await done.get()
    }

    // MARK: On the loop

    private func start(
        _ exchange: PlainExchange,
        _ request: PlainRequest,
        _ continuation: CheckedContinuation<TargetResponse, any Error>
    ) {
        // It may have been given up before it began.
        if exchange.isOver { return continuation.resume(throwing: HTTPClientError.cancelled) }
        exchange.continuation = continuation
        if isClosed { return exchange.finish(.failure(HTTPClientError.alreadyShutdown)) }
        exchange.index = inFlight.count
        inFlight.append(exchange)
        look(at: exchange.deadline)
        while let connection = idle[request.place]?.popLast() {
            if idle[request.place]?.isEmpty ?? false { idle[request.place] = nil }
            if connection.send(request, for: exchange) { return }
        }
        connect(exchange, request)
    }

    private func connect(_ exchange: PlainExchange, _ request: PlainRequest) {
        let place = request.place
        if let address = try? SocketAddress(ipAddress: place.host, port: place.port) {
            return connect(exchange, request) { $0.connect(to: address) }
        }
        HostNames.shared.find(place.host, until: Int64(clamping: exchange.deadline.uptimeNanoseconds)) { answer in
            self.loop.execute {
                if exchange.isOver { return }
                switch answer {
                case .success(let found):
                    self.connect(exchange, request) {
                        $0.resolver(FoundAddresses(found, on: self.loop)).connect(host: place.host, port: place.port)
                    }
                case .failure(let error): self.end(exchange, .failure(error))
                }
            }
        }
    }

    private func connect(
        _ exchange: PlainExchange,
        _ request: PlainRequest,
        _ open: (ClientBootstrap) -> EventLoopFuture<any Channel>
    ) {
        let room: ConnectionFiles.Outgoing
        do throws(ConnectionFiles.Full) {
            room = try ConnectionFiles.shared.takeOutgoing(isDoubtful: exchange.isDoubtful)
        } catch {
            return end(exchange, .failure(TransportError(error)))
        }
        let connection = PlainConnection(self, request.place, room)
        let bootstrap = ClientBootstrap(group: loop).connectTimeout(Self.connectTime).channelInitializer { channel in
            connection.install(on: channel)
        }
        open(bootstrap).hop(to: loop).whenComplete { result in
            switch result {
            case .success(let channel):
                channel.closeFuture.whenComplete { _ in room.giveBack() }
                if exchange.isOver {
                    channel.close(promise: nil)
                } else if !connection.send(request, for: exchange) {
                    self.end(exchange, .failure(HTTPClientError.remoteConnectionClosed))
                }
            case .failure(let error):
                room.giveBack()
                self.end(exchange, .failure(error))
            }
        }
    }

    /// It is over, one way or the other. What is still on the way for it is not waited for.
    func end(_ exchange: PlainExchange, _ result: Result<TargetResponse, any Error>) {
        if exchange.isOver { return }
        // In an order that does not matter: the last one takes its place.
        if exchange.index >= 0 {
            let last = inFlight.removeLast()
            if last !== exchange {
                inFlight[exchange.index] = last
                last.index = exchange.index
            }
        }
        let connection = exchange.connection
        exchange.finish(result)
        connection?.letGo(of: exchange)
    }

    /// Takes a connection back.
    func keep(_ connection: PlainConnection) {
        if isClosed || ConnectionFiles.shared.isTight {
            _ = connection.close()
            return
        }
        connection.room.trust()
        connection.idleSince = .now()
        idle[connection.place, default: []].append(connection)
        if isSweeping { return }
        isSweeping = true
        sweepLater()
    }

    /// A connection has ended.
    func remove(_ connection: PlainConnection) {
        guard let index = idle[connection.place]?.firstIndex(where: { $0 === connection }) else { return }
        idle[connection.place]?.remove(at: index)
        if idle[connection.place]?.isEmpty ?? false { idle[connection.place] = nil }
    }

    // MARK: Time

    /// One timer for all: there are as many deadlines as requests, and next to none of them pass.
    private func look(at deadline: NIODeadline) {
        if let nextLook, nextLook <= deadline { return }
        nextLook = deadline
        loop.scheduleTask(deadline: deadline) { [weak self] in self?.endLate(deadline) }
    }

    private func endLate(_ moment: NIODeadline) {
        guard nextLook == moment else { return }
        nextLook = nil
        let now = NIODeadline.now()
        for exchange in inFlight where exchange.deadline <= now {
            end(exchange, .failure(HTTPClientError.deadlineExceeded))
        }
        if let earliest = inFlight.map(\.deadline).min() { look(at: earliest) }
    }

    private func sweepLater() {
        loop.scheduleTask(in: .minutes(1)) { [weak self] in self?.sweep() }
    }

    private func sweep() {
        let bound = NIODeadline.now() - Self.idleTime
        for connection in idle.values.joined() where connection.idleSince < bound { _ = connection.close() }
        isSweeping = !idle.isEmpty
        if isSweeping { sweepLater() }
    }
}

/// A request that is under way. Its loop's.
final class PlainExchange: @unchecked Sendable {
    let collector: AnswerCollector
    let deadline: NIODeadline
    /// Whether the other end said nothing the last time.
    let isDoubtful: Bool
    var continuation: CheckedContinuation<TargetResponse, any Error>?
    /// Who carries it.
    var connection: PlainConnection?
    /// Where it stands among those in flight; negative for nowhere.
    var index = -1
    private(set) var isOver = false

    init(_ collector: AnswerCollector, _ deadline: NIODeadline, isDoubtful: Bool) {
        self.collector = collector
        self.deadline = deadline
        self.isDoubtful = isDoubtful
    }

    func finish(_ result: Result<TargetResponse, any Error>) {
        isOver = true
        connection = nil
        continuation?.resume(with: result)
        continuation = nil
    }
}
