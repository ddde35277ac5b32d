/// The routes of a Prometheus server.
enum PrometheusRoute: Hashable {
    case home, graph, page, version, metrics, federate, quit, reload, healthy, ready
    case asset(String)
    case series(String)
    case api(APIRoute)
    case labelValues(String)
    case fixture(FixtureRoute)
    case control(ControlRoute)

    /// What a class and a test do to the stack.
    enum ControlRoute: String, CaseIterable {
        /// The demo server.
        case demo
        /// The time.
        case clock
    }

    /// What only a test fixture does.
    enum FixtureRoute: Hashable {
        /// The targets of a job.
        case targets(String)
        /// All faults.
        case faults
        /// The fault of a job's targets.
        case targetFault(String)
        /// The fault of pushes.
        case pushFault
    }

    /// The routes of the API that are one path each.
    enum APIRoute: String, CaseIterable {
        case query, queryRange = "query_range", queryExemplars = "query_exemplars"
        case formatQuery = "format_query", parseQuery = "parse_query", explain
        case labels, series
        case scrapePools = "scrape_pools", scrapePoolConfig = "scrape_pools/config"
        case targets, targetMetadata = "targets/metadata", relabelSteps = "targets/relabel_steps"
        case lastScrape = "targets/last_scrape"
        case alertmanagers, metadata, rules, alerts
        case config = "status/config", runtimeInfo = "status/runtimeinfo", buildInfo = "status/buildinfo"
        case flags = "status/flags", stack = "status/stack", tsdb = "status/tsdb", tsdbBlocks = "status/tsdb/blocks"
        case walReplay = "status/walreplay", features, notifications, notificationsLive = "notifications/live"
        case read, write, otlp = "otlp/v1/metrics"
        case deleteSeries = "admin/tsdb/delete_series", cleanTombstones = "admin/tsdb/clean_tombstones"
        case snapshot = "admin/tsdb/snapshot"
        case scrape
        case events, eventsLive = "events/live", survey = "stack", pushed = "stack/pushed"
    }

    private static let api: [String: APIRoute] = Dictionary(
        uniqueKeysWithValues: APIRoute.allCases.map { ($0.rawValue, $0) }
    )

    private static let pages: Set<String> = [
        "/query", "/alerts", "/rules", "/targets", "/service-discovery", "/status", "/tsdb-status", "/flags", "/config",
    ]

    /// The route of a path (without the prefix); `nil` where nothing is.
    init?(path: String) {
        if path.hasPrefix("/api/v1/") {
            let rest = String(path.dropFirst(8))
            if let route = Self.api[rest] {
                self = .api(route)
            } else if rest.hasPrefix("label/"), rest.hasSuffix("/values"), rest.utf8.count > 13 {
                let name = String(rest.dropFirst(6).dropLast(7))
                guard !name.contains("/") else { return nil }
                self = .labelValues(name)
            } else if let route = ControlRoute(rawValue: rest) {
                self = .control(route)
            } else if let route = FixtureRoute(path: rest) {
                self = .fixture(route)
            } else {
                return nil
            }
            return
        }
        switch path {
        case "/": self = .home
        case "/graph": self = .graph
        case "/version": self = .version
        case "/metrics": self = .metrics
        case "/federate": self = .federate
        case "/-/quit": self = .quit
        case "/-/reload": self = .reload
        case "/-/healthy": self = .healthy
        case "/-/ready": self = .ready
        case "/favicon.svg", "/favicon.ico": self = .asset("shared/icon.svg")
        case let path where Self.pages.contains(path): self = .page
        case let path where path.hasPrefix("/assets/"): self = .asset(String(path.dropFirst(8)))
        case let path where path.hasPrefix("/series/") && path.utf8.count > 8: self = .series(String(path.dropFirst(8)))
        default: return nil
        }
    }

    /// The methods it answers, in the order of the `Allow` header.
    var allowed: [WebRequest.Method] {
        switch self {
        case .home, .graph, .page, .version, .metrics, .federate, .asset, .series: [.get, .options]
        case .quit, .reload: [.get, .options, .post, .put]
        case .healthy, .ready: [.get, .head, .options]
        case .labelValues: [.get, .options]
        case .control: [.get, .options, .post]
        case .fixture(let route):
            switch route {
            case .targets: [.delete, .options, .post, .put]
            case .faults: [.delete, .get, .options]
            case .targetFault, .pushFault: [.delete, .options, .put]
            }
        case .api(let route):
            switch route {
            case .query, .queryRange, .queryExemplars, .formatQuery, .parseQuery, .explain, .labels, .series:
                [.get, .options, .post]
            case .read, .write, .otlp, .scrape: [.options, .post]
            case .deleteSeries, .cleanTombstones, .snapshot: [.options, .post, .put]
            default: [.get, .options]
            }
        }
    }

    /// Whether an answer may take long to read or to compute, and grow with what is stored.
    var takesLong: Bool {
        switch self {
        case .federate, .series, .labelValues: true
        case .home, .graph, .page, .version, .metrics, .quit, .reload, .healthy, .ready, .asset, .fixture, .control:
            false
        case .api(let route):
            switch route {
            case .query, .queryRange, .queryExemplars, .formatQuery, .parseQuery, .explain, .labels, .series, .read,
                .tsdb, .tsdbBlocks, .metadata, .targetMetadata:
                true
            case .alertmanagers, .alerts, .buildInfo, .cleanTombstones, .config, .deleteSeries, .events, .eventsLive,
                .features, .flags, .lastScrape, .notifications, .notificationsLive, .otlp, .pushed, .relabelSteps,
                .rules, .runtimeInfo, .scrape, .scrapePoolConfig, .scrapePools, .snapshot, .stack, .survey, .targets,
                .walReplay, .write:
                false
            }
        }
    }

    /// The name by which requests are counted, as Prometheus labels them.
    var handlerName: String {
        switch self {
        case .home: "/"
        case .graph: "/graph"
        case .page: "/query"
        case .version: "/version"
        case .metrics: "/metrics"
        case .federate: "/federate"
        case .quit: "/-/quit"
        case .reload: "/-/reload"
        case .healthy: "/-/healthy"
        case .ready: "/-/ready"
        case .asset: "/assets/*filepath"
        case .series: "/series/:name"
        case .api(let route): "/api/v1/" + route.rawValue
        case .labelValues: "/api/v1/label/:name/values"
        case .control(let route): "/api/v1/" + route.rawValue
        case .fixture(let route):
            switch route {
            case .targets: "/api/v1/targets/:job"
            case .faults: "/api/v1/faults"
            case .targetFault: "/api/v1/faults/targets/:job"
            case .pushFault: "/api/v1/faults/pushgateway"
            }
        }
    }
}

extension PrometheusRoute.FixtureRoute {
    /// The route of what follows `/api/v1/`. A job's name may have slashes.
    init?(path: String) {
        func rest(_ prefix: String) -> String? {
            path.hasPrefix(prefix) && path.utf8.count > prefix.utf8.count ? String(path.dropFirst(prefix.count)) : nil
        }
        if let job = rest("targets/") {
            self = .targets(job)
        } else if path == "faults" {
            self = .faults
        } else if path == "faults/pushgateway" {
            self = .pushFault
        } else if let job = rest("faults/targets/") {
            self = .targetFault(job)
        } else {
            return nil
        }
    }
}
