import HTTPTypes
import Hummingbird
import Logging
import NIOCore
import Synchronization

/// The routes of a server, and what is done to every request before and after them.
public struct WebRouter: Sendable {
    let routes: [Route]
    let prefix: String
    let mux: RouteMux
    private let style: RouteMux.Style
    /// For requests of this program itself, made when the first one comes.
    private let inner = WhenAsked<RouterResponder<WebContext>>()

    /// - Parameters:
    ///   - prefix: what every path begins with, without a slash at the end; empty for none.
    ///   - style: what is answered where no route fits.
    init(_ routes: [Route], prefix: String = "", style: RouteMux.Style = RouteMux.Style()) {
        self.routes = routes
        self.prefix = prefix
        self.style = style
        mux = RouteMux(routes: routes, prefix: prefix, style: style)
    }

    /// A server with these routes.
    package init(serving routes: [Route]) { self.init(routes) }

    /// The routes while whoever answers there is down in a scenario: what needs nothing of it is answered, all else with 503.
    /// - Parameter words: why.
    package func closed(_ words: String) -> WebRouter {
        let closed = routes.map { route in
            if route.outlives { return route }
            return route.with { route in
                (route.pace, route.threads) = (.brief, nil)
                route.handler = { request in
                    var answer = WebResponse.error(words, status: 503)
                    if request.routePath.hasPrefix(PrometheusServer.api) {
                        answer = APIFailure(.unavailable, words).response()
                        answer.status = 503
                    }
                    return answer
                }
            }
        }
        return WebRouter(closed, prefix: prefix, style: style)
    }

    /// The patterns of those routes that change nothing, whatever their method.
    var harmless: Set<String> {
        let forms = routes.filter { !$0.changesState && $0.methods.contains(.post) }
        return Set(forms.map { RouterPath($0.pattern).description })
    }

    /// The library's router, guarded.
    func responder(behind guards: FrontDoor.Guards) -> RouterResponder<WebContext> {
        Self.responder(routes, FrontDoor(guards: guards, mux: mux))
    }

    private static func responder(_ routes: [Route], _ door: FrontDoor) -> RouterResponder<WebContext> {
        let router = Hummingbird.Router(context: WebContext.self)
        router.add(middleware: door)
        // A flag may put one thing where another is; the first one keeps its place.
        var taken: Set<String> = []
        for route in routes {
            let group = router.group()
            for middleware in route.middleware { group.add(middleware: middleware) }
            let path = RouterPath(route.pattern)
            for method in route.methods where taken.insert(method.rawValue + path.description).inserted {
                guard let method = HTTPRequest.Method(rawValue: method.rawValue) else { continue }
                group.on(path, method: method, responder: RouteResponder(route: route))
            }
        }
        return router.buildResponder()
    }

    /// Answers a request of this program itself, without a connection.
    public func respond(to request: WebRequest) async -> WebResponse {
        guard let method = HTTPRequest.Method(rawValue: request.method == .other ? "BREW" : request.method.rawValue)
        else {
            return .methodNotAllowed("")
        }
        let head = HTTPRequest(
            method: method,
            scheme: "http",
            authority: request.headers["Host"],
            path: request.rawPath + request.querySuffix,
            headerFields: request.headers.fields
        )
        let body = RequestBody(buffer: ByteBuffer(bytes: request.body))
        do {
            return try await WebResponse(
                Self.respond(
                    to: Request(head: head, body: body),
                    by: inner.get { Self.responder(routes, FrontDoor(guards: nil, mux: mux)) },
                    prefix: prefix,
                    WebContextSource.quiet(WebConnection())
                )
            )
        } catch {
            return WebResponse(status: 0, body: .none)
        }
    }

    /// Has the library's router answer a request.
    static func respond(
        to request: Request,
        by responder: RouterResponder<WebContext>,
        prefix: String,
        _ source: (WebTarget) -> WebContextSource
    ) async throws -> Response {
        let target = WebTarget(request.head.path ?? "/", prefix: prefix)
        let context = WebContext(source: source(target))
        if target.isPlain { return try await responder.respond(to: request, context: context) }
        var head = request.head
        head.path = target.routed
        return try await responder.respond(to: Request(head: head, body: request.body), context: context)
    }
}

extension WebContextSource {
    private static let silence = Logger(label: "web", factory: { _ in SwiftLogNoOpLogHandler() })

    /// A source whose logger says nothing: what goes wrong with a request is told to whoever made it.
    static func quiet(_ connection: WebConnection) -> (WebTarget) -> WebContextSource {
        { WebContextSource(logger: silence, connection: connection, target: $0) }
    }
}

/// A value that is made when it is first asked for.
private final class WhenAsked<Value: Sendable>: Sendable {
    private let made = Mutex<Value?>(nil)

    func get(_ make: () -> Value) -> Value {
        made.withLock { value in
            if let value { return value }
            let new = make()
            value = new
            return new
        }
    }
}
