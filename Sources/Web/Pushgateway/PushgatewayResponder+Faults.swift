import MetricModel
import Logging
import Pushgateway
import Scrape

/// Pushes that go wrong on purpose, in test fixtures.
extension PushgatewayResponder {
    /// A push or a deletion with a fault.
    func faulty(_ fault: Fault.Kind, _ path: [UInt8], _ request: WebRequest) async -> WebResponse {
        switch fault {
        case .latency(let milliseconds):
            try? await clock.sleep(milliseconds: milliseconds)
            return await change(path, request)
        case .contentType(let type):
            var response = await change(path, request)
            response.headers.removeAll { $0.name.lowercased() == "content-type" }
            if !type.isEmpty { response.headers.append(("Content-Type", type)) }
            return response
        case .body(let text):
            var response = await change(path, request)
            response.body = .bytes(Array(text.utf8))
            return response
        case .truncated:
            // The group is changed; only the answer does not come whole.
            var response = await change(path, request)
            response.body = .stream { writer in
                try await writer.write(Array("{".utf8))
                throw CancellationError()
            }
            return response
        case .status(let code):
            let reason = HTTPStatus.reason(code)
            let response = WebResponse.error(reason, status: code)
            return forget(path, request, response, "HTTP status \(code) \(reason)")
        case .refused, .closed, .flapping:
            return forget(path, request, WebResponse(status: 0, body: .none), "connection closed without an answer")
        case .resetCounters: return await change(path, request)
        }
    }

    /// Remembers a push that was not done.
    private func forget(
        _ path: [UInt8],
        _ request: WebRequest,
        _ response: WebResponse,
        _ reason: String
    ) -> WebResponse {
        remember(
            request,
            response,
            PushRecord(
                time: clock.wallNanoseconds,
                client: request.remoteAddress,
                method: request.method.rawValue,
                group: try? GroupingKey(parsingPath: path, utf8Names: store.options.allowsUTF8Names),
                path: request.rawPath,
                size: request.body.count,
                status: response.status == 0 ? 500 : response.status,
                duration: 0,
                error: "injected fault: \(reason)"
            ),
            message: "push refused"
        )
        return response
    }
}
