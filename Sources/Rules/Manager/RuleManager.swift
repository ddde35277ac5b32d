public import MetricModel
import PromQL
import Synchronization

/// How rules are evaluated.
public struct RuleManagerOptions: Sendable {
    /// How far back alerts of before the start are looked for, in nanoseconds.
    public var outageTolerance: Int64 = 3_600_000_000_000
    /// The least time that such an alert still has to be found before it fires, in nanoseconds.
    public var gracePeriod: Int64 = 600_000_000_000
    /// Whether somebody moves the clock and asks for what falls due; slots are then multiples of the intervals.
    public var isDriven = false

    /// Prometheus's defaults.
    public init() {}
}

/// What a manager tells of each evaluation of a group.
public struct RuleEvaluationReport: Sendable {
    /// The group's key.
    public var group: String
    /// The file in which it stands.
    public var file: String
    /// Its name.
    public var name: String
    /// How long it took, in seconds.
    public var duration: Double
    /// How long each rule took, in seconds.
    public var ruleDurations: [Double]
    /// Rules that failed, with the reasons.
    public var failures: [(rule: String, reason: String)]
    /// Whom somebody has to be told of.
    public var notices: [AlertNotice]
    /// The alerts of the group and how far they are; those that are resolved left out.
    public var alerts: [(labels: Labels, state: Alert.State)] = []
    /// Alerts that changed their state, a few of them where there are many.
    public var changes: [AlertChange]
}

/// Evaluates groups of rules by the clock.
public final class RuleManager: Sendable {
    /// A group that runs.
    private final class Running: Sendable {
        /// What it remembers.
        let state: Mutex<RuleGroupState>
        let offset: Int64
        let interval: Int64
        /// The next evaluation; for clocks that somebody moves.
        let due: Mutex<Int64>
        /// How many evaluations are left until alerts of before the start are looked for; 0 for none.
        let untilRestore: Mutex<Int>
        let task = Mutex<Task<Void, Never>?>(nil)

        init(_ group: RuleGroupState, isDriven: Bool, now: Int64, restores: Bool) {
            let interval = max(1, RuleTime.nanoseconds(milliseconds: group.definition.interval))
            self.interval = interval
            offset = isDriven ? 0 : RuleSlots.offset(group.definition, interval: interval)
            state = Mutex(group)
            due = Mutex(RuleSlots.slot(before: now, interval: interval, offset: offset) + interval)
            untilRestore = Mutex(restores ? 2 : 0)
        }
    }

    /// Series of groups that are gone, which end when nobody took them over.
    private struct Farewell {
        var due: Int64
        var stoppedAt: Int64
        var group: RuleGroupDefinition
        var series: [Labels]
    }

    private struct State {
        var environment: RuleEnvironment
        var groups: [(key: String, running: Running)] = []
        var farewells: [Farewell] = []
        var isRunning = false
        var wasLoaded = false
        var isEnded = false
    }

    /// The groups.
    private let state: Mutex<State>
    private let clock: any StackClock
    private let options: RuleManagerOptions
    private let report: @Sendable (RuleEvaluationReport) -> Void

    /// A manager without groups.
    /// - Parameter report: is told of each evaluation.
    public init(
        _ environment: RuleEnvironment,
        options: RuleManagerOptions = RuleManagerOptions(),
        report: @escaping @Sendable (RuleEvaluationReport) -> Void = { _ in }
    ) {
        state = Mutex(State(environment: environment))
        clock = environment.clock
        self.options = options
        self.report = report
    }

    /// The groups as they are now, by file and name.
    public var snapshots: [RuleGroupSnapshot] {
        let groups = state.withLock { $0.groups.map(\.running) }
        return groups.map { $0.state.withLock { $0 }.snapshot }.sorted { left, right in
            let (first, second) = (left.definition, right.definition)
            return first.file == second.file
                ? first.name.utf8.lexicographicallyPrecedes(second.name.utf8)
                : first.file.utf8.lexicographicallyPrecedes(second.file.utf8)
        }
    }

