import Hummingbird
import Logging
import MetricModel

/// What goes along with a request on its way through the middleware.
struct WebContext: RequestContext {
    typealias Source = WebContextSource

    /// What the library keeps there.
    var coreContext: CoreRequestContextStorage
    /// The connection that the request came on.
    let connection: WebConnection
    /// What is asked for.
    let target: WebTarget

    init(source: WebContextSource) {
        coreContext = CoreRequestContextStorage(source: source)
        connection = source.connection
        target = source.target
    }
}

/// Where a ``WebContext`` comes from.
struct WebContextSource: RequestContextSource {
    let logger: Logger
    let connection: WebConnection
    let target: WebTarget
}

/// What a request asks for: the path in its three forms, and the query. A class, for contexts are copied at each step of a request's
/// way.
final class WebTarget: Sendable {
    /// Path and query as they were sent.
    let raw: String
    /// The path as it was sent, with its percent escapes.
    let rawPath: String
    /// The query with its question mark, which may stand alone; empty where there is none.
    let querySuffix: String
    /// The path with its escapes decoded, without the prefix of the server; `nil` where an escape is malformed or the path does not
    /// begin with the prefix.
    let path: String?
    /// The path with its escapes decoded, as bytes; `nil` where an escape is malformed.
    var decoded: [UInt8]? { PercentCoding.decodedPathBytes(rawPath) }
    /// Whether the path is sent as routes are looked up by.
    let isPlain: Bool

    init(_ target: String, prefix: String) {
        raw = target
        if let mark = target.utf8.firstIndex(of: UInt8(ascii: "?")) {
            rawPath = String(target[..<mark])
            querySuffix = String(target[mark...])
        } else {
            rawPath = target
            querySuffix = ""
        }
        let isEscaped = rawPath.utf8.contains(UInt8(ascii: "%"))
        isPlain = !isEscaped && prefix.isEmpty
        guard !isPlain else {
            path = rawPath
            return
        }
        guard let whole = isEscaped ? PercentCoding.decodedPath(rawPath) : rawPath else {
            path = nil
            return
        }
        guard !prefix.isEmpty else {
            path = whole
            return
        }
        let rest = whole.utf8.dropFirst(prefix.utf8.count)
        guard whole.utf8.starts(with: prefix.utf8), rest.first == UInt8(ascii: "/") else {
            path = nil
            return
        }
        path = String(decoding: rest, as: UTF8.self)
    }

    /// The target by which the library's router finds the route.
    var routed: String { isPlain ? raw : path.map(URLText.path) ?? "/" }
}

/// What is done to requests and answers on their way, in the library's form.
typealias WebMiddleware = any MiddlewareProtocol<Request, Response, WebContext>
