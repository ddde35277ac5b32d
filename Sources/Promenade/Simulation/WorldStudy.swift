import MetricModel
package import Simulation
import Synchronization

/// Many worlds of one scenario, and what they tell of its alerts.
package struct WorldStudy: Sendable {
    /// What came of each seed, in the order of the seeds.
    package var reports: [WorldReport]
    /// How many worlds were asked for: more than there are where somebody ended them.
    package let asked: Int
    /// How long each world lasted, in nanoseconds.
    private let span: Int64

    /// Whether somebody ended it before all worlds were at their ends.
    package var isCut: Bool { reports.count < asked || reports.contains { $0.isInterrupted } }

    /// Runs a scenario with many seeds, so many worlds at a time. What comes out does not depend on how many.
    /// - Parameters:
    ///   - goesOn: is asked before each step of each world whether to go on, from any thread. Worlds that are not at their end then
    ///     do not count, unless there is no other one.
    ///   - progress: is told how many worlds are done, from any thread.
    ///   - look: is told before each step how far its world is, from any thread.
    package static func run(
        _ scenario: Scenario,
        seeds: ClosedRange<UInt64>,
        jobs: Int,
        options: World.Options,
        goesOn: @escaping @Sendable () -> Bool = { true },
        progress: @escaping @Sendable (Int) -> Void = { _ in },
        look: (@Sendable (Int64) -> Void)? = nil
    ) async throws -> WorldStudy {
        let next = SeedQueue(seeds)
        let isOne = seeds.count == 1
        let found = try await withThrowingTaskGroup(of: [WorldReport].self) { group in
            for _ in 0..<max(1, min(jobs, seeds.count)) {
                group.addTask {
                    try await WorldThread.run {
                        var reports: [WorldReport] = []
                        while goesOn(), let seed = next.take() {
                            try Task.checkCancellation()
                            var own = options
                            own.seed = seed
                            let report = try await report(scenario, own, goesOn: goesOn, look: look)
                            if report.isInterrupted, !isOne { break }
                            reports.append(report)
                            progress(next.finish())
                        }
                        return reports
                    }
                }
            }
            var all: [WorldReport] = []
            for try await reports in group { all += reports }
            return all
        }
        return WorldStudy(
            reports: found.sorted { $0.seed < $1.seed },
            asked: seeds.count,
            span: min(scenario.duration, options.until)
        )
    }

    /// The seeds that nobody has taken yet.
    private final class SeedQueue: Sendable {
        private let last: UInt64
        /// The next seed, and how many worlds are done.
        private let state: Mutex<(next: UInt64?, done: Int)>

        init(_ seeds: ClosedRange<UInt64>) {
            last = seeds.upperBound
            state = Mutex((seeds.lowerBound, 0))
        }

        func take() -> UInt64? {
            state.withLock { state in
                guard let seed = state.next else { return nil }
                state.next = seed < last ? seed + 1 : nil
                return seed
            }
        }

        func finish() -> Int {
            state.withLock { state in
                state.done += 1
                return state.done
            }
        }
    }

    /// Runs one world to its end.
    /// - Parameters:
    ///   - goesOn: is asked before each step whether to go on.
    ///   - look: is told before each step how far it is.
    package static func report(
        _ scenario: Scenario,
        _ options: World.Options,
        goesOn: () -> Bool = { true },
        look: ((Int64) -> Void)? = nil
    ) async throws -> WorldReport {
        let world = try await World(scenario, options)
        world.keepsLog = false
        try await world.begin()
        let isThere = try await world.run {
            look?(world.now)
            return goesOn()
        }
        if !isThere { try await world.cut() }
        var report = WorldReport(world)
        report.isInterrupted = !isThere
        try await world.stack.close()
        return report
    }

    // MARK: Shrinking

    /// A failing world that was made smaller.
    package struct Smaller: Sendable {
        /// The events that are left, by their places in the scenario's list.
        package var kept: [Int]
        /// Settings as on the command line that make the scenario of the file this one.
        package var settings: [String] = []
        package var scenario: Scenario
        /// What came of it.
        package var report: WorldReport
        /// Whether nobody ended it before everything was tried.
        package var isDone = true
        /// Whether something of the world that failed is left out.
        package internal(set) var isSmaller = false

        /// A world of which nothing is left out but some events.
        package init(kept: [Int], scenario: Scenario, report: WorldReport) {
            (self.kept, self.scenario, self.report) = (kept, scenario, report)
        }
    }

    /// Few events that still let the expectation fail that failed first: each is left out in turn, and stays out where it still fails;
    /// then, of the last dozen, each two together.
    /// - Parameters:
    ///   - goesOn: is asked again and again whether to go on.
    ///   - progress: is told how many worlds were tried.
    package static func shrink(
        _ scenario: Scenario,
        _ failing: WorldReport,
        options: World.Options,
        goesOn: @escaping @Sendable () -> Bool = { true },
        progress: (Int) -> Void = { _ in }
    ) async throws -> Smaller {
        var own = options
        own.seed = failing.seed
        var kept: [Int] { scenario.events.indices.filter { !own.leftOut.contains($0) } }
        var smaller = Smaller(kept: kept, scenario: scenario, report: failing)
        guard let wanted = failing.firstFailed else { return smaller }
        var runs = 0
        func fails(without left: [Int]) async throws -> Bool {
            if runs >= runLimit || !smaller.isDone { return false }
            runs += 1
            var less = own
            less.leftOut.formUnion(left)
            let settled = less
            let report = try await WorldThread.run { try await Self.report(scenario, settled, goesOn: goesOn) }
            progress(runs)
            if report.isInterrupted { smaller.isDone = false }
            if report.isInterrupted || !report.fails(wanted) { return false }
            own = less
            (smaller.kept, smaller.report, smaller.isSmaller) = (kept, report, true)
            return true
        }
        var isChanged = true
        while isChanged {
            isChanged = false
            for index in kept.reversed() { if try await fails(without: [index]) { isChanged = true } }
            if isChanged || kept.count > pairLimit { continue }
            // Two that undo each other can only go together.
            search: for first in kept {
                for second in kept where second > first {
                    guard try await fails(without: [first, second]) else { continue }
                    isChanged = true
                    break search
                }
            }
        }
        return smaller
    }

    /// Fewer instances of services that still let the expectation fail that failed first. Where events that are left need more of them, as they
    /// name one, there are as many as that.
    /// - Parameters:
    ///   - known: what there is by now.
    ///   - failing: the world that failed.
    ///   - options: those of the failing world, with the events that are left out.
    ///   - goesOn: is asked again and again whether to go on.
    ///   - read: reads the scenario with these settings besides; `nil` where it cannot be.
    package static func fewerInstances(
        _ known: Smaller,
        _ failing: WorldReport,
        options: World.Options,
        goesOn: @escaping @Sendable () -> Bool = { true },
        read: ([String]) -> Scenario?
    ) async throws -> Smaller {
        guard let wanted = failing.firstFailed, known.isDone else { return known }
        var own = options
        own.seed = failing.seed
        let settled = own
        var found = known
        for service in known.scenario.services {
            let needed = known.kept.compactMap { known.scenario.events[$0].action.instance(of: service.name) }.max()
            let counts = Set([1, 2, service.instances / 2, needed ?? 1])
            for count in counts.sorted() where count > 0 && count < service.instances {
                let settings = found.settings + ["services.\(service.name).instances=\(count)"]
                guard let smaller = read(settings) else { continue }
                let report = try await WorldThread.run { try await Self.report(smaller, settled, goesOn: goesOn) }
                if report.isInterrupted {
                    found.isDone = false
                    return found
                }
                if !report.fails(wanted) { continue }
                (found.settings, found.scenario, found.report) = (settings, smaller, report)
                found.isSmaller = true
                break
            }
        }
        return found
    }

    /// The most worlds that are tried to make a failing one smaller, and the most events of which each two are tried.
    private static let runLimit = 300
    private static let pairLimit = 12

    // MARK: Alerts

    /// How an alert did.
    package struct AlertFigures: Sendable, Hashable {
        package var alert: String
        package var outages = 0
        package var seen = 0
        /// Not seen, but the end came before the alert could fire: neither seen nor missed.
        package var open = 0
        /// No alert began in them, as it fired already when they began: nobody had to be told.
        package var alreadyFiring = 0
        /// From the beginning of each outage that was seen to the alert, in nanoseconds, rising.
        package var delays: [Int64] = []
        package var falseAlarms = 0
        package var days = 0.0

        package var missed: Int { outages - seen - open - alreadyFiring }

        /// The delay that a share of the outages that were seen did not exceed; `nil` where none was.
        package func delay(_ share: Double) -> Int64? {
            if delays.isEmpty { return nil }
            let rank = Int((Double(delays.count) * share).rounded(.up))
            return delays[min(delays.count - 1, max(0, rank - 1))]
        }
    }

    /// How the alert of a study did in all worlds.
    package func figures(_ study: StudySpec) -> AlertFigures {
        var figures = AlertFigures(alert: study.alert)
        for report in reports {
            figures.days += Double(report.end) / 8.64e13
            let outages = report.outages.filter { study.outages.contains($0.kind) }
            let firings = report.firings.filter { $0.labels["alertname"] == study.alert }
            func isSame(_ firing: World.Firing, _ outage: World.Outage) -> Bool {
                let instance = firing.labels["instance"].map(Scenario.host) ?? ""
                return outage.instance.isEmpty || instance.isEmpty || instance == outage.instance
            }
            func belongs(_ firing: World.Firing, _ outage: World.Outage) -> Bool {
                isSame(firing, outage) && firing.time >= outage.from
                    && firing.time < (outage.to ?? span) + study.slack
            }
            let reach = report.reaches[study.alert] ?? 0
            figures.outages += outages.count
            for outage in outages {
                guard let firing = firings.first(where: { belongs($0, outage) }) else {
                    if firings.contains(where: { isSame($0, outage) && $0.fires(at: outage.from) }) {
                        figures.alreadyFiring += 1
                        continue
                    }
                    let isWaitedFor = report.end < (outage.to ?? .max - study.slack) + study.slack
                    if isWaitedFor, report.end - outage.from < reach { figures.open += 1 }
                    continue
                }
                figures.seen += 1
                figures.delays.append(firing.time - outage.from)
            }
            figures.falseAlarms += firings.filter { firing in !outages.contains { belongs(firing, $0) } }.count
        }
        figures.delays.sort()
        return figures
    }
}
