import ArgumentParser
import ConfigTree
import MetricModel
import Promenade
import Simulation
import Synchronization

/// Many worlds, and worlds side by side.
extension Simulate {
    func study(_ scenarios: [Scenario], until end: Int64) async throws {
        let seeds = try seedRange(scenarios.first?.seed ?? 1)
        var isGood = true
        var all: [WorldReport] = []
        for scenario in scenarios {
            try await told {
                if compare.isEmpty {
                    let study = try await worlds(scenario, seeds, end)
                    all += study.reports
                    isGood = try await tell(scenario, study, end) && isGood
                } else {
                    let reports = try await compared(scenario, seeds, end)
                    all += reports
                    isGood = reports.allSatisfy(\.isGood) && isGood
                }
            }
        }
        if tap { Console.show(WorldReport.tap(all)) }
        if let junit { try Self.save(WorldReport.junit(all), to: junit) }
        if !isGood { throw ExitCode(1) }
    }

    /// `1..1000`, or one seed.
    func seedRange(_ own: UInt64) throws -> ClosedRange<UInt64> {
        guard let text = seeds else { return (seed ?? own)...(seed ?? own) }
        let parts = text.split(separator: ".", omittingEmptySubsequences: true).map(String.init)
        let isRange = text.contains("..")
        guard parts.count == (isRange ? 2 : 1), let first = UInt64(parts[0]), let last = UInt64(parts[parts.count - 1]),
            first <= last, last - first < 10_000_000
        else {
            Complaint.write("--seeds: \(GoText.quoted(text)) is not a span of seeds such as 1..1000")
            throw ExitCode(2)
        }
        return first...last
    }

    private func worlds(
        _ scenario: Scenario,
        _ seeds: ClosedRange<UInt64>,
        _ end: Int64,
        stack: String? = nil
    ) async throws -> WorldStudy {
        let options = try options(scenario, seed: seeds.lowerBound, until: end, stack: stack)
        let isShown = Console.isTerminal(2) && seeds.count > 1
        let count = seeds.count
        // Of one world it is told how far it is, of many how many are done.
        let line = count == 1 ? WorldLine(scenario, until: end) : nil
        defer {
            line?.takeAway()
            if isShown { Console.complain("\r\u{1b}[K") }
        }
        let done: @Sendable (Int) -> Void = { done in
            if isShown { Console.complain("\r\(done) of \(count) worlds") }
        }
        let look: @Sendable (Int64) -> Void = { line?.look($0) }
        return try await WorldStudy.run(
            scenario,
            seeds: seeds,
            jobs: workers,
            options: options,
            progress: done,
            look: line == nil ? nil : look
        )
    }

    /// Which seeds fail, the first of them with few events, and how the alerts did.
    private func tell(_ scenario: Scenario, _ study: WorldStudy, _ end: Int64) async throws -> Bool {
        let figures = StudyReport(scenario, study)
        if json {
            for report in study.reports { Console.showJSON(report.json) }
            Console.showJSON(figures.json)
        } else if !tap {
            Console.show(figures.text)
        }
        if let svg { try Self.save(figures.svg, to: svg) }
        guard let first = study.reports.first(where: { !$0.isGood }) else { return true }
        if !json, !tap { try await tellSmallest(scenario, first, end) }
        return false
    }

    private func tellSmallest(_ scenario: Scenario, _ failing: WorldReport, _ end: Int64) async throws {
        var options = try options(scenario, seed: failing.seed, until: end)
        let isShown = Console.isTerminal(2)
        let kept = try await WorldStudy.shrink(scenario, failing, options: options) { tried in
            if isShown { Console.complain("\r\(tried) smaller worlds tried") }
        }
        if isShown { Console.complain("\r\u{1b}[K") }
        let wanted = failing.firstFailed.map { failing.states[$0].spec.title } ?? ""
        Console.show("\nseed \(failing.seed), what failed first: \(wanted)\n")
        Console.show("made smaller: \(kept.count) of \(scenario.events.count) events are enough\n")
        for index in kept {
            let event = scenario.events[index]
            Console.show("  \(scenario.file):\(event.place.line): \(event.word) \(event.action.subject)\n")
        }
        options.leftOut = Set(scenario.events.indices).subtracting(kept)
        let fewer = try await WorldStudy.fewerInstances(scenario, failing, options: options) { more in
            try? ScenarioFile.read(scenario.file, settings: settings + more, stack: stack)
        }
        for setting in fewer.settings { Console.show("  with \(setting)\n") }
        let numbers = options.leftOut.sorted().map(String.init).joined(separator: ",")
        options.arguments = arguments(stack: stack, leavingOut: numbers.isEmpty ? nil : numbers, more: fewer.settings)
        let (settled, smallest) = (options, fewer.scenario)
        let report = try await WorldThread.run { try await WorldStudy.report(smallest, settled) }
        Console.show(report.text(smallerThan: failing))
    }

    /// Tells how the same worlds look to several stacks.
    private func compared(_ scenario: Scenario, _ seeds: ClosedRange<UInt64>, _ end: Int64) async throws
        -> [WorldReport]
    {
        var sides: [(name: String, scenario: Scenario, study: WorldStudy)] = []
        if compare.count == 1 {
            sides.append((stack ?? scenario.file, scenario, try await worlds(scenario, seeds, end)))
        }
        for file in compare {
            let other = try read(scenario.file, stack: file)
            sides.append((file, other, try await worlds(other, seeds, end, stack: file)))
        }
        let reports = sides.flatMap { side in
            side.study.reports.map { report in
                var report = report
                report.stack = side.name
                return report
            }
        }
        if json {
            for report in reports { Console.showJSON(report.json) }
            Console.showJSON(StackComparison(sides).json)
        } else if !tap {
            Console.show(StackComparison(sides).text)
        }
        return reports
    }
}
