public import MetricModel
public import PrometheusClient
import Synchronization

/// The tutorial's example: `/` answers OK, Normal or Error at random and counts; `/metrics` shows the counts.
///
/// In class it can be made slow, made to fail, and put back to its beginning while it runs.
public final class DemoServer: Sendable {
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

        init(process: ProcessCollector?) throws(MetricRegistrationError) {
            try registry.register(requests, errors)
            if let process { try registry.register(process) }
        }
    }

    private struct State {
        var chance: SeededGenerator
        var counts: Counts
        var mode = Mode.serving
        var control: DemoControl?
        var time: ClockControl?
    }

    /// What comes next, what was counted, and how it answers.
    private let state: Mutex<State>
    private let clock: any StackClock
    private let survey: StackSurvey?
    private let showsProcess: Bool

    /// A demo server. The same seed gives the same answers; `nil` gives others each time.
    /// - Parameter survey: what the servers of the stack know of each other; `nil` where this one is alone.
    public convenience init(
        seed: UInt64? = nil,
        clock: any StackClock = SystemClock(),
        survey: StackSurvey? = nil
    ) throws(MetricRegistrationError) {
        try self.init(seed: seed, clock: clock, survey: survey, showsProcess: true)
    }

    /// - Parameter showsProcess: whether there are the figures of the process, which are others in each.
    package init(
        seed: UInt64?,
        clock: any StackClock,
        survey: StackSurvey?,
        showsProcess: Bool
    ) throws(MetricRegistrationError) {
        let chance = SeededGenerator(seed: seed ?? UInt64.random(in: 0...UInt64.max))
        let counts = try Counts(process: showsProcess ? ProcessCollector(clock: clock) : nil)
        state = Mutex(State(chance: chance, counts: counts))
        self.clock = clock
        self.survey = survey
        self.showsProcess = showsProcess
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

    /// Lets its own page see and move the stack's time, where it is not the wall's.
    public func allow(_ time: ClockControl) { state.withLock { $0.time = time.pageClock == .wall ? nil : time } }

    /// The stack's time; `nil` where it is the wall's.
    private var time: ClockControl? { state.withLock { $0.time } }

    /// Begins to count at 0, as a process does that was started again.
    public func reset() throws(MetricRegistrationError) {
        let counts = try Counts(process: showsProcess ? ProcessCollector(clock: clock) : nil)
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

    /// What is exposed now in the form that a scraper asks for, without a connection.
    package func metricsResponse(to request: WebRequest) -> WebResponse {
        MetricsAnswer.response(to: request, gatherer: gatherer)
    }

    /// The routes: pages for browsers, words for everybody else.
    public func makeRouter() -> WebRouter {
        var style = RouteMux.Style()
        // Go's server has one route, `/`, for whatever is asked for in whatever way.
        style.special = { [self] _ in answer(serve()) }
        var routes: [Route] = [
            .get("/", front).with { $0.pace = .briefIf { [self] _ in isPrompt } },
            .get("/metrics", metrics).with { $0.pace = .briefIf { [self] _ in isPrompt } },
            .on(.get, .head, at: "/assets/**") { WebAssets.response(to: $0, file: $0.captured(after: "/assets/")) }
                .brief(),
        ]
        routes.append(.on(.get, .post, at: "/api/v1/demo", controlled))
        if let survey { routes.append(.get("/api/v1/stack") { _ in survey.response() }.long(.telling)) }
        routes += [
            .on(.get, .post, at: "/api/v1/clock") { [self] in await time?.respond(to: $0) ?? answer(serve()) },
            .get("/api/v1/clock/marks") { [self] in time?.respondWithMarks(to: $0) ?? answer(serve()) },
        ]
        return WebRouter(routes, style: style)
    }

    /// Whether it answers without being waited for.
    private var isPrompt: Bool {
        switch mode {
        case .serving, .erring, .failing: true
        case .slow, .stopped: false
        }
    }

    /// What its own page does to it; like any other path where it may not.
    private func controlled(_ request: WebRequest) async -> WebResponse {
        guard let control = state.withLock({ $0.control }) else { return answer(serve()) }
        return await control.respondWithin(to: request)
    }

    private func front(_ request: WebRequest) async -> WebResponse {
        if request.headers["Accept"]?.contains("text/html") == true, WebAssets.contains("demo/index.html") {
            // The page is there however the server behind it does.
            // Stopped, it cannot be asked to start: its page asks the Prometheus server.
            var neighbour = ""
            if let host = request.headers["Host"], Self.isPlain(host) {
                neighbour = survey?.surroundings().prometheus?.listening.origin(onHostOf: host) ?? ""
            }
            var page = WebAssets.response(
                to: request,
                file: "demo/index.html",
                connectingTo: neighbour,
                clock: time?.pageClock ?? .wall
            )
            page.headers.append(("Vary", "Accept"))
            return page
        }
        if case .slow(let milliseconds) = mode { try? await clock.sleep(milliseconds: milliseconds) }
        return answer(serve())
    }

    /// Whether a host has nothing in it that a policy would read as something else.
    private static func isPlain(_ host: String) -> Bool {
        host.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: ":"),
                UInt8(ascii: "["), UInt8(ascii: "]"):
                true
            default: false
            }
        }
    }

    /// Words, as it answers now.
    private func answer(_ text: String) -> WebResponse {
        switch mode {
        case .serving, .erring, .slow: .text(text)
        case .failing(let status): .text(text + "\n", status: status)
        // Whoever asked before it stopped sees the connection close.
        case .stopped: WebResponse(status: 0, body: .none)
        }
    }

    private func metrics(_ request: WebRequest) async -> WebResponse {
        switch mode {
        case .serving, .erring: break
        case .slow(let milliseconds): try? await clock.sleep(milliseconds: milliseconds)
        case .failing, .stopped: return answer(serve())
        }
        return MetricsAnswer.response(to: request, gatherer: gatherer)
    }
}
