import HTTPTypes
import Hummingbird

/// Refuses what a page from elsewhere has a browser ask for.
struct AccessCheck: RouterMiddleware {
    typealias Context = WebContext

    let policy: AccessPolicy
    let address: ListenAddress
    /// What the server speaks: `http` or `https`.
    let scheme: String
    /// The patterns of routes that change nothing, whatever their method.
    let harmless: Set<String>
    /// What most requests call the server, so that not each of them is looked at anew.
    private let usual: [String]

    init(_ policy: AccessPolicy, at address: ListenAddress, scheme: String, harmless: Set<String>) {
        self.policy = policy
        self.address = address
        self.scheme = scheme
        self.harmless = harmless
        usual = [address.host, "localhost", "127.0.0.1"].map { "\($0):\(address.port)" }
            .filter { policy.refusal(ofHost: $0, at: address) == nil }
    }

    func handle(
        _ request: Request,
        context: WebContext,
        next: @concurrent (Request, WebContext) async throws -> Response
    ) async throws -> Response {
        if let host = request.head.authority, !usual.contains(host),
            let reason = policy.refusal(ofHost: host, at: address)
        {
            return try WebResponse.error(reason, status: 403).hummingbird(context)
        }
        switch request.method {
        case .get, .head, .options: break
        default:
            if let pattern = context.endpointPath, harmless.contains(pattern) { break }
            let headers = WebHeaders(fields: request.headers, host: nil)
            // Several at once are what no browser sends: then none of them counts as it stands.
            func whole(_ name: StaticString) -> String? {
                let all = headers.values(name)
                return all.isEmpty ? nil : all.joined(separator: ", ")
            }
            let (origin, site) = (whole("Origin"), whole("Sec-Fetch-Site"))
            if context.endpointPath == AccessPolicy.neighbourPath,
                policy.isNeighbour(origin, host: request.head.authority)
            {
                break
            }
            let reason = policy.refusal(
                ofOrigin: origin,
                site: site,
                host: request.head.authority,
                scheme: scheme
            )
            if let reason { return try WebResponse.error(reason, status: 403).hummingbird(context) }
        }
        return try await next(request, context)
    }
}
