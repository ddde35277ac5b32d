import ConfigTree
public import Exposition
public import MetricModel

/// The `global` section: what holds for all jobs unless they say otherwise.
public struct GlobalConfig: Sendable, Hashable {
    /// How often to scrape.
    public var scrapeInterval = PrometheusDuration(milliseconds: 60_000)
    /// When to give a scrape up.
    public var scrapeTimeout = PrometheusDuration(milliseconds: 10_000)
    /// Formats to ask for, most wanted first; `nil` to let each job's settings decide.
    public var scrapeProtocols: [ScrapeProtocol]?
    /// How often to evaluate rules.
    public var evaluationInterval = PrometheusDuration(milliseconds: 60_000)
    /// How far in the past rules are evaluated.
    public var ruleQueryOffset = PrometheusDuration(milliseconds: 0)
    /// Where queries are logged; empty for nowhere.
    public var queryLogFile = ""
    /// Where failed scrapes are logged; empty for nowhere.
    public var scrapeFailureLogFile = ""
    /// Labels for whoever reads this server from outside, with environment variables expanded.
    public var externalLabels: [Label] = []
    /// Limits for all jobs.
    public var limits = ScrapeLimits()
    /// How many dropped targets are remembered for each job; 0 for all.
    public var keepDroppedTargets: UInt64 = 0
    /// Which names are allowed.
    public var nameValidation = NameValidation.utf8
    /// How names are asked for; `nil` to follow ``nameValidation``.
    public var nameEscaping: NameEscaping? = .allowUTF8
    /// Whether native histograms are scraped.
    public var scrapeNativeHistograms = false
    /// Whether classic histograms become native ones with custom bounds.
    public var convertClassicHistogramsToNHCB = false
    /// Whether the classic form is taken even where there is a native one.
    public var alwaysScrapeClassicHistograms = false
    /// Whether the extra series about scrapes are written.
    public var extraScrapeMetrics = false

    /// Prometheus's defaults.
    public init() {}
}

/// Limits on what one scrape may bring; 0 for none.
public struct ScrapeLimits: Sendable, Hashable {
    /// Bytes of the uncompressed body.
    public var bodySize = ByteSize(bytes: 0)

    /// The most bytes of a body that are read, over the wire and unpacked, where no limit is given.
    static let largestBody = 256 << 20

    /// The most bytes of a body that are read, over the wire and unpacked.
    var bodyLimit: Int {
        bodySize.bytes > 0 ? Int(min(bodySize.bytes, 2 << 30)) : Self.largestBody
    }
    /// Samples after metric relabelling.
    public var samples: UInt64 = 0
    /// Targets of the job after relabelling.
    public var targets: UInt64 = 0
    /// Labels of a sample.
    public var labels: UInt64 = 0
    /// Length of a label's name.
    public var labelNameLength: UInt64 = 0
    /// Length of a label's value.
    public var labelValueLength: UInt64 = 0

    /// No limits.
    public init() {}

    /// These limits, with the other's where one is not set.
    func filled(from other: Self) -> Self {
        var result = self
        if bodySize.bytes == 0 { result.bodySize = other.bodySize }
        if samples == 0 { result.samples = other.samples }
        if targets == 0 { result.targets = other.targets }
        if labels == 0 { result.labels = other.labels }
        if labelNameLength == 0 { result.labelNameLength = other.labelNameLength }
        if labelValueLength == 0 { result.labelValueLength = other.labelValueLength }
        return result
    }

    /// Reads the limits that are fields of a section.
    init(reading section: ConfigSection) {
        bodySize = section.size("body_size_limit") ?? bodySize
        samples = section.uint("sample_limit") ?? 0
        targets = section.uint("target_limit") ?? 0
        labels = section.uint("label_limit") ?? 0
        labelNameLength = section.uint("label_name_length_limit") ?? 0
        labelValueLength = section.uint("label_value_length_limit") ?? 0
    }
}

extension GlobalConfig {
    /// Reads the section; an empty one is the default.
    init(reading section: ConfigSection, context: ConfigContext) {
        self.init()
        let before = section.problems.problems.count
        let zero = PrometheusDuration(milliseconds: 0)
        let interval = section.duration("scrape_interval") ?? zero
        let timeout = section.duration("scrape_timeout") ?? zero
        scrapeProtocols = ScrapeConfig.protocols(section, suffix: "for global config")
        if let interval = section.duration("evaluation_interval"), interval != zero { evaluationInterval = interval }
        ruleQueryOffset = section.duration("rule_query_offset") ?? zero
        queryLogFile = context.path(section.string("query_log_file") ?? "")
        section.refuse("query_log_file", because: "queries are not written to a file")
        scrapeFailureLogFile = context.path(section.string("scrape_failure_log_file") ?? "")
        limits = ScrapeLimits(reading: section)
        keepDroppedTargets = section.uint("keep_dropped_targets") ?? 0
        nameValidation = ScrapeConfig.nameValidation(section) ?? .utf8
        nameEscaping = ScrapeConfig.nameEscaping(section, scope: "global")
        scrapeNativeHistograms = section.bool("scrape_native_histograms") ?? context.scrapeNativeHistograms
        convertClassicHistogramsToNHCB = section.bool("convert_classic_histograms_to_nhcb") ?? false
        alwaysScrapeClassicHistograms = section.bool("always_scrape_classic_histograms") ?? false
        extraScrapeMetrics = section.bool("extra_scrape_metrics") ?? context.extraScrapeMetrics
        for (name, value) in section.stringMap("external_labels", type: "map[string]string") ?? [] {
            if !nameValidation.allowsLabelName(name) {
                section.fail("\(GoText.quoted(name)) is not a valid label name", at: "external_labels")
            }
            let expanded = context.expand(value, in: section)
            externalLabels.append(Label(name: name, value: expanded))
        }
        externalLabels.sort { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
        section.finish()

        let isEmpty = section.node.isNull || section.node.content == .mapping([])
        if isEmpty {
            let native = scrapeNativeHistograms
            let extra = extraScrapeMetrics
            self.init()
            scrapeNativeHistograms = native
            extraScrapeMetrics = extra
            return
        }
        if interval != zero { scrapeInterval = interval }
        if timeout > scrapeInterval, section.problems.problems.count == before {
            section.fail("global scrape timeout greater than scrape interval", at: "scrape_timeout")
        }
        scrapeTimeout = timeout == zero ? min(scrapeTimeout, scrapeInterval) : timeout
    }
}
