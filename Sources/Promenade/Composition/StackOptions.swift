import MetricModel
import PromQL
import Scrape
public import TSDB
public import Web

/// Everything about a stack that is settled before it starts: flags, and the configuration where no flag was given.
public struct StackOptions: Sendable {
    /// The flags.
    public var flags: FlagSet
    /// The configuration file; empty for none.
    public var configFile: String
    /// What it says.
    public var config: StackConfig
    /// Where the Prometheus server listens.
    public var webAddress: ListenAddress
    /// Where the Pushgateway listens; `nil` for no Pushgateway.
    public var gatewayAddress: ListenAddress?
    /// Where OpenTelemetry's metrics are taken at the path that clients have by default; `nil` for nowhere.
    public var otlpAddress: ListenAddress?
    /// Where the demo server listens; `nil` for no demo server.
    public var demoAddress: ListenAddress?
    /// To whom the demo server gave way; `nil` where it did not.
    public var demoGaveWay: GivenWay?
    /// The folder of the database; `nil` to keep samples in memory.
    public var dataFolder: String?
    /// Whether targets that name the servers' usual ports follow them to the ports that they really have.
    public var followsPorts = false
    /// Whether time passes only when it is told to.
    public var isTimeManual = false
    /// Whether tests may change targets and inject faults.
    public var isFixture = false

    /// The name of the database in its folder.
    public static let databaseName = "stack.db"

    /// Settles flags and configuration. What is given by flag wins.
    /// - Throws: ``StackError`` where an address cannot be read or flags contradict each other.
    public init(flags: FlagSet, config: StackConfig, configFile: String = "") throws(StackError) {
        self.flags = flags
        self.config = config
        self.configFile = configFile
        let isTest = flags.isOn("test")
        func address(_ flag: String, _ configured: String?, _ field: String = "") throws(StackError) -> ListenAddress {
            if isTest, !flags.isGiven(flag) { return ListenAddress(host: "127.0.0.1", port: 0) }
            let text = flags.isGiven(flag) ? nil : configured
            do throws(ListenAddressError) {
                return try ListenAddress(parsing: text ?? flags.list(flag).first ?? "")
            } catch {
                throw StackError("\(text == nil ? "--" + flag : field): \(error.message)")
            }
        }
        isTimeManual = flags["clock"] == "manual"
        if isTimeManual, !isTest {
            throw StackError(
                "--clock=manual: time stands still in test fixtures only: \(ProgramName.called) run --test --clock=manual"
            )
        }
        let metricsPath = flags["pushgateway.telemetry-path"]
        if metricsPath.allSatisfy({ $0 == "/" }) {
            throw StackError(
                "--pushgateway.telemetry-path: \(GoText.quoted(metricsPath)) has to be a path such as /metrics: at / is the page"
            )
        }
        webAddress = try address("web.listen-address", nil)
        if flags.isGiven("pushgateway.enabled") ? flags.isOn("pushgateway.enabled") : config.gateway.isEnabled {
            gatewayAddress = try address(
                "pushgateway.listen-address",
                config.gateway.listenAddress,
                "pushgateway.listen_address"
            )
        }
        if flags.isGiven("demo.enabled") ? flags.isOn("demo.enabled") : config.demo.isEnabled {
            demoAddress = try address(
                "demo.listen-address",
                config.demo.listenAddress,
                "demo_server.listen_address"
            )
        }
        if let listen = config.prometheus.otlp.listenAddress {
            do throws(ListenAddressError) {
                otlpAddress = try ListenAddress(parsing: listen)
            } catch {
                throw StackError("otlp.listen: \(error.message)")
            }
        } else if isTest {
            otlpAddress = Self.otlpByDefault
        }
        let features = Set(flags.list("enable-feature"))
        if features.isSuperset(of: ["otlp-deltatocumulative", "otlp-native-delta-ingestion"]) {
            throw StackError(
                "--enable-feature: otlp-deltatocumulative and otlp-native-delta-ingestion cannot both be on: "
                    + "points that count from the one before are either added up or kept as they are"
            )
        }
        followsPorts = flags.isOn("targets.follow")
        isFixture = isTest
        let path = flags.isGiven("storage.path") ? flags["storage.path"] : flags["storage.tsdb.path"]
        let isPathGiven = flags.isGiven("storage.path") || flags.isGiven("storage.tsdb.path")
        if flags.isOn("storage.memory") || (isTest && !isPathGiven) {
            dataFolder = nil
        } else {
            dataFolder = isPathGiven ? path : config.storage.path ?? flags["storage.path"]
        }
    }

    /// Where OpenTelemetry's clients send to of their own accord.
    static let otlpByDefault = ListenAddress(host: "127.0.0.1", port: 4318)

    /// What is done with points of OpenTelemetry that count from the one before.
    private var otlpDelta: PrometheusSettings.DeltaHandling {
        let features = flags.list("enable-feature")
        if features.contains("otlp-deltatocumulative") { return .addedUp }
        return features.contains("otlp-native-delta-ingestion") ? .kept : .refused
    }

