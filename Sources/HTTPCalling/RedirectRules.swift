import MetricModel
package import NIOHTTP1

/// What changes from redirect to redirect, as Go's client has it.
package struct RedirectRules: Sendable {
    private let first: URLParts
    private var count = 0
    /// Whether the way led to another host; it stays so.
    package private(set) var isForeign = false
    /// Where the redirect came from.
    package private(set) var referer: [(name: String, value: String)] = []
    /// The method from now on; `nil` for the first one.
    package private(set) var method: HTTPMethod?

    /// The most requests in a row.
    package static let most = 10
    /// The statuses that lead elsewhere.
    package static let statuses: Set<Int> = [301, 302, 303, 307, 308]

    package init(first: URLParts) { self.first = first }

    /// Notes one redirect; answers whether it may be followed.
    package mutating func follow(from url: URLParts, to next: URLParts, status: Int) -> Bool {
        count += 1
        if count >= Self.most { return false }
        if !URLParts.isSameOrBelow(next.host, first.host) { isForeign = true }
        referer = url.isSecure && !next.isSecure ? [] : [("Referer", url.text)]
        if status != 307, status != 308 { method = .GET }
        return true
    }

    /// Whether a header is not for other hosts.
    package static func isSecret(_ name: String) -> Bool {
        [
            "authorization", "www-authenticate", "cookie", "cookie2", "proxy-authorization", "proxy-authenticate",
        ].contains(name.lowercased())
    }

    /// Why a redirect cannot be followed.
    package static func failure(
        _ problem: URLParts.ReferenceProblem,
        _ location: String,
        from url: URLParts,
        _ verb: String
    ) -> TransportError {
        let quoted = GoText.quoted(location)
        switch problem {
        case .malformed(let reason):
            return TransportError(
                "failed to parse Location header \(quoted): parse \(quoted): \(reason)",
                code: .url,
                context: "\(verb) \(GoText.quoted(url.shown)): "
            )
        case .unsupportedScheme(let scheme):
            return unsupported(scheme, context: "\(verb) \(quoted): ")
        }
    }

    /// That URLs of a scheme are not fetched.
    package static func unsupported(_ scheme: String, context: String) -> TransportError {
        TransportError("unsupported protocol scheme \(GoText.quoted(scheme))", code: .url, context: context)
    }
}
