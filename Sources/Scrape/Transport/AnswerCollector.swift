import AsyncHTTPClient
import Exposition
import NIOCore
import NIOHTTP1
import NIOSSL

/// Gathers an answer on the event loop of its connection, so that a scrape wakes its task once and not for each piece of the body.
///
/// All calls come on that one event loop, one after the other.
final class AnswerCollector: @unchecked Sendable {
    private let bodyLimit: Int
    private let cutsBody: Bool
    private(set) var answer = TargetResponse()
    /// The most bytes that may come over the wire; 0 for no limit.
    private var wireLimit: Int
    private var announced = 0
    /// Whether the head has come.
    private(set) var hasBegun = false

    /// The most room that is made because an answer says how large it is.
    private static let mostRoom = 16 << 20
    /// Packing makes short texts longer, so that the wire has this much however short the text has to be.
    private static let leastWire = 64 << 10

    /// The part that the body has of the memory for all; `nil` where nobody bounds it.
    private let share: BodyBudget.Share?

    init(_ request: TargetRequest) {
        bodyLimit = request.bodyLimit
        cutsBody = request.cutsBody
        wireLimit = bodyLimit
        share = request.bodies?.share()
    }

    /// The head of a usual answer has come.
    func begin(_ head: UsualHead) {
        hasBegun = true
        answer = TargetResponse(headers: head.headers)
        answer.share = share
        setLimits()
    }

    /// The head has come.
    func begin(_ head: HTTPResponseHead) {
        hasBegun = true
        answer = TargetResponse(
            status: Int(head.status.code),
            reason: head.status.reasonPhrase,
            headers: head.headers.map { ($0.name, $0.value) }
        )
        answer.share = share
        if let index = answer.headers.firstIndex(where: { $0.name == ConnectionHandlers.phraseHeader }) {
            let line = String(answer.headers.remove(at: index).value.dropFirst().dropLast())
            answer.statusLine = line
            answer.reason = line.firstIndex(of: " ").map { String(line[line.index(after: $0)...]) } ?? ""
        }
        setLimits()
    }

    private func setLimits() {
        // Packed it may be as long as the text may be; what it holds is counted where it is unpacked.
        wireLimit = answer.isCompressed && bodyLimit > 0 ? max(bodyLimit, Self.leastWire) : bodyLimit
        announced = min(Int(answer.header("Content-Length")) ?? 0, Self.mostRoom)
    }

    /// A piece of the body has come. Answers why no more may come, or `nil`.
    func add(_ part: ByteBuffer) -> TransportError? {
        if cutsBody, answer.body.readableBytes >= bodyLimit { return nil }
        if let share, !share.grow(to: answer.body.readableBytes + part.readableBytes) { return .noRoom }
        if answer.body.readableBytes == 0 {
            answer.body = part
            // A large body gets its room at once instead of growing there.
            if announced > part.readableBytes { answer.body.reserveCapacity(announced) }
        } else {
            var part = part
            answer.body.writeBuffer(&part)
        }
        return wireLimit == 0 || cutsBody || answer.body.readableBytes < wireLimit ? nil : .bodyTooLarge
    }

    /// The answer where the end of the connection is its end: to Go, too, where TLS was not ended by a word.
    func ended(by error: any Error) -> TargetResponse? {
        let isUnclean =
            (error as? HTTPClientError) == .uncleanShutdown || (error as? NIOSSLError) == .uncleanShutdown
        let hasLength = !answer.header("Content-Length").isEmpty || !answer.header("Transfer-Encoding").isEmpty
        return isUnclean && hasBegun && !hasLength ? answer : nil
    }
}

extension AnswerCollector: HTTPClientResponseDelegate {
    func didReceiveHead(task: HTTPClient.Task<TargetResponse>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        begin(head)
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<TargetResponse>, _ part: ByteBuffer) -> EventLoopFuture<Void> {
        add(part).map { task.eventLoop.makeFailedFuture($0) } ?? task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<TargetResponse>) -> TargetResponse { answer }
}
