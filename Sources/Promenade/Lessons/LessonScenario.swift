import ConfigTree
import Lessons
import MetricModel
import Simulation

/// A lesson's scenario, with its buttons as events that happen when they are pressed.
struct LessonScenario {
    /// A button of a lesson.
    struct Place: Hashable {
        var step: Int
        var block: Int
        var act: Int
    }

    let scenario: Scenario
    /// The event of each button that is not just time.
    let events: [Place: Int]
    /// The events of the buttons, which do not happen by themselves.
    let buttons: Set<Int>

    /// Reads the scenario.
    /// - Throws: `ConfigError` with the file in which the mistakes are: the scenario's, or the lesson's for its buttons.
    init(_ file: (file: String, text: [UInt8]), _ lesson: Lesson) throws(ConfigError) {
        var node = try YAMLReader.parse(file.text, file: file.file)
        let own = node["events"]?.items?.count ?? 0
        var places: [Place: Int] = [:]
        var added: [ConfigNode] = []
        for (step, content) in lesson.steps.enumerated() {
            for (block, piece) in content.blocks.enumerated() {
                let acts: [Lesson.Act]
                switch piece.content {
                case .act(let found), .explore(let found): acts = found
                case .text, .run, .predict, .panel, .claim, .picture, .changes: continue
                }
                for (index, act) in acts.enumerated() {
                    guard case .event(let event) = act.deed else { continue }
                    places[Place(step: step, block: block, act: index)] = own + added.count
                    added.append(Self.atTheStart(event))
                }
            }
        }
        Self.append(added, to: &node)
        do throws(ConfigError) {
            scenario = try ScenarioFile.read(node: node, file: file.file, isVisited: true)
        } catch {
            let isAct = { (problem: ConfigProblem) in
                (own..<own + added.count).contains { problem.path.hasPrefix("events[\($0)]") }
            }
            let acts = error.problems.filter(isAct)
            if acts.isEmpty { throw error }
            // As the lesson's reader names them.
            let named = acts.map { problem in
                var problem = problem
                let number = Int(problem.path.dropFirst("events[".count).prefix { $0 != "]" })
                if let place = places.first(where: { $0.value == number })?.key {
                    let rest = problem.path.drop { $0 != "]" }.dropFirst()
                    problem.path = "steps[\(place.step)].act[\(place.act)]\(rest)"
                }
                return problem
            }
            throw ConfigError(file: lesson.file, problems: named)
        }
        events = places
        buttons = Set(places.values)
    }

    /// What is wrong with a scenario by itself. Of the buttons of its lesson only this counts: that they run a batch, which
    /// may have no other way to run.
    static func mistakes(of entry: Course.Entry) -> ConfigError? {
        do throws(ConfigError) {
            var node = try YAMLReader.parse(entry.scenario.text, file: entry.scenario.file)
            // That there is no such batch is the button's mistake.
            let run = Set(entry.languages.values.flatMap(batchesRun)).sorted().filter { node["batches"]?[$0] != nil }
            append(
                run.map { name in
                    let fields = [("at", "0s"), ("do", "run"), ("batch", name)]
                    return ConfigNode(.mapping(fields.map { .init(key: text($0.0), value: text($0.1)) }))
                },
                to: &node
            )
            _ = try ScenarioFile.read(node: node, file: entry.scenario.file, isVisited: true)
            return nil
        } catch {
            return error
        }
    }

    /// The batches that buttons of a lesson run.
    private static func batchesRun(_ lesson: Lesson) -> [String] {
        lesson.steps.flatMap(\.blocks).flatMap { block -> [String] in
            switch block.content {
            case .act(let acts), .explore(let acts):
                acts.compactMap { act in
                    guard case .event(let event) = act.deed, event["do"]?.text == "run" else { return nil }
                    return event["batch"]?.text
                }
            case .text, .run, .predict, .panel, .claim, .picture, .changes: []
            }
        }
    }

    private static func text(_ text: String) -> ConfigNode { ConfigNode(.scalar(.init(text))) }

    private static func atTheStart(_ event: ConfigNode) -> ConfigNode {
        guard case .mapping(var entries) = event.content else { return event }
        entries.insert(.init(key: text("at"), value: text("0s")), at: 0)
        return ConfigNode(.mapping(entries), line: event.line, column: event.column)
    }

    private static func append(_ added: [ConfigNode], to node: inout ConfigNode) {
        guard !added.isEmpty, case .mapping(var entries) = node.content else { return }
        if let index = entries.firstIndex(where: { $0.key.text == "events" }) {
            entries[index].value = ConfigNode(
                .sequence((entries[index].value.items ?? []) + added),
                line: entries[index].value.line
            )
        } else {
            entries.append(.init(key: text("events"), value: ConfigNode(.sequence(added))))
        }
        node.content = .mapping(entries)
    }
}
