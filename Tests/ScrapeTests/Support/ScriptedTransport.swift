import MetricModel
import NIOCore
import Scrape
import Synchronization

/// A transport whose answers the test decides on.
final class ScriptedTransport: TargetTransport {
    typealias Answer = @Sendable (TargetRequest) async throws(TransportError) -> TargetResponse

    private let answer: Mutex<Answer>
    private let log = Mutex<[TargetRequest]>([])

    init(_ answer: @escaping Answer) { self.answer = Mutex(answer) }

    /// Answers every request with a text.
    convenience init(_ body: String, type: String = "text/plain; version=0.0.4") {
        self.init(ScriptedTransport.text(body, type: type))
    }

    static func text(_ body: String, type: String = "text/plain; version=0.0.4") -> Answer {
        { _ in TargetResponse(headers: [("Content-Type", type)], body: ByteBuffer(string: body)) }
    }

    func set(_ new: @escaping Answer) { answer.withLock { $0 = new } }
    func set(_ body: String, type: String = "text/plain; version=0.0.4") { set(Self.text(body, type: type)) }

    var requests: [TargetRequest] { log.withLock { $0 } }

    func fetch(_ request: TargetRequest) async throws(TransportError) -> TargetResponse {
        log.withLock { $0.append(request) }
        return try await answer.withLock { $0 }(request)
    }

    func close() async {}
}
