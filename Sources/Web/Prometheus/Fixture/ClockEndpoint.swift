import MetricModel

/// `/api/v1/clock`: the stack's time.
extension PrometheusServer {
    /// The furthest that one request moves the clock: a year.
    private static let furthest: Int64 = 366 * 86_400_000

    /// `GET` tells the time; `POST ?advance=30s` moves it, where it does not pass by itself, and answers when everything that
    /// fell due on the way is done.
    func time(_ request: WebRequest, _ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        guard let control = environment.clock else { throw APIFailure(.notFound, "this server does not tell its time") }
        if let player = control.player, request.method == .post, parameters.form["advance"].isEmpty {
            try await play(player, parameters)
            return answer(player)
        }
        if request.method == .post {
            guard let advance = control.advance else {
                throw APIFailure(
                    .forbidden,
                    "time passes by itself here; it is moved in a test fixture that was started with "
                        + "promenade run --test --clock=manual"
                )
            }
            let text = parameters.form["advance"]
            guard let step = try? PrometheusDuration(parsing: text), step.milliseconds <= Self.furthest else {
                throw .invalid("advance", "\(GoText.quoted(text)) is not a duration of at most 366d, such as 30s")
            }
            await advance(step.milliseconds)
        }
        if let player = control.player { return answer(player) }
        let now = control.now()
        return .json { text in
            text.raw("{\"now\":")
            text.timestamp(now / 1_000_000)
            text.raw(",\"manual\":")
            text.bool(control.advance != nil)
            text.raw("}")
        }
    }
}
