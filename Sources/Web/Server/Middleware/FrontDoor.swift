import Hummingbird

/// What every request comes by before its route, and every answer on its way out. One piece of middleware and not four: each one
/// would have request and context copied, and a task switch there and back.
struct FrontDoor: RouterMiddleware {
    typealias Context = WebContext

    /// What only a server has that others can reach.
    struct Guards: Sendable {
        let safety: BrowserSafety
        let access: AccessCheck
        /// `nil` where everybody may come in.
        let passwords: PasswordCheck?
    }

    /// `nil` where the program asks itself.
    let guards: Guards?
    let mux: RouteMux

    func handle(
        _ request: Request,
        context: WebContext,
        next: @concurrent (Request, WebContext) async throws -> Response
    ) async throws -> Response {
        guard let guards else {
            if let answer = mux.answer(to: request, context) { return try answer.hummingbird(context) }
            return try await next(request, context)
        }
        var response: Response
        if let refusal = guards.access.refusal(of: request, context) {
            response = try refusal.hummingbird(context)
        } else if let refusal = await guards.passwords?.refusal(of: request, context) {
            response = try refusal.hummingbird(context)
        } else if let answer = mux.answer(to: request, context) {
            response = try answer.hummingbird(context)
        } else {
            response = try await next(request, context)
        }
        guards.safety.amend(&response)
        return response
    }
}
