/// What Prometheus and the Pushgateway have and what changes nothing here. Taken, and told at start.
extension FlagSet {
    static let withoutEffectGroup = "Without effect"

    private static func flag(
        _ name: String,
        _ kind: Flag.Kind,
        _ standard: String,
        because reason: String
    ) -> Flag {
        Flag(
            name: name,
            kind: kind,
            standard: standard,
            group: withoutEffectGroup,
            help: "",
            standing: .withoutEffect(reason)
        )
    }

    private static let noGo = "this is no Go program"
    private static let noAgent = "this is always a server that can be queried"
    private static let oneSet = "the pages are part of the program"
    private static let wal = ["snappy", "zstd"]
    private static let messages = ["prometheus.WriteRequest", "io.prometheus.write.v2.Request"]

    static let known: [Flag] = server + tsdb + agent + remote + gateway

    private static let server: [Flag] = [
        flag("auto-gomaxprocs", .toggle, "true", because: noGo),
        flag("auto-gomemlimit", .toggle, "true", because: noGo),
        flag("auto-gomemlimit.ratio", .number, "0.9", because: noGo),
        flag("auto-gomemlimit.refresh-interval", .duration, "0s", because: noGo),
        flag("scrape.adjust-timestamps", .toggle, "true", because: "timestamps are always adjusted"),
        flag("scrape.discovery-reload-interval", .duration, "5s", because: "changes of targets are used at once"),
        flag("scrape.timestamp-tolerance", .goDuration, "2ms", because: "the tolerance is 2ms"),
        flag("web.console.libraries", .text, "console_libraries", because: "there are no console templates"),
        flag("web.console.templates", .text, "consoles", because: "there are no console templates"),
        flag("web.local-assets", .text, "", because: oneSet),
        flag("web.max-notifications-subscribers", .integer, "16", because: "any number may listen"),
        flag("web.search.max-limit", .integer, "10000", because: "there is no search API"),
        flag("web.user-assets", .text, "", because: oneSet),
    ]

    private static let tsdb: [Flag] = [
        flag("storage.tsdb.allow-overlapping-compaction", .toggle, "true", because: FeatureName.blocks),
        flag("storage.tsdb.block-reload-interval", .duration, "1m", because: FeatureName.blocks),
        flag("storage.tsdb.delay-compact-file.path", .text, "", because: FeatureName.blocks),
        flag("storage.tsdb.delayed-compaction.max-percent", .integer, "10", because: FeatureName.blocks),
        flag("storage.tsdb.head-chunks-write-queue-size", .integer, "0", because: FeatureName.blocks),
        flag("storage.tsdb.max-block-chunk-segment-size", .size, "0B", because: FeatureName.blocks),
        flag("storage.tsdb.max-block-duration", .duration, "0s", because: FeatureName.blocks),
        flag("storage.tsdb.min-block-duration", .duration, "2h", because: FeatureName.blocks),
        flag("storage.tsdb.no-lockfile", .toggle, "false", because: "SQLite keeps its own lock"),
        flag("storage.tsdb.samples-per-chunk", .integer, "120", because: "chunks are as long as they are small"),
        flag("storage.tsdb.wal-compression", .toggle, "true", because: FeatureName.blocks),
        flag("storage.tsdb.wal-compression-type", .choice(wal), "snappy", because: FeatureName.blocks),
        flag("storage.tsdb.wal-segment-size", .size, "0B", because: FeatureName.blocks),
    ]

    private static let agent: [Flag] = [
        flag("agent", .toggle, "false", because: noAgent),
        flag("storage.agent.checkpoint-batch-size", .integer, "1000", because: noAgent),
        flag("storage.agent.checkpoint-from-in-memory-series", .toggle, "false", because: noAgent),
        flag("storage.agent.no-lockfile", .toggle, "false", because: noAgent),
        flag("storage.agent.path", .text, "data-agent/", because: noAgent),
        flag("storage.agent.retention.max-time", .duration, "0s", because: noAgent),
        flag("storage.agent.retention.min-time", .duration, "0s", because: noAgent),
        flag("storage.agent.wal-compression", .toggle, "true", because: noAgent),
        flag("storage.agent.wal-compression-type", .choice(wal), "snappy", because: noAgent),
        flag("storage.agent.wal-segment-size", .size, "0B", because: noAgent),
        flag("storage.agent.wal-truncate-frequency", .duration, "0s", because: noAgent),
    ]

    private static let remote: [Flag] = [
        flag("storage.remote.read-concurrent-limit", .integer, "10", because: "remote read has no limit of its own"),
        flag("storage.remote.read-max-bytes-in-frame", .integer, "1048576", because: "answers come as samples"),
        flag("storage.remote.read-sample-limit", .integer, "50000000", because: "remote read has no limit of its own"),
        flag(
            "web.remote-write-receiver.accepted-protobuf-messages",
            .choices(messages),
            messages.joined(separator: ","),
            because: "both messages are taken"
        ),
    ]

    private static let gateway: [Flag] = [
        flag("persistence.file", .text, "", because: "pushes are kept in the store's file"),
        flag("persistence.interval", .goDuration, "5m", because: "each push is kept at once"),
        flag("pushgateway.systemd-socket", .toggle, "false", because: "the server opens its port itself"),
        flag("pushgateway.local-assets", .text, "", because: oneSet),
        flag("web.systemd-socket", .toggle, "false", because: "the server opens its port itself"),
    ]
}
