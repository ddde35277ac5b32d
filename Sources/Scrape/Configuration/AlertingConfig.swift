import ConfigTree
public import MetricModel

/// The `alerting` section: who is told of alerts.
public struct AlertingConfig: Sendable, Hashable {
    /// One set of Alertmanagers.
    public struct Alertmanager: Sendable, Hashable {
        /// How they are found and talked to, as a job: its path is that of the API, its rules are those of `relabel_configs`.
        public var job: ScrapeConfig
        /// How long to wait for an answer.
        public var timeout = PrometheusDuration(milliseconds: 10_000)
        /// What stands before the API's path, as it is written.
        public var pathPrefix = ""
        /// `relabel_configs` as they are written.
        public var relabelRules: [RelabelRule] = []
        /// Rules for the alerts that they get.
        public var alertRelabelRules: [RelabelRule] = []
    }

    /// Rules for all alerts.
    public var alertRelabelRules: [RelabelRule] = []
    /// The sets of Alertmanagers.
    public var alertmanagers: [Alertmanager] = []

    /// Nobody.
    public init() {}

    /// The label that holds the path, by which rules may change it.
    static let pathLabel = "__alerts_path__"

    /// Reads the section.
    init(reading section: ConfigSection, global: GlobalConfig, context: ConfigContext) {
        alertRelabelRules = RelabelRule.readAll(
            "alert_relabel_configs",
            of: section,
            empty: "empty or null alert relabeling rule",
            validation: global.nameValidation
        )
        let parts = section.sections(
            "alertmanagers",
            type: "config.AlertmanagerConfig",
            listType: "config.AlertmanagerConfigs"
        )
        for (index, part) in parts.enumerated() {
            guard let part else {
                section.fail("empty or null Alertmanager config section", at: "alertmanagers")
                continue
            }
            alertmanagers.append(Alertmanager(reading: part, index: index, global: global, context: context))
        }
        section.finish()
    }
}

extension AlertingConfig.Alertmanager {
    init(reading section: ConfigSection, index: Int, global: GlobalConfig, context: ConfigContext) {
        job = ScrapeConfig(jobName: "config-\(index)")
        job.scheme = section.string("scheme") ?? "http"
        if let given = section.duration("timeout") { timeout = given }
        let version = section.string("api_version") ?? "v2"
        if version != "v2", section.node("api_version")?.isPassedOver != true {
            section.fail("expected Alertmanager api version to be one of [v2] but got \(version)", at: "api_version")
        }
        pathPrefix = section.string("path_prefix") ?? ""
        var prefix = pathPrefix
        while prefix.hasSuffix("/") { prefix.removeLast() }
        if !prefix.hasPrefix("/"), !prefix.isEmpty { prefix = "/" + prefix }
        job.metricsPath = prefix + "/api/v2/alerts"
        section.refuse(
            "sigv4",
            because: "Amazon's signatures are not made here; "
                + "use basic_auth, authorization or oauth2, or a proxy that signs"
        )
        job.client = HTTPClientConfig(reading: section, context: context)
        job.discovery = DiscoveryConfig.readAll(section, context: context)
        relabelRules = RelabelRule.readAll(
            "relabel_configs",
            of: section,
            empty: "empty or null Alertmanager target relabeling rule",
            validation: global.nameValidation
        )
        job.relabelRules = Self.discoveredPath + relabelRules.map(Self.onPath)
        alertRelabelRules = RelabelRule.readAll(
            "alert_relabel_configs",
            of: section,
            empty: "empty or null Alertmanager alert relabeling rule",
            validation: global.nameValidation
        )
        section.finish()
        guard relabelRules.isEmpty else { return }
        for case .fixed(let groups) in job.discovery {
            for target in groups.flatMap(\.targets) {
                guard let address = target.first?.value, address.contains("/") else { continue }
                section.fail("\(GoText.quoted(address)) is not a valid hostname", at: "static_configs")
            }
        }
    }

    /// A path that discovery gives counts for more than the one that is configured.
    private static let discoveredPath = [
        try? RelabelRule(
            sourceLabels: [AlertingConfig.pathLabel],
            regex: "(.+)",
            targetLabel: TargetLabel.metricsPath
        )
    ].compactMap(\.self)

    /// A rule that reads and sets the path where jobs have it.
    private static func onPath(_ rule: RelabelRule) -> RelabelRule {
        var rule = rule
        func renamed(_ name: String) -> String {
            name == AlertingConfig.pathLabel ? TargetLabel.metricsPath : name
        }
        rule.sourceLabels = rule.sourceLabels?.map(renamed)
        rule.targetLabel = renamed(rule.targetLabel)
        return rule
    }
}
