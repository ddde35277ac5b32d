import Scrape
import MetricModel
import Promenade
import PromenadeTesting
import Rules
import Testing

/// Rules with the whole stack under them.
@Suite(.timeLimit(.minutes(5))) struct RuleStackTests {
    static let config = """
        global: {scrape_interval: 15s, evaluation_interval: 15s, external_labels: {region: eu}}
        scrape_configs:
          - {job_name: demo, static_configs: [{targets: ['localhost:8080']}]}
        rules:
          groups:
            - name: g
              rules:
                - {record: 'job:up:sum', expr: 'sum by (job) (up)'}
                - alert: Down
                  expr: job:up:sum == 0
                  for: 1m
                  labels: {severity: page}
                  annotations: {summary: '{{ $labels.job }} in {{ $externalLabels.region }} has {{ $value }}'}
        """

    @Test func `an alert goes its way from the scrape to the inbox`() async throws {
        try await withStack(config: Self.config) { stack in
            await stack.advance(by: .seconds(60))
            #expect(try await stack.value("job:up:sum{job=\"demo\"}") == 1)
            #expect(stack.notices.isEmpty)
            stack.fault(.refused, job: "demo")
            #expect(await !stack.isNotified(["alertname": "Down"], within: .seconds(59)))
            #expect(await stack.isNotified(["alertname": "Down", "job": "demo"], within: .seconds(60)))
            let told = try #require(stack.notices.first)
            #expect(told.notice.annotations == [Label(name: "summary", value: "demo in eu has 0")])
            #expect(try await stack.value("ALERTS{alertname=\"Down\",alertstate=\"firing\"}") == 1)
            stack.fault(nil, job: "demo")
            #expect(await stack.isNotified(["alertname": "Down"], .resolved, within: .seconds(60)))
            #expect(try await stack.value("count(ALERTS)") == nil)
        }
    }

    @Test func `whom nobody was told of, and why, is in the error`() async throws {
        try await withStack(config: Self.config) { stack in
            stack.fault(.refused, job: "demo")
            let failure = await #expect(throws: ExpectationFailed.self) {
                try await stack.expect(notified: #"alertname="Down", severity="page""#, within: .seconds(60))
            }
            let text = failure?.description ?? ""
            #expect(text.contains(#"not met notified {alertname="Down", severity="page"}"#))
            #expect(text.contains(#"pending {alertname="Down", job="demo", severity="page"} for 35s of 1m, 25s to go"#))
            #expect(text.contains("nobody was told of anything"))
            try await stack.expect(notified: "Down", within: .seconds(30))
            stack.fault(nil, job: "demo")
            try await stack.expect(resolved: "Down{job=\"demo\"}", within: .seconds(60))
        }
    }

    @Test func `slots of a manual clock are multiples of the interval`() async throws {
        let clock = ManualClock(now: 1_700_000_007_000)
        try await withStack(config: Self.config, clock: clock) { stack in
            await stack.advance(by: .seconds(45))
            let group = try #require(stack.stack.ruleGroups.first)
            #expect(group.counts.iterations == 3)
            #expect(group.lastEvaluation == 1_700_000_040_000_000_000)
            #expect(group.rules.map(\.health) == [.ok, .ok])
        }
    }

    @Test(arguments: ["[]", "[{name: g, rules: []}]", "hello"])
    func `rules that are no mapping are refused, empty or not`(_ rules: String) async throws {
        let failure = await #expect(throws: StackError.self) {
            try await withStack(config: "rules: \(rules)") { _ in }
        }
        #expect(failure?.description.contains("into rulefmt.RuleGroups") == true)
        for nothing in ["", "{}", "{groups: []}"] { try await withStack(config: "rules: \(nothing)") { _ in } }
    }

    @Test func `a stack with a bad rule does not start and says why`() async {
        let config = "rules: {groups: [{name: g, rules: [{record: r, expr: '('}]}]}"
        let failure = await #expect(throws: StackError.self) { try await withStack(config: config) { _ in } }
        #expect(failure?.description.contains("could not parse expression: 1:2: parse error") == true)
    }
}
