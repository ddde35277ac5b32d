package import ConfigTree
import MetricModel

/// What a fixture is told about a job while it runs: `{"targets":["host:port"],"labels":{…},"config":{…}}`.
package struct TargetsRequest: Sendable {
    /// The job as it shall be.
    package var job: ScrapeConfig

    /// Reads a request.
    /// - Parameters:
    ///   - known: the job as it is; `nil` for a new one.
    ///   - isAddition: whether the targets come to those that are there, and do not replace them.
    /// - Throws: everything that is wrong with it.
    package init(
        job name: String,
        reading node: ConfigNode,
        known: ScrapeConfig?,
        isAddition: Bool,
        global: GlobalConfig,
        context: ConfigContext
    ) throws(ConfigError) {
        let problems = ConfigProblems(file: "body")
        let section = ConfigSection(node, type: "targets", path: "", problems: problems)
        var group = TargetGroup(source: "0")
        for address in section.strings("targets") ?? [] {
            group.targets.append([Label(name: TargetLabel.address, value: address)])
            if let problem = Self.problem(address) { section.fail(problem.0, at: "targets", hint: problem.1) }
        }
        for (name, value) in section.stringMap("labels", type: "model.LabelSet") ?? [] {
            group.labels.append(Label(name: name, value: value))
        }
        let settings = section.node("config")
        section.finish()
        job = known ?? ScrapeConfig(jobName: name)
        if known == nil || settings != nil {
            job = Self.settings(name, settings, section, global, context)
            job.discovery += (known?.discovery ?? []).filter { if case .fixed = $0 { true } else { false } }
        }
        let findsOthers = job.discovery.contains { if case .fixed = $0 { false } else { true } }
        if group.targets.isEmpty, !findsOthers {
            section.fail("there are no targets", hint: #"for example {"targets":["127.0.0.1:8000"]}"#)
        }
        try problems.throwIfAny()
        job.discovery = Self.merged(job.discovery, group, isAddition: isAddition)
    }

    private static func problem(_ address: String) -> (String, String)? {
        if address.contains("/") {
            return (
                "\(GoText.quoted(address)) is not a valid hostname",
                "a target is host:port; scheme and path stand in \"config\": \(request(for: address))"
            )
        }
        return address.isEmpty ? ("a target is empty", "a target is host:port") : nil
    }

    /// How a URL is asked for.
    private static func request(for url: String) -> String {
        var rest = url[...]
        var settings: [(name: String, value: Substring)] = []
        if let mark = rest.firstRange(of: "://") {
            settings.append(("scheme", rest[..<mark.lowerBound]))
            rest = rest[mark.upperBound...]
        }
        let host = rest.prefix { $0 != "/" }
        let path = rest[host.endIndex...].prefix { $0 != "?" && $0 != "#" }
        if path.count > 1 { settings.append(("metrics_path", path)) }
        let config = settings.map { "\"\($0.name)\":\(GoText.quoted(String($0.value)))" }.joined(separator: ",")
        return "{\"targets\":[\(GoText.quoted(String(host)))]" + (config.isEmpty ? "}" : ",\"config\":{\(config)}}")
    }

    /// The settings of a job, as in `scrape_configs`.
    private static func settings(
        _ name: String,
        _ node: ConfigNode?,
        _ section: ConfigSection,
        _ global: GlobalConfig,
        _ context: ConfigContext
    ) -> ScrapeConfig {
        var entries: [ConfigNode.Entry] = []
        if case .mapping(let given) = node?.content { entries = given }
        if entries.contains(where: { $0.key.text == "job_name" }) {
            section.fail("the job's name is the end of the path", at: "config.job_name", hint: "leave job_name out")
            entries.removeAll { $0.key.text == "job_name" }
        }
        if entries.contains(where: { $0.key.text == "static_configs" }) {
            section.fail(
                "targets and their labels do not stand in config",
                at: "config.static_configs",
                hint: #"write {"targets":["host:port"],"labels":{…},"config":{…}}"#
            )
        }
        entries.append(
            ConfigNode.Entry(
                key: ConfigNode(.scalar(.init("job_name"))),
                value: ConfigNode(.scalar(.init(name, isPlain: false)))
            )
        )
        var whole = ConfigNode(.mapping(entries), format: node?.format ?? .yaml)
        if let node, !node.isNull, case .mapping = node.content {
            whole.line = node.line
        } else if let node, !node.isNull {
            whole = node
        }
        let part = ConfigSection(whole, type: "config.ScrapeConfig", path: "config", problems: section.problems)
        return ScrapeConfig(reading: part, global: global, context: context)
    }

    private static func merged(
        _ discovery: [DiscoveryConfig],
        _ group: TargetGroup,
        isAddition: Bool
    ) -> [DiscoveryConfig] {
        var groups: [TargetGroup] = []
        var others: [DiscoveryConfig] = []
        for item in discovery {
            if case .fixed(let known) = item { groups += known } else { others.append(item) }
        }
        if !isAddition { groups = [] }
        // What is added again replaces what it was.
        groups = ScrapeConfig.without(group.targets, in: groups)
        if !group.targets.isEmpty { groups.append(group) }
        for index in groups.indices { groups[index].source = String(index) }
        return others + (groups.isEmpty ? [] : [.fixed(groups)])
    }
}

extension ScrapeConfig {
    fileprivate static func without(_ targets: [[Label]], in groups: [TargetGroup]) -> [TargetGroup] {
        groups.compactMap { group in
            var group = group
            group.targets.removeAll { targets.contains($0) }
            return group.targets.isEmpty ? nil : group
        }
    }

    /// The job without one of its fixed targets; `nil` where it has no such target.
    package func removing(target address: String) -> ScrapeConfig? {
        let wanted = [Label(name: TargetLabel.address, value: address)]
        var job = self
        var isFound = false
        job.discovery = discovery.compactMap { item in
            guard case .fixed(let groups) = item else { return item }
            if groups.contains(where: { $0.targets.contains(wanted) }) { isFound = true }
            let rest = Self.without([wanted], in: groups)
            return rest.isEmpty ? nil : .fixed(rest)
        }
        return isFound ? job : nil
    }

    /// The addresses of its fixed targets.
    package var fixedTargets: [String] {
        discovery.flatMap { item -> [String] in
            guard case .fixed(let groups) = item else { return [] }
            return groups.flatMap { $0.targets.compactMap { $0.first?.value } }
        }
    }
}
