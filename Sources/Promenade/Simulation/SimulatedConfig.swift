import ConfigTree
import MetricModel
import Rules
import Scrape
import Simulation

/// The configuration of a scenario's stack, with jobs for what the scenario has and the configuration does not scrape.
struct SimulatedConfig {
    let scenario: Scenario
    /// The stack as it is written, in which file and where in it.
    var node: ConfigNode
    var file: String
    var path: String

    init(_ scenario: Scenario) {
        self.scenario = scenario
        node = scenario.stack
        file = scenario.stackFile
        path = scenario.stackPath
    }

    /// Reads the configuration.
    /// - Parameter counts: how many instances each service has now.
    /// - Throws: `ConfigError` with everything that is wrong.
    func config(counts: [(service: String, count: Int)]) throws(ConfigError) -> StackConfig {
        let problems = ConfigProblems(file: file)
        let config = read(counts: counts, problems)
        try problems.throwIfAny()
        return config
    }

    /// Reads what can be read of the configuration.
    /// - Parameters:
    ///   - counts: how many instances each service has now.
    ///   - problems: where everything goes that is wrong in it.
    func read(counts: [(service: String, count: Int)], _ problems: ConfigProblems) -> StackConfig {
        var context = Stack.context(file, FlagSet())
        if scenario.services.contains(where: { $0.metrics.contains(where: \.isNative) }) {
            context.scrapeNativeHistograms = true
        }
        let added = withoutTheSameJob(jobs(counts), problems)
        var config = StackConfig(reading: Self.adding(added, to: node), path: path, context: context, problems)
        expand(&config, counts)
        refuseWhatIsNotSimulated(problems)
        return config
    }

    // MARK: Jobs

    /// The targets that the configuration names.
    var named: Set<String> {
        var found: Set<String> = []
        for job in node["scrape_configs"]?.items ?? [] {
            for group in job["static_configs"]?.items ?? [] {
                for target in group["targets"]?.items ?? [] { found.insert(Scenario.host(target.text ?? "")) }
            }
        }
        return found
    }

    /// Whether the configuration does not scrape a service, so that it gets a job of its own.
    func makesJob(of service: String) -> Bool {
        let named = named
        let count = scenario.services.first { $0.name == service }?.instances ?? 0
        return !named.contains(service) && !(0..<count).contains { named.contains("\(service)-\($0 + 1)") }
    }

    func jobs(_ counts: [(service: String, count: Int)]) -> [ConfigNode] {
        let named = named
        var jobs: [ConfigNode] = []
        for (name, count) in counts {
            let spec = scenario.services.first { $0.name == name }
            let addresses = (0..<max(count, spec?.instances ?? 0)).map { "\(name)-\($0 + 1)" }
            if named.contains(name) || addresses.contains(where: named.contains) { continue }
            jobs.append(Self.job(name, (0..<count).map { "\(name)-\($0 + 1)" }, spec?.labels ?? [], honors: false))
        }
        let endpoints = scenario.batches.filter { $0.delivery == .endpoint }.map(\.name)
        // One that has the name of a service is told as such.
        for name in endpoints where !named.contains(name) && !counts.contains(where: { $0.service == name }) {
            jobs.append(Self.job(name, [name], [], honors: false))
        }
        let pushes =
            scenario.batches.contains { $0.delivery != .endpoint }
            || scenario.events.contains { if case .push = $0.action { true } else { false } }
        if pushes, node["scrape_configs"] == nil {
            jobs.append(Self.job("pushgateway", ["localhost:9091"], [], honors: true))
        }
        return jobs
    }

    /// What no target names gets a job of its own: where that name is taken, a target was probably meant to be another one.
    private func withoutTheSameJob(_ added: [ConfigNode], _ problems: ConfigProblems) -> [ConfigNode] {
        let names = added.compactMap { $0["job_name"]?.text }
        var taken: Set<String> = []
        for (number, job) in (node["scrape_configs"]?.items ?? []).enumerated() {
            guard let found = job["job_name"], let name = found.text, names.contains(name) else { continue }
            taken.insert(name)
            problems.add(
                ConfigProblem(
                    .meaning,
                    "no target is \(name), so that \(name) would get a second job of this name",
                    line: found.line,
                    column: found.column,
                    path: "\(path.isEmpty ? "" : path + ".")scrape_configs[\(number)].job_name",
                    hint: "targets: [\(name)], or another job_name"
                )
            )
        }
        return added.filter { !taken.contains($0["job_name"]?.text ?? "") }
    }

