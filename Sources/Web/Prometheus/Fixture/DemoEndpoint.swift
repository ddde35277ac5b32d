import ConfigTree
import MetricModel

/// `/api/v1/demo`: what a class does to the demo server.
extension PrometheusServer {
    /// `GET` tells how it is; `POST ?do=…` changes that and tells how it is then.
    func demo(_ request: WebRequest, _ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        guard let control = environment.demo else {
            throw environment.clock?.player == nil ? DemoControl.nobody : DemoControl.simulated
        }
        return try await control.answer(request, parameters)
    }
}

extension DemoControl {
    fileprivate static let nobody = APIFailure(
        .notFound,
        "this stack has no demo server: demo_server is not enabled, or its port was taken when the stack started"
    )

    fileprivate static let simulated = APIFailure(
        .notFound,
        "this world is simulated: what becomes of its demo server is told by events of its scenario, such as "
            + #"{at: 5m, do: fault, target: "localhost:8080", fault: refused, for: 1m}"#
    )

    /// Tells how the demo server is, and changes that before where it is a POST.
    func answer(_ request: WebRequest, _ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        guard let before = await status() else { throw Self.nobody }
        guard request.method == .post else { return Self.answer(before) }
        if let failure = await apply(try command(parameters)) { throw failure }
        return Self.answer(await status() ?? before)
    }

    private func command(_ parameters: APIParameters) throws(APIFailure) -> Command {
        guard isAllowed else {
            throw APIFailure(
                .forbidden,
                "the demo server is controlled only where the Prometheus server listens on this machine alone, "
                    + "or with --web.enable-lifecycle"
            )
        }
        return try Command(reading: parameters.form)
    }

    /// The answer of the demo server itself. It cannot wait for its own end, so that comes when the answer is out.
    func respondWithin(to request: WebRequest) async -> WebResponse {
        let parameters = APIParameters(request)
        do throws(APIFailure) {
            guard request.method == .post else { return try await answer(request, parameters).response() }
            let command = try command(parameters)
            let before = await status()
            if before?.isBusy == true { throw DemoControl.busy }
            let state: DemoServer.Mode
            switch command {
            case .stop: state = .stopped
            case .restart: state = .serving
            case .start, .behave: return try await answer(request, parameters).response()
            }
            Task { if let failure = await apply(command) { failed(failure) } }
            return Self.answer(Status(mode: state, url: before?.url ?? "")).response()
        } catch {
            return error.response()
        }
    }

    private static func answer(_ status: Status) -> APIAnswer {
        .json { text in
            text.raw("{\"state\":")
            text.string(status.mode.name)
            switch status.mode {
            case .serving, .erring, .stopped: break
            case .slow(let milliseconds):
                text.field("latency")
                text.string(PrometheusDuration(milliseconds: milliseconds).description)
            case .failing(let status):
                text.field("code")
                text.integer(status)
            }
            text.field("url")
            text.string(status.url)
            text.raw("}")
        }
    }
}

extension DemoServer.Mode {
    /// The state's name in the API.
    public var name: String {
        switch self {
        case .serving: "serving"
        case .slow: "slow"
        case .failing: "failing"
        case .erring: "erring"
        case .stopped: "stopped"
        }
    }
}

extension DemoControl.Command {
    /// The longest that a slow demo server lets wait: what is in flight has to end when the stack does.
    static let longestLatency: Int64 = 60_000

    /// `do=stop|start|restart|slow|fail|err`, with `latency=2s` for slow and `code=503` for fail.
    init(reading form: FormValues) throws(APIFailure) {
        switch form["do"] {
        case "stop": self = .stop
        case "start": self = .start
        case "restart": self = .restart
        case "err": self = .behave(.erring)
        case "slow":
            let text = form["latency"].isEmpty ? "2s" : form["latency"]
            guard let latency = try? PrometheusDuration(parsing: text), latency.milliseconds > 0,
                latency.milliseconds <= Self.longestLatency
            else {
                throw .invalid("latency", "\(GoText.quoted(text)) is not a duration between 1ms and 1m, such as 2s")
            }
            self = .behave(.slow(milliseconds: latency.milliseconds))
        case "fail":
            let text = form["code"].isEmpty ? "503" : form["code"]
            guard let code = Int(text), (400...599).contains(code) else {
                throw .invalid("code", "\(GoText.quoted(text)) is not a status code of an error, such as 503")
            }
            self = .behave(.failing(status: code))
        case let other:
            let names = ["stop", "start", "restart", "slow", "fail", "err"]
            let nearest = DidYouMean.nearest(other, among: names).map { "; did you mean \($0)?" } ?? ""
            throw .invalid(
                "do",
                "\(GoText.quoted(other)) has to be one of \(names.joined(separator: ", "))\(nearest)"
            )
        }
    }
}
