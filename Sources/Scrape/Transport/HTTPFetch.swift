import AsyncHTTPClient
import MetricModel
import NIOCore
import NIOHTTP1
import NIOSSL

/// One request with the redirects that follow from it, and the collecting of its answer.
struct HTTPFetch: Sendable {
    let clients: HTTPClients
    let method: HTTPMethod
    let followsRedirects: Bool
    var body: ByteBuffer?
    /// Headers of the configuration that hold secrets; in small letters.
    var secretHeaders: Set<String> = []

    /// Fetches.
    func run(
        _ request: TargetRequest,
        at url: URLParts,
        until deadline: NIODeadline,
        headers: [(name: String, value: String)]
    ) async throws(TransportError) -> TargetResponse {
        var way = RequestWay(url, method: method, secrets: secretHeaders.union(request.secretHeaders))
        while true {
            let answer = try await once(request, way, until: deadline, headers: way.headers(headers))
            guard followsRedirects, try way.follow(status: answer.status, location: answer.header("Location")) else {
                return answer
            }
        }
    }

    private func once(
        _ request: TargetRequest,
        _ way: RequestWay,
        until deadline: NIODeadline,
        headers: [(name: String, value: String)]
    ) async throws(TransportError) -> TargetResponse {
        let connects = request.socket.isEmpty && !clients.isProxied(way.url)
        try way.check(connects: connects)
        guard connects else { return try await once(request, way, to: way.url, until: deadline, headers: headers) }
        return try await way.url.dial { url throws(TransportError) in
            try await once(request, way, to: url, until: deadline, headers: headers)
        }
    }

    private func once(
        _ request: TargetRequest,
        _ way: RequestWay,
        to url: URLParts,
        until deadline: NIODeadline,
        headers: [(name: String, value: String)]
    ) async throws(TransportError) -> TargetResponse {
        let route: HTTPClients.Route
        var fields = HTTPHeaders([("Host", way.url.hostHeader)])
        do throws(TransportError) {
            route = try clients.route(to: url, socket: request.socket)
            for header in HTTPClientSetup.sorted(headers + route.headers) {
                try fields.addField(header.name, header.value)
            }
        } catch {
            throw error.during(way.context)
        }
        var attempt = 0
        while true {
            attempt += 1
            let collector = AnswerCollector(bodyLimit: request.bodyLimit, cutsBody: request.cutsBody)
            do {
                return try await answer(collector, route, fields, way, until: deadline)
            } catch let error as TransportError where error.code == .bodyTooLarge {
                throw error
            } catch  where isWorthAnother(attempt, way.method, error, collector) {
                continue
            } catch {
                // The future has ended, so nothing touches the collector any more.
                if let whole = collector.ended(by: error) { return whole }
                if collector.hasBegun { throw TransportFailure.ofBody(error) }
                let failure = TransportFailure.failure(
                    error,
                    address: route.isProxied ? route.address : way.url.address,
                    socket: request.socket,
                    isProxied: route.isProxied
                )
                throw failure.during(way.context)
            }
        }
    }

    /// Whether to try again: a server may give up a kept connection at the moment at which it is used, which is no failure of its
    /// own. Go's client does so for requests without a body.
    private func isWorthAnother(
        _ attempt: Int,
        _ method: HTTPMethod,
        _ error: any Error,
        _ collector: AnswerCollector
    ) -> Bool {
        guard attempt < 4, method == .GET, !collector.hasBegun else { return false }
        if let error = error as? ChannelError, error == .ioOnClosedChannel { return true }
        return error is StaleConnection
    }

    private func answer(
        _ collector: AnswerCollector,
        _ route: HTTPClients.Route,
        _ fields: HTTPHeaders,
        _ way: RequestWay,
        until deadline: NIODeadline
    ) async throws -> TargetResponse {
        let outgoing = try HTTPClient.Request(
            url: route.url,
            method: way.method,
            headers: fields,
            body: way.hasBody ? body.map { .byteBuffer($0) } : nil
        )
        let task = route.client.execute(request: outgoing, delegate: collector, deadline: deadline)
        return try await withTaskCancellationHandler {
            try await task.futureResult.get()
        } onCancel: {
            task.cancel()
        }
    }
}

/// Gathers an answer on the event loop of its connection, so that a scrape wakes its task once and not for each piece of the body.
///
/// All calls come on that one event loop, one after the other.
private final class AnswerCollector: HTTPClientResponseDelegate, @unchecked Sendable {
    private let bodyLimit: Int
    private let cutsBody: Bool
    private var answer = TargetResponse()
    /// The most bytes that may come over the wire; 0 for no limit.
    private var wireLimit: Int
    private var announced = 0
    /// Whether the head has come.
    private(set) var hasBegun = false

    /// The most room that is made because an answer says how large it is.
    private static let mostRoom = 16 << 20
    /// Packing makes short texts longer, so that the wire has this much however short the text has to be.
    private static let leastWire = 64 << 10

    init(bodyLimit: Int, cutsBody: Bool) {
        self.bodyLimit = bodyLimit
        self.cutsBody = cutsBody
        wireLimit = bodyLimit
    }

    func didReceiveHead(task: HTTPClient.Task<TargetResponse>, _ head: HTTPResponseHead) -> EventLoopFuture<Void> {
        hasBegun = true
        answer = TargetResponse(
            status: Int(head.status.code),
            reason: head.status.reasonPhrase,
            headers: head.headers.map { ($0.name, $0.value) }
        )
        if let index = answer.headers.firstIndex(where: { $0.name == ConnectionHandlers.phraseHeader }) {
            let line = String(answer.headers.remove(at: index).value.dropFirst().dropLast())
            answer.statusLine = line
            answer.reason = line.firstIndex(of: " ").map { String(line[line.index(after: $0)...]) } ?? ""
        }
        // Packed it may be as long as the text may be; what it holds is counted where it is unpacked.
        wireLimit = answer.isCompressed && bodyLimit > 0 ? max(bodyLimit, Self.leastWire) : bodyLimit
        announced = min(Int(answer.header("Content-Length")) ?? 0, Self.mostRoom)
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didReceiveBodyPart(task: HTTPClient.Task<TargetResponse>, _ part: ByteBuffer) -> EventLoopFuture<Void> {
        if cutsBody, answer.body.readableBytes >= bodyLimit { return task.eventLoop.makeSucceededVoidFuture() }
        if answer.body.readableBytes == 0 {
            answer.body = part
            // A large body gets its room at once instead of growing there.
            if announced > part.readableBytes { answer.body.reserveCapacity(announced) }
        } else {
            var part = part
            answer.body.writeBuffer(&part)
        }
        if wireLimit > 0, !cutsBody, answer.body.readableBytes >= wireLimit {
            return task.eventLoop.makeFailedFuture(TransportError.bodyTooLarge)
        }
        return task.eventLoop.makeSucceededVoidFuture()
    }

    func didFinishRequest(task: HTTPClient.Task<TargetResponse>) -> TargetResponse { answer }

    /// The answer where the end of the connection is its end: to Go, too, where TLS was not ended by a word.
    func ended(by error: any Error) -> TargetResponse? {
        let isUnclean =
            (error as? HTTPClientError) == .uncleanShutdown || (error as? NIOSSLError) == .uncleanShutdown
        let hasLength = !answer.header("Content-Length").isEmpty || !answer.header("Transfer-Encoding").isEmpty
        return isUnclean && hasBegun && !hasLength ? answer : nil
    }
}