    private static func text(_ text: String) -> ConfigNode { ConfigNode(.scalar(.init(text, isPlain: false))) }

    private static func entry(_ name: String, _ value: ConfigNode) -> ConfigNode.Entry {
        .init(key: text(name), value: value)
    }

    private static func job(_ name: String, _ targets: [String], _ labels: [Label], honors: Bool) -> ConfigNode {
        var group = [entry("targets", ConfigNode(.sequence(targets.map(text))))]
        if !labels.isEmpty {
            group.append(entry("labels", ConfigNode(.mapping(labels.map { entry($0.name, text($0.value)) }))))
        }
        var fields = [entry("job_name", text(name))]
        if honors { fields.append(entry("honor_labels", ConfigNode(.scalar(.init("true"))))) }
        fields.append(entry("static_configs", ConfigNode(.sequence([ConfigNode(.mapping(group))]))))
        return ConfigNode(.mapping(fields))
    }

    private static func adding(_ jobs: [ConfigNode], to node: ConfigNode) -> ConfigNode {
        guard !jobs.isEmpty else { return node }
        guard case .mapping(var entries) = node.content else {
            guard node.isNull else { return node }
            return ConfigNode(.mapping([entry("scrape_configs", ConfigNode(.sequence(jobs)))]))
        }
        if let index = entries.lastIndex(where: { $0.key.text == "scrape_configs" }) {
            var list = entries[index].value
            switch list.content {
            case .sequence(let items): list.content = .sequence(items + jobs)
            case .scalar, .mapping:
                guard list.isNull else { return node }
                list.content = .sequence(jobs)
            }
            entries[index].value = list
        } else {
            entries.append(entry("scrape_configs", ConfigNode(.sequence(jobs))))
        }
        return ConfigNode(.mapping(entries), line: node.line, column: node.column)
    }

    /// A target that has the name of a service stands for all its instances.
    private func expand(_ config: inout StackConfig, _ counts: [(service: String, count: Int)]) {
        for job in config.prometheus.scrapeConfigs.indices {
            for item in config.prometheus.scrapeConfigs[job].discovery.indices {
                guard case .fixed(var groups) = config.prometheus.scrapeConfigs[job].discovery[item] else { continue }
                for group in groups.indices {
                    groups[group].targets = groups[group].targets.flatMap { labels -> [[Label]] in
                        let address = labels.first { $0.name == TargetLabel.address }?.value ?? ""
                        let host = Scenario.host(address)
                        guard let count = counts.first(where: { $0.service == host })?.count else { return [labels] }
                        let port = address.dropFirst(host.count)
                        return (0..<count).map { number in
                            labels.map { label in
                                guard label.name == TargetLabel.address else { return label }
                                return Label(name: label.name, value: "\(host)-\(number + 1)\(port)")
                            }
                        }
                    }
                }
                config.prometheus.scrapeConfigs[job].discovery[item] = .fixed(groups)
            }
        }
    }

    // MARK: Rules

    /// The names that a stack's rules give.
    struct RuleNames {
        var alerts: Set<String> = []
        var records: Set<String> = []
        /// Whether these are all: not where a file cannot be read.
        var isComplete = true

        /// The names that rules have which are wrong in something.
        mutating func add(raw node: ConfigNode) {
            if node.items == nil, node["groups"]?.items == nil { isComplete = false }
            for group in node["groups"]?.items ?? node.items ?? [] {
                for rule in [group] + (group["rules"]?.items ?? []) {
                    rule["alert"]?.text.map { _ = alerts.insert($0) }
                    rule["record"]?.text.map { _ = records.insert($0) }
                }
                let isNamed = (group["rules"]?.items ?? []).allSatisfy { ($0["alert"] ?? $0["record"])?.text != nil }
                if !isNamed { isComplete = false }
            }
        }
    }

