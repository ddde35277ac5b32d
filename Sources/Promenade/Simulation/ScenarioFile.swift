package import ConfigTree
import MetricModel
import Scrape
package import Simulation

/// Reads scenarios from files.
package enum ScenarioFile {
    /// Reads a file.
    /// - Parameters:
    ///   - settings: changes as on the command line: `scrape_interval=30s` for the stack's global section, or a path such
    ///     as `services.shop.instances=5`.
    ///   - stack: a file whose stack is used in place of the scenario's; `nil` for the scenario's.
    ///   - leavingOut: the events of the file that do not happen: whatever is set does not make mistakes of them.
    /// - Throws: `ConfigError` with everything that is wrong.
    package static func read(
        _ file: String,
        settings: [String] = [],
        stack: String? = nil,
        leavingOut: (Scenario) -> Set<Int> = { _ in [] }
    ) throws(ConfigError) -> Scenario {
        guard let bytes = FileReading.bytes(of: file, pipes: .short) else {
            let reason = FileAccess.failure(reading: file)
            throw ConfigError(file: file, problems: [ConfigProblem(.meaning, reason)])
        }
        return try read(text: bytes, file: file, settings: settings, stack: stack, leavingOut: leavingOut)
    }

    /// Reads a text.
    /// - Throws: `ConfigError` with everything that is wrong.
    package static func read(
        text: [UInt8],
        file: String,
        settings: [String] = [],
        stack: String? = nil,
        leavingOut: (Scenario) -> Set<Int> = { _ in [] }
    ) throws(ConfigError) -> Scenario {
        try plainly { () throws(ConfigError) in
            let node = try YAMLReader.parse(text, file: file)
            let problems = ConfigProblems(file: file)
            var scenario = Scenario(reading: node, surroundings, problems)
            // What another stack stands in place of is not looked at.
            if stack == nil, settings.isEmpty || !problems.problems.isEmpty { check(&scenario, problems) }
            try problems.throwIfAny()
            if settings.isEmpty, stack == nil { return scenario }
            return try changed(scenario, node, settings: settings, stack: stack, leavingOut: leavingOut(scenario))
        }
    }

    /// Settings with others after them, which they leave room for.
    package static func settings(_ own: [String], replacedBy more: [String]) -> [String] {
        let later = more.compactMap { try? ScenarioSetting(parsing: $0) }
        return own.filter { text in
            guard let setting = try? ScenarioSetting(parsing: text) else { return true }
            return !later.contains { $0.replaces(setting) }
        } + more
    }

    /// What is set comes after what the files say, so that a stack in a file of its own can be changed too.
    private static func changed(
        _ scenario: Scenario,
        _ node: ConfigNode,
        settings: [String],
        stack: String?,
        leavingOut left: Set<Int>
    ) throws(ConfigError) -> Scenario {
        var (plain, node) = (scenario, node)
        if let stack { (plain.stack, plain.stackFile, plain.stackPath) = (try parse(stack), stack, "") }
        var changed = plain
        var all: [ScenarioSetting] = []
        for text in settings {
            all.append(try ScenarioSetting(parsing: text))
            try all[all.count - 1].apply(to: &node, stack: &changed.stack)
        }
        try refuseIdle(all, left)
        let kept = (changed.stack, changed.stackFile, changed.stackPath)
        do throws(ConfigError) {
            var same = surroundings
            // Events that do not happen are as they are written. Of another list nobody knows that yet.
            if !all.contains(where: { $0.path == ["events"] }) {
                for index in left { same.leftOut[index] = scenario.events[index] }
            }
            var shorter = same
            shorter.isShortened = true
            let tolerant = try Scenario(reading: node, file: scenario.file, shorter)
            // What a scenario that is made shorter does not reach is no mistake.
            changed =
                tolerant.duration < scenario.duration
                ? tolerant : try Scenario(reading: node, file: scenario.file, same)
            (changed.stack, changed.stackFile, changed.stackPath) = kept
            try check(&changed, leavingOut: Set(same.leftOut.keys))
        } catch {
            // What is wrong without the settings, too, is the file's mistake.
            try check(&plain)
            throw ConfigError(
                file: settings.map { "--set \($0)" }.joined(separator: " "),
                problems: error.problems.map(ScenarioSetting.told)
            )
        }
        for setting in all {
            if let remark = try SettingReach(setting, of: changed)?.remark() { changed.remarks.append(remark) }
        }
        return changed
    }

    /// Refuses settings that change nothing: those that a later one takes back, and those of events that do not happen.
    private static func refuseIdle(_ settings: [ScenarioSetting], _ left: Set<Int>) throws(ConfigError) {
        for (index, setting) in settings.enumerated() {
            var problem: ConfigProblem?
            if let later = settings[(index + 1)...].first(where: { $0.replaces(setting) }) {
                let words = "it changes nothing beside --set \(later.text)"
                problem = ConfigProblem(.meaning, words, hint: "leave one of them out")
            } else if setting.path.count > 1, setting.path[0] == "events", let number = Int(setting.path[1]),
                left.contains(number)
            {
                let words = "it changes nothing, as --leave-out leaves out the event \(number)"
                problem = ConfigProblem(.meaning, words, hint: "leave one of them out")
            }
            if let problem { throw ConfigError(file: "--set \(setting.text)", problems: [problem]) }
        }
    }

    /// Reads a scenario that is a tree already.
    /// - Parameter isVisited: whether somebody may push who is no part of it.
    /// - Throws: `ConfigError` with everything that is wrong.
    package static func read(node: ConfigNode, file: String, isVisited: Bool) throws(ConfigError) -> Scenario {
        try plainly { () throws(ConfigError) in
            let problems = ConfigProblems(file: file)
            var scenario = Scenario(reading: node, surroundings, problems)
            check(&scenario, problems, isVisited: isVisited)
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

    private static func check(_ scenario: inout Scenario, leavingOut left: Set<Int> = []) throws(ConfigError) {
        let problems = ConfigProblems(file: scenario.file)
        check(&scenario, problems)
        let told = problems.problems.filter { problem in
            !left.contains { problem.path == "events[\($0)]" || problem.path.hasPrefix("events[\($0)].") }
        }
        if !told.isEmpty { throw ConfigError(file: scenario.file, problems: told) }
    }

    /// Looks at the stack, too, so that all mistakes are told at once and before anything runs.
    private static func check(_ scenario: inout Scenario, _ problems: ConfigProblems, isVisited: Bool = false) {
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
        let looked = ScenarioNames(scenario, stacks, configs, names, problems, isVisited: isVisited)
        looked.check()
        looked.noteMissingAlerts(in: &scenario)
    }

    private static var surroundings: Scenario.Surroundings {
        Scenario.Surroundings(
            read: { FileAccess.read($0) },
            moment: { TimeText.parse($0, now: 0) },
            checkFault: { node throws(ConfigError) in _ = try Fault(reading: node) }
        )
    }
}
