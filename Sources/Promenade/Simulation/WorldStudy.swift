import MetricModel
package import Simulation
import Synchronization

/// Many worlds of one scenario, and what they tell of its alerts.
package struct WorldStudy: Sendable {
    /// What came of each seed, in the order of the seeds.
    package var reports: [WorldReport]
    /// How long each world lasted, in nanoseconds.
    private let span: Int64

    /// Runs a scenario with many seeds, so many worlds at a time. What comes out does not depend on how many.
    /// - Parameters:
    ///   - progress: is told how many worlds are done, from any thread.
    ///   - look: is told before each step how far its world is, from any thread.
    package static func run(
        _ scenario: Scenario,
        seeds: ClosedRange<UInt64>,
        jobs: Int,
        options: World.Options,
        progress: @escaping @Sendable (Int) -> Void = { _ in },
        look: (@Sendable (Int64) -> Void)? = nil
    ) async throws -> WorldStudy {
        let next = SeedQueue(seeds)
        let found = try await withThrowingTaskGroup(of: [WorldReport].self) { group in
            for _ in 0..<max(1, min(jobs, seeds.count)) {
                group.addTask {
                    try await WorldThread.run {
                        var reports: [WorldReport] = []
                        while let seed = next.take() {
                            try Task.checkCancellation()
                            var own = options
                            own.seed = seed
                            reports.append(try await report(scenario, own, look: look))
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
    /// - Parameter look: is told before each step how far it is.
    package static func report(
        _ scenario: Scenario,
        _ options: World.Options,
        look: ((Int64) -> Void)? = nil
    ) async throws -> WorldReport {
        let world = try await World(scenario, options)
        world.keepsLog = false
        try await world.begin()
        try await world.run {
            look?(world.now)
            return true
        }
        let report = WorldReport(world)
        try await world.stack.close()
        return report
    }

    // MARK: Shrinking

    /// Few events that still let the expectation fail that failed first, by their places in the scenario's list: each is left out in
    /// turn, and stays out where it still fails; then, of the last dozen, each two together.
    /// - Parameter progress: is told how many worlds were tried.
    package static func shrink(
        _ scenario: Scenario,
        _ failing: WorldReport,
        options: World.Options,
        progress: (Int) -> Void = { _ in }
    ) async throws -> [Int] {
        guard let wanted = failing.firstFailed else { return Array(scenario.events.indices) }
        var own = options
        own.seed = failing.seed
        var runs = 0
        func fails(without left: [Int]) async throws -> Bool {
            if runs >= runLimit { return false }
            runs += 1
            var less = own
            less.leftOut.formUnion(left)
            let settled = less
            let report = try await WorldThread.run { try await Self.report(scenario, settled) }
            progress(runs)
            if !report.fails(wanted) { return false }
            own = less
            return true
        }
        var kept: [Int] { scenario.events.indices.filter { !own.leftOut.contains($0) } }
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
        return kept
    }

    /// Fewer instances of services that still let the expectation fail that failed first: settings as on the command line, and the scenario with them.
    /// Where other events need more of them, as they name one, it stays as it is.
    /// - Parameters:
    ///   - options: those of the failing world, with the events that are left out.
    ///   - read: reads the scenario with these settings besides; `nil` where it cannot be.
    package static func fewerInstances(
        _ scenario: Scenario,
        _ failing: WorldReport,
        options: World.Options,
        read: ([String]) -> Scenario?
    ) async throws -> (settings: [String], scenario: Scenario) {
        let wanted = failing.firstFailed ?? 0
        var found: (settings: [String], scenario: Scenario) = ([], scenario)
        for service in scenario.services {
            for count in Set([1, 2, service.instances / 2]).sorted() where count > 0 && count < service.instances {
                let settings = found.settings + ["services.\(service.name).instances=\(count)"]
                guard let smaller = read(settings) else { continue }
                let report = try await WorldThread.run { try await Self.report(smaller, options) }
                if !report.fails(wanted) { continue }
                found = (settings, smaller)
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
                let instance = firing.labels["instance"].map(WorldTargets.name) ?? ""
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
