import ConfigTree
import HTTPCalling
public import MetricModel

/// Targets that belong together, as discovery finds them.
public struct TargetGroup: Sendable, Hashable {
    /// By which a later finding of the same group is recognised.
    public var source: String
    /// The targets: at least `__address__` for each.
    public var targets: [[Label]]
    /// Labels that all of them get.
    public var labels: [Label]

    /// A group of targets.
    public init(source: String, targets: [[Label]] = [], labels: [Label] = []) {
        self.source = source
        self.targets = targets
        self.labels = labels
    }
}

/// One way in which a job's targets are found.
public enum DiscoveryConfig: Sendable, Hashable {
    /// Written in the configuration.
    case fixed([TargetGroup])
    /// From files that are watched.
    case file(FileDiscovery)
    /// From a server's JSON.
    case http(HTTPDiscovery)
    /// From the domain name system.
    case dns(DNSDiscovery)

    /// From files that are watched.
    public struct FileDiscovery: Sendable, Hashable {
        /// Paths, with a `*` in the last part allowed.
        public var files: [String] = []
        /// How often they are read even where no change was seen.
        public var refreshInterval = PrometheusDuration(milliseconds: 300_000)
        /// No files.
        public init() {}
    }

    /// From a server's JSON.
    public struct HTTPDiscovery: Sendable, Hashable {
        /// Where to ask.
        public var url = ""
        /// How often.
        public var refreshInterval = PrometheusDuration(milliseconds: 60_000)
        /// How to talk to the server.
        public var client = HTTPClientConfig()
        /// No server.
        public init() {}
    }

    /// From the domain name system.
    public struct DNSDiscovery: Sendable, Hashable {
        /// The names to look up.
        public var names: [String] = []
        /// How often.
        public var refreshInterval = PrometheusDuration(milliseconds: 30_000)
        /// The records to ask for, as written: `SRV`, `A`, `AAAA`, `MX`, `NS`.
        public var type = "SRV"
        /// The port of the targets; records of type SRV bring their own.
        public var port = 0
        /// No names.
        public init() {}
    }

    /// The mechanism's name, as in metrics and the discovery page.
    public var mechanism: String {
        switch self {
        case .fixed: "static"
        case .file: "file"
        case .http: "http"
        case .dns: "dns"
        }
    }

    /// Prometheus's other kinds, which are refused.
    static let unsupportedKinds = [
        "aws_sd_configs", "azure_sd_configs", "consul_sd_configs", "digitalocean_sd_configs", "docker_sd_configs",
        "dockerswarm_sd_configs", "ec2_sd_configs", "ecs_sd_configs", "eureka_sd_configs", "gce_sd_configs",
        "hetzner_sd_configs", "ionos_sd_configs", "kubernetes_sd_configs", "kuma_sd_configs", "lightsail_sd_configs",
        "linode_sd_configs", "marathon_sd_configs", "msk_sd_configs", "nerve_sd_configs", "nomad_sd_configs",
        "openstack_sd_configs", "outscale_sd_configs", "ovhcloud_sd_configs", "puppetdb_sd_configs",
        "scaleway_sd_configs", "serverset_sd_configs", "stackit_sd_configs", "triton_sd_configs", "uyuni_sd_configs",
        "vultr_sd_configs",
    ]
}

// MARK: Reading

extension DiscoveryConfig {
    /// Reads all `*_sd_configs` and `static_configs` of a job.
    static func readAll(_ section: ConfigSection, context: ConfigContext) -> [DiscoveryConfig] {
        var result: [DiscoveryConfig] = []
        func each(_ name: String, _ type: String, _ read: (ConfigSection) -> DiscoveryConfig) {
            for part in section.sections(name, type: type + ".SDConfig", sectionType: type + ".plain") {
                guard let part else {
                    section.fail("empty or null section in \(name)", at: name)
                    continue
                }
                result.append(read(part))
            }
        }
        each("dns_sd_configs", "dns", readDNS)
        each("file_sd_configs", "file") { readFile($0, context: context) }
        each("http_sd_configs", "http") { readHTTP($0, context: context) }
        var groups: [TargetGroup] = []
        for part in section.sections(
            "static_configs",
            type: "targetgroup.Group",
            sectionType: TargetGroup.yamlType
        ) {
            guard let part else {
                section.fail("empty or null section in static_configs", at: "static_configs")
                continue
            }
            groups.append(TargetGroup(reading: part, source: String(groups.count)))
        }
        if !groups.isEmpty { result.append(.fixed(groups)) }
        for name in unsupportedKinds {
            section.refuse(name, because: "targets are found by static, file, http and dns discovery only")
        }
        return result
    }

