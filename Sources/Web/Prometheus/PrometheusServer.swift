public import Logging
public import MetricModel
public import PromQL
public import Scrape
import Synchronization

/// The Prometheus server's HTTP surface: API, pages, federation, health.
public final class PrometheusServer: WebResponder {
    let settings: PrometheusSettings
    let environment: PrometheusEnvironment
    let store: any MetricStore
    let clock: any StackClock
    let engine: PromQLEngine
    let parser: PromQLParser
    let scraper: ScrapeManager?
    let logger: Logger
    let requests = RequestCounts()
    let figures = ServerFigures()
    /// Labels, as paths name them, that had many values when these were listed last.
    private let manyValues = Mutex<Set<String>>([])

    /// A server over a store.
    public init(
        settings: PrometheusSettings,
        environment: PrometheusEnvironment,
        store: any MetricStore,
        engine: PromQLEngine,
        scraper: ScrapeManager? = nil,
        clock: any StackClock,
        logger: Logger
    ) {
        self.settings = settings
        self.environment = environment
        self.store = store
        self.clock = clock
        self.logger = logger
        self.engine = engine
        self.scraper = scraper
        parser = PromQLParser(options: engine.options.parser)
    }

    /// Remote write may bring much, remote read something; everything else is a form.
    public func bodyLimit(for method: WebRequest.Method, rawPath: String) -> Int {
        if rawPath.hasSuffix("/api/v1/write") { return 64 << 20 }
        return rawPath.hasSuffix("/api/v1/read") ? 32 << 20 : 10 << 20
    }

    /// Pages, files and health are answered at once.
    public func respondAtOnce(to request: WebRequest) -> WebResponse? {
        switch find(request) {
        case .answer(let response): return response
        case .route(let route):
            switch route {
            case .home, .graph, .page, .asset, .version, .healthy, .ready:
                return counted(route, answerAtOnce(route, request))
            default: return nil
            }
        }
    }

    /// The values of a label come from the index, unless they have to be looked for among matching series. Where there were many
    /// of them the last time, that is not brief either.
    public func isBrief(_ request: WebRequest) -> Bool {
        guard case .route(.labelValues(let name)) = find(request), manyValues.withLock({ !$0.contains(name) }) else {
            return false
        }
        // `match[]` shows by its bracket, plain or escaped.
        return !request.rawQuery.utf8.contains { $0 == UInt8(ascii: "[") || $0 == UInt8(ascii: "%") }
    }

    /// What reads or computes much has threads of its own, so that nothing else has to wait for it.
    public func threads(for request: WebRequest) -> (any TaskExecutor)? {
        guard case .route(let route) = find(request) else { return nil }
        return route.takesLong ? engine.threads : nil
    }

    /// Remembers whether a label has so many values that to list them takes long.
    func remember(valuesOf name: String, count: Int) {
        manyValues.withLock { names in
            if count < 1000 {
                names.remove(name)
            } else if names.count < 1000 {
                names.insert(name)
            }
        }
    }

    /// Everything else takes longer.
    public func respond(to request: WebRequest) async -> WebResponse {
        switch find(request) {
        case .answer(let response): return response
        case .route(let route):
            let start = clock.steadyNanoseconds
            guard route.takesLong else { return recorded(route, await answer(route, request), since: start) }
            let queries = engine.activeQueries
            let response = await TaskLimit { queries.isClosed }.run { await answer(route, request) }
            return recorded(route, response, since: start)
        }
    }

    private func counted(_ route: PrometheusRoute, _ response: WebResponse) -> WebResponse {
        requests.record(
            handler: route.handlerName,
            status: response.status,
            nanoseconds: 0,
            bytes: response.body.count ?? 0
        )
        return response
    }

    /// The answer, which is counted when all of it is written.
    private func recorded(_ route: PrometheusRoute, _ response: WebResponse, since start: Int64) -> WebResponse {
        let (requests, clock) = (requests, clock)
        let (handler, status) = (route.handlerName, response.status)
        if let bytes = response.body.count {
            let time = clock.steadyNanoseconds - start
            requests.record(handler: handler, status: status, nanoseconds: time, bytes: bytes)
            return response
        }
        guard case .stream(let produce) = response.body else { return response }
        var response = response
        response.body = .stream { writer in
            let written = WrittenBytes()
            defer {
                let time = clock.steadyNanoseconds - start
                requests.record(handler: handler, status: status, nanoseconds: time, bytes: written.count)
            }
            try await produce(written.counting(writer))
        }
        return response
    }

    private enum Finding {
        case route(PrometheusRoute)
        case answer(WebResponse)
    }