    // MARK: Groups

    /// Evaluates these groups from now on. Those that are as before go on; others take over what a group of the same file and name
    /// remembers; the series of those that are gone end after two intervals.
    public func apply(_ definitions: [RuleGroupDefinition], surroundings: RuleSurroundings) {
        let now = clock.wallNanoseconds
        let (stopped, started) = state.withLock { state -> ([Running], [Running]) in
            state.environment.surroundings = surroundings
            let isFirst = !state.wasLoaded
            state.wasLoaded = true
            var old = Dictionary(state.groups.map { ($0.key, $0.running) }, uniquingKeysWith: { $1 })
            var (groups, started, stopped): ([(key: String, running: Running)], [Running], [Running]) = ([], [], [])
            for definition in definitions {
                let known = old.removeValue(forKey: definition.key)
                if let known, known.state.withLock({ $0.definition }).isSame(as: definition) {
                    groups.append((definition.key, known))
                    continue
                }
                let group: RuleGroupState
                if let known {
                    stopped.append(known)
                    group = RuleGroupState(definition, after: known.state.withLock { $0 })
                } else {
                    group = RuleGroupState(definition, isRestored: !isFirst)
                }
                let running = Running(group, isDriven: options.isDriven, now: now, restores: isFirst && known == nil)
                groups.append((definition.key, running))
                started.append(running)
            }
            for gone in old.values {
                stopped.append(gone)
                let group = gone.state.withLock { $0 }
                let series = group.allSeries
                if series.isEmpty { continue }
                state.farewells.append(
                    Farewell(due: now + 2 * gone.interval, stoppedAt: now, group: group.definition, series: series)
                )
            }
            state.groups = groups
            return (stopped, state.isRunning ? started : [])
        }
        for group in stopped { group.task.withLock { $0 }?.cancel() }
        for group in started { start(group) }
    }

    // MARK: By the system's clock

    /// Evaluates by the clock until the task is cancelled.
    public func run() async {
        if options.isDriven {
            // Whoever moves the clock evaluates; this only waits for the end.
            let (end, continuation) = AsyncStream<Void>.makeStream()
            for await _ in end {}
            continuation.finish()
            return
        }
        let groups = state.withLock { state in
            state.isRunning = true
            return state.groups.map(\.running)
        }
        for group in groups { start(group) }
        while !Task.isCancelled {
            guard (try? await clock.sleep(milliseconds: 1000)) != nil else { break }
            await sayFarewell(until: clock.wallNanoseconds)
        }
        let running = state.withLock { state in
            state.isRunning = false
            return state.groups.map(\.running)
        }
        for group in running {
            let task = group.task.withLock { $0 }
            task?.cancel()
            await task?.value
        }
    }

    private func start(_ group: Running) {
        let task = Task { [self] in await loop(group) }
        group.task.withLock { $0 = task }
    }

    private func loop(_ group: Running) async {
        var time = group.due.withLock { $0 }
        while true {
            let wait = time - clock.wallNanoseconds
            do {
                try await clock.sleep(nanoseconds: max(0, wait))
            } catch {
                return
            }
            if Task.isCancelled { return }
            await evaluate(group, at: time)
            if Task.isCancelled { return }
            // Slots that went by during the evaluation are not made up.
            let missed = max(0, (clock.wallNanoseconds - time) / group.interval - 1)
            if missed > 0 {
                group.state.withLock { state in
                    state.counts.missed += Int(missed)
                    state.counts.iterations += Int(missed)
                }
            }
            time += (missed + 1) * group.interval
        }
    }

    // MARK: By a clock that somebody moves

    /// The next moment up to a time (nanoseconds since 1970) at which something falls due; `nil` for none.
    public func nextDue(until end: Int64) -> Int64? {
        let (groups, farewells) = state.withLock { ($0.groups.map(\.running), $0.farewells.map(\.due)) }
        let next = (groups.map { $0.due.withLock { $0 } } + farewells).min()
        return next.flatMap { $0 <= end ? $0 : nil }
    }

