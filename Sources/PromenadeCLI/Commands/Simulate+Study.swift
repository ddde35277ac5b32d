import ArgumentParser
import ConfigTree
import MetricModel
import Promenade
import Simulation
import Synchronization

/// Many worlds, and worlds side by side.
extension Simulate {
    /// A scenario as one stack sees it, and the file of that stack; `nil` for that of the command, or of the scenario.
    private typealias Side = (name: String, scenario: Scenario, stack: String?)

    func study(_ scenarios: [Scenario], until end: Int64) async throws {
        // All is read before anything runs.
        let seeds = try scenarios.map { try seedRange($0.seed) }
        let sides = try scenarios.map(allSides)
        var isGood = true
        var all: [WorldReport] = []
        Interruption.begin()
        for (index, scenario) in scenarios.enumerated() where isBegun(scenario) {
            try await told {
                if compare.isEmpty {
                    let study = try await worlds(scenario, seeds[index], end)
                    all += study.reports
                    isGood = try await tell(scenario, study, end) && isGood
                } else {
                    let reports = try await compared(sides[index], seeds[index], end)
                    all += reports
                    let areJudged = sides[index].allSatisfy { $0.scenario.areStudiesJudged }
                    isGood = reports.allSatisfy(\.isGood) && areJudged && isGood
                }
            }
        }
        if tap { Console.show(WorldReport.tap(all)) }
        if let junit { try Self.save(WorldReport.junit(all), to: junit) }
        Interruption.endBySignal()
        if !isGood { throw ExitCode(1) }
    }

    private func worlds(
        _ scenario: Scenario,
        _ seeds: ClosedRange<UInt64>,
        _ end: Int64,
        stack: String? = nil
    ) async throws -> WorldStudy {
        let options = try options(scenario, seed: seeds.lowerBound, until: end, stack: stack)
        let isShown = Console.isTerminal(2) && seeds.count > 1 && !quiet
        let count = seeds.count
        // Of one world it is told how far it is, of many how many are done.
        let line = count == 1 && !quiet ? WorldLine(scenario, until: end) : nil
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
            goesOn: Self.goesOn,
            progress: done,
            look: line == nil ? nil : look
        )
    }

    /// Tells that worlds were ended before.
    private func tellCut(_ study: WorldStudy, of scenario: Scenario, seenBy stack: String = "") {
        guard study.isCut, let name = Interruption.name else { return }
        if study.asked == 1, let report = study.reports.first {
            return Self.tellCut(report, of: scenario, by: " by \(name)", nil)
        }
        let side = stack.isEmpty ? "" : " (\(stack))"
        Complaint.remark(
            "\(scenario.name)\(side): ended by \(name) after \(study.reports.count) of \(study.asked) worlds"
        )
    }

    /// Which seeds fail, the first of them with few events, and how the alerts did.
    private func tell(_ scenario: Scenario, _ study: WorldStudy, _ end: Int64) async throws -> Bool {
        let figures = StudyReport(scenario, study)
        let first = study.reports.first { !$0.isGood }
        if json {
            for report in study.reports { Console.showJSON(report.json) }
            if let first { try await tellSmallest(scenario, first, end) }
            Console.showJSON(figures.json)
        } else if !tap {
            Console.show(figures.text)
        }
        tellCut(study, of: scenario)
        if let svg { try Self.save(figures.svg, to: svg) }
        guard let first else { return scenario.areStudiesJudged }
        if !json, !tap { try await tellSmallest(scenario, first, end) }
        return false
    }

    private func tellSmallest(_ scenario: Scenario, _ failing: WorldReport, _ end: Int64) async throws {
        var options = try options(scenario, seed: failing.seed, until: end)
        let wanted = failing.firstFailed.map { failing.states[$0].spec.title } ?? ""
        // Before it is made smaller, which may take long.
        if !json { Console.show("\nseed \(failing.seed), what failed first: \(wanted)\n") }
        let isShown = Console.isTerminal(2) && !quiet
        let fewer = try await WorldStudy.shrink(scenario, failing, options: options, goesOn: Self.goesOn) { tried in
            if isShown { Console.complain("\rmaking it smaller: \(tried) worlds tried") }
        }
        if isShown { Console.complain("\r\u{1b}[K") }
        options.leftOut = Set(scenario.events.indices).subtracting(fewer.kept)
        let left = options.leftOut
        let smallest = try await WorldStudy.fewerInstances(fewer, failing, options: options, goesOn: Self.goesOn) {
            more in
            let all = ScenarioFile.settings(settings, replacedBy: more)
            return try? ScenarioFile.read(scenario.file, settings: all, stack: stack) { _ in left }
        }
        let numbers = left.sorted().map(String.init).joined(separator: ",")
        var report = smallest.report
        report.arguments = arguments(
            ScenarioFile.settings(settings, replacedBy: smallest.settings),
            stack: stack,
            leavingOut: numbers.isEmpty ? nil : numbers
        )
        if json { return Console.showJSON(report.json(smallest, of: scenario, leavingOut: left.sorted())) }
        let enough = "\(smallest.kept.count) of \(scenario.events.count) events are enough\n"
        if smallest.isDone {
            Console.show("made smaller: \(enough)")
        } else {
            let name = Interruption.name ?? ""
            Console.show(
                smallest.isSmaller
                    ? "made smaller until \(name): \(enough)" : "not made smaller, as \(name) came before\n"
            )
        }
        for index in smallest.kept {
            let event = scenario.events[index]
            Console.show("  \(scenario.file):\(event.place.line): \(event.word) \(event.action.subject)\n")
        }
        for setting in smallest.settings { Console.show("  with \(setting)\n") }
        Console.show(report.text(smallerThan: failing))
    }

    /// A scenario as each of the stacks to be compared sees it.
    private func allSides(_ scenario: Scenario) throws -> [Side] {
        var sides: [Side] = []
        if compare.count == 1 { sides.append((stack ?? scenario.file, scenario, nil)) }
        for file in compare { sides.append((file, try read(scenario.file, stack: file), file)) }
        return sides
    }

    /// Tells how the same worlds look to several stacks.
    private func compared(_ sides: [Side], _ seeds: ClosedRange<UInt64>, _ end: Int64) async throws -> [WorldReport] {
        var seen: [(name: String, scenario: Scenario, study: WorldStudy)] = []
        for side in sides {
            seen.append((side.name, side.scenario, try await worlds(side.scenario, seeds, end, stack: side.stack)))
        }
        let reports = seen.flatMap { side in
            side.study.reports.map { report in
                var report = report
                report.stack = side.name
                return report
            }
        }
        if json {
            for report in reports { Console.showJSON(report.json) }
            Console.showJSON(StackComparison(seen).json)
        } else if !tap {
            Console.show(StackComparison(seen).text)
        }
        for side in seen { tellCut(side.study, of: side.scenario, seenBy: side.name) }
        return reports
    }
}
