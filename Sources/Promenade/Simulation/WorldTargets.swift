import MetricModel
import NIOCore
import Scrape
import Simulation
import Synchronization
import Web

/// Who answers at which address of a world.
///
/// Unchecked, because a world does one thing after the other on one thread: what a scrape asks here is asked by the world itself.
final class WorldTargets: @unchecked Sendable {
    /// A batch that is scraped while it runs.
    struct Endpoint {
        var spec: BatchSpec
        var run: BatchRun
    }

    /// The ports by which targets of a world call the servers of its stack.
    static let prometheusPort = 9090
    static let gatewayPort = 9091
    static let demoPort = 8080
    /// Their addresses, as those of a world know them.
    static let prometheusAddress = "localhost:\(prometheusPort)"
    static let gatewayAddress = "localhost:\(gatewayPort)"
    static let demoAddress = "localhost:\(demoPort)"

    let start: Timestamp
    /// Instances of services, by address.
    var instances: [String: ServiceInstance] = [:]
    /// Batches that run and are scraped, by address; the last one that began.
    var endpoints: [String: [Endpoint]] = [:]
    /// Addresses of batches that are scraped while they run.
    var endpointNames: Set<String> = []
    /// The Pushgateway; `nil` while it is down.
    var gateway: PushgatewayResponder? { didSet { (isGatewayStill, gatewayAnswer) = (true, nil) } }
    /// Whether nobody has pushed to it or deleted from it since it began: until then it answers the same each time.
    var isGatewayStill = true { didSet { if !isGatewayStill { gatewayAnswer = nil } } }
    /// Whether nobody but the world can push to it.
    var isGatewayOurs = true
    private var gatewayAnswer: (url: String, accept: String, answer: TargetResponse)?
    /// The Prometheus server itself.
    var own: (() -> [UInt8])?
    var demo: SimulatedDemo?
    /// Targets of a recording that is replayed.
    var recorded: RecordedTargets?

    init(start: Timestamp) { self.start = start }

    /// Whether somebody of this world has an address.
    func knows(_ name: String, _ url: String, job: String) -> Bool {
        [Self.prometheusAddress, Self.gatewayAddress, Self.demoAddress].contains(name) || instances[name] != nil
            || endpointNames.contains(name) || recorded?.first(url, of: job) != nil
    }

    /// Answers a scrape.
    /// - Parameter time: nanoseconds from the start of the scenario.
    func answer(
        _ request: TargetRequest,
        job: String,
        name: String,
        path: String,
        time: Int64
    ) async throws(TransportError) -> TargetResponse {
        if let answer = try await recorded?.answer(request, of: job, time: time) { return answer }
        if let instance = instances[name] {
            guard instance.isUp else { throw refused(request, name) }
            let accept = request.headers.first { $0.name == "Accept" }?.value ?? ""
            let answer = instance.answer(at: time, accept: accept)
            return TargetResponse(
                headers: [("Content-Type", answer.contentType)],
                body: ByteBuffer(bytes: answer.body)
            )
        }
        if endpointNames.contains(name) {
            guard let endpoint = endpoints[name]?.last else { throw refused(request, name) }
            return Self.text(endpoint.run.body(endpoint.spec, at: time, start: start))
        }
        switch name {
        case Self.prometheusAddress:
            guard let own else { throw refused(request, name) }
            return Self.text(own())
        case Self.gatewayAddress:
            guard let gateway else { throw refused(request, name) }
            let accept = request.headers.first { $0.name == "Accept" }?.value ?? ""
            if let known = gatewayAnswer, known.url == request.url, known.accept == accept { return known.answer }
            let web = WebRequest(method: .get, target: path, headers: WebHeaders(request.headers.filter(Self.isPlain)))
            let answer = Self.response(await gateway.respondInProcess(to: web))
            if isGatewayStill, isGatewayOurs { gatewayAnswer = (request.url, accept, answer) }
            return answer
        case Self.demoAddress:
            guard let demo else { throw refused(request, name) }
            return Self.response(demo.answer(at: time))
        case _: break
        }
        throw TransportError(
            "dial tcp: lookup \(name): no such host",
            code: .unknownHost,
            context: "Get \(GoText.quoted(request.url)): "
        )
    }

    /// Nothing is gained by packing what does not leave the process.
    private static func isPlain(_ header: (name: String, value: String)) -> Bool { header.name != "Accept-Encoding" }

    private static func text(_ body: [UInt8]) -> TargetResponse {
        TargetResponse(
            headers: [("Content-Type", "text/plain; version=0.0.4; charset=utf-8")],
            body: ByteBuffer(bytes: body)
        )
    }

    private static func response(_ answer: WebResponse) -> TargetResponse {
        var response = TargetResponse(status: answer.status, reason: HTTPStatus.reason(answer.status))
        response.headers = answer.headers
        switch answer.body {
        case .bytes(let bytes): response.body = ByteBuffer(bytes: bytes)
        case .buffer(let buffer): response.body = buffer
        case .stream, .none: break
        }
        return response
    }

    private func refused(_ request: TargetRequest, _ name: String) -> TransportError {
        TransportError(
            "dial tcp \(name): connect: connection refused",
            code: .refused,
            context: "Get \(GoText.quoted(request.url)): "
        )
    }
}

/// The way from a scraper to the targets of its world.
final class WorldTransport: TargetTransport {
    private let targets: WorldTargets
    private let job: String
    /// The way over real sockets, and that to those who are not of this world; `nil` where there is none.
    private let sockets: (world: WorldSockets, outside: any TargetTransport)?
    /// Names and paths by URL.
    private let names = Mutex<[String: (name: String, path: String)]>([:])

    init(_ targets: WorldTargets, job: String, sockets: (world: WorldSockets, outside: any TargetTransport)? = nil) {
        self.targets = targets
        self.job = job
        self.sockets = sockets
    }

    func fetch(_ request: TargetRequest) async throws(TransportError) -> TargetResponse {
        let (name, path) = names.withLock { names in
            if let known = names[request.url] { return known }
            let parts = URLParts(request.url)
            let found = (Scenario.host(parts?.authority ?? request.url), parts?.target ?? "/metrics")
            names[request.url] = found
            return found
        }
        let time = request.clock.steadyNanoseconds
        guard let sockets else {
            return try await targets.answer(request, job: job, name: name, path: path, time: time)
        }
        guard targets.knows(name, request.url, job: job) else { return try await sockets.outside.fetch(request) }
        let answer = try await targets.answer(request, job: job, name: name, path: path, time: time)
        return try await sockets.world.carry(answer, of: name, to: request)
    }

    func close() async { await sockets?.outside.close() }
}

/// The demo server of a world, with the visitors that it would have had until it is asked.
final class SimulatedDemo {
    let server: DemoServer
    private var arrivals: Arrivals?

    /// - Parameters:
    ///   - seed: the world's, where the configuration has none.
    ///   - survey: what its page is told of the other servers.
    init(_ config: StackConfig.Demo, seed: UInt64, clock: any StackClock, survey: StackSurvey?) throws {
        var stream = RandomStream(seed: seed, name: "demo")
        let seed = config.seed ?? stream.next()
        server = try DemoServer(seed: seed, clock: clock, survey: survey, showsProcess: false)
        if config.trafficRate > 0 { arrivals = Arrivals(perSecond: config.trafficRate, seed: seed) }
    }

    func answer(at time: Int64) -> WebResponse {
        for _ in 0..<(arrivals?.take(until: time) ?? 0) { server.serve() }
        return server.metricsResponse(to: WebRequest(method: .get, target: "/metrics"))
    }
}
