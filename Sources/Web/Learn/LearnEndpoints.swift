import MetricModel
import PromQL

/// `/api/v1/learn/…`: lessons, and the sessions in which they are gone through. For the pages of this server only.
extension PrometheusServer {
    private static let learnPath = "/api/v1/learn/"

    /// `course`, `lessons/NAME?language=ja`, `sessions/ID`, `sessions/ID/query?query=…&range=5m&at=60000`, `…/explain?query=…&at=60000`.
    func learn(_ request: WebRequest, _ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let control = try learnControl()
        let parts = request.captured(after: Self.learnPath).split(separator: "/").map(String.init)
        switch (parts.first, parts.count) {
        case ("course", 1): return Self.json(control.course())
        case ("lessons", 2): return Self.json(try control.lesson(parts[1], parameters["language"]).get())
        case ("sessions", 2): return Self.json(try await control.state(parts[1]).get())
        case ("sessions", 3) where parts[2] == "query":
            return try await answer(control, session: parts[1], parameters)
        case ("sessions", 3) where parts[2] == "explain":
            return try await explained(control, session: parts[1], parameters)
        case (_, _): throw APIFailure(.notFound, "there is no such thing to learn")
        }
    }

    /// `sessions` (`lesson`, `former`), `sessions/ID/step` (`position`), `sessions/ID/act` (`step`, `block`, `act`).
    func changeLearning(_ request: WebRequest, _ parameters: APIParameters) async throws(APIFailure) -> APIAnswer {
        let control = try learnControl()
        let parts = request.captured(after: Self.learnPath).split(separator: "/").map(String.init)
        switch (parts.first, parts.count) {
        case ("sessions", 1):
            return Self.json(try await control.open(parameters["lesson"], parameters["former"]).get())
        case ("sessions", 3) where parts[2] == "step":
            return Self.json(try await control.go(parts[1], try Self.number(parameters, "position")).get())
        case ("sessions", 3) where parts[2] == "act":
            let place = [
                try Self.number(parameters, "step"), try Self.number(parameters, "block"),
                try Self.number(parameters, "act"),
            ]
            return Self.json(try await control.explore(parts[1], place).get())
        case (_, _): throw APIFailure(.notFound, "there is no such thing to do")
        }
    }

    private func learnControl() throws(APIFailure) -> LearnControl {
        guard let control = environment.learn else { throw APIFailure(.notFound, "this server has no lessons") }
        return control
    }

    private static func number(_ parameters: APIParameters, _ name: String) throws(APIFailure) -> Int {
        guard let number = Int(parameters[name]), number >= 0, number <= 100_000 else {
            throw .invalid(name, "\(GoText.quoted(parameters[name])) is not a number from 0 to 100000")
        }
        return number
    }

    private static func json(_ text: String) -> APIAnswer { .json { $0.bytes += Array(text.utf8) } }

    private func answer(
        _ control: LearnControl,
        session: String,
        _ parameters: APIParameters
    ) async throws(APIFailure) -> APIAnswer {
        let text = try Self.question(parameters)
        var range: Int64?
        if !parameters["range"].isEmpty {
            switch APIParameters.duration(parameters["range"]) {
            case .success(let value): range = max(1, value / 1_000_000)
            case .failure(let error): throw .invalid("range", error.message)
            }
        }
        let result = try await control.query(session, text, range, try Self.moment(parameters)).get()
        let (warnings, infos) = result.annotations.rendered(query: text)
        var count = 0
        switch result.value {
        case .vector(let rows), .matrix(let rows): count = min(rows.count, 200)
        case .scalar, .string: break
        }
        let encoder = QueryResultJSON(result: result, count: count, withStatistics: false)
        return .json(warnings: warnings, infos: infos) { encoder.write(to: &$0) }
    }

    private static func question(_ parameters: APIParameters) throws(APIFailure) -> String {
        let text = parameters["query"]
        guard text.utf8.count <= 4096 else { throw .invalid("query", "it is longer than 4096 bytes") }
        return text
    }

    private static func moment(_ parameters: APIParameters) throws(APIFailure) -> Int64? {
        if parameters["at"].isEmpty { return nil }
        guard let time = Int64(parameters["at"]), time >= 0 else {
            throw .invalid("at", "\(GoText.quoted(parameters["at"])) is no number of milliseconds")
        }
        return time
    }

    private func explained(
        _ control: LearnControl,
        session: String,
        _ parameters: APIParameters
    ) async throws(APIFailure) -> APIAnswer {
        let text = try Self.question(parameters)
        let explanation = try await control.explain(session, text, try Self.moment(parameters)).get()
        try ExplanationJSON.check(explanation)
        let (warnings, infos) = explanation.annotations.rendered(query: text)
        let writer = ExplanationJSON(query: Array(text.utf8))
        return .json(writer.json(explanation), warnings: warnings, infos: infos)
    }
}
