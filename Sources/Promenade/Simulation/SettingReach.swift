import ConfigTree
import MetricModel
import Rules
import Scrape
import Simulation

/// Whom a setting of the stack's global section reaches: jobs and groups of rules that have a value of their own do not look there.
struct SettingReach {
    private let setting: ScenarioSetting
    private let field: String
    private let value: PrometheusDuration
    /// Whether somebody takes the value, or has it already.
    private var isTaken = false
    /// Who has another one, in words, and the setting that would reach the first of them.
    private var others: [String] = []
    private var path: String?

    /// - Returns: `nil` for what is no such setting.
    init?(_ setting: ScenarioSetting, of scenario: Scenario) {
        guard let field = setting.globalField, let value = setting.value.duration else { return nil }
        (self.setting, self.field, self.value) = (setting, field, value)
        let config = SimulatedConfig(scenario)
        switch field {
        case "scrape_interval", "scrape_timeout": lookAtJobs(config)
        case _: lookAtGroups(config)
        }
        for (index, event) in scenario.events.enumerated() {
            guard case .reload(let node, _, _) = event.action else { continue }
            let own = node["global"]?[field]?.duration
            if own == value { continue }
            others.append("the stack of events[\(index)]\(own.map { " (\($0))" } ?? "")")
        }
    }

    private mutating func lookAtJobs(_ config: SimulatedConfig) {
        for (index, job) in (config.node["scrape_configs"]?.items ?? []).enumerated() {
            take(job["job_name"]?.text ?? "", job[field]?.duration, at: "scrape_configs.\(index).\(field)")
        }
        // Jobs that the scenario makes have none of their own.
        if config.makesJobs { isTaken = true }
    }

    private mutating func lookAtGroups(_ config: SimulatedConfig) {
        let isInterval = field == "evaluation_interval"
        func own(_ group: RuleFile.Group) -> PrometheusDuration? {
            let own = isInterval ? (group.interval == 0 ? nil : group.interval) : group.queryOffset
            return own.map { PrometheusDuration(milliseconds: $0) }
        }
        let groups = config.groups
        for (index, group) in groups.own.enumerated() {
            let name = isInterval ? "interval" : "query_offset"
            take(group.name, own(group), at: "rules.groups.\(index).\(name)")
        }
        for group in groups.elsewhere { take(group.name, own(group), at: nil) }
    }

    private mutating func take(_ name: String, _ own: PrometheusDuration?, at place: String?) {
        guard let own, own.milliseconds > 0 || field == "rule_query_offset", own != value else {
            isTaken = true
            return
        }
        others.append("\(name) (\(own))")
        path = path ?? place
    }

    /// What is worth knowing; `nil` where it reaches all.
    /// - Throws: `ConfigError` where it changes nothing, as everybody has a value of their own.
    func remark() throws(ConfigError) -> String? {
        let isScrape = field.hasPrefix("scrape")
        if others.isEmpty {
            if isTaken { return nil }
            return "--set \(setting.text) changes nothing: \(isScrape ? "nothing is scraped" : "there are no rules")"
        }
        let names =
            others.prefix(10).joined(separator: ", ") + (others.count > 10 ? " and \(others.count - 10) more" : "")
        let whom = isScrape ? "jobs" : "groups of rules"
        if isTaken { return "--set \(setting.text) does not reach those that have their own: \(names)" }
        let hint = path.map { "--set stack.\($0)=\(value) for the first of them" } ?? "leave it out where they have it"
        throw ConfigError(
            file: "--set \(setting.text)",
            problems: [
                ConfigProblem(.meaning, "it changes nothing, as all \(whom) have their own: \(names)", hint: hint)
            ]
        )
    }
}

extension SimulatedConfig {
    /// Whether the scenario makes jobs that the configuration has not.
    var makesJobs: Bool { !jobs(scenario.services.map { ($0.name, $0.instances) }).isEmpty }

    /// The groups of rules that can be read: those that stand in the configuration, and those of files.
    var groups: (own: [RuleFile.Group], elsewhere: [RuleFile.Group]) {
        let counts = scenario.services.map { ($0.name, $0.instances) }
        guard let config = try? config(counts: counts) else { return ([], []) }
        let scheme = config.prometheus.global.nameValidation
        let own = config.rules.flatMap { try? RuleFile(reading: $0, file: file, scheme: scheme) }?.groups ?? []
        let files = config.prometheus.ruleFiles.flatMap { (try? RuleFiles.matching($0)) ?? [] }
        return (own, files.flatMap { (try? RuleFiles.read($0, scheme: scheme))?.groups ?? [] })
    }
}
