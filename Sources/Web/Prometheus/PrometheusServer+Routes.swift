import Hummingbird
import MetricModel
import PromQL

/// Every path of the server, with who answers there.
extension PrometheusServer {
    /// The routes, ready to be served.
    public func makeRouter() -> WebRouter {
        var style = RouteMux.Style()
        let origins = CrossOriginHeaders(origins: settings.crossOrigin)
        style.special = { [prefix = settings.routePrefix] request in Self.special(request, origins, prefix) }
        style.options = { allowed, request in
            request.routePath.hasPrefix(Self.api)
                ? Self.preflight(request, origins) : WebResponse(headers: [("Allow", allowed)])
        }
        let prefix = settings.routePrefix
        style.outside = { request in
            switch request.path {
            case "/": .redirect(to: prefix)
            case prefix: .redirect(to: prefix + "/", status: 301)
            default: .notFound
            }
        }
        let forOthers: [WebMiddleware] = [origins, BodyCompression()]
        let forPages: [WebMiddleware] = [BodyCompression()]
        return WebRouter(
            counted(pages + operation)
                + counted(shared.map { $0.with { $0.middleware = forOthers } })
                + counted(own.map { $0.with { $0.middleware = forPages } })
                + counted(wire),
            prefix: prefix,
            style: style
        )
    }

    /// Where the API is.
    static let api = "/api/v1/"

    /// The threads for what reads or computes much, so that nothing else has to wait for it, and what ends it.
    private var threads: Route.Threads {
        Route.Threads(executor: engine.threads) { [engine] work in await engine.withinLimits(work) }
    }

    /// For browsers.
    private var pages: [Route] {
        let views = [
            "/query", "/alerts", "/rules", "/targets", "/service-discovery", "/status", "/tsdb-status", "/flags",
            "/config", "/learn",
        ]
        let fixed: [Route] = [
            .get("/", home).brief(),
            .get("/graph", graph).brief(),
            .get("/favicon.svg", icon).brief(),
            .get("/favicon.ico", icon).brief(),
            .get("/assets/**", asset).brief(),
        ]
        return (fixed + views.map { Route.get($0, page).brief() }).map { $0.outliving() }
    }

    /// For whoever operates it.
    private var operation: [Route] {
        [
            .get("/version") { [version] _ in .text(version + "\n") }.brief(),
            .on(.get, .head, at: "/-/healthy", healthy).brief(),
            .on(.get, .head, at: "/-/ready", ready).brief(),
            .on(.get, .post, .put, at: "/-/quit", quit),
            .on(.get, .post, .put, at: "/-/reload", reload),
            .get("/metrics", ownMetrics).long(.telling),
        ]
    }

    /// Data that pages from elsewhere may read where the settings let them.
    private var shared: [Route] {
        let routes: [Route] = [
            .form("/api/v1/query", answeredElsewhere(answering(query), isExpression: true)).long(threads),
            .form("/api/v1/query_range", answeredElsewhere(answering(queryRange), isExpression: true)).long(threads),
            .form("/api/v1/query_exemplars", answeredElsewhere(answering(queryExemplars))).long(threads),
            .form("/api/v1/format_query", answering(formatQuery)).long(threads),
            .form("/api/v1/parse_query", answering(parseQuery)).long(threads),
            .form("/api/v1/explain", answering(explain)).long(threads),
            .form("/api/v1/labels", answeredElsewhere(answering(labelNames))).long(threads),
            .get("/api/v1/label/:name/values", answeredElsewhere(answering(labelValues))).long(
                threads,
                unless: isLabelBrief
            ),
            .form("/api/v1/series", answeredElsewhere(answering(series))).long(threads),
            .get("/api/v1/metadata", answeredElsewhere(answering(metricMetadata))).long(threads),
            .get("/api/v1/targets", answering(targets)).long(.telling),
            .get("/api/v1/targets/metadata", answering(targetMetadata)).long(threads),
            .get("/api/v1/targets/relabel_steps", answering(relabelSteps)).long(.telling),
            .get("/api/v1/scrape_pools", answering(scrapePools)).small(),
            .get("/api/v1/scrape_pools/config", answering(scrapePoolConfig)).long(.telling),
            .get("/api/v1/alertmanagers", answering(alertmanagers)).long(.telling),
            .get("/api/v1/rules", answering(rules)).long(.telling),
            .get("/api/v1/alerts", answering(alerts)).long(.telling),
            .get("/api/v1/inbox", answering(inbox)).long(.telling),
            .get("/api/v1/status/config", answering(statusConfig)).long(.telling),
            .get("/api/v1/status/runtimeinfo", answering(statusRuntime)),
            .get("/api/v1/status/buildinfo", answering(statusBuild)).small(),
            .get("/api/v1/status/flags", answering(statusFlags)).small(),
            .get("/api/v1/status/stack", answering(stackStatus)).long(.telling),
            .get("/api/v1/status/tsdb", answering(storageStatus)).long(threads),
            .get("/api/v1/status/tsdb/blocks", answering(statusBlocks)).small(),
            .get("/api/v1/status/remote_write", answering(statusRemoteWrite)),
            .get("/api/v1/status/walreplay", answering(statusReplay)).small(),
            .get("/api/v1/features", answering(listFeatures)).small(),
            .get("/api/v1/notifications", answering(notifications)).small(),
            .on(.post, .put, at: "/api/v1/admin/tsdb/delete_series", answering(deleteSeries)).long(threads),
            .on(.post, .put, at: "/api/v1/admin/tsdb/clean_tombstones", answering(cleanTombstones)),
            .on(.post, .put, at: "/api/v1/admin/tsdb/snapshot", answering(snapshot)),
            .on(.post, at: "/api/v1/scrape", answering(scrapeNow)),
            .on(.get, .post, at: "/api/v1/demo", answering(demo)),
            .on(.get, .post, at: "/api/v1/clock", answering(time)).outliving(),
            .get("/api/v1/clock/marks", answering(marks)).outliving(),
            .on(.delete, .post, .put, at: "/api/v1/targets/**", answering(setTargets)),
            .on(.delete, .get, at: "/api/v1/faults", answering(faults)),
            .on(.delete, .put, at: "/api/v1/faults/targets/**", answering(targetFault)),
            .on(.delete, .put, at: "/api/v1/faults/pushgateway", answering(pushFault)),
            .get("/series/**", plainSeries).long(threads),
        ]
        return routes.map { $0.bodies(upTo: 10 << 20) }
    }

