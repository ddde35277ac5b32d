public import MetricModel
public import PrometheusClient
import Synchronization

/// The tutorial's example: `/` answers OK, Normal or Error at random and counts; `/metrics` shows the counts.
///
/// In class it can be made slow, made to fail, and put back to its beginning while it runs.
public final class DemoServer: WebResponder {
    /// How it answers.
    public enum Mode: Sendable, Hashable {
        /// As it should.
        case serving
        /// Every answer, that of `/metrics` too, comes so many milliseconds late.
        case slow(milliseconds: Int64)
        /// Every request, that for `/metrics` too, is answered with this status code and counts as an error.
        case failing(status: Int)
        /// Every request ends in an error and counts as one; `/metrics` answers.
        case erring
        /// Not at all: nothing is counted.
        case stopped
    }

    /// What it counts, from one start to the next.
    private struct Counts {
        let requests = Counter("request_count_total", help: "Counter of HTTP requests.")
        let errors = Counter("request_error_count_total", help: "Counter of HTTP requests resulting in an error.")
        let registry = CollectorRegistry()

        init(clock: any StackClock) throws(MetricRegistrationError) {
            try registry.register(requests, errors, ProcessCollector(clock: clock))
        }
    }

    private struct State {
        var chance: SeededGenerator
        var counts: Counts
        var mode = Mode.serving
        var control: DemoControl?
    }

    /// What comes next, what was counted, and how it answers.
    private let state: Mutex<State>
    private let clock: any StackClock
    private let survey: StackSurvey?

    /// A demo server. The same seed gives the same answers; `nil` gives others each time.
    /// - Parameter survey: what the servers of the stack know of each other; `nil` where this one is alone.
    public init(
        seed: UInt64? = nil,
        clock: any StackClock = SystemClock(),
        survey: StackSurvey? = nil
    ) throws(MetricRegistrationError) {
        let chance = SeededGenerator(seed: seed ?? UInt64.random(in: 0...UInt64.max))
        state = Mutex(State(chance: chance, counts: try Counts(clock: clock)))
        self.clock = clock
        self.survey = survey
    }

    /// Its metrics, since it was last reset.
    public var gatherer: any MetricGatherer { state.withLock { $0.counts.registry } }

    /// How it answers.
    public var mode: Mode {
        get { state.withLock { $0.mode } }
        set { state.withLock { $0.mode = newValue } }
    }

    /// Lets its own page control it.
    public func allow(_ control: DemoControl) { state.withLock { $0.control = control } }

    private var isControlled: Bool { state.withLock { $0.control != nil } }

    /// Begins to count at 0, as a process does that was started again.
    public func reset() throws(MetricRegistrationError) {
        let counts = try Counts(clock: clock)
        state.withLock { $0.counts = counts }
    }

    /// A request is counted and answered; also what the built-in traffic does, without a connection.
    @discardableResult
    public func serve() -> String {
        let (counts, mode, outcome) = state.withLock { state in
            (state.counts, state.mode, UInt64.random(in: 0..<3, using: &state.chance))
        }
        switch mode {
        case .stopped: return ""
        case .serving, .slow:
            counts.requests.increment()
            switch outcome {
            case 0: return "OK"
            case 1: return "Normal"
            default:
                counts.errors.increment()
                return "Error"
            }
        case .erring, .failing:
            counts.requests.increment()
            counts.errors.increment()
            return "Error"
        }
    }

    /// Pages for browsers, words for everybody else.
    public func respondAtOnce(to request: WebRequest) -> WebResponse? {
        let path = request.path
        if path == "/metrics" { return nil }
        if path == "/api/v1/stack", request.method == .get, let survey { return survey.response() }
        if path == "/api/v1/demo", isControlled { return nil }
        if path.hasPrefix("/assets/") {
            let file = String(path.dropFirst(8))
            guard request.method == .get || request.method == .head else { return .methodNotAllowed("GET, HEAD") }
            return WebAssets.response(to: request, file: file)
        }
        if path == "/", request.method == .get, let accepted = request.headers["Accept"],
            accepted.contains("text/html"), WebAssets.contains("demo/index.html")
        {
            // The page is there however the server behind it does.
            var page = WebAssets.response(to: request, file: "demo/index.html")
            page.headers.append(("Vary", "Accept"))
            return page
        }
        switch mode {
        case .serving, .erring: return .text(serve())
        case .failing(let status): return .text(serve() + "\n", status: status)
        case .slow, .stopped: return nil
        }
    }

    /// What takes longer: metrics have to be put together, and a slow server lets everybody wait.
    public func respond(to request: WebRequest) async -> WebResponse {
        if request.path == "/api/v1/demo", let control = state.withLock({ $0.control }) {
            return await control.respondWithin(to: request)
        }
        switch mode {
        case .serving, .erring: break
        case .failing(let status): return .text(serve() + "\n", status: status)
        case .slow(let milliseconds): try? await clock.sleep(milliseconds: milliseconds)
        // Without an answer: whoever asked before it stopped sees the connection close.
        case .stopped: return WebResponse(status: 0)
        }
        if request.path == "/metrics" { return MetricsAnswer.response(to: request, gatherer: gatherer) }
        return .text(serve())
    }
}
