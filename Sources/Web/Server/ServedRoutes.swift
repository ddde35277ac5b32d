import Hummingbird
import Synchronization

/// The routes that a server answers by. Others can take their place while it listens: who is answered already is not disturbed.
final class ServedRoutes: Sendable {
    private struct Current {
        var prefix: String
        var responder: RouterResponder<WebContext>
    }

    private let current: Mutex<Current>
    /// What stands before the routes of a router.
    private let guards: @Sendable (WebRouter) -> FrontDoor.Guards

    init(_ router: WebRouter, behind guards: @escaping @Sendable (WebRouter) -> FrontDoor.Guards) {
        self.guards = guards
        current = Mutex(Current(prefix: router.prefix, responder: router.responder(behind: guards(router))))
    }

    func exchange(for router: WebRouter) {
        let new = Current(prefix: router.prefix, responder: router.responder(behind: guards(router)))
        current.withLock { $0 = new }
    }

    func respond(to request: Request, on connection: WebConnection) async throws -> Response {
        let now = current.withLock { $0 }
        return try await WebRouter.respond(
            to: request,
            by: now.responder,
            prefix: now.prefix,
            WebContextSource.quiet(connection)
        )
    }
}
