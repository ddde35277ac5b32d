import MetricModel
package import NIOHTTP1

/// The way of one request through the redirects that follow from it, as Go's client takes it: what is asked next, how, and with which
/// headers. Decides, does no input or output.
package struct RequestWay: Sendable {
    /// What is asked now.
    package private(set) var url: URLParts
    /// How.
    package private(set) var method: HTTPMethod
    private let first: (url: URLParts, method: HTTPMethod)
    /// Headers that hold secrets, besides those that always do; in small letters.
    private let secrets: Set<String>
    /// Whether the body holds secrets.
    private let hasSecretBody: Bool
    private var count = 0
    /// Whether the way led to another host; it stays so.
    private var isForeign = false
    /// Where the redirect came from.
    private var referer: [(name: String, value: String)] = []

    /// The most requests in a row.
    private static let most = 10
    /// The statuses that lead elsewhere.
    private static let statuses: Set<Int> = [301, 302, 303, 307, 308]

    /// The way that begins at a URL.
    package init(_ url: String, method: HTTPMethod) throws(TransportError) {
        self.init(try Self.parts(of: url), method: method)
    }

    /// The way that begins at a URL which was taken apart before.
    /// - Parameters:
    ///   - secrets: headers that hold secrets, besides those that always do; in small letters.
    ///   - hasSecretBody: whether the body holds secrets, which nobody else gets.
    package init(_ url: URLParts, method: HTTPMethod, secrets: Set<String> = [], hasSecretBody: Bool = false) {
        self.url = url
        self.method = method
        self.secrets = secrets
        self.hasSecretBody = hasSecretBody
        first = (url, method)
    }

    /// A URL taken apart.
    package static func parts(of url: String) throws(TransportError) -> URLParts {
        do throws(URLProblem) {
            return try URLParts(parsing: url)
        } catch {
            throw TransportError(error.message, code: .url)
        }
    }

    /// What is done first, as Go's messages have it: `Get`.
    private var verb: String { first.method.rawValue.prefix(1) + first.method.rawValue.dropFirst().lowercased() }

    /// What is being done, for messages.
    package var context: String { "\(verb) \(GoText.quoted(url.shown)): " }

    /// Whether the body still belongs to it: one that was posted is not sent to where an answer is fetched.
    package var hasBody: Bool { method == first.method }

    /// Refuses what cannot be asked, before anybody is connected to.
    /// - Parameter connects: whether this machine connects to the URL's own address.
    package func check(connects: Bool) throws(TransportError) {
        guard url.scheme == "http" || url.scheme == "https" else {
            throw Self.unsupported(url.scheme, context: context)
        }
        if connects, let problem = url.addressProblem { throw problem.during(context) }
    }

    /// The headers of the next request: those of the first one, without what other hosts must not get. The user of a URL is for that
    /// URL; a reference without a host keeps it.
    package func headers(_ all: [(name: String, value: String)]) -> [(name: String, value: String)] {
        var own =
            isForeign ? all.filter { !Self.isSecret($0.name) && !secrets.contains($0.name.lowercased()) } : all
        if let user = url.authorization, !own.contains(where: { $0.name.lowercased() == "authorization" }) {
            own.append(("Authorization", user))
        }
        return own + referer
    }

    /// Goes on to where an answer leads; `false` where the answer is the last one.
    package mutating func follow(status: Int, location: String) throws(TransportError) -> Bool {
        guard Self.statuses.contains(status), !location.isEmpty else { return false }
        let quoted = GoText.quoted(location)
        let next: URLParts
        do throws(URLParts.ReferenceProblem) {
            next = try url.resolve(location)
        } catch {
            switch error {
            case .malformed(let reason):
                throw TransportError(
                    "failed to parse Location header \(quoted): parse \(quoted): \(reason)",
                    code: .url,
                    context: context
                )
            case .unsupportedScheme(let scheme): throw Self.unsupported(scheme, context: "\(verb) \(quoted): ")
            }
        }
        count += 1
        if count >= Self.most {
            throw TransportError(
                "stopped after \(Self.most) redirects",
                code: .status,
                context: "\(verb) \(quoted): "
            )
        }
        if hasSecretBody, hasBody, status == 307 || status == 308, !next.hasSameOrigin(as: url) {
            throw TransportError(
                "the redirect leads to another server, which must not get what is sent",
                code: .setup,
                context: "\(verb) \(quoted): "
            )
        }
        if !URLParts.isSameOrBelow(next.host, first.url.host) { isForeign = true }
        // Parameters may be keys, which are nobody's but the host's that they were given to.
        let here = isForeign ? String(url.text.prefix { $0 != "?" }) : url.text
        referer = url.isSecure && !next.isSecure ? [] : [("Referer", here)]
        if status != 307, status != 308, method != .HEAD { method = .GET }
        url = next
        return true
    }

    /// Whether a header is not for other hosts.
    package static func isSecret(_ name: String) -> Bool {
        [
            "authorization", "www-authenticate", "cookie", "cookie2", "proxy-authorization", "proxy-authenticate",
        ].contains(name.lowercased())
    }

    /// That URLs of a scheme are not fetched.
    private static func unsupported(_ scheme: String, context: String) -> TransportError {
        TransportError("unsupported protocol scheme \(GoText.quoted(scheme))", code: .url, context: context)
    }
}
