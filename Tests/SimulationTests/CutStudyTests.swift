import Foundation
import Promenade
import Simulation
import Synchronization
import Testing

/// Many worlds that somebody ends before they are over: what is known by then is told.
@Suite(.timeLimit(.minutes(5))) struct CutStudyTests {
    /// Goes on until worlds are done, or for a number of questions.
    private final class Patience: Sendable {
        private let state: Mutex<(worlds: Int, questions: Int)>

        init(worlds: Int = .max, questions: Int = .max) { state = Mutex((worlds, questions)) }

        func goesOn() -> Bool {
            state.withLock { state in
                state.questions -= 1
                return state.worlds > 0 && state.questions >= 0
            }
        }

        func note(_ done: Int) { state.withLock { $0.worlds -= 1 } }
    }

    private static let text = """
        name: cut
        duration: 20m
        stack:
          global: {scrape_interval: 15s, evaluation_interval: 15s}
          rules: {groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 30s}]}]}
        services: {shop: {instances: 4, metrics: {a: {type: gauge, value: 1}}}}
        events:
          - {at: 2m, do: set, service: shop, metric: a, value: 2}
          - {at: 3m, do: kill, service: shop, instance: 3, for: 5m}
          - {at: 4m, do: kill, service: shop, instance: 1, for: 5m}
        expect:
          - {never: 'up{instance="shop-1"} == 0'}
          - {at: 19m, that: up}
        study: {alert: Down, should_fire_for: {kill: shop}}

        """

    private static func scenario(_ settings: [String] = [], leavingOut left: Set<Int> = []) throws -> Scenario {
        try ScenarioFile.read(text: Array(text.utf8), file: "test.yml", settings: settings) { _ in left }
    }

    private static func study(_ seeds: ClosedRange<UInt64>, _ patience: Patience) async throws -> WorldStudy {
        try await WorldStudy.run(
            try scenario(),
            seeds: seeds,
            jobs: 1,
            options: World.Options(seed: 1),
            goesOn: { patience.goesOn() },
            progress: { patience.note($0) }
        )
    }

    private static func isJSON(_ text: String) -> Bool {
        (try? JSONSerialization.jsonObject(with: Data(text.utf8))) != nil
    }

    @Test func `worlds that are over count, the one that is not does not`() async throws {
        let study = try await Self.study(1...50, Patience(worlds: 3))
        #expect(study.isCut && study.reports.map(\.seed) == [1, 2, 3] && study.asked == 50)
        let report = StudyReport(try Self.scenario(), study)
        #expect(report.text.hasPrefix("cut: 0 of 3 worlds are well, of 50 that were asked for\n"), "\(report.text)")
        #expect(report.text.contains("failing seeds: 1 2 3\n") && report.text.contains("Down in 3 worlds"))
        #expect(Self.isJSON(report.json) && report.json.contains("\"worlds\":3,\"asked\":50,"), "\(report.json)")
        #expect(WorldReport.tap(study.reports).hasPrefix("TAP version 13\n1..6\n"))
        #expect(WorldReport.junit(study.reports).hasSuffix("</testsuites>\n"))
    }

    @Test func `where none is over that is told, and what machines read is whole`() async throws {
        let study = try await Self.study(1...50, Patience(questions: 40))
        #expect(study.isCut && study.reports.isEmpty)
        let report = StudyReport(try Self.scenario(), study)
        #expect(report.text.hasPrefix("cut: none of 50 worlds came to its end\n"), "\(report.text)")
        #expect(Self.isJSON(report.json) && report.svg.hasSuffix("</svg>\n"))
        #expect(WorldReport.tap(study.reports) == "TAP version 13\n1..0\n")
        #expect(WorldReport.junit(study.reports).hasSuffix("</testsuites>\n"))
    }

    @Test func `of a single world the verdicts until then are there`() async throws {
        let study = try await Self.study(4...4, Patience(questions: 120))
        #expect(study.isCut && study.reports.count == 1)
        let words = study.reports.first?.states.map { $0.isMet ? "+" : $0.isOpen ? "o" : "-" }.joined()
        #expect(words == "-o", "\(study.reports.first?.text ?? "")")
    }

    @Test func `a comparison says of how many worlds each side tells`() async throws {
        let scenario = try Self.scenario()
        let whole = try await Self.study(1...3, Patience())
        let cut = try await Self.study(1...3, Patience(worlds: 1))
        let none = try await Self.study(1...3, Patience(questions: 0))
        let table = StackComparison([("a", scenario, whole), ("b", scenario, cut), ("c", scenario, none)])
        #expect(table.text.contains("worlds") && table.text.contains("3 of 3"), "\(table.text)")
        #expect(table.text.contains("1 of 3") && table.text.contains("0 of 3") && table.text.contains("open"))
        #expect(Self.isJSON(table.json))
        #expect(!StackComparison([("a", scenario, whole)]).text.contains("\nworlds"))
    }

    @Test func `the self-test tells of how many of its worlds`() async throws {
        let patience = Patience(worlds: 2)
        let outcome = try await SelfTest.run(
            1...500,
            jobs: 1,
            goesOn: { patience.goesOn() },
            progress: { patience.note($0) }
        )
        #expect(outcome.worlds == 2)
        #expect(outcome.text.hasPrefix("2 of 500 worlds, 0 failed;"), "\(outcome.text)")
    }

    @Test func `a failing world is as small as it was made until then, and fails`() async throws {
        let scenario = try Self.scenario()
        let failing = try await Self.study(1...1, Patience()).reports[0]
        let none = Patience(questions: 0)
        let options = World.Options(seed: 1)
        let first = try await WorldStudy.shrink(scenario, failing, options: options, goesOn: { none.goesOn() })
        #expect(!first.isDone && first.kept == [0, 1, 2] && first.report.firstFailed == 0)
        // After one world that was made smaller.
        let one = Patience(worlds: 1)
        let some = try await WorldStudy.shrink(
            scenario,
            failing,
            options: options,
            goesOn: { one.goesOn() },
            progress: { one.note($0) }
        )
        #expect(!some.isDone && some.report.firstFailed == 0)
        let whole = try await WorldStudy.shrink(scenario, failing, options: options)
        #expect(whole.isDone && whole.kept == [2] && whole.report.firstFailed == 0)
        let fewer = try await WorldStudy.fewerInstances(
            whole,
            failing,
            options: options,
            goesOn: { none.goesOn() },
            read: { try? Self.scenario($0, leavingOut: [0, 1]) }
        )
        #expect(!fewer.isDone && fewer.settings.isEmpty)
    }

    @Test func `events that are left out keep no instances`() async throws {
        let scenario = try Self.scenario()
        let failing = try await Self.study(1...1, Patience()).reports[0]
        var options = World.Options(seed: 1)
        let smaller = try await WorldStudy.shrink(scenario, failing, options: options)
        options.leftOut = [0, 1]
        let fewer = try await WorldStudy.fewerInstances(smaller, failing, options: options) { more in
            try? Self.scenario(more, leavingOut: [0, 1])
        }
        #expect(fewer.settings == ["services.shop.instances=1"] && fewer.report.firstFailed == 0)
        // The command that is told can be given.
        #expect(throws: (any Error).self) { _ = try Self.scenario(["services.shop.instances=1"]) }
        let read = try Self.scenario(["services.shop.instances=1"], leavingOut: [0, 1])
        #expect(read.events.count == 3 && read.services[0].instances == 1)
        // Where an event that is left names an instance, there are as many as that.
        var other = World.Options(seed: 1)
        other.leftOut = [0, 2]
        let text = Self.text.replacing("shop-1", with: "shop-3").replacing("instances: 4", with: "instances: 9")
        let third = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        let wrong = try await WorldThread.run { try await WorldStudy.report(third, World.Options(seed: 1)) }
        let known = WorldStudy.Smaller(kept: [1], scenario: third, report: wrong)
        let three = try await WorldStudy.fewerInstances(known, wrong, options: other) { more in
            try? ScenarioFile.read(text: Array(text.utf8), file: "test.yml", settings: more) { _ in [0, 2] }
        }
        #expect(three.settings == ["services.shop.instances=3"])
    }
}