    /// The route of a request, or what to answer where there is none for its path or its method.
    private func find(_ request: WebRequest) -> Finding {
        var path = request.path
        let prefix = settings.routePrefix
        if !prefix.isEmpty {
            if path == "/" { return .answer(.redirect(to: prefix, for: request.method)) }
            if path == prefix { return .answer(.redirect(to: prefix + "/", status: 301, for: request.method)) }
            guard path.hasPrefix(prefix),
                path.utf8.count == prefix.utf8.count || path.dropFirst(prefix.count).first == "/"
            else { return .answer(.notFound) }
            path = String(path.dropFirst(prefix.count))
            if path.isEmpty { path = "/" }
        }
        guard let route = PrometheusRoute(path: path) else {
            return .answer(elsewhere(path, request))
        }
        if route.allowed.contains(request.method) {
            if request.method == .options { return .answer(options(route, request)) }
            return .route(route)
        }
        let response = WebResponse.methodNotAllowed(route.allowed.map(\.rawValue).joined(separator: ", "))
        return .answer(response)
    }

    private func preflight(_ request: WebRequest) -> WebResponse {
        var response = WebResponse(status: 204)
        settings.crossOrigin.apply(to: &response, for: request)
        return response.compressed(for: request)
    }

    private func options(_ route: PrometheusRoute, _ request: WebRequest) -> WebResponse {
        switch route {
        case .api, .labelValues, .fixture, .control: preflight(request)
        default: WebResponse(headers: [("Allow", route.allowed.map(\.rawValue).joined(separator: ", "))])
        }
    }

    /// What is answered for a path that is no route: a redirect, if that is for slashes and dots too many or one slash at the end.
    private func elsewhere(_ path: String, _ request: WebRequest) -> WebResponse {
        let cleaned = path == "/api/v1" ? "/api/v1/" : Self.cleaned(path)
        if cleaned != path { return redirect(to: cleaned, status: 301, request) }
        if path.hasPrefix("/api/v1/"), request.method == .options { return preflight(request) }
        let shorter = String(path.dropLast())
        if path.hasSuffix("/"), let route = PrometheusRoute(path: shorter), route.allowed.contains(request.method) {
            return redirect(to: shorter, status: request.method == .get ? 301 : 308, request)
        }
        return .notFound
    }

    private func redirect(to path: String, status: Int, _ request: WebRequest) -> WebResponse {
        let query = request.rawQuery.isEmpty ? "" : "?" + request.rawQuery
        return .redirect(to: settings.routePrefix + path + query, status: status, for: request.method)
    }

