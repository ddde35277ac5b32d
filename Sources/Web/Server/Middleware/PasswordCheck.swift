import HTTPTypes
import Hummingbird

/// Lets only those in who give a right password, before a body is read.
struct PasswordCheck: RouterMiddleware {
    typealias Context = WebContext

    let keeper: PasswordKeeper

    func handle(
        _ request: Request,
        context: WebContext,
        next: @concurrent (Request, WebContext) async throws -> Response
    ) async throws -> Response {
        let given = WebHeaders(fields: request.headers, host: nil)["Authorization"]
        var verdict = PasswordKeeper.Verdict.refused
        if let given {
            if let known = keeper.verdict(given) {
                verdict = known
            } else {
                verdict = await keeper.verify(given, from: context.connection.remoteAddress)
            }
        }
        switch verdict {
        case .admitted: return try await next(request, context)
        case .refused:
            var response = WebResponse.error("Unauthorized", status: 401)
            response.headers.append(("WWW-Authenticate", "Basic"))
            return try response.hummingbird(context)
        case .busy:
            var response = WebResponse.error("Too many passwords are being verified; try again", status: 429)
            response.headers.append(("Retry-After", "1"))
            return try response.hummingbird(context)
        }
    }
}
