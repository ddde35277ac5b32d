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
    /// The names that rules give.
    let rules: SimulatedConfig.RuleNames
    /// Where everything goes that is wrong; what is known to be wrong already is asked for there.
    let problems: ConfigProblems
    /// Whether somebody may push who is no part of the scenario, as in a lesson.
    private let isVisited: Bool

    init(
        _ scenario: Scenario,
        _ stacks: [SimulatedConfig],
        _ configs: [StackConfig],
        _ rules: SimulatedConfig.RuleNames,
        _ problems: ConfigProblems,
        isVisited: Bool
    ) {
        self.scenario = scenario
        self.rules = rules
        self.stacks = stacks
        self.configs = configs
        self.problems = problems
        self.isVisited = isVisited
    }

    /// Tells of all names that stand for nothing, as far as it is known what there is.
    func check() {
        checkStudies(rules.alerts.sorted())
        checkNotices(rules.alerts.sorted())
        checkAlertSeries(rules.alerts.sorted())
        if areStacksKnown { checkLabels() }
        checkReserved()
        // Who takes part from outside has names that nobody here knows.
        if !scenario.hasSockets, scenario.recording == nil {
            for stack in stacks { checkServices(stack) }
            if scenario.isStackKnown {
                checkTargets()
                checkMetrics()
                checkJobsAndInstances()
            }
            checkPushes()
        }
        if isVisited { return }
        checkBodies()
        // Of a lesson's buttons each is an event whenever it is pressed.
        checkIdleEvents()
        for problem in scenario.latencyMistakes() { problems.add(problem) }
    }

    /// Whether all stacks are known. Where they are not, only what is nearly the name of something is told.
    var areStacksKnown: Bool {
        scenario.isStackKnown && !scenario.refusedEvents.contains { $0["do"]?.text == "reload" }
    }

    func fail(_ message: String, _ place: FieldPlace, _ path: String, _ hint: String?) {
        problems.add(
            ConfigProblem(.meaning, message, line: place.line, column: place.column, path: path, hint: hint)
        )
    }

    static func nearest(_ name: String, _ known: [String]) -> String? {
        DidYouMean.nearest(name, among: known).map { "did you mean \($0)?" }
    }

    /// That a target is never there may be meant, but not where it is nearly a service.
    private func checkServices(_ stack: SimulatedConfig) {
        let prefix = stack.path.isEmpty ? "" : stack.path + "."
        let names = scenario.services.map(\.name) + scenario.batches.filter { $0.delivery == .endpoint }.map(\.name)
        let counts = counts
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
                    let name = Scenario.host(target.text ?? "")
                    guard let hint = hint(name) else { continue }
                    let problem = ConfigProblem(
                        .meaning,
                        "there is no service \(GoText.quoted(name))",
                        line: target.line,
                        column: target.column,
                        path: "\(prefix)scrape_configs[\(number)].static_configs[\(place)].targets[\(index)]",
                        hint: hint
                    )
                    problems.add(ConfigError(file: stack.file, problems: [problem]))
                }
            }
        }
    }

    /// How many instances each service has at most.
    var counts: [String: Int] {
        var counts = Dictionary(scenario.services.map { ($0.name, $0.instances) }) { $1 }
        for event in scenario.events {
            if case .scale(let service, let count) = event.action { counts[service] = max(count, counts[service] ?? 0) }
        }
        for node in scenario.refusedEvents {
            guard let service = node["service"]?.text, let count = node["instances"]?.text.flatMap({ Int($0) }) else {
                continue
            }
            // A number that is refused may be any.
            counts[service] = max(min(count, ServiceSpec.instanceLimit), counts[service] ?? 0)
        }
        return counts
    }

    private func checkTargets() {
        // Rules may send scrapes to addresses that stand nowhere.
        if configs.contains(where: { $0.prometheus.jobs.contains { !$0.relabelRules.isEmpty } }) { return }
        let known = targets
        for event in scenario.events {
            guard case .fault(.target(let address), _) = event.action else { continue }
            if known.contains(Scenario.host(address)) { continue }
            let service = Scenario.host(address)
            let isService = scenario.services.contains { $0.name == service }
            let all = known.sorted().prefix(10).joined(separator: ", ")
            let hint =
                isService
                ? "service: \(service)"
                : Self.nearest(address, known.sorted()) ?? (areTargetsKnown ? "there is \(all)" : nil)
            guard let hint else { continue }
            let place = event.fieldPlaces["target"] ?? event.place
            fail("no target is called \(GoText.quoted(address))", place, "\(event.path).target", hint)
        }
    }

    /// Whether all targets are known: not where something is wrong with the jobs.
    private var areTargetsKnown: Bool {
        areStacksKnown && scenario.areServicesKnown && scenario.areBatchesKnown
            && !problems.problems.contains { $0.path.contains("scrape_configs") }
    }

    /// All targets that there are or come to be.
    var targets: Set<String> {
        // Where something else is wrong with a job its targets are those that are written.
        var known = stacks.reduce(into: Set<String>()) { $0.formUnion($1.named) }.subtracting([""])
        for job in configs.flatMap(\.prometheus.jobs) {
            for case .fixed(let groups) in job.discovery {
                for labels in groups.flatMap(\.targets) {
                    known.insert(Scenario.host(labels.first { $0.name == TargetLabel.address }?.value ?? ""))
                }
            }
        }
        for (service, count) in counts {
            known.remove(service)
            for number in 1...max(1, count) { known.insert("\(service)-\(number)") }
        }
        return known
    }

    /// The jobs and groups that are pushed.
    var pushed: [(job: String, grouping: [Label])] {
        var pushed: [(job: String, grouping: [Label])] = []
        for batch in scenario.batches where batch.delivery != .endpoint {
            if problems.tells(at: "batches.\(batch.name).job") { continue }
            pushed.append((batch.job, batch.grouping))
        }
        for event in scenario.events {
            if case .push(let job, let grouping, _, _, _) = event.action { pushed.append((job, grouping)) }
        }
        return pushed
    }

    /// Events that could not be read and may have been such that push.
    private var refusedPushes: [ConfigNode] {
        scenario.refusedEvents.filter { node in
            let word = node["do"]?.text ?? ""
            return word == "push" || !EventSpec.words.contains(word)
        }
    }

    /// Nothing is deleted that nobody pushes.
    private func checkPushes() {
        let (pushed, refused) = (pushed, refusedPushes)
        let jobs = Set(pushed.map(\.job)).sorted()
        checkPushFaults(isNobody: jobs.isEmpty && refused.isEmpty)
        for event in scenario.events {
            guard case .deleteGroup(let job, let grouping) = event.action else { continue }
            func tell(_ words: String, _ field: String, _ hint: String) {
                fail(words, event.fieldPlaces[field] ?? event.place, "\(event.path).\(field)", hint)
            }
            let isOpen = isOpen(job, refused)
            guard jobs.contains(job) else {
                if jobs.isEmpty, isVisited || isOpen { continue }
                if isOpen, Self.nearest(job, jobs) == nil { continue }
                let hint =
                    jobs.isEmpty
                    ? "a batch, or an event such as {at: 1m, do: push, job: \(job), body: \"rows 42\"}"
                    : Self.nearest(job, jobs) ?? "there is " + jobs.joined(separator: ", ")
                tell("nobody pushes with the job \(GoText.quoted(job))", "job", hint)
                continue
            }
            guard let grouping, !isVisited, !isOpen else { continue }
            let groups = pushed.filter { $0.job == job }.map { Labels($0.grouping) }
            if groups.contains(Labels(grouping)) { continue }
            let known = Set(groups.map(Self.text)).sorted().joined(separator: ", ")
            let words = "nobody pushes the group \(Self.text(Labels(grouping))) of the job \(GoText.quoted(job))"
            tell(words, "grouping", "there is grouping: \(known); without grouping all of the job")
        }
    }

    /// Whether it is not known what is pushed with a job, as something is wrong there.
    private func isOpen(_ job: String, _ refused: [ConfigNode]) -> Bool {
        if !scenario.areBatchesKnown || refused.contains(where: { $0["job"]?.text == job }) { return true }
        let isSlip = scenario.events.contains { event in
            if case .push(job, _, _, _, _) = event.action { hasSlip(in: event.path) } else { false }
        }
        if isSlip { return true }
        return scenario.batches.contains { batch in
            let place = "batches.\(batch.name)"
            if problems.tells(at: "\(place).job") || hasSlip(in: place) { return true }
            return batch.job == job
                && (problems.tells(within: "\(place).grouping") || problems.tells(at: "\(place).deliver"))
        }
    }

    /// Whether a field of something is probably meant to be another one.
    private func hasSlip(in path: String) -> Bool {
        problems.problems.contains { problem in
            problem.file == nil && !problem.known.isEmpty && problem.path.hasPrefix(path + ".")
                && problem.hint?.hasPrefix("did you mean") ?? false
        }
    }

    /// Pushes that nobody sends cannot go wrong.
    private func checkPushFaults(isNobody: Bool) {
        guard isNobody, !isVisited, scenario.areBatchesKnown else { return }
        for event in scenario.events {
            guard case .fault(.pushes, .some) = event.action else { continue }
            let field = event.fieldPlaces["pushes"] == nil ? "part" : "pushes"
            let hint = "a batch that pushes, or an event such as {at: 1m, do: push, job: backup, body: \"rows 42\"}"
            fail("nobody pushes", event.fieldPlaces[field] ?? event.place, "\(event.path).\(field)", hint)
        }
    }

    /// A grouping as scenarios have it.
    private static func text(_ labels: Labels) -> String {
        "{" + labels.map { "\($0.name): \($0.value)" }.joined(separator: ", ") + "}"
    }
}
