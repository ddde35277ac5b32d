import ConfigTree
import MetricModel
import Scrape
import Simulation

/// Looks whether names in a scenario stand for something that its stacks have.
struct ScenarioNames {
    let scenario: Scenario
    /// The stack, and those that are loaded later: as they are written, and as they were read.
    let stacks: [SimulatedConfig]
    let configs: [StackConfig]
    /// The names that recording rules give.
    let records: Set<String>
    private let problems: ConfigProblems
    /// Whether somebody may push who is no part of the scenario, as in a lesson.
    private let isVisited: Bool

    init(
        _ scenario: Scenario,
        _ stacks: [SimulatedConfig],
        _ configs: [StackConfig],
        records: Set<String>,
        isVisited: Bool
    ) {
        self.scenario = scenario
        self.records = records
        self.stacks = stacks
        self.configs = configs
        self.isVisited = isVisited
        problems = ConfigProblems(file: scenario.file)
    }

    /// - Parameter alerts: the names of the stacks' alerts, sorted.
    /// - Throws: `ConfigError` with all names that stand for nothing.
    func check(alerts: [String]) throws(ConfigError) {
        checkStudies(alerts)
        checkNotices(alerts)
        try checkLabels()
        // Who takes part from outside has names that nobody here knows.
        if !scenario.hasSockets, scenario.recording == nil {
            for stack in stacks { try checkServices(stack) }
            checkTargets()
            checkPushes()
            checkMetrics()
        }
        if !isVisited { checkBodies() }
        try problems.throwIfAny()
    }

    func fail(_ message: String, _ place: FieldPlace, _ path: String, _ hint: String?) {
        problems.add(
            ConfigProblem(.meaning, message, line: place.line, column: place.column, path: path, hint: hint)
        )
    }

    /// "no alert is called X", of a stack in another file with its name.
    private func noAlert(_ name: String) -> String {
        let words = "no alert is called \(GoText.quoted(name))"
        return stacks.first.map { $0.file == scenario.file ? words : words + " in \($0.file)" } ?? words
    }

    private static let noRules = "the stack has no alerting rules: rules: {groups: […]}, or rule_files"

    private static func nearest(_ name: String, _ known: [String]) -> String? {
        DidYouMean.nearest(name, among: known).map { "did you mean \($0)?" }
    }

    private func checkStudies(_ alerts: [String]) {
        for (number, study) in scenario.studies.enumerated() where !alerts.contains(study.alert) {
            let all = alerts.isEmpty ? Self.noRules : "there is " + alerts.joined(separator: ", ")
            let path = scenario.studies.count > 1 ? "study[\(number)].alert" : "study.alert"
            fail(noAlert(study.alert), study.place, path, Self.nearest(study.alert, alerts) ?? all)
        }
    }

    /// That nobody is told of what nobody knows may be meant, but not of what is nearly an alert, nor where there is no alert at all.
    private func checkNotices(_ alerts: [String]) {
        for (number, expectation) in scenario.expectations.enumerated() {
            let word: String
            switch expectation.kind {
            case .notified: word = "notified"
            case .notNotified: word = "not_notified"
            case .at, .always, .never, .within: continue
            }
            for matcher in expectation.matchers
            where matcher.name == "alertname" && matcher.operation == .equal && !alerts.contains(matcher.value) {
                guard let hint = alerts.isEmpty ? Self.noRules : Self.nearest(matcher.value, alerts) else { continue }
                fail(noAlert(matcher.value), expectation.place, "expect[\(number)].\(word)", hint)
            }
        }
    }

