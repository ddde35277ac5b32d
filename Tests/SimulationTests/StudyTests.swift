import MetricModel
import Promenade
import Simulation
import Testing

/// What studies say of worlds that were not judged to their end, and of alerts that end in unusual ways.
@Suite(.timeLimit(.minutes(5))) struct StudyTests {
    private static let start = """
        duration: 30m
        stack:
          global: {scrape_interval: 10s, evaluation_interval: 10s}
        """
    private static let shop = "services: {shop: {instances: 2, metrics: {a: {type: gauge, value: 1}}}}"

    private static func study(
        _ text: String,
        _ seeds: ClosedRange<UInt64> = 1...1,
        until: Int64 = .max
    ) async throws -> (scenario: Scenario, study: WorldStudy) {
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        var options = World.Options(seed: 1)
        options.until = until
        return (scenario, try await WorldStudy.run(scenario, seeds: seeds, jobs: 1, options: options))
    }

    @Test func `worlds that were not judged to their end are told as such`() async throws {
        let text = """
            name: cut
            \(Self.start)
            \(Self.shop)
            expect:
              - {at: 5m, that: a == 1}
              - {at: 20m, that: a == 1}
              - {from: 1m, to: 25m, always: a == 1}
            """
        let (scenario, study) = try await Self.study(text, 1...3, until: 600_000_000_000)
        let report = StudyReport(scenario, study)
        #expect(
            report.text == """
                cut: 3 of 3 worlds are well as far as they went, 3 of them not judged to the end
                not reached in 3 worlds: at 20m: a == 1
                not reached in 3 worlds: always from 1m to 25m: a == 1

                """
        )
        #expect(
            report.json.hasSuffix(
                "\"worlds\":3,\"failing\":0,\"notJudged\":3,\"open\":[{\"expectation\":\"at 20m: a == 1\",\"worlds\":3},"
                    + "{\"expectation\":\"always from 1m to 25m: a == 1\",\"worlds\":3}]}"
            ),
            "\(report.json)"
        )
        #expect(study.reports[0].json.contains("\"good\":true,\"open\":2,"))
        #expect(WorldReport.junit(study.reports).contains("skipped=\"6\""))
        #expect(WorldReport.tap(study.reports).contains("ok 2 - cut (seed 1): at 20m: a == 1 # SKIP not reached"))
        let table = StackComparison([("one", scenario, study), ("two", scenario, study)]).text
        #expect(table.split(separator: "\n").contains { $0.hasPrefix("at 20m") && $0.hasSuffix(" open") }, "\(table)")

        let whole = try await Self.study(text, 1...3)
        #expect(StudyReport(whole.scenario, whole.study).text == "cut: 3 of 3 worlds are well\n")
    }

    @Test func `of two groups with the same alert each has its own beginning and end`() async throws {
        // The second group's alert is over after a minute: that says nothing of the first one's.
        let text = """
            \(Self.start.replacing("30m", with: "29m"))
              rules:
                groups:
                  - {name: one, rules: [{alert: Down, expr: 'up == 0'}]}
                  - {name: two, rules: [{alert: Down, expr: 'up == 0 and on () (vector(time()) % 300 < 60)'}]}
            \(Self.shop)
            events:
              - {at: 5m, do: kill, service: shop, instance: 1, for: 20m}
              - {at: 16m, do: kill, service: shop, instance: 1}
            study: {alert: Down, should_fire_for: {event: kill}, slack: 0s}
            """
        let (scenario, study) = try await Self.study(text)
        let firings = study.reports[0].firings
        // The first group's goes on to the end; the second one's begins every five minutes.
        #expect(firings.count(where: { $0.to == nil }) == 1, "\(firings)")
        #expect(firings.first { $0.to == nil }?.time ?? .max < 301_000_000_000, "\(firings)")
        #expect(firings.count == 6 && firings.allSatisfy { $0.to ?? .max > $0.time }, "\(firings)")
        #expect(StudyReport(scenario, study).figures[0].falseAlarms == 0)
    }

    @Test func `alerts of groups and rules that a reload takes away are over`() async throws {
        let text = """
            \(Self.start)
              rules: &rules
                groups:
                  - {name: gone, rules: [{alert: Down, expr: 'up == 0'}]}
                  - {name: kept, rules: [{alert: Down, expr: 'up == 0'}, {alert: Other, expr: 'up == 0'}]}
            \(Self.shop)
            events:
              - {at: 5m, do: kill, service: shop, instance: 1, for: 10m}
              - at: 10m
                do: reload
                stack:
                  global: {scrape_interval: 10s, evaluation_interval: 10s}
                  rules: {groups: [{name: kept, rules: [{alert: Down, expr: 'up == 0'}]}]}
              - {at: 20m, do: kill, service: shop, instance: 1, for: 5m}
            study: {alert: Other, should_fire_for: {kill: shop}}
            """
        let (scenario, study) = try await Self.study(text)
        let report = study.reports[0]
        let moment: Int64 = 600_000_000_000
        #expect(report.firings.filter { $0.to == moment }.map { $0.labels["alertname"] } == ["Down", "Other"])
        #expect(report.firings.count == 4 && report.firings.allSatisfy { $0.to != nil }, "\(report.firings)")
        let figures = StudyReport(scenario, study).figures[0]
        // Nothing fires any more where the second outage begins: it is missed.
        #expect("\(figures.seen) \(figures.missed) \(figures.alreadyFiring)" == "1 1 0")
        let lines = try await TestWorlds.run(text).lines("+10m ")
        #expect(lines.count == 3 && lines[0].contains("loads another configuration"), "\(lines)")
        #expect(lines[1].contains("alert   Down inactive") && lines[2].contains("alert   Other inactive"), "\(lines)")
    }
}
