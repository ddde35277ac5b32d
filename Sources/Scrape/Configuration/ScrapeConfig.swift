import ConfigTree
public import Exposition
public import MetricModel

/// One item of `scrape_configs`: a job. All values are final: what the global section says is already filled in.
public struct ScrapeConfig: Sendable, Hashable {
    /// The job's name.
    public var jobName: String
    /// Whether labels of the exposition win over the target's.
    public var honorLabels = false
    /// Whether timestamps of the exposition count.
    public var honorTimestamps = true
    /// Whether series with timestamps of their own get stale markers.
    public var trackTimestampsStaleness = false
    /// URL parameters.
    public var params: [String: [String]] = [:]
    /// How often to scrape.
    public var scrapeInterval = PrometheusDuration(milliseconds: 60_000)
    /// When to give a scrape up.
    public var scrapeTimeout = PrometheusDuration(milliseconds: 10_000)
    /// Formats to ask for, most wanted first.
    public var scrapeProtocols = ScrapeProtocol.defaults
    /// The format to assume where the target names none.
    public var fallbackProtocol: ScrapeProtocol?
    /// Whether native histograms are scraped.
    public var scrapeNativeHistograms = false
    /// Whether the classic form is taken even where there is a native one.
    public var alwaysScrapeClassicHistograms = false
    /// Whether classic histograms become native ones with custom bounds.
    public var convertClassicHistogramsToNHCB = false
    /// Where failed scrapes are logged; empty for nowhere.
    public var scrapeFailureLogFile = ""
    /// The path.
    public var metricsPath = "/metrics"
    /// `http` or `https`.
    public var scheme = "http"
    /// Whether compressed answers are asked for.
    public var enableCompression = true
    /// Limits.
    public var limits = ScrapeLimits()
    /// The most buckets of a native histogram; beyond it the resolution is lowered. 0 for no limit.
    public var nativeHistogramBucketLimit: UInt64 = 0
    /// The least growth from bucket to bucket of a native histogram; 0 for none.
    public var nativeHistogramMinBucketFactor = 0.0
    /// How many dropped targets are remembered; 0 for all.
    public var keepDroppedTargets: UInt64 = 0
    /// Which names are allowed.
    public var nameValidation = NameValidation.utf8
    /// How names are asked for.
    public var nameEscaping = NameEscaping.allowUTF8
    /// Whether the extra series about scrapes are written.
    public var extraScrapeMetrics = false
    /// How targets are found.
    public var discovery: [DiscoveryConfig] = []
    /// How targets are talked to.
    public var client = HTTPClientConfig()
    /// Rules for targets.
    public var relabelRules: [RelabelRule] = []
    /// Rules for samples.
    public var metricRelabelRules: [RelabelRule] = []

    /// A job with the defaults.
    public init(jobName: String) { self.jobName = jobName }
}

// MARK: Reading

extension ScrapeConfig {
    /// Reads a job and fills in what the global section says.
    init(reading section: ConfigSection, global: GlobalConfig, context: ConfigContext) {
        let before = section.problems.problems.count
        self.init(jobName: section.string("job_name") ?? "")
        honorLabels = section.bool("honor_labels") ?? false
        honorTimestamps = section.bool("honor_timestamps") ?? true
        trackTimestampsStaleness = section.bool("track_timestamps_staleness") ?? false
        params = Self.params(section)
        readTimes(section, global: global)
        scrapeNativeHistograms = section.bool("scrape_native_histograms") ?? global.scrapeNativeHistograms
        alwaysScrapeClassicHistograms =
            section.bool("always_scrape_classic_histograms") ?? global.alwaysScrapeClassicHistograms
        convertClassicHistogramsToNHCB =
            section.bool("convert_classic_histograms_to_nhcb") ?? global.convertClassicHistogramsToNHCB
        scrapeFailureLogFile = context.path(section.string("scrape_failure_log_file") ?? "")
        if scrapeFailureLogFile.isEmpty { scrapeFailureLogFile = global.scrapeFailureLogFile }
        metricsPath = section.string("metrics_path") ?? metricsPath
        scheme = section.string("scheme") ?? scheme
        enableCompression = section.bool("enable_compression") ?? true
        limits = ScrapeLimits(reading: section).filled(from: global.limits)
        nativeHistogramBucketLimit = section.uint("native_histogram_bucket_limit") ?? 0
        nativeHistogramMinBucketFactor = section.double("native_histogram_min_bucket_factor") ?? 0
        keepDroppedTargets = section.uint("keep_dropped_targets") ?? 0
        if keepDroppedTargets == 0 { keepDroppedTargets = global.keepDroppedTargets }
        extraScrapeMetrics = section.bool("extra_scrape_metrics") ?? global.extraScrapeMetrics
        readProtocols(section, global: global)
        readNames(section, global: global)
        client = HTTPClientConfig(reading: section, context: context)
        discovery = DiscoveryConfig.readAll(section, context: context)
        relabelRules = RelabelRule.readAll(
            "relabel_configs",
            of: section,
            empty: "empty or null target relabeling rule in scrape config",
            validation: nameValidation
        )
        metricRelabelRules = RelabelRule.readAll(
            "metric_relabel_configs",
            of: section,
            empty: "empty or null metric relabeling rule in scrape config",
            validation: nameValidation
        )
        section.finish()
        if jobName.isEmpty, section.problems.problems.count == before { section.fail("job_name is empty") }
        if relabelRules.isEmpty { Self.checkAddresses(discovery, section) }
    }

