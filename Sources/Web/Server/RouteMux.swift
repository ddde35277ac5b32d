import HTTPTypes
import Hummingbird
import MetricModel

/// What Go's routers do where no route fits: paths with slashes and dots too many are redirected, as are those with a slash too many
/// at the end; other methods are refused with the list of those that would do.
struct RouteMux: Sendable {
    /// What the routers of Go's programs differ in.
    struct Style: Sendable {
        /// Whether upper and lower case are corrected, too.
        var ignoresCase = false
        /// The status of redirects of other methods than GET.
        var status = 308
        /// What is answered before anything is corrected.
        var special: @Sendable (WebRequest) -> WebResponse? = { _ in nil }
        /// What is answered where only the prefix is missing, or is all there is.
        var outside: @Sendable (WebRequest) -> WebResponse = { _ in .notFound }
        /// What is answered to OPTIONS, given the methods of the path.
        var options: @Sendable (_ allowed: String, WebRequest) -> WebResponse = { allowed, _ in
            WebResponse(headers: [("Allow", allowed)])
        }
        /// Is told of every answer that no route has made.
        var observe: @Sendable (WebRequest, WebResponse) -> Void = { _, _ in }
    }

    let routes: [Route]
    let prefix: String
    let style: Style

    /// The answer to a request that no route is for; `nil` where one is.
    func answer(to request: Request, _ context: WebContext) -> WebResponse? {
        if let path = context.target.path, let pattern = context.endpointPath {
            let isOpen = pattern.hasSuffix(Route.rest)
            if isOpen ? path.utf8.count >= pattern.utf8.count - 1 && Self.isClean(path) : Self.isExact(path) {
                return nil
            }
        }
        let request = WebRequest(request, context)
        let response = context.target.path == nil ? outside(request) : answer(request)
        style.observe(request, response)
        return response
    }

    /// Whether the path is clean and has no slash at its end. (The library's router overlooks slashes.)
    private static func isExact(_ path: String) -> Bool {
        isClean(path) && (path == "/" || path.utf8.last != UInt8(ascii: "/"))
    }

    private static func isClean(_ path: String) -> Bool {
        var previous: UInt8 = 0
        for byte in path.utf8 {
            if previous == UInt8(ascii: "/"), byte == previous || byte == UInt8(ascii: ".") {
                return GoPath.isClean(Array(path.utf8))
            }
            previous = byte
        }
        return path.utf8.first == UInt8(ascii: "/")
    }

    private func answer(_ request: WebRequest) -> WebResponse {
        let path = request.routePath
        let clean = String(decoding: GoPath.cleaned(Array(path.utf8)), as: UTF8.self)
        if clean != path, path != "*" {
            let query = request.querySuffix == "?" ? "" : request.querySuffix
            return redirect(clean, query: query, status: 301)
        }
        if let response = style.special(request) { return response }
        if let better = corrected(path, for: request.method) {
            let status = request.method == .get ? 301 : style.status
            return redirect(better, query: request.querySuffix, status: status)
        }
        let matching = routes.filter { $0.matches(path) }
        // A path that is named takes no methods of those that stand for whatever follows.
        let named = matching.filter { !$0.pattern.hasSuffix(Route.rest) }
        let methods = Set((named.isEmpty ? matching : named).flatMap(\.methods).map(\.rawValue))
        guard !methods.isEmpty else { return .notFound }
        let allowed = methods.union(["OPTIONS"]).sorted().joined(separator: ", ")
        return request.method == .options ? style.options(allowed, request) : .methodNotAllowed(allowed)
    }

    /// What does not stand below the prefix; where the prefix is only written otherwise, it is corrected like everything else.
    private func outside(_ request: WebRequest) -> WebResponse {
        guard style.ignoresCase else { return style.outside(request) }
        let path = request.path
        let (start, rest) = (path.utf8.prefix(prefix.utf8.count), String(path.utf8.dropFirst(prefix.utf8.count)) ?? "")
        // What stands below `/api/` has a router of its own in the original, which corrects nothing above it.
        guard GoPath.equalIgnoringCase(start, prefix.utf8), rest.isEmpty || rest.hasPrefix("/"),
            !rest.hasPrefix("/api/")
        else { return style.outside(request) }
        let inner = rest.isEmpty ? "/" : rest
        let isThere = routes.contains { route in
            route.methods.contains(request.method) && (route.matches(inner) || inner == route.start)
        }
        guard let meant = isThere ? inner : corrected(inner, for: request.method) else {
            return style.outside(request)
        }
        return redirect(meant, query: request.querySuffix, status: request.method == .get ? 301 : style.status)
    }

    /// A redirect below the prefix.
    private func redirect(_ path: String, query: String, status: Int) -> WebResponse {
        .redirect(to: prefix + URLText.path(path) + query, status: status)
    }

    /// The path that the client may have meant; `nil` where there is none.
    private func corrected(_ path: String, for method: WebRequest.Method) -> String? {
        guard path != "/" else { return nil }
        let trimmed = path.hasSuffix("/") ? String(path.dropLast()) : path
        for route in routes where route.methods.contains(method) {
            if !route.isOpen, trimmed != path, route.matches(trimmed) { return trimmed }
            guard style.ignoresCase else { continue }
            let start = Array(route.start.utf8)
            if route.isOpen {
                if path.utf8.count > start.count, !path.utf8.starts(with: start),
                    GoPath.equalIgnoringCase(path.utf8.prefix(start.count), start)
                {
                    return route.start + String(decoding: path.utf8.dropFirst(start.count), as: UTF8.self)
                }
                if method == .get, GoPath.equalIgnoringCase(trimmed.utf8, start.dropLast()), path != route.start {
                    return route.start
                }
            } else if trimmed != route.pattern, GoPath.equalIgnoringCase(trimmed.utf8, start) {
                return route.pattern
            }
        }
        return nil
    }
}