    /// Evaluates what falls due at a moment, in the order of the configuration.
    public func evaluate(dueAt time: Int64) async {
        for group in state.withLock({ $0.groups.map(\.running) }) where group.due.withLock({ $0 }) <= time {
            let slot = group.due.withLock { due in
                let slot = due
                due += group.interval
                return slot
            }
            await evaluate(group, at: slot)
        }
        await sayFarewell(until: time)
    }

    // MARK: Evaluations

    private func evaluate(_ group: Running, at time: Int64) async {
        let environment = state.withLock { $0.environment }
        let before = group.state.withLock { $0 }
        // All of it on the threads for rules: no rule changes threads.
        var (current, outcome) = await environment.engine.onOwnThreads {
            var state = before
            let outcome = await state.evaluate(at: time, environment)
            return (state, outcome)
        }
        let needsRestoring = group.untilRestore.withLock { count in
            if count > 0 { count -= 1 }
            return count == 0
        }
        if needsRestoring, current.waitsForRestoring {
            let started = clock.steadyNanoseconds
            await current.restore(environment.reader, now: clock.wallNanoseconds, options)
            current.restoreTime = Double(clock.steadyNanoseconds - started) / 1e9
        }
        let after = current
        group.state.withLock { $0 = after }
        var told = RuleEvaluationReport(
            group: current.definition.key,
            file: current.definition.file,
            name: current.definition.name,
            duration: current.duration,
            ruleDurations: outcome.durations,
            failures: outcome.failures,
            notices: outcome.notices,
            changes: outcome.changes
        )
        if options.isDriven { told.alerts = current.activeAlerts }
        report(told)
    }

    private func sayFarewell(until time: Int64) async {
        let (environment, due) = state.withLock { state in
            let due = state.farewells.filter { $0.due <= time }
            state.farewells.removeAll { $0.due <= time }
            return (state.environment, due)
        }
        for farewell in due {
            // A clock that somebody moves may still stand where the last evaluation was.
            let late: Int64 = options.isDriven ? 1 : 0
            let timestamp = farewell.stoppedAt / 1_000_000 + late - farewell.group.queryOffset
            // What was written since is newer and goes on.
            _ = try? await environment.sink.write(
                RuleGroupState.stale(farewell.series, at: timestamp),
                group: farewell.group.key
            )
        }
    }
}

extension RuleGroupState {
    /// The alerts that are pending or firing, sorted by labels.
    var activeAlerts: [(labels: Labels, state: Alert.State)] {
        var found: [(labels: Labels, state: Alert.State)] = []
        for rule in rules {
            guard let active = rule.alert?.active, !active.isEmpty else { continue }
            found += active.values.filter { $0.state != .inactive }.map { ($0.labels, $0.state) }
        }
        return found.sorted { $0.labels < $1.labels }
    }

    /// Whether alerts of before the start have not been looked for.
    var waitsForRestoring: Bool { rules.contains { $0.alert.map { !$0.isRestored } ?? false } }

    /// Goes on where the alerts were before the start.
    mutating func restore(_ reader: any SampleReader, now: Int64, _ options: RuleManagerOptions) async {
        let end = now / 1_000_000
        for index in rules.indices {
            guard var alert = rules[index].alert, !alert.isRestored else { continue }
            var series: [Labels: (timestamp: Timestamp, value: Double)] = [:]
            if RuleTime.nanoseconds(milliseconds: alert.definition.holdDuration) >= options.gracePeriod {
                let request = SelectRequest(
                    matchers: alert.restoreMatchers,
                    start: end - options.outageTolerance / 1_000_000,
                    end: end
                )
                for columns in (try? await reader.select(request)) ?? [] {
                    guard let time = columns.timestamps.last, let value = columns.values.last else { continue }
                    series[columns.labels] = (time, value)
                }
            }
            alert.restore(series, now: now, grace: options.gracePeriod)
            rules[index].alert = alert
        }
    }
}
