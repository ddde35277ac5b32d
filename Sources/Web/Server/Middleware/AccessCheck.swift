import HTTPTypes
import Hummingbird

/// Refuses what a page from elsewhere has a browser ask for.
struct AccessCheck: Sendable {
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

    /// The answer to a request that is refused; `nil` where it is not.
    func refusal(of request: Request, _ context: WebContext) -> WebResponse? {
        if let host = request.head.authority, !usual.contains(host),
            let reason = policy.refusal(ofHost: host, at: address)
        {
            return .error(reason, status: 403)
        }
        switch request.method {
        case .get, .head, .options: return nil
        default: break
        }
        if let pattern = context.endpointPath, harmless.contains(pattern) { return nil }
        var origin: String?
        var site: String?
        for field in request.headers {
            // Several at once are what no browser sends: then none of them counts as it stands.
            switch field.name.canonicalName {
            case "origin": origin = origin.map { $0 + ", " + field.value } ?? field.value
            case "sec-fetch-site": site = site.map { $0 + ", " + field.value } ?? field.value
            default: break
            }
        }
        if context.endpointPath == AccessPolicy.neighbourPath,
            policy.isNeighbour(origin, host: request.head.authority)
        {
            return nil
        }
        return policy.refusal(
            ofOrigin: origin,
            site: site,
            host: request.head.authority,
            scheme: scheme
        ).map { .error($0, status: 403) }
    }
}