    /// Adds the names of a stack's rules.
    /// - Parameter problems: where what is wrong in its rules goes, and files of rules that are not there.
    func addRules(of config: StackConfig, to names: inout RuleNames, _ problems: ConfigProblems) {
        func add(_ file: RuleFile) {
            for rule in file.groups.flatMap(\.rules) {
                switch rule.kind {
                case .alerting: names.alerts.insert(rule.name)
                case .recording: names.records.insert(rule.name)
                }
            }
        }
        let scheme = config.prometheus.global.nameValidation
        let prefix = path.isEmpty ? "" : path + "."
        if let node = config.rules {
            do throws(RuleFile.Failure) {
                add(try RuleFile(reading: node, file: file, scheme: scheme))
            } catch {
                for var problem in error.problems {
                    problem.path = "\(prefix)rules" + (problem.path.isEmpty ? "" : "." + problem.path)
                    problems.add(problem)
                }
                names.add(raw: node)
            }
        }
        let items = (node["rule_files"]?.items ?? []).enumerated().filter { $0.element.string != nil }
        let written = node["rule_files"]
        if written?.items.map({ $0.count > items.count }) ?? !(written?.isNull ?? true) { names.isComplete = false }
        for ((number, item), pattern) in zip(items, config.prometheus.ruleFiles) {
            func tell(_ words: String, _ hint: String?) {
                let path = "\(prefix)rule_files[\(number)]"
                let (line, column) = (item.line, item.column)
                problems.add(ConfigProblem(.meaning, words, line: line, column: column, path: path, hint: hint))
                names.isComplete = false
            }
            let files: [String]
            do throws(PathPattern.Failure) {
                files = try RuleFiles.matching(pattern)
            } catch {
                tell("\(error)", nil)
                continue
            }
            if files.isEmpty, !(item.string ?? "").contains(where: "*?[".contains) {
                tell("there is no file \(pattern)", "it is looked for beside the file that names it")
            }
            for path in files {
                guard let bytes = FileAccess.read(path) else {
                    tell("\(path): \(FileAccess.failure(reading: path))", nil)
                    continue
                }
                do throws(RuleFile.Failure) {
                    add(try RuleFiles.read(text: bytes, file: path, scheme: scheme))
                } catch {
                    problems.add(ConfigError(file: path, problems: error.problems))
                    if let raw = try? YAMLReader.parse(bytes, file: path, dialect: .rules) {
                        names.add(raw: raw)
                    } else {
                        names.isComplete = false
                    }
                }
            }
        }
    }

    // MARK: What is not simulated

    private func refuseWhatIsNotSimulated(_ problems: ConfigProblems) {
        let prefix = path.isEmpty ? "" : path + "."
        let context = Stack.context(file, FlagSet())
        for (number, item) in (node["scrape_config_files"]?.items ?? []).enumerated() {
            guard let name = item.string, !name.isEmpty, !name.contains(where: "*?[".contains) else { continue }
            let pattern = context.path(name)
            if let files = try? RuleFiles.matching(pattern), !files.isEmpty { continue }
            problems.add(
                ConfigProblem(
                    .meaning,
                    "there is no file \(pattern)",
                    line: item.line,
                    column: item.column,
                    path: "\(prefix)scrape_config_files[\(number)]",
                    hint: "it is looked for beside the file that names it"
                )
            )
        }
        for (number, job) in (node["scrape_configs"]?.items ?? []).enumerated() {
            for name in ["file_sd_configs", "http_sd_configs", "dns_sd_configs"] {
                guard let found = job[name], !found.isBlank else { continue }
                problems.add(
                    ConfigProblem(
                        .unsupported,
                        "field \(name) is not simulated",
                        line: found.line,
                        column: found.column,
                        path: "\(prefix)scrape_configs[\(number)].\(name)",
                        hint: "static_configs with the names of services, and the event scale"
                    )
                )
            }
        }
    }
}
