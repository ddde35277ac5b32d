import MetricModel
import NIOCore
import NIOHTTP1

/// A job's transport in a test fixture: targets of this process answer without sockets, and faults happen.
package struct FaultTransport: TargetTransport {
    let job: String
    let board: FaultBoard
    /// The way to targets outside of this process.
    let outside: any TargetTransport
    /// The name by which the board knows a target, from its host and port.
    let name: @Sendable (String) -> String

    package init(
        job: String,
        board: FaultBoard,
        outside: any TargetTransport,
        name: @escaping @Sendable (String) -> String = { $0 }
    ) {
        self.job = job
        self.board = board
        self.outside = outside
        self.name = name
    }

    /// Late answers pass on the clock of the scrape, and targets of this process keep to no time.
    package var keepsTime: Bool { false }

    package func fetch(_ request: TargetRequest) async throws(TransportError) -> TargetResponse {
        if board.isQuiet { return try await outside.fetch(request) }
        let target = name(URLParts(request.url)?.authority ?? request.url)
        guard let fault = board.takeScrape(job: job, target: target, url: request.url) else {
            return try await reach(request, target)
        }
        let context = "Get \(GoText.quoted(request.url)): "

        switch fault {
        case .latency(let milliseconds):
            let limit = request.timeoutMilliseconds
            do {
                try await request.clock.sleep(milliseconds: min(milliseconds, limit))
            } catch {
                throw .cancelled(context: context)
            }
            if milliseconds >= limit { throw .late(context: context) }
            return try await reach(request, target)
        case .status(let code):
            let reason = HTTPResponseStatus(statusCode: code).reasonPhrase
            return TargetResponse(
                status: code,
                reason: reason,
                headers: [("Content-Type", "text/plain; charset=utf-8")],
                body: ByteBuffer(string: reason + "\n")
            )
        case .truncated:
            _ = try await reach(request, target)
            throw TransportError("unexpected EOF", code: .closed)
        case .body(let text):
            var response = try await reach(plain(request), target)
            response.body = ByteBuffer(string: text)
            return response
        case .contentType(let type):
            var response = try await reach(request, target)
            response.headers.removeAll { $0.name.lowercased() == "content-type" }
            if !type.isEmpty { response.headers.append(("Content-Type", type)) }
            return response
        case .refused, .flapping:
            throw TransportError("dial tcp \(target): connect: connection refused", code: .refused, context: context)
        case .closed: throw TransportError("EOF", code: .closed, context: context)
        case .resetCounters:
            var response = try await reach(plain(request), target)
            guard response.status == 200 else { return response }
            let body = board.reset(Array(response.body.readableBytesView), job: job, target: target, url: request.url)
            response.body = ByteBuffer(bytes: body)
            return response
        }
    }

    /// Bodies are changed as uncompressed text only.
    private func plain(_ request: TargetRequest) -> TargetRequest {
        var request = request
        request.headers.removeAll { ["accept", "accept-encoding"].contains($0.name.lowercased()) }
        request.headers.append(("Accept", "text/plain;version=0.0.4"))
        return request
    }

    private func reach(_ request: TargetRequest, _ target: String) async throws(TransportError) -> TargetResponse {
        if let handler = board.handler(job: job, target: target) { return try await handler(request) }
        return try await outside.fetch(request)
    }

    package func close() async { await outside.close() }
}
