import HTTPCalling
import Logging
import MetricModel
import NIOPosix
import Scrape
import Simulation
import Synchronization
import Web

/// Real sockets for a world (`sockets: true`): what targets answer, and what is pushed, goes over the loopback interface as it does between
/// processes, and real clients can take part.
///
/// What a service answers is made by the world before it goes on its way, so that it does not depend on the machine.
package final class WorldSockets: Sendable {
    /// A server that listens until it is ended.
    private struct Listening: Sendable {
        var address: ListenAddress
        var task: Task<Void, any Error>

        func end() async {
            task.cancel()
            _ = await task.result
        }
    }

    private struct State {
        /// What each target answers next.
        var answers: [String: TargetResponse] = [:]
        var targets: Listening?
        var gateway: Listening?
        /// Where the Pushgateway listens, with its port once it has one: after a restart it is there again.
        var gatewayAddress: ListenAddress
    }

    private static let targetHeader: StaticString = "X-Promenade-Target"
    private static let timeout: Int64 = 10

    private let state: Mutex<State>
    private let transport: HTTPTransport
    private let logger: Logger

    init(gateway: ListenAddress?, logger: Logger) throws(TransportError) {
        state = Mutex(State(gatewayAddress: gateway ?? ListenAddress(host: "127.0.0.1", port: 0)))
        transport = try HTTPTransport(HTTPClientConfig(), clock: SystemClock())
        self.logger = logger
    }

    /// Where the Pushgateway listens; `nil` while it is down.
    var gateway: ListenAddress? { state.withLock { $0.gateway?.address } }

    private func listen(_ address: ListenAddress, _ router: WebRouter) async throws -> Listening {
        let server = try WebServer(
            address: address,
            router: router,
            clock: SystemClock(),
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: logger
        )
        let task = Task { try await server.run() }
        return Listening(address: try await server.listening(), task: task)
    }

    // MARK: Targets

    /// Listens for scrapes; once.
    func start() async throws {
        if state.withLock({ $0.targets != nil }) { return }
        let route = Route.get("/**") { [self] request in answer(request) }
        let listening = try await listen(ListenAddress(host: "127.0.0.1", port: 0), WebRouter(serving: [route]))
        state.withLock { $0.targets = listening }
    }

    private func answer(_ request: WebRequest) -> WebResponse {
        let name = request.headers[Self.targetHeader] ?? ""
        guard let known = state.withLock({ $0.answers[name] }) else { return .notFound }
        return WebResponse(status: known.status, headers: known.headers, body: .buffer(known.body))
    }

    /// Lets an answer go the whole way to whoever scrapes.
    func carry(
        _ answer: TargetResponse,
        of name: String,
        to request: TargetRequest
    ) async throws(TransportError) -> TargetResponse {
        let port = state.withLock { state in
            state.answers[name] = answer
            return state.targets?.address.port ?? 0
        }
        var inner = request
        inner.url = "http://127.0.0.1:\(port)\(URLParts(request.url)?.target ?? "/metrics")"
        inner.headers.append(("\(Self.targetHeader)", name))
        // Slowness of the world passes on its own clock; this is the machine's.
        inner.timeoutMilliseconds = max(request.timeoutMilliseconds, Self.timeout * 1000)
        return try await transport.fetch(inner)
    }

    // MARK: The Pushgateway

    /// Listens for pushes, at the same port after each restart.
    func open(_ gateway: PushgatewayResponder) async throws {
        let listening = try await listen(state.withLock { $0.gatewayAddress }, gateway.makeRouter())
        state.withLock { state in
            state.gateway = listening
            state.gatewayAddress = listening.address
        }
    }

    /// Nobody listens for pushes any more.
    func closeGateway() async {
        let listening = state.withLock { state in
            defer { state.gateway = nil }
            return state.gateway
        }
        await listening?.end()
    }

    /// Sends a push or a deletion.
    /// - Returns: the status and what the Pushgateway says.
    func push(_ request: WebRequest) async throws -> (status: Int, words: String) {
        guard let address = gateway else { throw StackError("connection refused") }
        let url = address.localURL + request.rawPath
        var call = HTTPCall(url, verb: request.method.rawValue, timeoutMilliseconds: Self.timeout * 1000)
        call.headers = request.headers.all + [("Connection", "close")]
        if request.method != .delete { call.body = request.body }
        let answer = try await HTTPCaller.shared.send(call)
        return (answer.status, answer.text)
    }

    /// Closes all.
    func close() async {
        await closeGateway()
        let listening = state.withLock { $0.targets }
        await transport.close()
        await listening?.end()
    }
}