    private static func readDNS(_ section: ConfigSection) -> DiscoveryConfig {
        var dns = DNSDiscovery()
        dns.names = section.strings("names") ?? []
        dns.refreshInterval = section.duration("refresh_interval") ?? dns.refreshInterval
        dns.type = section.string("type") ?? dns.type
        dns.port = section.int("port") ?? 0
        section.finish()
        if dns.names.isEmpty { section.fail("DNS-SD config must contain at least one SRV record name") }
        switch dns.type.uppercased() {
        case "SRV": break
        case "A", "AAAA", "MX", "NS":
            if dns.port == 0 {
                section.fail("a port is required in DNS-SD configs for all record types except SRV")
            }
        default: section.fail("invalid DNS-SD records type \(dns.type)", at: "type")
        }
        return .dns(dns)
    }

    private static func readFile(_ section: ConfigSection, context: ConfigContext) -> DiscoveryConfig {
        var file = FileDiscovery()
        file.files = section.strings("files") ?? []
        file.refreshInterval = section.duration("refresh_interval") ?? file.refreshInterval
        section.finish()
        if file.files.isEmpty {
            section.fail("file service discovery config must contain at least one path name")
        }
        for name in file.files where !isPatternOfFiles(name) {
            section.fail("path name \(GoText.quoted(name)) is not valid for file discovery", at: "files")
        }
        file.files = file.files.map { context.path($0) }
        for name in file.files where PathPattern(name) == nil {
            section.fail("error retrieving discovery files for \(name): \(PathPattern.malformed)", at: "files")
        }
        return .file(file)
    }

    /// Whether the path ends in `.json`, `.yml` or `.yaml` and has at most one `*`, in its last part.
    static func isPatternOfFiles(_ name: String) -> Bool {
        guard let dot = name.lastIndex(of: ".") else { return false }
        let suffix = name[name.index(after: dot)...]
        guard ["json", "yml", "yaml", "JSON", "YML", "YAML"].contains(String(suffix)) else { return false }
        let stem = name[..<dot]
        guard let star = stem.firstIndex(of: "*") else { return true }
        return !stem[star...].contains("/")
    }

    private static func readHTTP(_ section: ConfigSection, context: ConfigContext) -> DiscoveryConfig {
        var http = HTTPDiscovery()
        http.client = HTTPClientConfig(reading: section, context: context)
        http.refreshInterval = section.duration("refresh_interval") ?? http.refreshInterval
        let url = section.url("url")
        section.finish()
        guard let url, !url.isEmpty else {
            // One that is there and cannot be read is told already.
            if section.node("url")?.string ?? "" == "" { section.fail("URL is missing") }
            return .http(http)
        }
        http.url = url
        let scheme = url.prefix { $0 != ":" }
        if scheme.count == url.count || !["http", "https"].contains(scheme.lowercased()) {
            section.fail("URL scheme must be 'http' or 'https'", at: "url")
        } else if URLParts(url) == nil {
            section.fail("host is missing in URL", at: "url")
        }
        return .http(http)
    }
}

extension TargetGroup {
    /// The type as Prometheus names it where a field is unknown.
    static let yamlType = #"struct { Targets []string "yaml:\"targets\""; Labels model.LabelSet "yaml:\"labels\"" }"#

    /// Reads a group as it stands in `static_configs` and in discovery files.
    init(reading section: ConfigSection, source: String) {
        self.init(source: source)
        for address in section.strings("targets") ?? [] {
            targets.append([Label(name: TargetLabel.address, value: address)])
        }
        for (name, value) in section.labelSet("labels") where !name.isEmpty {
            labels.append(Label(name: name, value: value))
        }
        section.finish()
    }
}

extension ConfigSection {
    /// Labels by their names. Prometheus checks a name only where one is written; one that is null labels nothing.
    func labelSet(_ field: String) -> [(key: String, value: String)] {
        let labels = stringMap(field, type: "model.LabelSet", valueType: "model.LabelValue") ?? []
        if case .mapping(let entries) = node(field)?.content,
            entries.contains(where: { $0.key.text == "" && !$0.key.isNull })
        {
            fail("\"\" is not a valid label name", at: field)
        }
        return labels
    }
}

/// Labels that mean something to the scraper.
public enum TargetLabel {
    /// Host and port.
    public static let address = "__address__"
    /// `http` or `https`.
    public static let scheme = "__scheme__"
    /// The path.
    public static let metricsPath = "__metrics_path__"
    /// The path of the socket of this machine to connect to instead of the address.
    public static let unixSocket = "__unix_socket__"
    /// How often.
    public static let scrapeInterval = "__scrape_interval__"
    /// When to give up.
    public static let scrapeTimeout = "__scrape_timeout__"
    /// Prefix of URL parameters.
    public static let parameterPrefix = "__param_"
    /// Prefix of what discovery tells.
    public static let metaPrefix = "__meta_"
    /// Prefix of labels for use while relabelling.
    public static let temporaryPrefix = "__tmp"
    /// The job.
    public static let job = "job"
    /// The instance.
    public static let instance = "instance"
}
