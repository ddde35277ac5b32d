import Promenade
import Simulation
import Testing

/// Scenarios that speak of alerts which their stack does not have.
@Suite(.timeLimit(.minutes(5))) struct MissingAlertTests {
    /// The scenario that the design shows, word by word; of the stack there is what its […] stands for, and no rules.
    static let design = """
        name: A batch that is shorter than the scrape interval
        seed: 7
        start: 2026-01-05T09:00:00Z
        duration: 30m
        stack:                          # a stack.yml, or `file: stack.yml`; rule files may stand inline
          global: {scrape_interval: 15s, evaluation_interval: 15s}
          scrape_configs: [{job_name: shop, static_configs: [{targets: [shop]}]}, {job_name: pushgateway, honor_labels: true, static_configs: [{targets: ["localhost:9091"]}]}]
        services:                       # what is scraped
          shop:
            instances: 3
            metrics:
              http_requests_total:        {type: counter, rate: 20/s, daily: 60%, noise: 10%, labels: {code: {"200": 95%, "500": 5%}}}
              queue_length:               {type: gauge, walk: 2, start: 10, min: 0}
              http_request_duration_seconds: {type: histogram, median: 80ms, p99: 900ms}    # native: true for native histograms
        batches:                        # what is pushed, or served only while it runs
          db_backup:
            every: 10m                  # or cron: "0 3 * * *"
            takes: 4s
            fails: 5%
            deliver: push               # push (PUT) | add (POST) | delete_after | endpoint (a target that is there while it runs)
            grouping: {db: customers}
            metrics: {db_backup_duration_seconds: {type: gauge, value: took}, db_backup_last_success_timestamp_seconds: {type: gauge, value: now_on_success}}
        events:
          - {at: 5m,  do: kill, service: shop, instance: 1}
          - {at: 9m,  do: start, service: shop, instance: 1}       # counters begin at 0
          - {at: 12m, do: fault, service: shop, instance: 2, fault: {latency: 3s}, for: 2m}
          - {at: 15m, do: restart, part: pushgateway}               # or prometheus: what survives, what does not
          - {at: 20m, do: delete_group, job: db_backup}
        expect:
          - {at: 5m16s, that: 'up{instance="shop-1"} == 0'}
          - {from: 5m30s, to: 9m, always: 'absent(queue_length{instance="shop-1"})'}
          - {after: 5m, within: 2m, that: 'ALERTS{alertname="InstanceDown",alertstate="firing"}'}
          - {never: 'rate(http_requests_total[1m]) < 0'}
          - {notified: InstanceDown, after: 5m, within: 3m}
        study:                          # over many seeds
          alert: InstanceDown
          should_fire_for: {kill: shop}

        """

    static let rules = """
        stack:
          rules: {groups: [{name: g, rules: [{alert: InstanceDown, expr: up == 0}]}]}
        """

    private static let reason = "the stack has no alerting rules: give it rule_files or rules"

    @Test func `the scenario of the design runs as it stands, and what it says of alerts is not met for a reason`()
        async throws
    {
        let scenario = try ScenarioFile.read(text: Array(Self.design.utf8), file: "test.yml")
        #expect(scenario.remarks == ["test.yml: \(Self.reason), or nothing can be said of InstanceDown"])
        #expect(!scenario.areStudiesJudged)
        let report = try await TestWorlds.run(Self.design).report
        #expect(report.states.map { $0.isMet ? "+" : "-" }.joined() == "++-+-", "\(report.text)")
        for index in [2, 4] {
            #expect(report.states[index].verdict?.reasons.contains(Self.reason) ?? false, "\(report.text)")
        }
        let study = try await WorldStudy.run(scenario, seeds: 1...2, jobs: 1, options: World.Options(seed: 1))
        let figures = StudyReport(scenario, study)
        #expect(figures.text.contains("InstanceDown: \(Self.reason)\n"), "\(figures.text)")
        #expect(!figures.text.contains("missed") && figures.json.contains("\"problem\":\"\(Self.reason)\""))
        // Beside a stack with rules nothing is said of this one.
        let ruled = try ScenarioFile.read(
            text: Array(Self.design.utf8),
            file: "test.yml",
            settings: ["stack.rules={groups: [{name: g, rules: [{alert: InstanceDown, expr: up == 0}]}]}"]
        )
        #expect(ruled.remarks.isEmpty && ruled.areStudiesJudged)
        let other = try await WorldStudy.run(ruled, seeds: 1...2, jobs: 1, options: World.Options(seed: 1))
        #expect(other.reports.allSatisfy { $0.isGood }, "\(other.reports[0].text)")
        let table = StackComparison([("bare", scenario, study), ("ruled", ruled, other)]).text.split(separator: "\n")
        let row = table.first { $0.hasPrefix("InstanceDown: outages") }?.split(separator: " ").suffix(2)
        #expect(row == ["-", "2"], "\(table.joined(separator: "\n"))")
    }

    private static let start = """
        duration: 5m
        services: {shop: {metrics: {queue: {type: gauge, value: 1}}}}
        events: [{at: 1m, do: kill, service: shop}]

        """

    /// What is expected where there are no alerting rules; all of it names an alert, or somebody who is told of one.
    static let unjudged = [
        "{notified: Down, after: 1m, within: 1m}", "{notified: Down, resolved: true, after: 1m, within: 1m}",
        "{notified: '{severity=\"page\"}', after: 1m, within: 1m}", "{not_notified: Down}",
        "{not_notified: 'Down{severity=\"page\"}', after: 1m, within: 1m}", "{not_notified: '{severity=\"page\"}'}",
        "{at: 2m, that: 'ALERTS{alertname=\"Down\"}'}", "{at: 2m, that: 'absent(ALERTS{alertname=\"Down\"})'}",
        "{never: 'ALERTS{alertname=\"Down\"}'}", "{never: 'ALERTS_FOR_STATE{alertname=\"Down\"} > 0'}",
        "{always: 'absent(ALERTS{alertname=\"Down\"})'}", "{never: 'absent(ALERTS{alertname=\"Down\"})'}",
        "{after: 1m, within: 1m, that: 'up unless on () ALERTS{alertname=\"Down\"}'}",
    ]

    @Test(arguments: unjudged) func `without alerting rules nothing that is said of alerts is met`(_ line: String)
        async throws
    {
        let text = Self.start + "expect:\n  - \(line)\n"
        let report = try await TestWorlds.run(text).report
        #expect(report.failed == [5], "\(report.text)")
        #expect(report.states[0].verdict?.reasons.contains(Self.reason) ?? false, "\(report.text)")
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        #expect(scenario.remarks.count == 1 && scenario.remarks[0].hasPrefix("test.yml: \(Self.reason)"))
        // With rules it is judged.
        let ruled = text + "stack: {rules: {groups: [{name: g, rules: [{alert: Down, expr: up == 0}]}]}}\n"
        let told = try await TestWorlds.run(ruled).report.text
        #expect(!told.contains(Self.reason), "\(told)")
    }

    @Test func `what says nothing of an alert is met without any`() async throws {
        let text =
            Self.start
            + "expect: [{never: ALERTS}, {never: 'count(ALERTS{alertstate=\"firing\"}) > 1'}, {at: 30s, that: up}]"
        let report = try await TestWorlds.run(text).report
        #expect(report.isGood, "\(report.text)")
        #expect(try ScenarioFile.read(text: Array(text.utf8), file: "test.yml").remarks.isEmpty)
    }

    /// What is expected where there is the alert Down, and what is wrong with it; empty for nothing.
    static let slips: [(line: String, told: String)] = [
        ("{notified: Dwon, after: 1m, within: 1m}", "no alert is called \"Dwon\" (did you mean Down?)"),
        ("{not_notified: Dwon}", "no alert is called \"Dwon\" (did you mean Down?)"),
        ("{not_notified: InstanceMissing}", "no alert is called \"InstanceMissing\" (there is Down)"),
        ("{notified: InstanceMissing, after: 1m, within: 1m}", ""),
        ("{at: 2m, that: 'ALERTS{alertname=\"Dwon\"}'}", "no alert is called \"Dwon\" (did you mean Down?)"),
        ("{never: 'ALERTS_FOR_STATE{alertname=\"Donw\"} > 0'}", "no alert is called \"Donw\" (did you mean Down?)"),
        ("{never: 'ALERTS{alertname=\"InstanceMissing\"}'}", "no alert is called \"InstanceMissing\" (there is Down)"),
        (
            "{at: 2m, that: 'absent(ALERTS{alertname=\"InstanceMissing\"})'}",
            "no alert is called \"InstanceMissing\" (there is"
        ),
        ("{at: 2m, that: 'ALERTS{alertname=\"InstanceMissing\"}'}", ""),
        ("{never: 'ALERTS{alertname!=\"Down\"}'}", ""), ("{never: 'ALERTS{alertname=~\"Disk.*\"}'}", ""),
        ("{never: 'ALERTS{alertname=\"Down\"}'}", ""), ("{not_notified: Down}", ""),
    ]

    @Test(arguments: slips.indices) func `where there are other alerts, one that is not there is a slip`(_ index: Int) {
        let (line, told) = Self.slips[index]
        let rules = "stack: {rules: {groups: [{name: g, rules: [{alert: Down, expr: up == 0}]}]}}\n"
        let problems = TestWorlds.problems(Self.start + rules + "expect:\n  - \(line)\n")
        #expect(told.isEmpty ? problems.isEmpty : problems.contains(told), "\(problems)")
    }

    @Test func `rules that cannot be read, or of which others are loaded later, are not taken for none`() {
        let line = "expect: [{not_notified: Down}]\n"
        let later = Self.start.replacing(
            "service: shop}]",
            with:
                "service: shop}, {at: 2m, do: reload, stack: {rules: {groups: [{name: g, rules: [{alert: Down, expr: up}]}]}}}]"
        )
        #expect(TestWorlds.problems(later + line).isEmpty)
        #expect((try? ScenarioFile.read(text: Array((later + line).utf8), file: "test.yml"))?.remarks == [])
        let missing = TestWorlds.problems(Self.start + line + "stack: {rule_files: [nowhere.yml]}\n")
        #expect(missing.contains("there is no file nowhere.yml") && !missing.contains("no alert"), "\(missing)")
    }
}
