extension FlagSet {
    private static func web(_ name: String, _ kind: Flag.Kind, _ standard: String = "", _ help: String) -> Flag {
        Flag(name: "web." + name, kind: kind, standard: standard, group: "Prometheus server", help: help)
    }

    private static func gateway(_ name: String, _ kind: Flag.Kind, _ standard: String = "", _ help: String) -> Flag {
        Flag(name: name, kind: kind, standard: standard, group: "Pushgateway", help: help)
    }

    private static func query(_ name: String, _ kind: Flag.Kind, _ standard: String, _ help: String) -> Flag {
        Flag(name: "query." + name, kind: kind, standard: standard, group: "Queries", help: help)
    }

    /// Every flag.
    static let table: [Flag] =
        general + prometheusServer + storage + queries + pushgateway + demo + fixture + rulesAndAlerts + known

    private static let general: [Flag] = [
        Flag(
            name: "config.file",
            kind: .text,
            standard: "stack.yml",
            group: "General",
            help: "The configuration: a prometheus.yml, with demo_server:, pushgateway: and storage: if you like."
        ),
        Flag(
            name: "config.auto-reload",
            kind: .toggle,
            standard: "true",
            group: "General",
            help: "Read the configuration again when one of its files changes."
        ),
        Flag(
            name: "config.auto-reload-interval",
            kind: .duration,
            standard: "1s",
            group: "General",
            help: "How often to look for a change."
        ),
        Flag(
            name: "targets.follow",
            kind: .toggle,
            standard: "true",
            group: "General",
            help: "Targets on the usual ports of this machine (9090, 9091, 8080) follow the stack's own servers\n"
                + "to the ports that these really have."
        ),
        Flag(
            name: "learn.dir",
            kind: .text,
            standard: "",
            group: "General",
            help: "A folder of lessons to serve at /learn instead of those that are part of the program."
        ),
        Flag(
            name: "log.level",
            kind: .choice(["debug", "info", "warn", "error"]),
            standard: "info",
            group: "General",
            help: "Log this and what is more severe: debug, info, warn or error."
        ),
        Flag(
            name: "log.format",
            kind: .choice(["logfmt", "json"]),
            standard: "logfmt",
            group: "General",
            help: "The form of log lines: logfmt or json."
        ),
        Flag(
            name: "enable-feature",
            kind: .list,
            standard: "",
            group: "General",
            help: "Features to switch on, separated by commas; Prometheus's names, such as\n"
                + "promql-experimental-functions, extra-scrape-metrics, native-histograms."
        ),
    ]

    private static let prometheusServer: [Flag] = [
        web(
            "listen-address",
            .list,
            "127.0.0.1:9090",
            "Where the Prometheus server listens; :9090 for every\ninterface, port 0 for a free one."
        ),
        web(
            "external-url",
            .url,
            "",
            "The URL under which it is reached from outside; its path prefixes every route."
        ),
        web("route-prefix", .text, "", "The prefix of every route; by default the path of --web.external-url."),
        web("enable-lifecycle", .toggle, "false", "Allow POST /-/reload and /-/quit."),
        web("enable-admin-api", .toggle, "false", "Allow deleting series and taking snapshots over HTTP."),
        web("enable-remote-write-receiver", .toggle, "false", "Take samples at /api/v1/write."),
        web("enable-otlp-receiver", .toggle, "false", "Take OpenTelemetry's metrics at /api/v1/otlp/v1/metrics."),
        web(
            "cors.origin",
            .pattern,
            ".*",
            "Which origins may call the API from a page: a regular expression, anchored.\n"
                + "Unless it is given, none but the server's own."
        ),
        web(
            "allowed-hosts",
            .list,
            "",
            "Names by which browsers may call the servers, besides localhost and the host\n"
                + "of the external URL; * for all."
        ),
        web(
            "allowed-origins",
            .pattern,
            "",
            "Which other origins' pages may change something: push, delete, reload.\nA regular expression, anchored."
        ),
        web("page-title", .text, "Prometheus Time Series Collection and Processing Server", "The title of its pages."),
        web(
            "config.file",
            .text,
            "",
            "A web configuration: passwords, TLS and headers, as Prometheus's exporters take it."
        ),
        web("max-connections", .integer, "512", "The most connections at a time; the one idle longest makes room."),
        web("read-timeout", .duration, "5m", "How long a connection may be silent while a request is awaited."),
    ]