    /// The path without empty parts and dots; a slash at the end stays.
    private static func cleaned(_ path: String) -> String {
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == ".." { _ = parts.popLast() } else { parts.append(part) }
        }
        return "/" + parts.joined(separator: "/") + (path.hasSuffix("/") && !parts.isEmpty ? "/" : "")
    }

    /// What everything but health answers while the server comes up or goes down.
    func unavailable() -> WebResponse? {
        let isStopping: Bool
        switch environment.phase() {
        case .ready: return nil
        case .starting: isStopping = false
        case .stopping: isStopping = true
        }
        var response = WebResponse.text("Service Unavailable", status: 503)
        response.headers.append(("X-Prometheus-Stopping", isStopping ? "true" : "false"))
        return response
    }

    /// What a server that cannot store anything any more is not ready for.
    private func unstorable() -> WebResponse? {
        environment.storageProblem().map { .text("Service Unavailable: \($0)\n", status: 503) }
    }

    private func answerAtOnce(_ route: PrometheusRoute, _ request: WebRequest) -> WebResponse {
        switch route {
        case .home: home(request)
        case .graph: .redirect(to: settings.externalPath + "/query?" + request.rawQuery, for: request.method)
        case .page: WebAssets.response(to: request, file: "index.html")
        case .asset(let path): WebAssets.response(to: request, file: path)
        case .version: .text(version + "\n")
        case .healthy: health("Prometheus Server is Healthy.\n", request)
        case .ready: unavailable() ?? unstorable() ?? health("Prometheus Server is Ready.\n", request)
        default: .notFound
        }
    }

    /// For HEAD nothing at all is written, not even a type.
    private func health(_ text: String, _ request: WebRequest) -> WebResponse {
        request.method == .head ? WebResponse() : .text(text)
    }

    /// The home page for browsers; Prometheus's redirect to its query page for everybody else.
    private func home(_ request: WebRequest) -> WebResponse {
        guard request.headers["Accept"]?.contains("text/html") == true else {
            return .redirect(to: settings.externalPath + "/query", for: request.method)
        }
        var page = WebAssets.response(to: request, file: "index.html")
        page.headers.append(("Vary", "Accept"))
        return page
    }

    private func answer(_ route: PrometheusRoute, _ request: WebRequest) async -> WebResponse {
        switch route {
        case .quit, .reload: return await lifecycle(route, request)
        case .metrics: return await ownMetrics(request)
        case .federate:
            if let response = unavailable() { return response }
            return await federate(request)
        case .series(let name):
            if let response = unavailable() { return response }
            return await plainSeries(name, request).compressed(for: request)
        case .api(let route): return await answerAPI(route, request)
        case .labelValues(let name):
            return await wrapped(request) { parameters throws(APIFailure) in
                try Self.checkEncoding(ofLabelIn: request.rawPath)
                return try await self.labelValues(name, parameters)
            }
        case .control(let route):
            return await wrapped(request) { parameters throws(APIFailure) in
                switch route {
                case .demo: try await self.demo(request, parameters)
                case .clock: try await self.time(request, parameters)
                }
            }
        case .fixture(let route):
            return await wrapped(request) { parameters throws(APIFailure) in
                try await self.fixture(route, request, parameters)
            }
        default: return answerAtOnce(route, request)
        }
    }

    private func answerAPI(_ route: PrometheusRoute.APIRoute, _ request: WebRequest) async -> WebResponse {
        switch route {
        case .write: return await remoteWrite(request)
        case .read: return await remoteRead(request)
        case .otlp:
            return .error(
                "otlp write receiver needs to be enabled with --web.enable-otlp-receiver",
                status: 404
            )
        case .notificationsLive: return liveNotifications(request)
        case .eventsLive: return unavailable() ?? liveEvents(request)
        case .events, .survey, .pushed:
            // What happens here is for the pages of this server only.
            return await wrapped(request, forOtherOrigins: false) { parameters throws(APIFailure) in
                switch route {
                case .events: try self.events(parameters)
                case .pushed: try await self.pushed(parameters)
                default: try self.survey()
                }
            }
        case .lastScrape:
            // What targets have answered is for the pages of this server only.
            return await wrapped(request, forOtherOrigins: false) { parameters throws(APIFailure) in
                try self.lastScrape(parameters)
            }
        default:
            return await wrapped(request) { parameters throws(APIFailure) in
                try await self.dataAnswer(route, request, parameters)
            }
        }
    }

    private func dataAnswer(
        _ route: PrometheusRoute.APIRoute,
        _ request: WebRequest,
        _ parameters: APIParameters
    ) async throws(APIFailure) -> APIAnswer {
        switch route {
        case .query: try await query(parameters)
        case .queryRange: try await queryRange(parameters)
        case .labels: try await labelNames(parameters)
        case .series: try await series(parameters)
        case .formatQuery: try formatQuery(parameters)
        case .parseQuery: try parseQuery(parameters)
        case .queryExemplars: try await queryExemplars(parameters)
        case .config, .runtimeInfo, .buildInfo, .flags, .walReplay, .features, .tsdbBlocks: status(route)
        case .notifications: notifications()
        case .stack: stackStatus()
        case .tsdb: try await storageStatus(parameters)
        case .deleteSeries: try await deleteSeries(parameters)
        case .cleanTombstones: try await cleanTombstones()
        case .snapshot: try await snapshot(parameters)
        case .alertmanagers, .rules, .alerts: try rules(route, parameters)
        case .targets: targets(parameters)
        case .targetMetadata: try targetMetadata(parameters)
        case .relabelSteps: try relabelSteps(parameters)
        case .metadata: try metricMetadata(parameters)
        case .scrapePools: scrapePools()
        case .scrapePoolConfig: try scrapePoolConfig(parameters)
        case .scrape: try await scrapeNow(parameters)
        case .read, .write, .otlp, .notificationsLive, .lastScrape, .events, .eventsLive, .survey, .pushed:
            throw APIFailure(.notFound, "not an endpoint of this kind")
        }
    }

    /// Puts an endpoint's answer into the envelope, with the headers that every answer of the API has.
    /// - Parameter forOtherOrigins: whether pages from elsewhere may read it where the server's settings let them.
    func wrapped(
        _ request: WebRequest,
        forOtherOrigins: Bool = true,
        _ answer: (APIParameters) async throws(APIFailure) -> APIAnswer
    ) async -> WebResponse {
        if let response = unavailable() { return response }
        var response: WebResponse
        do throws(APIFailure) {
            response = try await answer(APIParameters(request)).response()
        } catch {
            response = error.response()
        }
        if forOtherOrigins { settings.crossOrigin.apply(to: &response, for: request) }
        return response.compressed(for: request)
    }
}

extension WebResponse {
    /// Where no type is set, Go tells it by the body, and in answer to HEAD there is none.
    fileprivate func withoutType(for request: WebRequest) -> WebResponse {
        guard request.method == .head else { return self }
        var response = self
        response.headers.removeAll { $0.name == "Content-Type" }
        return response
    }
}
