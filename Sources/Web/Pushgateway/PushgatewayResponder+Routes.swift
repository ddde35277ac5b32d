import HTTPTypes
import Hummingbird
import MetricModel
import Pushgateway
import Scrape

/// Every path of the server, with who answers there.
extension PushgatewayResponder {
    /// The routes, ready to be served.
    /// - Parameter observe: is told of every request and its answer.
    public func makeRouter(observing observe: (@Sendable (WebRequest, WebResponse) -> Void)? = nil) -> WebRouter {
        var style = RouteMux.Style()
        style.ignoresCase = true
        style.status = 307
        style.special = special
        style.outside = outside
        if let observe { style.observe = observe }
        let own: [WebMiddleware] = [BodyCompression()]
        let shared: [WebMiddleware] = [GatewayOrigins(origins: settings.crossOrigin)]
        var routes = metrics + pages
        routes += api.map { $0.with { $0.middleware = shared } }
        routes += traffic.map { $0.with { $0.middleware = own } }
        return WebRouter(
            routes.map { route in
                route.with { route in
                    route.bodyLimit = settings.bodyLimit
                    guard let observe else { return }
                    let handler = route.handler
                    route.handler = { request in
                        let response = await handler(request)
                        observe(request, response)
                        return response
                    }
                }
            },
            prefix: settings.routePrefix,
            style: style
        )
    }

    /// Whether a push is read in some ten microseconds: it is short, and not packed.
    private static func isBrief(_ push: WebRequest) -> Bool {
        push.body.count <= 8192 && push.rawQuery.isEmpty && push.headers["Content-Encoding"] == nil
    }

    /// Where the metrics are.
    private var metricsPath: String {
        let path = GoPath.cleaned(Array(("/" + settings.telemetryPath).utf8))
        return String(
            decoding: path.count > 1 && path.last == UInt8(ascii: "/") ? path.dropLast() : path,
            as: UTF8.self
        )
    }

    /// Pushing, deleting, scraping.
    private var metrics: [Route] {
        var routes: [Route] = [
            .get(metricsPath, unpackable { [self] in await metricsResponse($0) })
        ]
        for pattern in ["/metrics/job/**", "/metrics/job@base64/**"] {
            let change = Route.on(.delete, .post, .put, at: pattern, unpackable { [self] in await group($0) })
            routes.append(change.with { $0.pace = .briefIf(Self.isBrief) })
        }
        if store.options.allowsDeletionBySelector {
            let delete = Route.on(.delete, at: metricsPath, unpackable { [self] in await deleteSelection($0) })
            routes.append(delete.long(GroupSelector.threads(clock)))
        }
        if settings.enablesAdminAPI {
            routes.append(.on(.put, at: "/api/v1/admin/wipe") { [self] _ in await wipe() })
        }
        return routes
    }

    /// For browsers, and for whoever operates it.
    private var pages: [Route] {
        // Below a prefix the original has this one above it.
        let refusal: [Route] = settings.routePrefix.isEmpty ? [.get("/-/quit", Self.refusedQuit).brief()] : []
        return refusal + [
            .get("/-/healthy", unpackable { [self] _ in counted(.healthy, "get", health()) }).brief(),
            .get("/-/ready", unpackable { [self] _ in counted(.ready, "get", health()) }).brief(),
            .on(.post, .put, at: "/-/quit") { [self] _ in quitResponse() },
            .get("/", page).brief().outliving(),
            .get("/status", page).brief().outliving(),
            .get("/assets/**", asset).brief().outliving(),
            .get("/static/**", missingFile).brief(),
        ]
    }

    /// The original's API.
    private var api: [Route] {
        [
            .get("/api/v1/metrics") { [self] _ in counted(.apiMetrics, "get", await groups()) },
            .get("/api/v1/status") { [self] _ in counted(.apiStatus, "get", envelope(statusJSON())) }.small(),
            .get("/api/v1/groups") { [self] in counted(.apiGroups, "get", await changes($0)) },
            .get("/api/v1/groups/metrics/**") { [self] in counted(.apiGroups, "get", await group(of: $0)) },
        ]
    }

    /// What others have sent: for the pages of this server only.
    private var traffic: [Route] {
        var clock: [Route] = []
        if let time {
            clock = [
                .on(.get, .post, at: "/api/v1/clock") { await time.respond(to: $0) }.outliving(),
                .get("/api/v1/clock/marks") { time.respondWithMarks(to: $0) }.outliving(),
            ]
        }
        return clock + [
            .get("/api/v1/stack") { [self] _ in
                counted(.apiStatus, "get", settings.survey?.response() ?? missing("this server is alone"))
            }.long(.telling),
            .get("/api/v1/pushes") { [self] in counted(.apiPushes, "get", history($0)) },
            .get("/api/v1/pushes/:number") { [self] in counted(.apiPushes, "get", push(of: $0)) },
        ]
    }

    // MARK: - Handlers

    /// The handler, unless the body claims to be compressed and cannot be; looked at before anything else.
    private func unpackable(_ handler: @escaping WebHandler) -> WebHandler {
        { request in
            if let problem = PushBody.compressionProblem(request) { return .error(problem, status: 400) }
            return await handler(request)
        }
    }