    /// That a target is never there may be meant, but not where it is nearly a service.
    private func checkServices(_ stack: SimulatedConfig) throws(ConfigError) {
        let problems = ConfigProblems(file: stack.file)
        let prefix = stack.path.isEmpty ? "" : stack.path + "."
        let names = scenario.services.map(\.name) + scenario.batches.filter { $0.delivery == .endpoint }.map(\.name)
        // How many instances each has at most.
        var counts = Dictionary(uniqueKeysWithValues: scenario.services.map { ($0.name, $0.instances) })
        for event in scenario.events {
            if case .scale(let service, let count) = event.action { counts[service] = max(count, counts[service] ?? 0) }
        }
        /// What may have been meant; `nil` where the name is one of somebody.
        func hint(_ name: String) -> String? {
            if names.contains(name) || name.contains(":") { return nil }
            if let dash = name.lastIndex(of: "-"), let number = Int(name[name.index(after: dash)...]) {
                let service = String(name[..<dash])
                if let count = counts[service] {
                    let some = count == 1 ? "one instance" : "\(count) instances"
                    return (1...max(1, count)).contains(number) ? nil : "\(service) has \(some) at most"
                }
                if names.contains(service) { return nil }
            }
            return Self.nearest(name, names)
        }
        for (number, job) in (stack.node["scrape_configs"]?.items ?? []).enumerated()
        where job["relabel_configs"] == nil {
            for (place, group) in (job["static_configs"]?.items ?? []).enumerated() {
                for (index, target) in (group["targets"]?.items ?? []).enumerated() {
                    let name = WorldTargets.name(target.text ?? "")
                    guard let hint = hint(name) else { continue }
                    problems.add(
                        ConfigProblem(
                            .meaning,
                            "there is no service \(GoText.quoted(name))",
                            line: target.line,
                            column: target.column,
                            path: "\(prefix)scrape_configs[\(number)].static_configs[\(place)].targets[\(index)]",
                            hint: hint
                        )
                    )
                }
            }
        }
        try problems.throwIfAny()
    }

    private func checkTargets() {
        // Rules may send scrapes to addresses that stand nowhere.
        if configs.contains(where: { $0.prometheus.scrapeConfigs.contains { !$0.relabelRules.isEmpty } }) { return }
        var known: Set<String> = []
        for job in configs.flatMap(\.prometheus.scrapeConfigs) {
            for case .fixed(let groups) in job.discovery {
                for labels in groups.flatMap(\.targets) {
                    known.insert(WorldTargets.name(labels.first { $0.name == TargetLabel.address }?.value ?? ""))
                }
            }
        }
        for event in scenario.events {
            guard case .scale(let service, let count) = event.action else { continue }
            for number in 1...max(1, count) { known.insert("\(service)-\(number)") }
        }
        for (number, event) in scenario.events.enumerated() {
            guard case .fault(.target(let address), _) = event.action else { continue }
            if known.contains(WorldTargets.name(address)) { continue }
            let isService = scenario.services.contains { $0.name == address }
            let all = known.sorted().prefix(10).joined(separator: ", ")
            let hint = isService ? "service: \(address)" : Self.nearest(address, known.sorted()) ?? "there is \(all)"
            let place = event.fieldPlaces["target"] ?? event.place
            fail("no target is called \(GoText.quoted(address))", place, "events[\(number)].target", hint)
        }
    }

    /// Nothing is deleted that nobody pushes.
    private func checkPushes() {
        var pushed: [(job: String, grouping: [Label])] = []
        for batch in scenario.batches where batch.delivery != .endpoint { pushed.append((batch.job, batch.grouping)) }
        for event in scenario.events {
            if case .push(let job, let grouping, _, _, _) = event.action { pushed.append((job, grouping)) }
        }
        let jobs = Set(pushed.map(\.job)).sorted()
        for (number, event) in scenario.events.enumerated() {
            guard case .deleteGroup(let job, let grouping) = event.action else { continue }
            func tell(_ words: String, _ field: String, _ hint: String) {
                fail(words, event.fieldPlaces[field] ?? event.place, "events[\(number)].\(field)", hint)
            }
            guard jobs.contains(job) else {
                if jobs.isEmpty, isVisited { continue }
                let hint =
                    jobs.isEmpty
                    ? "a batch, or an event such as {at: 1m, do: push, job: \(job), body: \"rows 42\"}"
                    : Self.nearest(job, jobs) ?? "there is " + jobs.joined(separator: ", ")
                tell("nobody pushes with the job \(GoText.quoted(job))", "job", hint)
                continue
            }
            guard let grouping, !isVisited else { continue }
            let groups = pushed.filter { $0.job == job }.map { Labels($0.grouping) }
            if groups.contains(Labels(grouping)) { continue }
            let known = Set(groups.map(Self.text)).sorted().joined(separator: ", ")
            let words = "nobody pushes the group \(Self.text(Labels(grouping))) of the job \(GoText.quoted(job))"
            tell(words, "grouping", "there is grouping: \(known); without grouping all of the job")
        }
    }

    /// A grouping as scenarios have it.
    private static func text(_ labels: Labels) -> String {
        "{" + labels.map { "\($0.name): \($0.value)" }.joined(separator: ", ") + "}"
    }
}
