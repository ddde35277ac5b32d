public import Scrape
import Synchronization

/// A target that lives in the test: it is scraped without a socket.
///
///     let app = ScriptedTarget("rows_total 42\n")
///     try await stack.add(app, job: "app")
///     await stack.advance(by: .seconds(15))
///     app.body = "rows_total 50\n"
public final class ScriptedTarget: Sendable {
    /// Answers a scrape.
    public typealias Answer = @Sendable (TargetRequest) async throws(TransportError) -> TargetResponse

    private struct State {
        var body: String
        var answer: Answer?
        var requests: [TargetRequest] = []
    }

    /// What it answers, and what it was asked.
    private let state: Mutex<State>
    /// The Content-Type of its answers.
    public let contentType: String

    /// A target that exposes a text, until it is given another one.
    public init(_ body: String = "", contentType: String = "text/plain; version=0.0.4; charset=utf-8") {
        self.contentType = contentType
        state = Mutex(State(body: body))
    }

    /// A target whose answers are made by a closure.
    public init(answer: @escaping Answer) {
        contentType = ""
        state = Mutex(State(body: "", answer: answer))
    }

    /// What it exposes.
    public var body: String {
        get { state.withLock { $0.body } }
        set { state.withLock { $0.body = newValue } }
    }

    /// The scrapes so far, the oldest first, with the headers that were sent.
    public var requests: [TargetRequest] { state.withLock { $0.requests } }

    func respond(to request: TargetRequest) async throws(TransportError) -> TargetResponse {
        let (body, answer) = state.withLock { state in
            state.requests.append(request)
            return (state.body, state.answer)
        }
        if let answer { return try await answer(request) }
        return .text(body, contentType: contentType)
    }
}
