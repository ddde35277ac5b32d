public import ConfigTree
import MetricModel

/// What a `prometheus.yml` says, as far as this server does it.
public struct PrometheusConfig: Sendable, Hashable {
    /// What holds for all jobs.
    public var global = GlobalConfig()
    /// Go's garbage collector's target, kept for showing only.
    public var goGC = 75
    /// Files with rules.
    public var ruleFiles: [String] = []
    /// Who is told of alerts.
    public var alerting = AlertingConfig()
    /// Files with further jobs, as patterns.
    public var scrapeConfigFiles: [String] = []
    /// The jobs of the file itself.
    public var scrapeConfigs: [ScrapeConfig] = []
    /// To where samples are sent on.
    public var remoteWrites: [RemoteWriteConfig] = []
    /// Who else is asked for samples.
    public var remoteReads: [RemoteReadConfig] = []
    /// How metrics of OpenTelemetry are taken.
    public var otlp = OTLPConfig()
    /// Sections that are read and checked, but do nothing.
    public var inactive: [InactiveSection] = []
    /// The section `storage`, for showing only.
    public var storage: ConfigNode?
    /// The jobs of ``scrapeConfigFiles``.
    public var includedScrapeConfigs: [ScrapeConfig] = []

    /// An empty configuration.
    public init() {}

    /// All jobs, those of further files included.
    public var jobs: [ScrapeConfig] { scrapeConfigs + includedScrapeConfigs }

    /// Reads Prometheus's sections of a whole file. The caller reads `storage` and sections of its own from the same
    /// ``ConfigSection``, calls `finish()` on it and then looks at its problems.
    public init(reading root: ConfigSection, context: ConfigContext) {
        if let section = root.section("global", type: "config.plain") {
            global = GlobalConfig(reading: section, context: context)
        } else {
            _ = root.has("global")
            global.scrapeNativeHistograms = context.scrapeNativeHistograms
            global.extraScrapeMetrics = context.extraScrapeMetrics
        }
        if let section = root.section("runtime", type: "config.RuntimeConfig") {
            goGC = section.int("gogc") ?? goGC
            section.finish()
        }
        readRulesAndAlerting(root, context: context)
        otlp = OTLPConfig(reading: root, validation: global.nameValidation)
        var remote = context
        remote.nameValidation = global.nameValidation
        remoteWrites = RemoteWriteConfig.readAll(root, context: remote)
        remoteReads = RemoteReadConfig.readAll(root, context: context)
        inactive = InactiveSections(root, context: context).found
        if root.has("storage"), let node = root.node("storage"), !node.isNull { storage = node }
        readJobs(root, context: context)
    }

    private mutating func readRulesAndAlerting(_ root: ConfigSection, context: ConfigContext) {
        for name in root.strings("rule_files") ?? [] {
            if !Self.isRulePath(name) {
                root.fail("invalid rule file path \(GoText.quoted(name))", at: "rule_files")
            }
            if PathPattern(context.path(name)) == nil {
                root.fail("error retrieving rule files for \(name): \(PathPattern.malformed)", at: "rule_files")
            }
            ruleFiles.append(context.path(name))
        }
        if let section = root.section("alerting", type: "config.plain") {
            alerting = AlertingConfig(reading: section, global: global, context: context)
        } else {
            _ = root.has("alerting")
        }
    }

    private mutating func readJobs(_ root: ConfigSection, context: ConfigContext) {
        var seen: [String: String] = [:]
        for section in root.sections("scrape_configs", type: "config.ScrapeConfig") {
            guard let section else {
                root.fail("empty or null scrape config section", at: "scrape_configs")
                continue
            }
            let job = ScrapeConfig(reading: section, global: global, context: context)
            if seen.updateValue("main config file", forKey: job.jobName) != nil, !job.jobName.isEmpty {
                section.fail(
                    "found multiple scrape configs with job name \(GoText.quoted(job.jobName))",
                    at: "job_name"
                )
            }
            scrapeConfigs.append(job)
        }
        for pattern in root.strings("scrape_config_files") ?? [] {
            if !Self.isRulePath(pattern) {
                root.fail("invalid scrape config file path \(GoText.quoted(pattern))", at: "scrape_config_files")
                continue
            }
            let path = context.path(pattern)
            scrapeConfigFiles.append(path)
            guard let files = PathPattern(path) else {
                let name = GoText.quoted(path)
                root.fail(
                    "error retrieving scrape config files for \(name): \(PathPattern.malformed)",
                    at: "scrape_config_files"
                )
                continue
            }
            do throws(PathPattern.Failure) {
                for file in try files.matches() { include(file, into: root, seen: &seen, context: context) }
            } catch {
                root.fail("error retrieving scrape config files: \(error)", at: "scrape_config_files")
            }
        }
    }

    private mutating func include(
        _ file: String,
        into root: ConfigSection,
        seen: inout [String: String],
        context: ConfigContext
    ) {
        func fail(_ reason: String) {
            root.fail("scrape config file \(GoText.quoted(file)): \(reason)", at: "scrape_config_files")
        }
        let node: ConfigNode
        switch FileSystem.read(file) {
        case .failure(let error): return fail(error.description)
        case .success(let bytes):
            do throws(ConfigError) {
                node = try YAMLReader.parse(bytes, file: file)
            } catch {
                return fail(error.problems.first?.message ?? error.description)
            }
        }
        var inner = context
        inner.directory = FilePath.folder(of: file)
        let problems = ConfigProblems(file: file)
        let section = ConfigSection(node, type: "config.ScrapeConfigs", path: "", problems: problems)
        for part in section.sections("scrape_configs", type: "config.ScrapeConfig") {
            guard let part else {
                fail("empty or null scrape config section")
                continue
            }
            let job = ScrapeConfig(reading: part, global: global, context: inner)
            if let first = seen[job.jobName] {
                fail(
                    "found multiple scrape configs with job name \(GoText.quoted(job.jobName)), first found in \(first)"
                )
            }
            seen[job.jobName] = GoText.quoted(file)
            includedScrapeConfigs.append(job)
        }
        section.finish()
        if !problems.problems.isEmpty {
            fail(ConfigError(file: file, problems: problems.problems).description)
        }
    }

    /// Whether the path has `*` in its last part only.
    static func isRulePath(_ path: String) -> Bool {
        guard let star = path.firstIndex(of: "*") else { return true }
        let rest = path[path.index(after: star)...]
        return !rest.contains("/")
    }
}
