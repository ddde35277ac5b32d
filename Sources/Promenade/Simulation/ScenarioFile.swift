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
        guard let bytes = FileReading.bytes(of: file, pipes: .short) else {
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
        try plainly { () throws(ConfigError) in
            let node = try YAMLReader.parse(text, file: file)
            let problems = ConfigProblems(file: file)
            let scenario = Scenario(reading: node, surroundings, problems)
            // What another stack stands in place of is not looked at.
            if stack == nil, settings.isEmpty || !problems.problems.isEmpty { check(scenario, problems) }
            try problems.throwIfAny()
            if settings.isEmpty, stack == nil { return scenario }
            return try changed(scenario, node, settings: settings, stack: stack)
        }
    }

    /// What is set comes after what the files say, so that a stack in a file of its own can be changed too.
    private static func changed(
        _ scenario: Scenario,
        _ node: ConfigNode,
        settings: [String],
        stack: String?
    ) throws(ConfigError) -> Scenario {
        var (plain, node) = (scenario, node)
        if let stack { (plain.stack, plain.stackFile, plain.stackPath) = (try parse(stack), stack, "") }
        var changed = plain
        var all: [ScenarioSetting] = []
        for text in settings {
            all.append(try ScenarioSetting(parsing: text))
            try all[all.count - 1].apply(to: &node, stack: &changed.stack)
        }
        let kept = (changed.stack, changed.stackFile, changed.stackPath)
        do throws(ConfigError) {
            var shorter = surroundings
            shorter.isShortened = true
            let tolerant = try Scenario(reading: node, file: scenario.file, shorter)
            // What a scenario that is made shorter does not reach is no mistake.
            changed =
                tolerant.duration < scenario.duration
                ? tolerant : try Scenario(reading: node, file: scenario.file, surroundings)
            (changed.stack, changed.stackFile, changed.stackPath) = kept
            try check(changed)
        } catch {
            // What is wrong without the settings, too, is the file's mistake.
            try check(plain)
            throw ConfigError(
                file: settings.map { "--set \($0)" }.joined(separator: " "),
                problems: error.problems.map(ScenarioSetting.told)
            )
        }
        for (index, setting) in all.enumerated() {
            // Of two for one field the last one counts.
            if all[(index + 1)...].contains(where: { $0.globalField == setting.globalField }) { continue }
            if let remark = try SettingReach(setting, of: changed)?.remark() { changed.remarks.append(remark) }
        }
        return changed
    }

    /// Reads a scenario that is a tree already.
    /// - Parameter isVisited: whether somebody may push who is no part of it.
    /// - Throws: `ConfigError` with everything that is wrong.
    package static func read(node: ConfigNode, file: String, isVisited: Bool) throws(ConfigError) -> Scenario {
        try plainly { () throws(ConfigError) in
            let problems = ConfigProblems(file: file)
            let scenario = Scenario(reading: node, surroundings, problems)
            check(scenario, problems, isVisited: isVisited)
            try problems.throwIfAny()
            return scenario
        }
    }

    /// The lines of events that would do nothing; none where the text is no scenario.
    static func linesOfIdleEvents(_ text: String) -> Set<Int> {
        guard let node = try? YAMLReader.parse(Array(text.utf8), file: "") else { return [] }
        let problems = ConfigProblems(file: "")
        let scenario = Scenario(reading: node, surroundings, problems)
        return Set(scenario.idleEvents(problems).map { scenario.events[$0.index].place.line })
    }

    /// Tells what is wrong in plain words.
    private static func plainly(_ read: () throws(ConfigError) -> Scenario) throws(ConfigError) -> Scenario {
        do throws(ConfigError) {
            return try read()
        } catch {
            throw error.inPlainWords
        }
    }

    private static func parse(_ file: String) throws(ConfigError) -> ConfigNode {
        guard let bytes = FileAccess.read(file) else {
            let reason = FileAccess.failure(reading: file)
            throw ConfigError(file: file, problems: [ConfigProblem(.meaning, reason)])
        }
        let node = try YAMLReader.parse(bytes, file: file)
        // A whole scenario can lend its stack, too.
        return node["services"] == nil ? node : node["stack"] ?? node
    }

    private static func check(_ scenario: Scenario) throws(ConfigError) {
        let problems = ConfigProblems(file: scenario.file)
        check(scenario, problems)
        try problems.throwIfAny()
    }

    /// Looks at the stack, too, so that all mistakes are told at once and before anything runs.
    private static func check(_ scenario: Scenario, _ problems: ConfigProblems, isVisited: Bool = false) {
        let counts = scenario.services.map { ($0.name, $0.instances) }
        var stacks = [SimulatedConfig(scenario)]
        for event in scenario.events {
            guard case .reload(let node, let file, let path) = event.action else { continue }
            var other = SimulatedConfig(scenario)
            (other.node, other.file, other.path) = (node, file, path)
            stacks.append(other)
        }
        var configs: [StackConfig] = []
        var names = SimulatedConfig.RuleNames()
        for stack in stacks {
            let told = ConfigProblems(file: stack.file)
            let config = stack.read(counts: counts, told)
            stack.addRules(of: config, to: &names, told)
            configs.append(config)
            problems.add(ConfigError(file: stack.file, problems: told.problems))
        }
        ScenarioNames(scenario, stacks, configs, names, problems, isVisited: isVisited).check()
    }

    private static var surroundings: Scenario.Surroundings {
        Scenario.Surroundings(
            read: { FileAccess.read($0) },
            moment: { TimeText.parse($0, now: 0) },
            checkFault: { node throws(ConfigError) in _ = try Fault(reading: node) }
        )
    }
}
