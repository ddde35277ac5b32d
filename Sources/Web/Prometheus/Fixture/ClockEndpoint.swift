import ConfigTree
import MetricModel

/// The time of a stack.
public struct ClockControl: Sendable {
    /// What time it is, in nanoseconds since 1970.
    public var now: @Sendable () -> Int64
    /// Moves the clock by so many milliseconds and returns when everything that fell due is done; `nil` where time passes by
    /// itself.
    public var advance: (@Sendable (_ milliseconds: Int64) async -> Void)?
    /// What else is done with simulated time; `nil` for any other.
    public var player: PlayerControl?

    /// A control with these.
    public init(
        now: @escaping @Sendable () -> Int64,
        advance: (@Sendable (_ milliseconds: Int64) async -> Void)? = nil,
        player: PlayerControl? = nil
    ) {
        self.now = now
        self.advance = advance
        self.player = player
    }

    /// By which clock pages live.
    var pageClock: PageClock { player != nil ? .played : advance != nil ? .manual : .wall }
}

/// `/api/v1/clock` of each server of a stack: its time, and what is done with it.
extension ClockControl {
    /// The furthest that one request moves the clock: a year.
    private static let furthest: Int64 = 366 * 86_400_000

    /// `GET` tells the time; `POST ?advance=30s` moves it, where it does not pass by itself, and answers when everything that
    /// fell due on the way is done.
    func answer(_ method: WebRequest.Method, _ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        if method == .post, player == nil, advance == nil {
            throw APIFailure(
                .forbidden,
                "time passes by itself here; it is moved in a test fixture that was started with "
                    + "\(ProgramName.called) run --test --clock=manual"
            )
        }
        try checkFields(method, parameters)
        if let player, method == .post {
            try await play(player, parameters)
            return status(of: player)
        }
        if method == .post, let advance {
            guard let step = try step(parameters) else { throw Self.noDuration("") }
            let begin = self.now()
            if step.nanoseconds > ManualClock.end - begin {
                throw .invalid("advance", "the clock is not moved beyond the year 2250")
            }
            await advance(step.milliseconds)
            if self.now() - begin < step.nanoseconds {
                throw APIFailure(.unavailable, "the clock was stopped on its way: the server is shutting down")
            }
        }
        if let player { return status(of: player) }
        let now = now()
        let isManual = advance != nil
        return .json { text in
            text.raw("{\"now\":")
            text.timestamp(now / 1_000_000)
            text.raw(",\"manual\":")
            text.bool(isManual)
            text.raw("}")
        }
    }

    /// Refuses what nobody would look at: another field, the second of two, or one without a value.
    private func checkFields(_ method: WebRequest.Method, _ parameters: APIParameters) throws(APIFailure) {
        let fields = player != nil ? ["action", "speed", "to", "advance"] : ["advance"]
        if method != .post, let name = parameters.form.pairs.first?.name {
            let isMoved = player != nil || advance != nil
            let known = isMoved ? "; what moves it is sent by POST: " + fields.joined(separator: ", ") : ""
            throw .invalid(name, "GET tells the time and takes no fields\(known)")
        }
        try Self.checkFields(parameters, fields)
    }

    /// Refuses fields that are none of these, are there twice or say nothing.
    static func checkFields(_ parameters: APIParameters, _ fields: [String]) throws(APIFailure) {
        try parameters.requireForm()
        var seen: Set<String> = []
        for (name, value) in parameters.form.pairs {
            guard fields.contains(name) else {
                let meant = DidYouMean.nearest(name, among: fields).map { "did you mean \($0)? " } ?? ""
                throw .invalid(name, "there is no such field: \(meant)there is \(fields.joined(separator: ", "))")
            }
            guard seen.insert(name).inserted else { throw .invalid(name, "it is there twice: leave one of them out") }
            if value.isEmpty { throw .invalid(name, "it has no value, such as \(Self.examples[name] ?? "")") }
        }
    }

    /// What a field may look like.
    private static let examples = [
        "action": "action=play", "speed": "speed=60", "to": "to=2026-01-05T09:05:16Z", "advance": "advance=30s",
        "from": "from=0",
    ]

    private static func noDuration(_ text: String) -> APIFailure {
        .invalid("advance", "\(GoText.quoted(text)) is not a duration of at most 366d, such as 30s")
    }

    /// How far time shall be moved; `nil` where that is not asked for.
    func step(_ parameters: APIParameters) throws(APIFailure) -> PrometheusDuration? {
        let text = parameters.form["advance"]
        if text.isEmpty { return nil }
        guard let step = try? PrometheusDuration(parsing: text), step.milliseconds <= Self.furthest else {
            throw Self.noDuration(text)
        }
        return step
    }

    /// Answers for a neighbour of the Prometheus server: its pages ask the server that they are from.
    func respond(to request: WebRequest) async -> WebResponse {
        do throws(APIFailure) {
            return try await answer(request.method, APIParameters(request)).response()
        } catch {
            return error.response()
        }
    }

    /// Answers for a neighbour with what has happened.
    func respondWithMarks(to request: WebRequest) -> WebResponse {
        do throws(APIFailure) {
            return try marks(APIParameters(request)).response()
        } catch {
            return error.response()
        }
    }
}

/// The stack's time.
extension PrometheusServer {
    private func clockControl() throws(APIFailure) -> ClockControl {
        guard let control = environment.clock else { throw APIFailure(.notFound, "this server does not tell its time") }
        return control
    }

    /// `/api/v1/clock`.
    func time(_ request: WebRequest, _ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        try await clockControl().answer(request.method, parameters)
    }

    /// `/api/v1/clock/marks`: what has happened.
    func marks(_ parameters: APIParameters) throws(APIFailure) -> APIAnswer {
        try clockControl().marks(parameters)
    }
}
