import Promenade
import Simulation
import Testing

/// Hints and notes about what is not there: the same, whatever form an expectation has.
@Suite(.timeLimit(.minutes(5))) struct SilenceTests {
    private static let start = """
        seed: 3
        duration: 8m
        stack:
          global: {scrape_interval: 10s, evaluation_interval: 10s}
          scrape_configs:
            - {job_name: web, static_configs: [{targets: [web]}]}
            - {job_name: gateway, honor_labels: true, static_configs: [{targets: ["localhost:9091"]}]}
          rules:
            groups:
              - name: g
                rules:
                  - {record: later, expr: queue > 5}
                  - {alert: Down, expr: up == 0, for: 1m, labels: {severity: page}}
        services:
          web:
            instances: 2
            metrics:
              queue: {type: gauge, value: 3}
              gone: {type: gauge, value: 1}
              req_total: {type: counter, rate: 1/s, labels: {code: {"200": 90%, "500": 10%}}}
              sizes: {type: histogram, native: true}
        batches: {backup: {every: 6m, metrics: {backup_rows: {type: gauge, value: 7}, backup_failed: {type: gauge, value: now_on_failure}}}}
        events:
          - {at: 2m, do: kill, service: web, instance: 2}
          - {at: 3m, do: push, job: hand, body: "hand_rows 1"}

        """

    /// Expressions that find nothing at 3 minutes less a second, and what is told of it in each form.
    static let missing: [(selector: String, told: String)] = [
        ("quue", "no metric is called quue; did you mean queue?"),
        ("queue{zone=\"a\"}", "queue{instance=\"web-1\", job=\"web\"} 3: zone is missing, not =\"a\""),
        (
            "queue{instance=\"web-2\"}",
            "queue{instance=\"web-1\", job=\"web\"} 3: instance is \"web-1\", not =\"web-2\""
        ),
        ("later", "later comes with a rule of the group g, and nothing of it is there yet"),
        ("backup_rows", "backup_rows comes with the batch backup, and nothing of it is there yet"),
        ("hand_rows", "hand_rows comes with a push to the job hand, and nothing of it is there yet"),
        ("ALERTS{alertname=\"Down\",alertstate=\"firing\"}", "pending {alertname=\"Down\", instance=\"web-2\""),
    ]

    @Test(arguments: missing.indices) func `what is not there is explained alike in all forms`(_ index: Int)
        async throws
    {
        let (selector, told) = Self.missing[index]
        let expressions = [
            ("that", selector), ("that", "count(\(selector)) > 0"), ("that", "\(selector) > 0"),
            ("always", selector), ("always", "sum(\(selector))"), ("never", "absent(\(selector))"),
            ("never", "absent_over_time(\(selector)[20s])"), ("never", "up unless on () \(selector)"),
            ("never", "absent(\(selector)) or up == 7"), ("within", selector),
        ]
        let lines = expressions.map { form, expression in
            let time =
                switch form {
                case "that": "at: 2m59s"
                case "within": "after: 2m30s, within: 29s"
                case _: "from: 2m50s, to: 2m59s"
                }
            return "  - {\(time), \(form == "within" ? "that" : form): '\(expression)'}"
        }
        let report = try await TestWorlds.run(Self.start + "expect:\n" + lines.joined(separator: "\n")).report
        for (state, line) in zip(report.states, lines) {
            let reasons = state.verdict?.reasons ?? []
            #expect(!state.isMet, "\(line)")
            #expect(reasons.contains { $0.contains(told) }, "\(line)\n\(reasons.joined(separator: "\n"))")
        }
    }

    @Test func `what an aggregation hides is told of what never was to hold, too`() async throws {
        let text =
            Self.start + """
                expect:
                  - {from: 2m20s, never: 'count(up{job="web"} == 1) < 2'}
                  - {from: 2m20s, always: 'count(up{job="web"} == 1) >= 2'}
                  - {from: 2m20s, never: 'absent(sizes) or absent(gone{instance="web-2"})'}
                  - {from: 3m, always: 'absent(sizes)'}
                """
        let report = try await TestWorlds.run(text).report
        for state in report.states.prefix(2) {
            let reasons = state.verdict?.reasons ?? []
            #expect(reasons.contains("up{job=\"web\"} is there:"), "\(reasons.joined(separator: "\n"))")
            #expect(reasons.contains("  up{instance=\"web-2\", job=\"web\"} 0"), "\(reasons.joined(separator: "\n"))")
        }
        let third = report.states[2].verdict?.reasons ?? []
        #expect(third.contains { $0.contains("gone{instance=\"web-1\"") && $0.contains("not =\"web-2\"") }, "\(third)")
        #expect(!third.contains { $0.contains("sizes") && !$0.hasPrefix("last seen") }, "\(third)")
        let last = report.states[3].verdict?.reasons ?? []
        #expect(last.contains { $0.hasPrefix("  sizes{") && $0.contains("last histogram at +2m50s") }, "\(last)")
    }

    /// What is met, and the notes beside it.
    static let notes: [(line: String, notes: [String])] = [
        ("{never: 'quue == 0'}", ["nothing here is called quue; is queue meant?"]),
        ("{always: absent(quue)}", ["nothing here is called quue; is queue meant?"]),
        ("{never: nothing_like_it}", ["nothing here is called nothing_like_it"]),
        ("{at: 1m, that: 'up unless nothing_like_it'}", ["nothing here is called nothing_like_it"]),
        (
            "{after: 1m, within: 1m, that: 'absent_over_time(nothing_like_it[1m])'}",
            ["nothing here is called nothing_like_it"]
        ),
        ("{never: 'up == 7 or nothing_like_it > 1'}", ["nothing here is called nothing_like_it"]),
        (
            "{never: 'rate(req_total{code=\"501\"}[1m]) > 0'}",
            [
                "nothing here ever fitted req_total{code=\"501\"}; the nearest is req_total{code=\"200\", instance=\"web-1\", job=\"web\"}: "
                    + "code is \"200\", not =\"501\""
            ]
        ),
        (
            "{never: 'up{jbo=\"web\"} == 0'}",
            [
                "nothing here ever fitted up{jbo=\"web\"}; the nearest is up{instance=\"localhost:9091\", job=\"gateway\"}: "
                    + "jbo is missing, not =\"web\""
            ]
        ),
        ("{never: '{jbo=\"web\"}'}", ["nothing here ever fitted {jbo=\"web\"}"]),
        ("{never: 'ALERTS{alertname=~\"Disk.*\"}'}", ["no alert here fits {alertname=~\"Disk.*\"}; there is Down"]),
        (
            "{never: 'ALERTS{alertstate=\"fireing\"}'}",
            ["no alert is ever {alertstate=\"fireing\"}: it is pending or firing"]
        ),
        (
            "{never: 'ALERTS{alertname=\"Down\",severity=\"pag\"}'}",
            [
                "no alert here ever fits {alertname=\"Down\", severity=\"pag\"}: of Down severity is \"page\", not =\"pag\""
            ]
        ),
        (
            "{never: 'ALERTS{alertname=\"Down\",serverity=\"page\"}'}",
            ["no alert here has a label serverity; there is alertname, alertstate, instance, job, severity"]
        ),
        (
            "{not_notified: 'Down{severity=\"ticket\"}'}",
            [
                "no alert here ever fits {alertname=\"Down\", severity=\"ticket\"}: of Down severity is \"page\", not =\"ticket\""
            ]
        ),
        // What was there for a while, what may come in other worlds, and what is asked of what is there.
        ("{from: 3m, never: 'gone{instance=\"web-2\"}'}", []), ("{never: 'backup_failed'}", []), ("{never: later}", []),
        ("{never: 'queue > 100'}", []), ("{from: 3m, to: 5m, always: 'absent(backup_rows)'}", []),
        ("{to: 3m, not_notified: Down}", []),
        ("{to: 3m, never: 'ALERTS{alertname=\"Down\",alertstate=\"firing\"}'}", []),
        ("{never: absent(up)}", []), ("{at: 1m, that: up}", []), ("{never: 'rate(req_total[1m]) < 0'}", []),
    ]

    @Test func `what is met as nothing of it ever was there has a note`() async throws {
        let text = Self.start + "expect:\n" + Self.notes.map { "  - \($0.line)\n" }.joined()
        let report = try await TestWorlds.run(text).report
        #expect(report.isGood, "\(report.text)")
        for (state, (line, notes)) in zip(report.states, Self.notes) {
            #expect(state.notes == notes, "\(line)")
        }
        #expect(report.text.contains("quue == 0\n        note: nothing here is called quue; is queue meant?\n"))
        let tap = WorldReport.tap([report])
        #expect(tap.contains("# note: nothing here is called quue; is queue meant?\nok 2 - "), "\(tap)")
        #expect(report.json.contains("\"notes\":[\"nothing here is called quue; is queue meant?\"]}"), "\(report.json)")
        let junit = WorldReport.junit([report])
        #expect(junit.contains("failures=\"0\"") && junit.contains("<system-out>note: nothing here is called quue"))
        // Of a world that somebody ended nobody knows what would have come.
        let cut = try await TestWorlds.run(text, until: 420_000_000_000).report
        #expect(cut.states.allSatisfy { $0.notes.isEmpty }, "\(cut.text)")
    }

    @Test func `what was there before the server lost its data, or kept it only a while, was there`() async throws {
        let text = """
            duration: 40m
            stack: {global: {scrape_interval: 15s}, storage: {tsdb: {retention: {time: 5m}}}}
            services: {shop: {metrics: {queue: {type: gauge, value: 1}}}, other: {metrics: {rare: {type: gauge, value: 1}}}}
            events:
              - {at: 1m, do: kill, service: other}
              - {at: 30m, do: restart, part: prometheus, keep_data: false}
              - {at: 29m, do: deploy, service: shop, labels: {version: b}}
              - {at: 29m30s, do: deploy, service: shop, labels: {version: c}}
            expect:
              - {from: 10m, to: 30m, always: absent(rare)}
              - {from: 31m, never: 'queue{version="b"}'}
            """
        let report = try await TestWorlds.run(text).report
        #expect(report.isGood && report.states.allSatisfy { $0.notes.isEmpty }, "\(report.text)")
    }

    @Test func `a study tells what is to be said in all its worlds`() async throws {
        let text = "duration: 3m\nservices: {shop: {}}\nexpect: [{never: nothing_like_it}, {at: 1m, that: up}]\n"
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        let study = try await WorldStudy.run(scenario, seeds: 1...3, jobs: 1, options: World.Options(seed: 1))
        #expect(
            StudyReport(scenario, study).text == """
                test.yml: 3 of 3 worlds are well
                ok in all worlds, but: never from 0s to 3m: nothing_like_it
                  nothing here is called nothing_like_it

                """
        )
    }

    /// Names in conditions that are met where they find nothing, and what is wrong with them; empty where only a note is due.
    static let slips: [(line: String, told: String)] = [
        ("{never: upp == 0}", "no metric is called upp (did you mean up?)"),
        ("{always: absent(upp)}", "no metric is called upp (did you mean up?)"),
        (
            "{never: 'scrape_samples_scrapd > 5'}",
            "no metric is called scrape_samples_scrapd (did you mean scrape_samples_scraped?)"
        ),
        ("{at: 1m, that: 'up unless req_totl'}", "no metric is called req_totl (did you mean req_total?)"),
        ("{at: 1m, that: 'upp'}", ""), ("{never: quue}", ""), ("{never: sup}", "did you mean up?"),
        ("{never: ups > 1}", "did you mean up?"),
        ("{never: scrape_timeout_seconds}", ""), ("{never: push_time_seconds}", ""), ("{never: ALERTS}", ""),
        ("{never: abc}", ""),
    ]

    @Test(arguments: slips.indices) func `a name that is nearly another one is a mistake where nobody would notice`(
        _ index: Int
    ) {
        let (line, told) = Self.slips[index]
        let problems = TestWorlds.problems(Self.start + "expect:\n  - \(line)\n")
        #expect(told.isEmpty ? problems.isEmpty : problems.contains(told), "\(line)\n\(problems)")
        // Where names are made that nobody here knows, or one service has it, it is none.
        for (field, other) in [
            (
                "job_name: web,",
                "job_name: web, metric_relabel_configs: [{source_labels: [job], target_label: __name__}],"
            ),
            (
                "queue: {",
                "\(line.split { !$0.isLetter && $0 != "_" }.first { $0.contains("up") } ?? "abc"): {type: gauge}\n      queue: {"
            ),
        ] where told.contains("did you mean up?") {
            let fine = TestWorlds.problems(Self.start.replacing(field, with: other) + "expect:\n  - \(line)\n")
            #expect(fine.isEmpty, "\(fine)")
        }
    }
}