    private static let storage: [Flag] = [
        Flag(
            name: "storage.path",
            kind: .text,
            standard: "data",
            group: "Storage",
            help: "The folder of the database (stack.db). Also as --storage.tsdb.path."
        ),
        Flag(
            name: "storage.tsdb.path",
            kind: .text,
            standard: "",
            group: "Storage",
            help: "The same by Prometheus's name."
        ),
        Flag(
            name: "storage.tsdb.retention.time",
            kind: .duration,
            standard: "0s",
            group: "Storage",
            help: "How long samples are kept; 15d where neither this nor a size is given."
        ),
        Flag(
            name: "storage.tsdb.retention.size",
            kind: .size,
            standard: "0B",
            group: "Storage",
            help: "The most bytes that are kept, such as 512MB."
        ),
        Flag(
            name: "storage.remote.flush-deadline",
            kind: .duration,
            standard: "1m",
            group: "Storage",
            help:
                "How long what waits for remote_write is sent on at the end, at most 5s; the rest is sent after the next start."
        ),
    ]

    private static let queries: [Flag] = [
        query("lookback-delta", .duration, "5m", "How far back a selector looks for a sample."),
        query("timeout", .duration, "2m", "The longest that a query may take."),
        query("max-concurrency", .integer, "20", "The most queries at a time; others wait."),
        query("max-samples", .integer, "50000000", "The most samples that a query may load."),
        query(
            "max-memory",
            .size,
            "1GiB",
            "The most bytes that a query's results and the labels it\nwrites may take; four times as much for all queries."
        ),
    ]

    private static let pushgateway: [Flag] = [
        gateway("pushgateway.listen-address", .list, "127.0.0.1:9091", "Where the Pushgateway listens."),
        gateway("pushgateway.enabled", .toggle, "true", "Whether there is one."),
        gateway("pushgateway.config.file", .text, "", "Its web configuration; as --web.config.file."),
        gateway("pushgateway.telemetry-path", .text, "/metrics", "The path of what was pushed."),
        gateway("pushgateway.external-url", .url, "", "The URL under which it is reached from outside."),
        gateway("pushgateway.route-prefix", .text, "", "The prefix of its routes."),
        gateway("pushgateway.enable-lifecycle", .toggle, "false", "Allow PUT /-/quit."),
        gateway("pushgateway.enable-admin-api", .toggle, "false", "Allow PUT /api/v1/admin/wipe."),
        gateway(
            "push.disable-consistency-check",
            .toggle,
            "false",
            "Do not check pushes against each other. Dangerous."
        ),
        gateway("push.enable-utf8-names", .toggle, "false", "Unescape names such as U__http_2e_requests in URLs."),
    ]

    private static let demo: [Flag] = [
        Flag(
            name: "demo.enabled",
            kind: .toggle,
            standard: "true",
            group: "Demo server",
            help: "Whether there is one; where something that answers /metrics has its port, it gives way."
        ),
        Flag(
            name: "demo.listen-address",
            kind: .list,
            standard: "127.0.0.1:8080",
            group: "Demo server",
            help: "Where the demo server listens."
        ),
    ]

    private static let fixture: [Flag] = [
        Flag(
            name: "test",
            kind: .toggle,
            standard: "false",
            group: "Test fixture",
            help: "Free ports, a store in memory, a line of JSON when ready, an end with the parent process."
        ),
        Flag(
            name: "clock",
            kind: .choice(["system", "manual"]),
            standard: "system",
            group: "Test fixture",
            help: "With --test: manual for time that passes only by POST /api/v1/clock?advance=30s."
        ),
        Flag(
            name: "ready-file",
            kind: .text,
            standard: "",
            group: "Test fixture",
            help: "Write that line of JSON to a file, too."
        ),
        Flag(
            name: "storage.memory",
            kind: .toggle,
            standard: "false",
            group: "Test fixture",
            help: "Keep samples in memory only."
        ),
    ]
}
