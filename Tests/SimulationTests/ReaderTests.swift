import Promenade
import Simulation
import Testing

@Suite(.timeLimit(.minutes(5))) struct ReaderTests {
    /// Mistakes, and what is told of each.
    static let mistakes: [(text: String, told: String)] = [
        (
            "name: x",
            "test.yml:1:1: the field duration is missing (how long the scenario lasts, for example duration: 30m)"
        ),
        ("duration: 5", "test.yml:1:1: duration: \"5\" is not a time such as 5m, 1h30m or 250ms"),
        ("duration: 5m\nservice: {}", "field service not found in type scenario (did you mean services?)"),
        (
            "duration: 5m\nstart: yesterday",
            "test.yml:2:1: start: \"yesterday\" is not a moment such as 2026-01-05T09:00:00Z"
        ),
        (
            "duration: 5m\nservices:\n  shop:\n    metrics:\n      a: {type: countr}",
            "test.yml:5:11: services.shop.metrics.a.type: there is no type \"countr\" (did you mean counter?"
        ),
        (
            "duration: 5m\nservices:\n  shop:\n    metrics:\n      a: {type: counter, rate: fast}",
            "services.shop.metrics.a.rate: \"fast\" is not a rate such as 20/s, 5/m or 1/h"
        ),
        (
            "duration: 5m\nservices:\n  shop:\n    metrics:\n      a: {type: counter, labels: {c: {x: 50%, y: 40%}}}",
            "the shares of c add up to 90%, not to 100%"
        ),
        (
            "duration: 5m\nservices:\n  shop:\n    metrics:\n      a: {type: gauge, rate: 5/s}",
            "services.shop.metrics.a.rate: field rate not found in type metric"
        ),
        (
            "duration: 5m\nservices: {shop: {}}\nevents:\n  - {at: 1m, do: kil, service: shop}",
            "test.yml:4:14: events[0].do: there is no event \"kil\" (did you mean kill?"
        ),
        (
            "duration: 5m\nservices: {shop: {}}\nevents:\n  - {at: 1m, do: kill, service: shp}",
            "events[0].service: there is no service \"shp\" (did you mean shop? there is shop)"
        ),
        (
            "duration: 5m\nservices: {shop: {instances: 2}}\nevents:\n  - {at: 1m, do: kill, service: shop, instance: 3}",
            "events[0].instance: shop has 2 instances, not 3"
        ),
        (
            "duration: 5m\nservices: {shop: {}}\nevents:\n  - {at: 1m, do: fault, service: shop, fault: {latncy: 3s}}",
            "events[0].fault: there is no fault \"latncy\" (did you mean latency?"
        ),
        ("duration: 5m\nevents:\n  - {at: 9m, do: wipe}", "events[0].at: this is after the end of the scenario"),
        (
            "duration: 5m\nevents:\n  - {at: 1m, do: remote_write_outage, for: 1m}",
            "there is no remote_write in the stack, so it cannot fail"
        ),
        (
            "duration: 5m\nbatches: {b: {cron: '61 * * * *'}}",
            "batches.b.cron: \"61\" is no minute: 0 to 59, *, 1-5, */15"
        ),
        (
            "duration: 5m\nbatches: {b: {every: 1m, fails: 120%}}",
            "batches.b.fails: \"120%\" is not between 0% and 100%"
        ),
        ("duration: 5m\nexpect:\n  - {at: 1m, that: 'up =='}", "test.yml:3:14: expect[0].that:"),
        ("duration: 5m\nexpect:\n  - {that: up}", "it is not said when (at: 5m, or after: 5m and within: 2m)"),
        ("duration: 5m\nexpect:\n  - {at: 1m, always: up}", "at does not go with always"),
        ("duration: 5m\nexpect:\n  - {at: 1m, that: 'rate(up[5m])', never: up}", "that and never stand together"),
        ("duration: 5m\nexpect:\n  - {at: 1m, that: 'up[5m]'}", "a range says neither yes nor no"),
        (
            "duration: 5m\nstack:\n  global: {scrape_intervall: 5s}",
            "test.yml:3:12: stack.global.scrape_intervall: field scrape_intervall not found in type config.plain "
                + "(did you mean scrape_interval?)"
        ),
        (
            "duration: 5m\nstack:\n  scrape_configs: [{job_name: a, http_sd_configs: [{url: 'http://x'}]}]",
            "stack.scrape_configs[0].http_sd_configs: field http_sd_configs is not simulated"
        ),
        ("duration: 5m\nstack: {file: nowhere.yml}", "the file nowhere.yml cannot be read"),
        (
            "duration: 5m\nservices: {shop: {}}\nstudy: {alert: Down, should_fire_for: {kill: shop}}",
            "no rule is called \"Down\""
        ),
    ]

    @Test(arguments: mistakes.indices) func `mistakes are told with their place and what would be right`(_ index: Int) {
        let (text, told) = Self.mistakes[index]
        let problems = TestWorlds.problems(text)
        #expect(problems.contains(told), "\(problems)")
    }

    @Test func `all mistakes of a file are told at once`() {
        let text = "duration: 5\nseed: x\nevents:\n  - {at: 1m, do: nothing}\nexpect:\n  - {at: 1m}"
        #expect(TestWorlds.problems(text).split(separator: "\n").count == 5)
    }
}