    /// Whether the configuration is read again when one of its files changes.
    public var watchesConfiguration: Bool {
        flags.isOn("config.auto-reload") || flags.list("enable-feature").contains("auto-reload-config")
    }

    /// How the store behaves.
    public var store: StoreOptions {
        var options = StoreOptions()
        let time =
            flags.isGiven("storage.tsdb.retention.time")
            ? flags.duration("storage.tsdb.retention.time").milliseconds : config.storage.retentionTime ?? 0
        let size =
            flags.isGiven("storage.tsdb.retention.size")
            ? (try? ByteSize(parsing: flags["storage.tsdb.retention.size"]))?.bytes ?? 0
            : config.storage.retentionBytes ?? 0
        // Where the samples are kept elsewhere, what is here is for what has not been sent yet.
        let standard: Int64 = config.storage.remote == nil ? 15 * 86_400_000 : 2 * 3_600_000
        options.retention = time > 0 ? time : size > 0 ? nil : standard
        options.retentionSize = size > 0 ? size : nil
        options.outOfOrderWindow = config.storage.outOfOrderWindow
        options.exemplarCapacity = max(0, config.storage.maxExemplars)
        return options
    }

    /// What the Prometheus server puts up with.
    var connectionLimits: ConnectionLimits {
        var limits = ConnectionLimits()
        limits.connections = max(1, flags.integer("web.max-connections"))
        let idle = flags.duration("web.read-timeout").milliseconds
        limits.idleMilliseconds = idle > 0 ? idle : nil
        return limits
    }

    /// For how long samples are kept, in words.
    var retentionText: String {
        let options = store
        var parts: [String] = []
        if let time = options.retention { parts.append(PrometheusDuration(milliseconds: time).description) }
        if let size = options.retentionSize { parts.append(ByteSize(bytes: size).description) }
        return parts.joined(separator: " or ")
    }

    /// How queries are evaluated.
    var engine: PromQLEngine.Options {
        let features = Set(flags.list("enable-feature"))
        var options = PromQLEngine.Options()
        options.lookbackDelta = flags.duration("query.lookback-delta").milliseconds
        options.timeout = flags.duration("query.timeout").milliseconds
        options.maximumSamples = flags.integer("query.max-samples")
        if let size = try? ByteSize(parsing: flags["query.max-memory"]), size.bytes > 0 {
            options.maximumBytes = Int(clamping: size.bytes)
            options.maximumBytesInAll = Int(clamping: size.bytes.multipliedReportingOverflow(by: 4).partialValue)
            if options.maximumBytesInAll < options.maximumBytes { options.maximumBytesInAll = .max }
        }
        options.defaultSubqueryInterval = config.prometheus.global.evaluationInterval.milliseconds
        options.parser = ParserOptions(
            experimentalFunctions: features.contains("promql-experimental-functions"),
            extendedRangeSelectors: features.contains("promql-extended-range-selectors"),
            fillModifiers: features.contains("promql-binop-fill-modifiers")
        )
        options.delaysNameRemoval = features.contains("promql-delayed-name-removal")
        options.usesTypeAndUnitLabels = features.contains("type-and-unit-labels")
        options.usesStartTimestamps = features.contains("use-start-timestamps")
        options.countsSamplesPerStep = features.contains("promql-per-step-stats")
        return options
    }

