public import MetricModel
public import PrometheusClient
import Synchronization

/// The tutorial's example: `/` answers OK, Normal or Error at random and counts; `/metrics` shows the counts.
public final class DemoServer: WebResponder {
    private let requests = Counter("request_count_total", help: "Counter of HTTP requests.")
    private let errors = Counter("request_error_count_total", help: "Counter of HTTP requests resulting in an error.")
    private let registry: CollectorRegistry
    /// What comes next.
    private let chance: Mutex<SeededGenerator>

    /// A demo server. The same seed gives the same answers; `nil` gives others each time.
    public init(seed: UInt64? = nil, clock: any StackClock = SystemClock()) throws(MetricRegistrationError) {
        chance = Mutex(SeededGenerator(seed: seed ?? UInt64.random(in: 0...UInt64.max)))
        registry = CollectorRegistry()
        try registry.register(requests, errors, ProcessCollector(clock: clock))
    }

    /// Its metrics.
    public var gatherer: any MetricGatherer { registry }

    /// A request is counted and answered; also what the built-in traffic does, without a connection.
    @discardableResult
    public func serve() -> String {
        requests.increment()
        switch chance.withLock({ UInt64.random(in: 0..<3, using: &$0) }) {
        case 0: return "OK"
        case 1: return "Normal"
        default:
            errors.increment()
            return "Error"
        }
    }

    /// Pages for browsers, words for everybody else.
    public func respondAtOnce(to request: WebRequest) -> WebResponse? {
        let path = request.path
        if path == "/metrics" { return nil }
        if path.hasPrefix("/assets/") {
            let file = String(path.dropFirst(8))
            guard request.method == .get || request.method == .head else { return .methodNotAllowed("GET, HEAD") }
            return WebAssets.response(to: request, file: file)
        }
        if path == "/", request.method == .get, let accepted = request.headers["Accept"],
            accepted.contains("text/html"), WebAssets.contains("demo/index.html")
        {
            var page = WebAssets.response(to: request, file: "demo/index.html")
            page.headers.append(("Vary", "Accept"))
            return page
        }
        return .text(serve())
    }

    /// The metrics, which take longer to put together.
    public func respond(to request: WebRequest) async -> WebResponse {
        MetricsAnswer.response(to: request, gatherer: registry)
    }
}

/// Requests that the demo server makes to itself, so that its graphs move.
public struct DemoTraffic: Sendable {
    private let server: DemoServer
    private let rate: Double
    private let clock: any StackClock

    /// Traffic of so many requests a second.
    public init(server: DemoServer, requestsPerSecond rate: Double, clock: any StackClock) {
        self.server = server
        self.rate = rate
        self.clock = clock
    }

    /// Makes requests until the task is cancelled: in bunches, five times a second at most.
    public func run() async {
        guard rate > 0 else { return }
        let pause = max(200_000_000, Int64(1e9 / rate))
        let start = clock.steadyNanoseconds
        var served = 0.0
        var deadline = start
        while !Task.isCancelled {
            deadline += pause
            do {
                try await clock.sleep(untilSteady: deadline)
            } catch {
                return
            }
            let due = rate * Double(clock.steadyNanoseconds - start) / 1e9
            while served + 1 <= due {
                server.serve()
                served += 1
            }
        }
    }
}
