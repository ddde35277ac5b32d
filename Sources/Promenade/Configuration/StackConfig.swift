public import ConfigTree
import MetricModel
public import Pushgateway
public import Scrape

#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// What the configuration file says: Prometheus's sections and those of the other servers.
public struct StackConfig: Sendable, Hashable {
    /// The built-in demo server.
    public struct Demo: Sendable, Hashable {
        /// Whether there is one.
        public var isEnabled = true
        /// Where it listens; `nil` to leave that to the flag.
        public var listenAddress: String?
        /// Requests a second that it makes to itself, so that graphs move; 0 for none.
        public var trafficRate = 0.0
        /// What its chances follow from; `nil` for others at each start.
        public var seed: UInt64?
        /// The defaults.
        public init() {}
    }

    /// The Pushgateway.
    public struct Gateway: Sendable, Hashable {
        /// Whether there is one.
        public var isEnabled = true
        /// Where it listens; `nil` to leave that to the flag.
        public var listenAddress: String?
        /// Whether groups are kept in the store's file.
        public var isPersistent = true
        /// How it behaves, as far as no flag says it.
        public var options = PushgatewayOptions()
        /// The defaults.
        public init() {}
    }

    /// The store.
    public struct Storage: Sendable, Hashable {
        /// The folder; `nil` to leave that to the flag.
        public var path: String?
        /// How long samples are kept, in milliseconds; `nil` to leave that to the flag.
        public var retentionTime: Int64?
        /// The most bytes on disk; `nil` to leave that to the flag.
        public var retentionBytes: Int64?
        /// How late samples may come, in milliseconds.
        public var outOfOrderWindow: Int64 = 0
        /// The engine elsewhere that keeps the samples; `nil` where they are kept here.
        public var remote: RemoteStoreConfig?
        /// How many exemplars are kept.
        public var maxExemplars = 100_000
        /// The defaults.
        public init() {}
    }

    /// Prometheus's sections.
    public var prometheus = PrometheusConfig()
    /// `demo_server`
    public var demo = Demo()
    /// `pushgateway`
    public var gateway = Gateway()
    /// `storage`
    public var storage = Storage()
    /// `rules`: what a rule file would have, for those who want one file only.
    public var rules: ConfigNode?
    /// The file.
    public var file = ""
    /// `inbox`: whether what is told of alerts is kept to be looked at; `nil` for: where no Alertmanager is configured.
    public var isInboxEnabled: Bool?
    /// What should be told but is not wrong.
    public var warnings: [ConfigProblem] = []

    /// An empty configuration.
    public init() {}

    /// Reads a file.
    /// - Throws: ``ConfigError`` with everything that is wrong in it.
    public init(file: String, context: ConfigContext) throws(ConfigError) {
        guard let bytes = FileReading.bytes(of: file, pipes: .short) else {
            let reason = FileAccess.failure(reading: file)
            throw ConfigError(file: file, problems: [ConfigProblem(.meaning, reason)])
        }
        try self.init(text: bytes, file: file, context: context)
    }

    /// Reads a text.
    /// - Throws: ``ConfigError`` with everything that is wrong in it.
    public init(text: [UInt8], file: String, context: ConfigContext) throws(ConfigError) {
        try self.init(reading: try YAMLReader.parse(text, file: file), file: file, context: context)
    }

    /// Reads a configuration that stands in a larger file.
    /// - Parameter path: where it stands there.
    /// - Throws: ``ConfigError`` with everything that is wrong in it.
    package init(
        reading node: ConfigNode,
        file: String,
        path: String = "",
        context: ConfigContext
    ) throws(ConfigError) {
        let problems = ConfigProblems(file: file)
        self.init(reading: node, path: path, context: context, problems)
        try problems.throwIfAny()
    }

    /// Reads what can be read of a configuration.
    /// - Parameters:
    ///   - path: where it stands in its file.
    ///   - problems: where everything goes that is wrong in it.
    init(reading node: ConfigNode, path: String, context: ConfigContext, _ problems: ConfigProblems) {
        file = problems.file
        let root = ConfigSection(node, type: "config.plain", path: path, problems: problems)
        if !node.isNull {
            prometheus = PrometheusConfig(reading: root, context: context)
            if let section = root.section("demo_server", type: "demo_server") { demo = Demo(reading: section) }
            if let section = root.section("pushgateway", type: "pushgateway") { gateway = Gateway(reading: section) }
            if let section = root.section("storage", type: "config.StorageConfig") {
                var remote = context
                remote.nameValidation = prometheus.global.nameValidation
                storage = Storage(reading: section, context: remote)
            }
            if let node = root.node("rules"), !node.isNull { rules = node }
            if let section = root.section("inbox", type: "inbox") {
                isInboxEnabled = section.bool("enabled") ?? true
                section.finish()
            }
            root.finish()
        }
        warnings = problems.warnings
    }
}

extension StackConfig.Demo {
    init(reading section: ConfigSection) {
        isEnabled = section.bool("enabled") ?? true
        listenAddress = section.string("listen_address")
        if let traffic = section.section("traffic", type: "traffic") {
            trafficRate = traffic.double("requests_per_second") ?? 0
            if !(0...10_000).contains(trafficRate) {
                traffic.fail("requests_per_second has to be between 0 and 10000", at: "requests_per_second")
            }
            seed = traffic.uint("seed")
            traffic.finish()
        }
        section.finish()
    }
}

extension StackConfig.Gateway {
    init(reading section: ConfigSection) {
        isEnabled = section.bool("enabled") ?? true
        listenAddress = section.string("listen_address")
        isPersistent = section.bool("persistence") ?? isPersistent
        options.timeToLive = section.duration("group_ttl").map(\.nanoseconds).flatMap { $0 > 0 ? $0 : nil }
        options.acceptsTimeToLiveHeader = section.bool("ttl_header") ?? options.acceptsTimeToLiveHeader
        options.allowsDeletionBySelector = section.bool("delete_by_selector") ?? options.allowsDeletionBySelector
        options.allowsAggregation = section.bool("add_counters") ?? options.allowsAggregation
        options.historyLimit = section.int("history_limit") ?? options.historyLimit
        if !(0...1_000_000).contains(options.historyLimit) {
            section.fail("history_limit has to be between 0 and 1000000", at: "history_limit")
        }
        section.finish()
    }
}

extension StackConfig.Storage {
    init(reading section: ConfigSection, context: ConfigContext) {
        path = section.string("path")
        if let tsdb = section.section("tsdb", type: "config.plain") {
            // What Prometheus shows of itself has the window under this name as well, and is read again.
            _ = tsdb.int("outofordertimewindow", type: "int64")
            outOfOrderWindow = tsdb.duration("out_of_order_time_window")?.milliseconds ?? 0
            if let retention = tsdb.section("retention", type: "config.TSDBRetentionConfig") {
                retentionTime = retention.duration("time")?.milliseconds
                retentionBytes = retention.size("size")?.bytes
                retention.finish()
            }
            tsdb.finish()
        }
        if let node = section.node("remote"), let part = section.section("remote", type: "storage.remote") {
            remote = RemoteStoreConfig(reading: part, node: node, context: context)
        }
        if let exemplars = section.section("exemplars", type: "config.ExemplarsConfig") {
            maxExemplars = exemplars.int("max_exemplars", type: "int64") ?? maxExemplars
            exemplars.finish()
        }
        section.finish()
    }
}
