import Exposition
import Logging
package import MetricModel
import PromQL
import Pushgateway
import RemoteStorage
import Rules
import Scrape
package import Simulation
import Synchronization
package import Web

/// A world on a simulated clock: a scenario's services and batches around the real parts of a stack, one thing after the other.
///
/// The same scenario and seed give the same events, samples and verdicts, to the byte, on every machine. Use it from one task, whose
/// executor runs one job at a time (``WorldThread``): `let world = try await World(…)`, then ``step()`` until it answers `nil`.
package final class World {
    /// How a world is made.
    package struct Options: Sendable {
        /// What all chance follows from.
        package var seed: UInt64
        /// Where the samples go.
        package var keeping = SimulatedStack.Keeping.memory
        /// Up to when it runs, in nanoseconds from the start; the scenario's end where it is later.
        package var until = Int64.max
        /// Whether every scrape is an event of the log.
        package var tellsScrapes = false
        /// Options of the command that make this world of the scenario, one word each, for commands that open it again.
        package var arguments: [String] = []
        /// Places of events in the scenario's list that do not happen.
        package var leftOut: Set<Int> = []
        /// SQLite's file system, for tests of what happens when it fails.
        package var fileSystem: String?
        /// Where the Pushgateway listens where the scenario wants sockets; `nil` for any free port of this machine.
        package var gatewayAddress: ListenAddress?
        /// Where somebody looks at the stack's parts from within.
        package var taps = SimulatedStack.Taps()

        /// The world of a seed.
        package init(seed: UInt64) { self.seed = seed }
    }

    package let scenario: Scenario
    package let options: Options
    package let clock: ManualClock
    /// The parts of the stack.
    package let stack: SimulatedStack
    /// What has happened.
    package private(set) var log: [WorldEvent] = []
    /// Is told of each event as it happens.
    package var observe: ((WorldEvent) -> Void)?
    /// Whether events are kept in ``log``.
    package var keepsLog = true
    /// What happened last: a scrape or an evaluation of rules, or an event.
    package private(set) var last = WorldEvent(time: 0, kind: .begin, subject: "", text: "")
    /// Outages that a study asks about.
    package var outages: [Outage] { book.all }
    var book: OutageBook
    /// How long after the beginning of an outage each alert may begin to fire, in nanoseconds.
    var reaches: [String: Int64] = [:]
    /// When alerts began to fire.
    package internal(set) var firings: [Firing] = []
    /// Places of those that still fire.
    var firingNow: [FiringAlert: Int] = [:]
    /// How many samples scrapes brought, with the five that tell of each.
    package internal(set) var samples = 0
    /// How many scrapes there were.
    package internal(set) var scrapes = 0

    var queue = WorldQueue()
    var chance: [RandomStream]
    var batches: [BatchCourse]
    var runs: [[BatchRun]]
    var runCounts: [Int]
    /// What events hold down or let go wrong.
    var holds = WorldHolds()
    /// How often events have happened that happen again and again, by their places in the scenario's list.
    var repetitions: [Int: Int64] = [:]
    /// How many events have happened.
    var happenings = 0
    var services: [String: ServiceState] = [:]
    /// The service of each instance that ever was.
    var owners: [String: String] = [:]
    /// What happened last to groups of the Pushgateway, by their paths.
    var pushedGroups: [String: PushedGroup] = [:]
    /// What happened last to instances.
    var changes: [String: LastChange] = [:]
    var expectations: [ExpectationState]
    var watched: [Int] = []
    var health: [String: Bool] = [:]
    /// What somebody was told of, where it is asked for.
    var notices: [Notice] = []
    /// The last push to each group that failed, unless a later one was taken.
    var pushErrors: [String: (time: Int64, text: String)] = [:]
    /// The event whose configuration is in use.
    var lastReload: Int?
    /// The rules that there were by now.
    var knownRules = KnownRules()
    /// When it is looked again for what expectations are met by where it is not there.
    var foundDue: Int64 = 0
    var isPrometheusUp = false
    var isGatewayUp = false
    /// When the next group of rules is evaluated, in nanoseconds since 1970.
    private var rulesDue: Int64?
    /// Where it ends: the scenario's end, or before.
    private(set) var end: Int64
    private let steadyStart: Int64
    /// What the wall's clock, which may have been set, says at the scenario's start, in nanoseconds since 1970.
    private var wallStart: Int64 { clock.wallNanoseconds - now }
    private var isFinished = false

    /// Whether its end has come.
    package var isOver: Bool { isFinished }

    /// Instances of a service.
    struct ServiceState {
        var spec: ServiceSpec
        var instances: [ServiceInstance] = []
        /// How many of them are there.
        var count: Int
        /// What was set for good, and when.
        var changes: [(metric: String, change: MetricChange, since: Int64)] = []
        /// What is set of distributions, by the metric; all instances have the same.
        var latencies: [String: LatencySettings] = [:]
        var version: [Label] = []
    }

    /// Makes the world and its stack; nothing has happened yet.
    /// - Throws: `ConfigError` for a stack with mistakes, `StackError` where it cannot be used.
    package init(_ scenario: Scenario, _ options: Options) async throws {
        self.scenario = scenario
        self.options = options
        book = OutageBook(scenario.studies)
        clock = ManualClock(now: scenario.start)
        steadyStart = clock.steadyNanoseconds
        end = min(scenario.duration, options.until)
        if case .folder(let folder) = options.keeping { try Self.refuseKnownStore(folder) }
        let config = try SimulatedConfig(scenario).config(counts: scenario.services.map { ($0.name, $0.instances) })
        stack = try SimulatedStack(
            config: config,
            clock: clock,
            seed: options.seed,
            start: scenario.start,
            keeping: options.keeping,
            fileSystem: options.fileSystem,
            taps: options.taps,
            sockets: scenario.hasSockets ? try Self.sockets(options) : nil
        )
        chance = Self.streams(scenario, seed: options.seed)
        batches = scenario.batches.map { BatchCourse($0, seed: options.seed, start: scenario.start) }
        runs = scenario.batches.map { _ in [] }
        runCounts = scenario.batches.map { _ in 0 }
        expectations = try scenario.expectations.map { try ExpectationState($0) }
        for service in scenario.services { addService(service) }
        for batch in scenario.batches where batch.delivery == .endpoint {
            stack.targets.endpointNames.insert(batch.name)
        }
        if let recording = scenario.recording {
            stack.targets.recorded = RecordedTargets(recording, start: scenario.start)
            for (index, push) in recording.pushes.enumerated() {
                queue.add((push.time - scenario.start) * 1_000_000, .batchEnd, .recorded(index))
            }
        }
        fillQueue()
    }

    /// What another run left would be in the way of this one's samples.
    private static func refuseKnownStore(_ folder: String) throws(StackError) {
        let file = folder + "/" + StackOptions.databaseName
        guard FileAccess.exists(file) else { return }
        throw StackError("\(file) is there already, so this would be another run; remove it or name another folder")
    }

    private static func sockets(_ options: Options) throws -> WorldSockets {
        let logger = Logger(label: "simulation") { _ in SwiftLogNoOpLogHandler() }
        return try WorldSockets(gateway: options.gatewayAddress, logger: logger)
    }

    /// The chance of each event: an event that comes or goes does not change that of others.
    private static func streams(_ scenario: Scenario, seed: UInt64) -> [RandomStream] {
        var counts: [String: Int] = [:]
        return scenario.events.map { event in
            let name = "event/\(event.word)/\(event.action.subject)"
            counts[name, default: 0] += 1
            return RandomStream(seed: seed, name: "\(name)/\(counts[name] ?? 0)")
        }
    }

    /// Nanoseconds from the start of the scenario.
    package var now: Int64 { clock.steadyNanoseconds - steadyStart }

    private func addService(_ spec: ServiceSpec) {
        services[spec.name] = ServiceState(spec: spec, count: 0)
        setCount(spec.name, spec.instances)
    }

    private func fillQueue() {
        for index in scenario.events.indices where !options.leftOut.contains(index) {
            queue.add(chance[index].whole(scenario.events[index].at), .scenario, .event(index))
        }
        for index in batches.indices { scheduleBatch(index) }
        for (index, state) in expectations.enumerated() {
            switch state.spec.kind {
            case .at(let time): queue.add(time, .expectation, .look(index))
            case .always(_, let to), .never(_, let to):
                watched.append(index)
                queue.add(to, .expectation, .close(index))
            case .within(let after, let until):
                watched.append(index)
                queue.add(after, .expectation, .look(index))
                queue.add(until, .expectation, .close(index))
            case .notified(_, let until): queue.add(until, .expectation, .close(index))
            case .notNotified(_, let to): queue.add(to, .expectation, .close(index))
            }
        }
        queue.add(Self.upkeepInterval, .upkeep, .upkeep)
    }

    /// How often the store looks after itself.
    private static let upkeepInterval: Int64 = 60_000_000_000

    // MARK: Steps

    /// When the next thing happens; `nil` where the end comes before.
    package var nextTime: Int64? { next().flatMap { $0.time <= end ? $0.time : nil } }

    /// Whether what happens next is a scrape or an evaluation, which can be seen though nothing is told of it.
    var isNextSeen: Bool {
        switch next()?.rank {
        case .scrape, .rules: true
        case .scenario, .batchEnd, .batchBegin, .remoteWrite, .upkeep, .expectation, nil: false
        }
    }

    private func next() -> (time: Int64, rank: WorldItem.Rank)? {
        var best = queue.first.map { (time: $0.time, rank: $0.rank) }
        func offer(_ time: Int64, _ rank: WorldItem.Rank) {
            if let known = best, (known.time, known.rank.rawValue) <= (time, rank.rawValue) { return }
            best = (time, rank)
        }
        if let due = stack.scraper?.nextDue() { offer(due - steadyStart, .scrape) }
        if let due = stack.remote?.nextDue { offer(max(now, due - steadyStart), .remoteWrite) }
        if stack.rules != nil, let due = rulesDue { offer(due - wallStart, .rules) }
        return best
    }

    /// Starts the stack, before the first step.
    package func begin() async throws {
        tell(.begin, scenario.name, "seed \(options.seed)")
        try await stack.startGateway()
        isGatewayUp = stack.gateway != nil
        try await stack.startPrometheus()
        isPrometheusUp = true
        noteRules()
        noteAlerts()
    }

    /// Asks when the next group of rules is evaluated: after each evaluation, and where the groups may be others.
    func noteRules() { rulesDue = stack.rules?.manager.nextDue(until: .max) }

    /// Goes to the next thing that happens and lets it happen.
    /// - Returns: when it was; `nil` where the end of the scenario has come.
    @discardableResult
    package func step() async throws -> Int64? {
        guard let (time, rank) = next(), time <= end else {
            try await finish()
            return nil
        }
        try await carryOut(time, rank)
        return time
    }

    private func carryOut(_ time: Int64, _ rank: WorldItem.Rank) async throws {
        if time > now { clock.advance(nanoseconds: time - now) }
        switch rank {
        case .scrape:
            _ = await stack.scraper?.scrape(dueAt: time + steadyStart)
            await driveRemote()
            takeReports()
            await lookAround()
        case .rules:
            await stack.rules?.manager.evaluate(dueAt: time + wallStart)
            noteRules()
            await driveRemote()
            takeReports()
            await lookAround()
        case .remoteWrite:
            await driveRemote()
            await lookAround()
        case .scenario, .batchEnd, .batchBegin, .upkeep, .expectation:
            if let item = queue.take() { try await carryOut(item.action) }
        }
    }

    /// Runs to the end, or until a moment.
    /// - Parameter goesOn: is asked before each step whether to go on.
    /// - Returns: whether it came there.
    @discardableResult
    package func run(until moment: Int64 = .max, while goesOn: () -> Bool = { true }) async throws -> Bool {
        while let due = next(), due.time <= min(moment, end) {
            guard goesOn() else { return false }
            try await carryOut(due.time, due.rank)
        }
        if moment < end {
            if moment > now { clock.advance(nanoseconds: moment - now) }
            return true
        }
        try await finish()
        return true
    }

    /// Ends it where it is: what was not reached by now is open.
    package func cut() async throws {
        if isFinished { return }
        // Of a moment of which not everything has happened nobody can say what held at it.
        end = min(end, next().map { $0.time <= now ? now - 1 : now } ?? now)
        try await finish()
    }

    private func finish() async throws {
        if isFinished { return }
        isFinished = true
        if end > now { clock.advance(nanoseconds: end - now) }
        await settle()
        tell(.end, "", "\(scrapes) scrapes, \(samples) samples")
    }

    // MARK: What happens

    private func carryOut(_ action: WorldItem.Action) async throws {
        switch action {
        case .event(let index): try await event(index)
        case .undo(let event, let places): try await undo(event, places)
        case .batch(let index): scheduleBatch(index)
        case .begin(let index): beginRun(index)
        case .end(let index, let run): await endRun(index, run)
        case .push(let push): await deliver(push)
        case .recorded(let index): await replayPush(index)
        case .upkeep:
            queue.add(now + Self.upkeepInterval, .upkeep, .upkeep)
            await noteFoundInTime()
            if isPrometheusUp {
                do throws(StorageError) {
                    try await stack.store.maintain(now: clock.now)
                } catch {
                    tell(.stack, "store", "upkeep failed: \(error.message)")
                }
            }
        case .expiry:
            stack.targets.isGatewayStill = false
            await stack.gateway?.deleteExpired()
        case .look(let index): await look(index)
        case .close(let index): await close(index)
        }
    }

    func tell(_ kind: WorldEvent.Kind, _ subject: String, _ text: String, _ request: WorldEvent.Request? = nil) {
        let event = WorldEvent(time: now, kind: kind, subject: subject, text: text, request: request)
        if keepsLog { log.append(event) }
        last = event
        observe?(event)
    }

    /// What the parts told during the last step.
    private func takeReports() {
        let told = stack.reports.take()
        for (name, job, report) in told.scrapes { take(name, job, report) }
        for report in told.rules { take(report) }
    }

    private func take(_ name: String, _ job: String, _ report: TargetReport) {
        scrapes += 1
        samples += report.samplesAdded + 5
        stack.figures.scrapes += 1
        stack.figures.samples += report.samplesAdded + 5
        let isUp = report.health == .up
        last = WorldEvent(time: now, kind: .scrape, subject: name, text: report.lastError)
        if !isUp { stack.figures.failedScrapes += 1 }
        if options.tellsScrapes {
            tell(.scrape, "\(job) \(name)", isUp ? "\(report.samplesScraped) samples" : "failed: \(report.lastError)")
        }
        let key = job + "\u{0}" + name
        let before = health.updateValue(isUp, forKey: key)
        if before == isUp || before == nil && isUp { return }
        tell(.target, "\(job) \(name)", isUp ? "is up" : "is down: \(report.lastError)")
    }

    private func take(_ report: RuleEvaluationReport) {
        last = WorldEvent(time: now, kind: .rule, subject: report.name, text: "")
        stack.figures.evaluations += report.ruleDurations.count
        stack.figures.ruleFailures += report.failures.count
        for failure in report.failures { tell(.rule, failure.rule, "failed: \(failure.reason)") }
        tellAlerts(report)
        for notice in stack.rules?.arriving(report.notices) ?? [] {
            stack.figures.notices += 1
            if !notice.isRepeated {
                let name = notice.labels["alertname"] ?? ""
                tell(.notify, name, "\(notice.isResolved ? "resolved" : "firing") \(Self.text(notice.labels))")
            }
            note(notice)
        }
    }

    private func tellAlerts(_ report: RuleEvaluationReport) {
        if report.alerts.isEmpty, groupAlerts[report.group]?.isEmpty ?? true { return }
        var now: [Labels: Alert.State] = [:]
        // Several rules can have an alert of the same labels: who is told of it is told of the one that is furthest.
        for (labels, state) in report.alerts where state == .firing || now[labels] == nil { now[labels] = state }
        let before = groupAlerts[report.group] ?? [:]
        var told: Set<Labels> = []
        for (labels, _) in report.alerts {
            guard let state = now[labels], before[labels] != state, told.insert(labels).inserted else { continue }
            tell(.alert, labels["alertname"] ?? "", "\(state.name) \(Self.text(labels))")
            if before[labels] == .firing { endFiring(labels, of: report.group) }
            if state == .firing { beginFiring(labels, of: report.group) }
        }
        for labels in before.keys.sorted() where now[labels] == nil {
            if before[labels] == .firing { endFiring(labels, of: report.group) }
            tell(.alert, labels["alertname"] ?? "", "inactive \(Self.text(labels))")
        }
        groupAlerts[report.group] = now
    }

    /// The alerts of each group at its last evaluation.
    var groupAlerts: [String: [Labels: Alert.State]] = [:]

    static func text(_ labels: Labels) -> String {
        Labels(labels.filter { $0.name != "alertname" }).selectorText
    }
}
