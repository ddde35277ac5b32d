import Hummingbird

/// Changes answers after they were made, whatever they say.
protocol AnswerAmendment: RouterMiddleware where Context == WebContext {
    func amend(_ response: inout Response, to request: Request) async throws
}

extension AnswerAmendment {
    func handle(
        _ request: Request,
        context: WebContext,
        next: @concurrent (Request, WebContext) async throws -> Response
    ) async throws -> Response {
        var response = try await next(request, context)
        try await amend(&response, to: request)
        return response
    }
}