    private mutating func readTimes(_ section: ConfigSection, global: GlobalConfig) {
        let zero = PrometheusDuration(milliseconds: 0)
        let interval = section.duration("scrape_interval") ?? zero
        let timeout = section.duration("scrape_timeout") ?? zero
        scrapeInterval = interval == zero ? global.scrapeInterval : interval
        if timeout > scrapeInterval {
            section.fail(
                "scrape timeout greater than scrape interval for scrape config with job name \(GoText.quoted(jobName))",
                at: "scrape_timeout"
            )
        }
        scrapeTimeout = timeout == zero ? min(global.scrapeTimeout, scrapeInterval) : timeout
    }

    private mutating func readProtocols(_ section: ConfigSection, global: GlobalConfig) {
        let job = "for scrape config with job name \(GoText.quoted(jobName))"
        if let own = Self.protocols(section, suffix: job) {
            scrapeProtocols = own
        } else if let common = global.scrapeProtocols {
            scrapeProtocols = common
        } else {
            scrapeProtocols = scrapeNativeHistograms ? ScrapeProtocol.protobufFirst : ScrapeProtocol.defaults
        }
        if let name = section.string("fallback_scrape_protocol", type: ScrapeProtocol.typeName), !name.isEmpty {
            fallbackProtocol = ScrapeProtocol(rawValue: name)
            if fallbackProtocol == nil {
                section.fail(
                    "invalid fallback_scrape_protocol \(job): \(Self.unknownProtocol(name))",
                    at: "fallback_scrape_protocol"
                )
            }
        }
    }

    private mutating func readNames(_ section: ConfigSection, global: GlobalConfig) {
        let own = Self.nameValidation(section)
        nameValidation = own ?? global.nameValidation
        let globalEscaping = global.nameEscaping ?? (global.nameValidation == .legacy ? .underscores : .allowUTF8)
        if let escaping = Self.nameEscaping(section, scope: "scrape config") {
            nameEscaping = escaping
        } else if own == nil {
            nameEscaping = globalEscaping
        } else {
            nameEscaping = nameValidation == .legacy ? .underscores : .allowUTF8
        }
        if nameEscaping == .allowUTF8, nameValidation != .utf8 {
            section.fail(
                "utf8 metric names requested but validation scheme is not set to UTF8",
                at: "metric_name_escaping_scheme"
            )
        }
    }

    /// Refuses addresses that are URLs.
    static func checkAddresses(_ discovery: [DiscoveryConfig], _ section: ConfigSection) {
        for case .fixed(let groups) in discovery {
            for target in groups.flatMap(\.targets) {
                guard let address = target.first?.value, address.contains("/") else { continue }
                section.fail(
                    "\(GoText.quoted(address)) is not a valid hostname",
                    at: "static_configs",
                    hint: "a target is host:port; scheme and path have fields of their own"
                )
            }
        }
    }

    private static func params(_ section: ConfigSection) -> [String: [String]] {
        let lists = section.stringLists("params", type: "url.Values") ?? []
        return Dictionary(lists.map { ($0.key, $0.values) }, uniquingKeysWith: { $1 })
    }

    static func unknownProtocol(_ name: String) -> String {
        let all = ScrapeProtocol.allCases.map(\.rawValue).sorted().joined(separator: " ")
        return "unknown scrape protocol \(name), supported: [\(all)]"
    }

    /// Reads `scrape_protocols`; `nil` where absent.
    static func protocols(_ section: ConfigSection, suffix: String) -> [ScrapeProtocol]? {
        guard let node = section.node("scrape_protocols"), !node.isNull else { return nil }
        guard
            let names = section.strings(
                "scrape_protocols",
                type: "[]" + ScrapeProtocol.typeName,
                itemType: ScrapeProtocol.typeName
            )
        else { return nil }
        if names.isEmpty {
            section.fail("scrape_protocols cannot be empty \(suffix)", at: "scrape_protocols")
            return nil
        }
        var seen: Set<String> = []
        var result: [ScrapeProtocol] = []
        for name in names {
            if !seen.insert(name.lowercased()).inserted {
                section.fail(
                    "duplicated protocol in scrape_protocols, got [\(names.joined(separator: " "))] \(suffix)",
                    at: "scrape_protocols"
                )
                return nil
            }
            guard let known = ScrapeProtocol(rawValue: name) else {
                section.fail("scrape_protocols: \(unknownProtocol(name)) \(suffix)", at: "scrape_protocols")
                return nil
            }
            result.append(known)
        }
        return result
    }

    /// Reads `metric_name_validation_scheme`; `nil` where absent.
    static func nameValidation(_ section: ConfigSection) -> NameValidation? {
        guard let name = section.string("metric_name_validation_scheme"), !name.isEmpty else { return nil }
        guard let known = NameValidation(rawValue: name) else {
            section.fail("unrecognized ValidationScheme: \(GoText.quoted(name))", at: "metric_name_validation_scheme")
            return nil
        }
        return known
    }

    /// Reads `metric_name_escaping_scheme`; `nil` where absent.
    static func nameEscaping(_ section: ConfigSection, scope: String) -> NameEscaping? {
        guard let name = section.string("metric_name_escaping_scheme"), !name.isEmpty else { return nil }
        guard let known = NameEscaping(rawValue: name) else {
            let all = NameEscaping.allCases.map { "'\($0.rawValue)'" }
            section.fail(
                "unknown \(scope) name escaping method specified, must be one of "
                    + "\(all[0]), \(all[1]), \(all[2]), or \(all[3]), got \(GoText.quoted(name))",
                at: "metric_name_escaping_scheme"
            )
            return nil
        }
        return known
    }
}
