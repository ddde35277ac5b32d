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
    /// Templates that were expanded, and those that failed.
    public var expansions: (all: Int, failed: Int)
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
        /// The evaluation under way.
        let evaluation = Mutex<Task<Void, Never>?>(nil)
        /// Whether no further rule is to begin.
        private let isOver = Mutex(false)

        var isEnding: Bool { isOver.withLock { $0 } }

        /// Ends it: after the rule that is being evaluated, or at once.
        func end(atOnce: Bool) {
            isOver.withLock { $0 = true }
            task.withLock { $0 }?.cancel()
            if atOnce { evaluation.withLock { $0 }?.cancel() }
        }

        init(_ group: RuleGroupState, isDriven: Bool, now: Int64, restores: Bool) {
            let interval = max(1, RuleTime.nanoseconds(milliseconds: group.definition.interval))
            self.interval = interval
            offset = isDriven ? 0 : RuleSlots.offset(group.definition, interval: interval)
            state = Mutex(group)
            let slot = RuleSlots.slot(before: now, interval: interval, offset: offset)
            due = Mutex(slot.plus(interval))
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

    /// After so many nanoseconds what the store did not take is written again.
    private static let farewellRetry: Int64 = 10_000_000_000

    private struct State {
        var environment: RuleEnvironment
        var groups: [(key: String, running: Running)] = []
        var farewells: [Farewell] = []
        var isRunning = false
        var wasLoaded = false
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
    /// remembers, once the rule that it is evaluating is done; the series of those that are gone end after two intervals. Of
    /// groups with the same file and name the last one counts.
    public func apply(_ given: [RuleGroupDefinition], surroundings: RuleSurroundings) async {
        let unique = Dictionary(given.map { ($0.key, $0) }, uniquingKeysWith: { $1 })
        var rest = unique
        let definitions = given.compactMap { rest.removeValue(forKey: $0.key) }
        let ending = state.withLock { state in
            state.groups.filter { group in
                guard let wanted = unique[group.key] else { return true }
                return !group.running.state.withLock { $0.definition }.isSame(as: wanted)
            }.map(\.running)
        }
        // What they are about to find is not lost and not found twice.
        for group in ending { group.end(atOnce: false) }
        for group in ending { await group.task.withLock { $0 }?.value }
        let now = clock.wallNanoseconds
        state.withLock { state in
            state.environment.surroundings = surroundings
            let isFirst = !state.wasLoaded
            state.wasLoaded = true
            var old = Dictionary(uniqueKeysWithValues: state.groups.map { ($0.key, $0.running) })
            var (groups, started): ([(key: String, running: Running)], [Running]) = ([], [])
            for definition in definitions {
                let known = old.removeValue(forKey: definition.key)
                if let known, known.state.withLock({ $0.definition }).isSame(as: definition) {
                    groups.append((definition.key, known))
                    continue
                }
                let group: RuleGroupState
                if let known {
                    group = RuleGroupState(definition, after: known.state.withLock { $0 })
                } else {
                    group = RuleGroupState(definition, isRestored: !isFirst)
                }
                let running = Running(group, isDriven: options.isDriven, now: now, restores: isFirst && known == nil)
                groups.append((definition.key, running))
                started.append(running)
            }
            for (key, gone) in state.groups where old[key] != nil {
                let group = gone.state.withLock { $0 }
                let series = group.allSeries
                if series.isEmpty { continue }
                state.farewells.append(
                    Farewell(
                        due: now.plus(gone.interval).plus(gone.interval),
                        stoppedAt: now,
                        group: group.definition,
                        series: series
                    )
                )
            }
            state.groups = groups
            if state.isRunning { for group in started { start(group) } }
        }
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
        state.withLock { state in
            state.isRunning = true
            for group in state.groups { start(group.running) }
        }
        while !Task.isCancelled {
            guard (try? await clock.sleep(milliseconds: 1000)) != nil else { break }
            await sayFarewell(until: clock.wallNanoseconds)
        }
        let running = state.withLock { state in
            state.isRunning = false
            return state.groups.map(\.running)
        }
        for group in running { group.end(atOnce: true) }
        for group in running { await group.task.withLock { $0 }?.value }
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
            // Slots that went by, during an evaluation or while the machine slept, are not made up.
            let missed = max(0, (clock.wallNanoseconds - time) / group.interval)
            if missed > 0 {
                group.state.withLock { state in
                    state.counts.missed += Int(missed)
                    state.counts.iterations += Int(missed)
                }
                time += missed * group.interval
            }
            // Not a part of this task: to end the group is not to cut short what it is doing.
            let slot = time
            let evaluation = Task { [self] in await evaluate(group, at: slot) }
            group.evaluation.withLock { $0 = evaluation }
            await evaluation.value
            // Held any longer, a task that is over would keep the memory that it ran in, 35 KB.
            group.evaluation.withLock { $0 = nil }
            if Task.isCancelled { return }
            time = time.plus(group.interval)
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
                due = due.plus(group.interval)
                return slot
            }
            await evaluate(group, at: slot)
        }
        await sayFarewell(until: time)
    }

    // MARK: Evaluations

    private func evaluate(_ group: Running, at time: Int64) async {
        var surroundings = state.withLock { $0.environment }
        surroundings.isEnding = { group.isEnding }
        let environment = surroundings
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
            outcome.failures += await current.restore(environment.reader, now: clock.wallNanoseconds, options)
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
            changes: outcome.changes,
            expansions: (
                current.expansions.all - before.expansions.all, current.expansions.failed - before.expansions.failed
            )
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
            do throws(RuleFailure) {
                // What was written since is newer and goes on.
                _ = try await environment.sink.write(
                    RuleGroupState.stale(farewell.series, at: timestamp),
                    group: farewell.group.key
                )
            } catch {
                // The store may take it later.
                state.withLock { state in
                    var again = farewell
                    again.due = time.plus(Self.farewellRetry)
                    state.farewells.append(again)
                }
                continue
            }
            let isBack = state.withLock { $0.groups.contains { $0.key == farewell.group.key } }
            if !isBack { environment.sink.forget(group: farewell.group.key) }
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
    /// - Returns: the rules of which that could not be read, with the reasons; their alerts begin anew.
    mutating func restore(
        _ reader: any SampleReader,
        now: Int64,
        _ options: RuleManagerOptions
    ) async -> [(rule: String, reason: String)] {
        let end = now / 1_000_000
        var failures: [(rule: String, reason: String)] = []
        for index in rules.indices {
            guard var alert = rules[index].alert, !alert.isRestored else { continue }
            var series: [Labels: (timestamp: Timestamp, value: Double)] = [:]
            if RuleTime.nanoseconds(milliseconds: alert.definition.holdDuration) >= options.gracePeriod {
                let request = SelectRequest(
                    matchers: alert.restoreMatchers,
                    start: end - options.outageTolerance / 1_000_000,
                    end: end
                )
                do throws(StorageError) {
                    for columns in try await reader.select(request) {
                        guard let time = columns.timestamps.last, let value = columns.values.last else { continue }
                        series[columns.labels] = (time, value)
                    }
                } catch {
                    failures.append((alert.definition.name, "Failed to restore 'for' state: \(error.message)"))
                }
            }
            alert.restore(series, now: now, grace: options.gracePeriod)
            rules[index].alert = alert
        }
        return failures
    }
}
