import Exposition
import Logging
import MetricModel
import NIOCore
import NIOPosix
import PrometheusClient
import Synchronization
public import Web

/// A batch that is scraped instead of pushing: it serves `/metrics` only while it works.
public struct BatchExposure: Sendable {
    /// Where it listens.
    public var address: ListenAddress
    /// How long it works at least, in milliseconds.
    public var milliseconds: Int64

    /// An exposure.
    public init(address: ListenAddress, milliseconds: Int64) {
        self.address = address
        self.milliseconds = milliseconds
    }

    /// Serves the metrics while `work` is done, and tells who saw them.
    /// - Throws: `WebServerError` where the address cannot be listened on, and whatever the work throws.
    func serve(
        _ registry: CollectorRegistry,
        clock: any StackClock,
        say: @Sendable (String) -> Void,
        while work: () async throws -> Void
    ) async throws {
        let metrics = ExposedMetrics(registry)
        let server = try WebServer(
            address: address,
            router: WebRouter(serving: [.get("/metrics") { metrics.answer($0) }]),
            clock: clock,
            eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "batch") { _ in SwiftLogNoOpLogHandler() }
        )
        let start = clock.steadyNanoseconds
        let running = Task { try await server.run() }
        let real = try await server.listening()
        say("working, and serving \(real.localURL)/metrics")
        do {
            try await work()
            let rest = milliseconds - (clock.steadyNanoseconds - start) / 1_000_000
            if rest > 0 { try await clock.sleep(milliseconds: rest) }
        } catch {
            try? await server.stop()
            throw error
        }
        try await server.stop()
        try await running.value
        say(Self.verdict(metrics.count, (clock.steadyNanoseconds - start) / 1_000_000, real))
    }

    /// What became of it.
    static func verdict(_ scrapes: Int, _ milliseconds: Int64, _ address: ListenAddress) -> String {
        let time = "\(milliseconds / 1000).\(milliseconds % 1000 / 100) s"
        switch scrapes {
        case 0:
            return "ended after \(time), and no scrape saw it: a batch that is over before the next scrape has to push "
                + "(to be scraped at all, a job needs the target \(address.reachableHost):\(address.port))"
        case 1: return "ended after \(time), and one scrape saw it: \(passing)"
        default: return "ended after \(time), and \(scrapes) scrapes saw it: \(passing)"
        }
    }

    private static let passing = "what was counted after the last scrape is lost, and its series go stale"
}

/// Answers `/metrics` and counts who asked.
private final class ExposedMetrics: Sendable {
    private let registry: CollectorRegistry
    private let asked = Atomic(0)

    init(_ registry: CollectorRegistry) { self.registry = registry }

    var count: Int { asked.load(ordering: .relaxed) }

    func answer(_ request: WebRequest) -> WebResponse {
        asked.wrappingAdd(1, ordering: .relaxed)
        do throws(MetricRegistrationError) {
            let format = ExpositionFormat.negotiate(accept: request.headers["Accept"] ?? "")
            let body = FamilyEncoder.encode(try registry.gather(), as: format)
            return WebResponse(headers: [("Content-Type", format.contentType)], body: .bytes(body))
        } catch {
            return .error(error.message, status: 500)
        }
    }
}
