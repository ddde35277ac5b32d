import HTTPTypes
import Hummingbird

/// Refuses what a page from elsewhere has a browser ask for.
struct AccessCheck: RouterMiddleware {
    typealias Context = WebContext

    let policy: AccessPolicy
    let address: ListenAddress
    /// The patterns of routes that change nothing, whatever their method.
    let harmless: Set<String>

    init(_ policy: AccessPolicy, at address: ListenAddress, harmless: Set<String>) {
        self.policy = policy
        self.address = address
        self.harmless = harmless
    }

    func handle(
        _ request: Request,
        context: WebContext,
        next: @concurrent (Request, WebContext) async throws -> Response
    ) async throws -> Response {
        if let reason = policy.refusal(ofHost: request.head.authority, at: address) {
            return try WebResponse.error(reason, status: 403).hummingbird(context)
        }
        switch request.method {
        case .get, .head, .options: break
        default:
            if let pattern = context.endpointPath, harmless.contains(pattern) { break }
            let headers = WebHeaders(fields: request.headers, host: nil)
            let reason = policy.refusal(
                ofOrigin: headers["Origin"],
                site: headers["Sec-Fetch-Site"],
                host: request.head.authority
            )
            if let reason { return try WebResponse.error(reason, status: 403).hummingbird(context) }
        }
        return try await next(request, context)
    }
}