    /// The path of a URL without a slash at the end, its host and its scheme, as Go takes it apart: what stands before a colon is the
    /// scheme (of `host:80/path`, too), and what follows it without a slash is no path.
    static func parts(ofURL text: String) -> (scheme: String, host: String, path: String) {
        var rest = text.prefix { $0 != "#" && $0 != "?" }
        var scheme = "http"
        let name = rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || "+-.".contains($0)) }
        if name.first?.isLetter ?? false, rest[name.endIndex...].first == ":" {
            scheme = name.lowercased()
            rest = rest[name.endIndex...].dropFirst()
            guard rest.isEmpty || rest.hasPrefix("/") else { return (scheme, "", "") }
        }
        var host = ""
        if rest.hasPrefix("//") {
            rest = rest.dropFirst(2)
            host = String(rest.prefix { $0 != "/" })
            rest = rest.dropFirst(host.count)
        }
        return (scheme, host, Self.prefix(PercentCoding.decodedPath(String(rest)) ?? String(rest)))
    }

    /// A prefix of routes: begins with a slash and does not end with one, or is empty.
    private static func prefix(_ text: String) -> String {
        var text = text
        while text.hasSuffix("/") { text.removeLast() }
        return text.isEmpty || text.hasPrefix("/") ? text : "/" + text
    }

    /// Which pages from elsewhere may read the answers of the APIs: none, unless the flag says so, whatever its default is called.
    private var crossOrigin: CrossOrigin {
        flags.isGiven("web.cors.origin") ? Self.origins(flags["web.cors.origin"]) : .none
    }

    /// The flags were looked at when they were read.
    private static func origins(_ pattern: String) -> CrossOrigin { (try? CrossOrigin(matching: pattern)) ?? .none }

    /// Whom a server answers that is reached from outside by the URL of a flag.
    func accessPolicy(
        url flag: String,
        neighbour: @escaping @Sendable () -> ListenAddress? = { nil }
    ) -> AccessPolicy {
        let named = flags.list("web.allowed-hosts").filter { !$0.isEmpty }
        let pattern = flags["web.allowed-origins"]
        var policy = AccessPolicy(
            hosts: named,
            asksForHosts: !named.isEmpty,
            origins: pattern.isEmpty ? crossOrigin : Self.origins(pattern)
        )
        policy.externalURL = flags[flag]
        policy.neighbour = neighbour
        return policy
    }

    /// What stands before every path of the servers: empty, or with a slash at its beginning and none at its end.
    public var routePrefixes: (prometheus: String, pushgateway: String) {
        (prometheus(listening: webAddress).routePrefix, pushgateway.routePrefix)
    }

    /// How the Pushgateway's server is set up.
    var pushgateway: PushgatewaySettings {
        var settings = PushgatewaySettings()
        settings.telemetryPath = flags["pushgateway.telemetry-path"]
        settings.routePrefix = PushgatewaySettings.routePrefix(
            flags["pushgateway.route-prefix"],
            externalPath: Self.parts(ofURL: flags["pushgateway.external-url"]).path
        )
        settings.crossOrigin = crossOrigin
        settings.enablesLifecycle = flags.isOn("pushgateway.enable-lifecycle")
        settings.enablesAdminAPI = flags.isOn("pushgateway.enable-admin-api")
        for flag in flags.all {
            if flag.name.hasPrefix("pushgateway.") {
                settings.flags["web." + flag.name.dropFirst(12)] = flag.value
            } else if ["push.", "persistence.", "log."].contains(where: flag.name.hasPrefix) {
                settings.flags[flag.name] = flag.value
            }
        }
        settings.buildInformation = [
            "version": StackVersion.pushgateway, "revision": StackVersion.build.revision, "branch": "main",
            "goVersion": "swift",
            "buildUser": "", "buildDate": "",
        ]
        return settings
    }

    /// Whether only this machine reaches a host.
    static func isLoopback(_ host: String) -> Bool {
        host == "localhost" || host == "::1" || host.hasPrefix("127.")
    }

    /// Whether a class may control the demo server: where nobody else can reach the servers, or the lifecycle API is on.
    var allowsDemoControl: Bool {
        let addresses = [webAddress, demoAddress].compactMap(\.self)
        return flags.isOn("web.enable-lifecycle") || addresses.allSatisfy { Self.isLoopback($0.host) }
    }

    /// How the Prometheus server is set up once it listens.
    func prometheus(listening address: ListenAddress) -> PrometheusSettings {
        var settings = PrometheusSettings()
        let external = Self.parts(ofURL: flags["web.external-url"])
        settings.externalScheme = external.scheme
        settings.externalHost =
            external.host.isEmpty ? "\(ProcessEnvironment.hostName.lowercased()):\(address.port)" : external.host
        settings.externalPath = external.path
        settings.listenPort = String(address.port)
        settings.routePrefix =
            flags.isGiven("web.route-prefix") ? Self.prefix(flags["web.route-prefix"]) : external.path
        settings.isLifecycleEnabled = flags.isOn("web.enable-lifecycle")
        settings.isAdminEnabled = flags.isOn("web.enable-admin-api")
        settings.isRemoteWriteEnabled = flags.isOn("web.enable-remote-write-receiver")
        settings.isOTLPEnabled = isFixture || flags.isOn("web.enable-otlp-receiver")
        settings.otlpDelta = otlpDelta
        settings.addsTypeAndUnitLabels = flags.list("enable-feature").contains("type-and-unit-labels")
        settings.crossOrigin = crossOrigin
        settings.flags = flags.all.map { flag in
            flag.name == "web.route-prefix"
                ? (flag.name, settings.routePrefix.isEmpty ? "/" : settings.routePrefix) : flag
        }
        settings.features = StackFeatures.list(flags)
        settings.build = StackVersion.build
        settings.lookbackDelta = flags.duration("query.lookback-delta").milliseconds
        settings.dataFolder = dataFolder ?? ""
        settings.retentionText = retentionText
        settings.pageTitle = flags["web.page-title"]
        return settings
    }
}

/// The program's version.
public enum StackVersion {
    /// The version.
    public static let version = "0.1.0"
    /// The Pushgateway whose ways this one has.
    static let pushgateway = "1.11.2"

    /// The system that the program was built for, by Go's name.
    static var system: String {
        #if os(macOS)
            "darwin"
        #else
            "linux"
        #endif
    }

    /// The processor that the program was built for, by Go's name.
    static var architecture: String {
        #if arch(arm64)
            "arm64"
        #else
            "amd64"
        #endif
    }

    static var build: PrometheusSettings.BuildInfo {
        var build = PrometheusSettings.BuildInfo()
        build.version = "3.5.0"
        build.revision = "promenade-\(version)"
        build.branch = "main"
        build.goVersion = "swift"
        return build
    }
}