    /// A push or a deletion.
    private func group(_ request: WebRequest) async -> WebResponse {
        let path = Array(Self.path(of: request, after: settings.routePrefix + "/metrics/"))
        // The job must not be empty, but what follows it may be.
        guard let slash = path.firstIndex(of: UInt8(ascii: "/")), path.count > slash + 1 else { return .notFound }
        if let fault = settings.faults?.takePush() { return await faulty(fault, path, request) }
        return await change(path, request)
    }

    /// Answers a push, a deletion or a scrape of this process, without a connection. Faults are not looked at: whoever asks in
    /// such a way knows of them.
    package func respondInProcess(to request: WebRequest) async -> WebResponse {
        switch request.method {
        case .put, .post, .delete:
            return await change(Array(Self.path(of: request, after: settings.routePrefix + "/metrics/")), request)
        case .get, .head: return await metricsResponse(request)
        case .options, .other: return .methodNotAllowed("GET, POST, PUT, DELETE")
        }
    }

    /// The rest of the decoded path, which need not be UTF-8.
    private static func path(of request: WebRequest, after start: String) -> ArraySlice<UInt8> {
        (PercentCoding.decodedPathBytes(request.rawPath) ?? []).dropFirst(start.utf8.count)
    }

    /// A push or a deletion, with the group's path.
    func change(_ path: [UInt8], _ request: WebRequest) async -> WebResponse {
        request.method == .delete ? await delete(path, request) : await push(path, request)
    }

    private func group(of request: WebRequest) async -> WebResponse {
        await group(Array(Self.path(of: request, after: settings.routePrefix + "/api/v1/groups/metrics/")))
    }

    private func push(of request: WebRequest) -> WebResponse {
        guard let number = UInt64(request.captured(after: "/api/v1/pushes/")) else { return .notFound }
        return push(number: number)
    }

    private func page(_ request: WebRequest) -> WebResponse {
        let clock = time?.pageClock ?? .wall
        return counted(.status, "get", WebAssets.response(to: request, file: "pushgateway/index.html", clock: clock))
    }

    private func asset(_ request: WebRequest) -> WebResponse {
        counted(.static, "get", WebAssets.response(to: request, file: request.captured(after: "/assets/")))
    }

    /// Below `/static`, where the original has the files of its page.
    private static func refusedQuit(_ request: WebRequest) -> WebResponse {
        .text("Only POST or PUT requests allowed.", status: 405)
    }

    /// What stands above the prefix.
    private func outside(_ request: WebRequest) -> WebResponse {
        guard request.path == "/-/quit", !settings.routePrefix.isEmpty else { return .notFound }
        switch request.method {
        case .get: return Self.refusedQuit(request)
        case .options: return WebResponse(headers: [("Allow", "GET, OPTIONS")])
        case .head, .post, .put, .delete, .other: return .methodNotAllowed("GET, OPTIONS")
        }
    }

    private func missingFile(_ request: WebRequest) -> WebResponse { counted(.static, "get", .notFound) }

    /// What is no route and no correction of one.
    private func special(_ request: WebRequest) -> WebResponse? {
        let path = request.routePath
        switch request.method {
        case .options where path == "*": return WebResponse()
        case .options where path == "/static/": return WebResponse(headers: [("Allow", "GET, OPTIONS")])
        case .head where path == "/static/", .post where path == "/static/", .put where path == "/static/",
            .delete where path == "/static/":
            return .methodNotAllowed("GET, OPTIONS")
        case .options where path.hasPrefix("/api/v1/"):
            var response = counted(.apiOptions, "options", WebResponse())
            let origins = GatewayOrigins(origins: settings.crossOrigin)
            response.headers += origins.fields(for: request.headers["Origin"]).map { ($0.name.rawName, $0.value) }
            response.headers.append(("Cache-Control", "no-cache, no-store, must-revalidate"))
            return response
        case .put where path == "/metrics/job/", .post where path == "/metrics/job/",
            .delete where path == "/metrics/job/":
            return .redirect(to: settings.routePrefix + "/metrics/job" + request.querySuffix, status: 307)
        default: break
        }
        if request.method == .get, path.hasPrefix("/api/v1/") {
            // The original's router does not know of what stands before its own paths.
            let rest = path.dropFirst("/api/v1".utf8.count)
            let trimmed = rest.hasSuffix("/") ? rest.dropLast() : rest
            for meant in ["/status", "/metrics"] where rest != meant {
                guard GoPath.equalIgnoringCase(meant.utf8, trimmed.utf8) else { continue }
                return .redirect(to: meant + request.querySuffix, status: 301)
            }
        }
        guard path == "/api/v1" else { return nil }
        return .redirect(
            to: settings.routePrefix + "/api/v1/" + (request.querySuffix == "?" ? "" : request.querySuffix),
            status: 301
        )
    }
}

/// Adds to the answers of the API what lets pages from elsewhere read them, as the original does.
struct GatewayOrigins: OriginFields {
    let origins: CrossOrigin

    /// The fields for a request from a page of that origin. Where every origin is let, they are there for everybody.
    func fields(for origin: String?) -> [HTTPField] {
        let isOpen = origins.allowsAll
        guard isOpen || origins.allows(origin ?? "") else { return [] }
        return [
            HTTPField(name: .accessControlAllowHeaders, value: "Accept, Authorization, Content-Type, Origin"),
            HTTPField(name: .accessControlAllowMethods, value: "GET, POST, DELETE, OPTIONS"),
            HTTPField(name: .accessControlAllowOrigin, value: isOpen ? "*" : origin ?? ""),
            HTTPField(name: .accessControlExposeHeaders, value: "Date"),
        ]
    }
}
