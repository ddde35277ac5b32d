package import ConfigTree
import MetricModel
import Scrape
package import Simulation

/// Reads scenarios from files.
package enum ScenarioFile {
    /// Reads a file.
    /// - Parameter settings: changes as on the command line: `scrape_interval=30s` for the stack's global section, or a path such
    ///   as `services.shop.instances=5`.
    /// - Throws: `ConfigError` with everything that is wrong.
    package static func read(
        _ file: String,
        settings: [String] = [],
        stack: String? = nil
    ) throws(ConfigError) -> Scenario {
        guard let bytes = FileAccess.read(file) else {
            let reason = FileAccess.failure(reading: file)
            throw ConfigError(file: file, problems: [ConfigProblem(.meaning, reason)])
        }
        return try read(text: bytes, file: file, settings: settings, stack: stack)
    }

    /// Reads a text.
    /// - Parameter stack: a file whose stack is used in place of the scenario's; `nil` for the scenario's.
    /// - Throws: `ConfigError` with everything that is wrong.
    package static func read(
        text: [UInt8],
        file: String,
        settings: [String] = [],
        stack: String? = nil
    ) throws(ConfigError) -> Scenario {
        var node = try YAMLReader.parse(text, file: file)
        var scenario = try Scenario(reading: node, file: file, surroundings)
        if settings.isEmpty, stack == nil {
            try check(scenario)
            return scenario
        }
        // What is set comes after what the files say, so that a stack in a file of its own can be changed too.
        if let stack { (scenario.stack, scenario.stackFile, scenario.stackPath) = (try parse(stack), stack, "") }
        let plain = scenario
        for setting in settings {
            let parts = setting.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, parts[0].contains(where: { $0 != "." }) else {
                let problem = ConfigProblem(.meaning, "\(GoText.quoted(setting)) is not NAME=VALUE")
                throw ConfigError(file: "--set", problems: [problem])
            }
            let value = try YAMLReader.parse(Array(parts[1].utf8), file: "--set \(parts[0])")
            var path = parts[0].split(separator: ".").map(String.init)
            if path.count == 1, globals.contains(path[0]) { path = ["stack", "global", path[0]] }
            if path[0] == "stack" {
                scenario.stack.set(path.dropFirst(), value)
            } else {
                node.set(path[...], value)
            }
        }
        let kept = (scenario.stack, scenario.stackFile, scenario.stackPath)
        do throws(ConfigError) {
            scenario = try Scenario(reading: node, file: file, surroundings)
            (scenario.stack, scenario.stackFile, scenario.stackPath) = kept
            try check(scenario)
            return scenario
        } catch {
            // What is wrong without the settings, too, is the file's mistake.
            try check(plain)
            throw ConfigError(
                file: settings.map { "--set \($0)" }.joined(separator: " "),
                problems: error.problems.map { problem in
                    var problem = problem
                    (problem.line, problem.column) = (nil, nil)
                    return problem
                }
            )
        }
    }

    /// Reads a scenario that is a tree already.
    /// - Throws: `ConfigError` with everything that is wrong.
    package static func read(node: ConfigNode, file: String) throws(ConfigError) -> Scenario {
        let scenario = try Scenario(reading: node, file: file, surroundings)
        try check(scenario)
        return scenario
    }

    private static let globals = ["scrape_interval", "scrape_timeout", "evaluation_interval", "query_offset"]

    private static func parse(_ file: String) throws(ConfigError) -> ConfigNode {
        guard let bytes = FileAccess.read(file) else {
            let reason = FileAccess.failure(reading: file)
            throw ConfigError(file: file, problems: [ConfigProblem(.meaning, reason)])
        }
        let node = try YAMLReader.parse(bytes, file: file)
        // A whole scenario can lend its stack, too.
        return node["services"] == nil ? node : node["stack"] ?? node
    }

    /// Looks at the stack, too, so that all mistakes are told at once and before anything runs.
    private static func check(_ scenario: Scenario) throws(ConfigError) {
        let counts = scenario.services.map { ($0.name, $0.instances) }
        var stacks = [SimulatedConfig(scenario)]
        for event in scenario.events {
            guard case .reload(let node, let file, let path) = event.action else { continue }
            var other = SimulatedConfig(scenario)
            (other.node, other.file, other.path) = (node, file, path)
            stacks.append(other)
        }
        var configs: [StackConfig] = []
        var alerts: Set<String> = []
        for stack in stacks {
            let config = try stack.config(counts: counts)
            alerts.formUnion(try stack.alerts(of: config))
            configs.append(config)
        }
        try ScenarioNames(scenario, stacks, configs).check(alerts: alerts.sorted())
    }

    private static var surroundings: Scenario.Surroundings {
        Scenario.Surroundings(
            read: { FileAccess.read($0) },
            moment: { TimeText.parse($0, now: 0) },
            checkFault: { node throws(ConfigError) in _ = try Fault(reading: node) }
        )
    }
}

extension ConfigNode {
    /// Sets what is at a path of names; mappings that are missing are made.
    fileprivate mutating func set(_ path: ArraySlice<String>, _ value: ConfigNode) {
        guard let name = path.first else {
            self = value
            return
        }
        var entries: [Entry] = []
        if case .mapping(let known) = content { entries = known }
        var inner = self[name] ?? ConfigNode(.mapping([]), line: line, column: column)
        inner.set(path.dropFirst(), value)
        if let index = entries.lastIndex(where: { $0.key.text == name }) {
            entries[index].value = inner
        } else {
            let key = ConfigNode(.scalar(.init(name, isPlain: false)), line: line, column: column)
            entries.append(Entry(key: key, value: inner))
        }
        content = .mapping(entries)
    }
}
