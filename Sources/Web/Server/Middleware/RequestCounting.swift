import HTTPTypes
import Hummingbird
import MetricModel
import NIOCore
import Synchronization

/// Counts answers by handler and status, with their time and size, once all of them is written.
struct RequestCounting: RouterMiddleware {
    typealias Context = WebContext

    let counts: RequestCounts
    let clock: any StackClock
    /// The names by which Prometheus calls the handlers.
    let handler: String

    func handle(
        _ request: Request,
        context: WebContext,
        next: @concurrent (Request, WebContext) async throws -> Response
    ) async throws -> Response {
        let start = clock.steadyNanoseconds
        var response = try await next(request, context)
        let status = response.status.code
        if let bytes = response.body.contentLength {
            record(status, start, bytes)
            return response
        }
        let body = response.body
        response.body = ResponseBody { writer in
            let target = StreamTarget(writer: writer)
            let written = Atomic(0)
            defer { record(status, start, written.load(ordering: .relaxed)) }
            try await body.write(
                PieceWriter(
                    { piece in
                        written.wrappingAdd(piece.readableBytes, ordering: .relaxed)
                        try await target.write(piece)
                    },
                    end: { try await target.finish($0) }
                )
            )
        }
        return response
    }

    private func record(_ status: Int, _ start: Int64, _ bytes: Int) {
        counts.record(handler: handler, status: status, nanoseconds: clock.steadyNanoseconds - start, bytes: bytes)
    }
}