    /// What targets have answered and what happens here: for the pages of this server only.
    private var own: [Route] {
        [
            .get("/api/v1/targets/last_scrape", answering(lastScrape)).long(threads),
            .get("/api/v1/targets/sample_labels", answering(sampleLabels)).long(threads),
            .get("/api/v1/events", answering(events)).outliving(),
            .get("/api/v1/stack", answering(survey)).long(.telling),
            .get("/api/v1/learn/**", answering(learn)).outliving(),
            .on(.post, at: "/api/v1/learn/**", answering(changeLearning)).outliving(),
            .get("/api/v1/stack/pushed", answering(pushed)).long(.telling),
            .get("/api/v1/otlp/received", answering(otlpReceived)).long(.telling),
            .get("/federate", federate).long(threads),
        ]
    }

    /// What is not JSON, or has no end.
    private var wire: [Route] {
        [
            .get("/api/v1/notifications/live", liveNotifications),
            .get("/api/v1/events/live", liveEvents).outliving(),
            .on(.post, at: "/api/v1/read", remoteRead).bodies(upTo: 4 << 20).long(threads).with {
                $0.changesState = false
            },
            .on(.post, at: "/api/v1/write", remoteWrite).bodies(upTo: 64 << 20),
            .on(.post, at: "/api/v1/otlp/v1/metrics", takeOTLP).bodies(upTo: 32 << 20),
        ]
    }

    /// The routes, their answers counted by the names that Prometheus has for its handlers.
    private func counted(_ routes: [Route]) -> [Route] {
        routes.map { route in
            let counting = RequestCounting(counts: requests, clock: clock, handler: Self.handlerName(route.pattern))
            return route.with { $0.middleware.insert(counting, at: 0) }
        }
    }

    private static func handlerName(_ pattern: String) -> String {
        switch pattern {
        case "/assets/**", "/favicon.svg", "/favicon.ico": "/assets/*filepath"
        case "/series/**": "/series/:name"
        case "/api/v1/targets/**": "/api/v1/targets/:job"
        case "/api/v1/faults/targets/**": "/api/v1/faults/targets/:job"
        case "/alerts", "/rules", "/targets", "/service-discovery", "/status", "/tsdb-status", "/flags", "/config",
            "/learn":
            "/query"
        default: pattern
        }
    }

    /// What is no route and no correction of one.
    private static func special(
        _ request: WebRequest,
        _ origins: CrossOriginHeaders,
        _ prefix: String
    ) -> WebResponse? {
        if request.routePath == "/api/v1" {
            return .redirect(to: prefix + api + request.querySuffix, status: 301)
        }
        let isPreflight = request.method == .options && request.routePath.hasPrefix(api)
        return isPreflight ? preflight(request, origins) : nil
    }

    private static func preflight(_ request: WebRequest, _ origins: CrossOriginHeaders) -> WebResponse {
        var response = WebResponse(status: 204)
        response.headers.append(("Vary", "Accept-Encoding"))
        if let coding = ContentCoding.negotiated(request.headers["Accept-Encoding"]) {
            response.headers.append(("Content-Encoding", coding.name))
        }
        response.headers += origins.fields(for: request.headers["Origin"]).map { ($0.name.rawName, $0.value) }
        return response
    }
}
