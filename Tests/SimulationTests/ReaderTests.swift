import ConfigTree
import Foundation
import MetricModel
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
        ("duration: 5m\nseed: seven", "test.yml:2:1: seed: \"seven\" is not a whole number such as 7"),
        ("duration: 5m\nsockets: maybe", "test.yml:2:1: sockets: \"maybe\" is not true or false"),
        ("duration: 5m\nservices: {shop: {instances: x}}", "services.shop.instances: \"x\" is not a whole number"),
        (
            "duration: 5m\nservices: {shop: {}}\nevents:\n  - {at: 1m, do: kill, services: shop}",
            "test.yml:4:24: events[0].services: field services not found in type event (did you mean service?)"
        ),
        ("duration: 5m\nexpect:\n  - {alwyas: up}", "expect[0].alwyas: field alwyas not found in type expectation"),
        ("duration: 5m\nexpect:\n  - {notified: A, within: 0s}", "expect[0].within: within has to be more than 0"),
        (
            "duration: 5m\nservices: {shop: {}}\nevents:\n"
                + "  - {at: 1m, do: fault, service: shop, fault: {latency: 3s, status: 500}}",
            "events[0].fault: latency and status stand together (a fault is one: fault: {latency: 3s}, and an event more)"
        ),
        (
            "duration: 5m\nservices: {shop: {}}\nevents:\n  - {at: 1m, do: fault, service: shop, fault: status}",
            "events[0].fault: the fault status needs the field status (fault: {status: 503})"
        ),
        (
            "duration: 5m\nservices: {shop: {}}\nevents:\n  - {at: 1m, do: fault, target: shop-7, fault: refused}",
            "test.yml:4:25: events[0].target: no target is called \"shop-7\" (did you mean shop-1?)"
        ),
        (
            "duration: 5m\nservices: {shop: {metrics: {a: {type: gauge}}}}\n"
                + "events:\n  - {at: 1m, do: set, service: shop, metric: a, rate: 3/s}",
            "events[0].rate: a gauge such as a has no rate (value)"
        ),
        (
            "duration: 5m\nservices: {shop: {}}\n"
                + "stack: {scrape_configs: [{job_name: shop, static_configs: [{targets: [shpo]}]}]}",
            "test.yml:3:37: stack.scrape_configs[0].job_name: no target is shop, so that shop would get a second job"
        ),
        (
            "duration: 5m\nbatches: {b: {every: 1m, metrics: {a: {type: histogram, native: true}}}}",
            "batches.b.metrics.a.native: a batch pushes text, which has no native histograms"
        ),
        (
            "duration: 5m\nbatches: {b: {every: 1m, metrics: {a: {type: counter, grows: {label: user}}}}}",
            "field grows not found in type metric (there is type, help, labels, value, start, rate, noise)"
        ),
        (
            "duration: 5m\nbatches: {nightly: {every: 1m}}\nevents:\n  - {at: 2m, do: delete_group, job: nigtly}",
            "events[0].job: nobody pushes with the job \"nigtly\" (did you mean nightly?)"
        ),
        // Nothing is deleted that nobody pushes: neither of a job, nor a group of it, nor where nobody pushes at all.
        (
            "duration: 5m\nservices: {shop: {}}\nevents:\n  - {at: 2m, do: delete_group, job: nightly}",
            "test.yml:4:"
        ),
        (
            "duration: 5m\nservices: {shop: {}}\nevents:\n  - {at: 2m, do: delete_group, job: nightly}",
            "events[0].job: nobody pushes with the job \"nightly\" (a batch, or an event such as {at: 1m, do: push, job: nightly,"
        ),
        (
            "duration: 5m\nbatches: {n: {every: 1m, grouping: {db: a}}}\nevents:\n"
                + "  - at: 2m\n    do: delete_group\n    job: n\n    grouping: {db: b}",
            "test.yml:7:5: events[0].grouping: nobody pushes the group {db: b} of the job \"n\" "
                + "(there is grouping: {db: a}; without grouping all of the job)"
        ),
        (
            "duration: 5m\nbatches: {n: {every: 1m, grouping: {db: a}}}\nevents:\n"
                + "  - {at: 2m, do: delete_group, job: n, grouping: {}}",
            "events[0].grouping: nobody pushes the group {} of the job \"n\""
        ),
        (
            "duration: 5m\nservices: {shop: {}}\nevents:\n  - {at: 1m, do: skew, service: shop, instance: 2, by: 3s}",
            "events[0].instance: shop has 1 instance, not 2 (1, or all)"
        ),
        (
            "duration: 5m\nservices: {shop: {}}\nevents:\n  - {at: 1m, do: fault, service: shop, fault: {skew: 3s}}",
            "events[0].fault: a clock is no fault of answers (do: skew, by: 90s)"
        ),
        (
            "duration: 5m\nstack: {rules: {groups: [{name: g, rules: [{alert: Down, expr: up == 0}]}]}}\n"
                + "expect: [{not_notified: Dwon}]",
            "test.yml:3:11: expect[0].not_notified: no alert is called \"Dwon\" (did you mean Down?)"
        ),
        (
            "duration: 5m\nservices: {shop: {metrics: {a: {type: gauge, labels: {'le-vel': x}}}}}",
            "test.yml:2:55: services.shop.metrics.a.labels.le-vel: \"le-vel\" is no name of a label (letters, digits and _"
        ),
        (
            "duration: 5m\nservices: {shop: {metrics: {a: {type: histogram}, a_count: {type: counter}}}}",
            "services.shop.metrics.a_count: a and a_count both have series called a_count"
        ),
        (
            "duration: 5m\nservices: {shop: {metrics: {a: {type: gauge, labels: {c: [x, y]}}}}}\n"
                + "events:\n  - {at: 1m, do: deploy, service: shop, labels: {c: z}}",
            "test.yml:4:50: events[0].labels.c: the series of a are told apart by c, so it cannot be the same for all"
        ),
        (
            "duration: 5m\nservices: {shop: {metrics: {a: {type: gauge, labels: {u: 1..500}, grows: {label: v, max: 1000}}}}}",
            "services.shop.metrics.a.grows.max: that makes more than 100000 series"
        ),
        (
            "duration: 5h\nservices: {shop: {}}\nevents: [{at: 0s..1h, every: 1m, do: kill, service: shop}]",
            "events[0].every: every is shorter than the span of at"
        ),
    ]

    @Test(arguments: mistakes.indices) func `mistakes are told with their place and what would be right`(_ index: Int) {
        let (text, told) = Self.mistakes[index]
        let problems = TestWorlds.problems(text)
        #expect(problems.contains(told), "\(problems)")
    }

    @Test func `a service is not called as an instance of another one`() {
        let problems = TestWorlds.problems("duration: 5m\nservices:\n  s: {instances: 2}\n  s-1: {}")
        #expect(problems.contains("test.yml:4:3: services.s-1: \"s-1\" is an instance of s"), "\(problems)")
    }

    @Test func `what is merged may be said otherwise`() throws {
        let text = """
            duration: 5m
            services:
              s: &s {instances: 2, metrics: &m {a: {type: gauge, labels: &l {zone: x, part: y}}, b: {type: counter}}}
              t: {<<: *s, instances: 3, metrics: {<<: *m, a: {type: gauge, labels: {<<: *l, zone: [u, v]}}}}
              u: {metrics: {b: {type: gauge}, <<: *m}}
            """
        #expect(TestWorlds.problems(text) == "")
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        #expect(scenario.services.map(\.instances) == [2, 3, 1])
        #expect(scenario.services[1].metrics.map(\.name) == ["a", "b"])
        #expect(
            Set(scenario.services[1].metrics[0].parts.map(\.labels)) == [
                [Label(name: "part", value: "y"), Label(name: "zone", value: "u")],
                [Label(name: "part", value: "y"), Label(name: "zone", value: "v")],
            ]
        )
        // The last word counts, as in the configuration.
        #expect(scenario.services[2].metrics.map(\.kind) == [.counter, .gauge])
    }

    @Test func `where the duration is wrong, events are not late as well`() {
        let text = "duration: 5\nevents:\n  - {at: 1m, do: wipe}\nexpect:\n  - {at: 1m, that: up}"
        #expect(TestWorlds.problems(text).split(separator: "\n").count == 1, "\(TestWorlds.problems(text))")
    }

    /// Settings of a scenario, and what is told of them.
    static let settings: [(setting: String, told: String)] = [
        (
            "scrape_intervall=30s",
            "--set scrape_intervall=30s: scrape_intervall: field scrape_intervall not found in type scenario "
                + "(did you mean scrape_interval?)"
        ),
        ("evaluation=30s", "evaluation: field evaluation not found in type scenario (there is scrape_interval, "),
        ("sed=3", "(did you mean seed?)"),
        ("services.shp.instances=3", "services.shp: there is no \"shp\" in services (did you mean shop?)"),
        (
            "services.web.instances=5",
            "there is no \"web\" in services (there is shop; a whole one is added by services.web={…})"
        ),
        ("services.shop.metrics.requests.rate=3", "in services.shop.metrics (did you mean request?)"),
        ("services.shop.instancs=3", "field instancs not found in type service (did you mean instances?)"),
        ("events.7.at=3m", "events.7: there is no \"7\" in events (there are 1 of them, counted from 0)"),
        ("events.0.at=3x", "events[0].at: \"3x\" is not a time such as 5m"),
        ("stack.global.scrap_interval=3s", "(did you mean scrape_interval?)"),
        ("duration", "--set: \"duration\" is not NAME=VALUE"),
    ]

    private static let settable = """
        duration: 5m
        services: {shop: {metrics: {request: {type: counter}}}}
        events: [{at: 1m, do: kill, service: shop}]
        """

    @Test(arguments: settings.indices) func `what is wrong with a setting is told, and what was meant`(_ index: Int) {
        let (setting, told) = Self.settings[index]
        let error = #expect(throws: ConfigError.self) {
            _ = try ScenarioFile.read(text: Array(Self.settable.utf8), file: "test.yml", settings: [setting])
        }
        #expect(error?.description.contains(told) == true, "\(String(describing: error))")
    }

    @Test func `a setting may name an item of a list, or add a whole service`() throws {
        let settings = ["events.0.at=3m", "services.shops={instances: 2}", "scrape_interval=30s"]
        let scenario = try ScenarioFile.read(text: Array(Self.settable.utf8), file: "test.yml", settings: settings)
        #expect(scenario.events.map(\.at.lowerBound) == [180_000_000_000])
        #expect(scenario.services.map(\.name) == ["shop", "shops"])
    }

    /// Files of rules, and what is told of them.
    static let ruleFiles: [(text: String, told: String)] = [
        (
            "- alert: Down\n  expr: up == 0",
            "r.yml:1:1: a list is not a mapping of fields (such as groups: [{name: shop, rules: ["
        ),
        ("groups", "r.yml:1:1: the text \"groups\" is not a mapping of fields (such as groups: "),
        ("groups: {name: g}", "r.yml:1:9: groups: a mapping is not a list (such as [{name: shop, rules: ["),
        (
            "groups:\n- name: g\n  rules:\n  - Down",
            "r.yml:4:5: groups[0].rules[0]: the text \"Down\" is not a mapping of fields"
        ),
        (
            "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: [up]",
            "r.yml:5:11: groups[0].rules[0].expr: a list is not a text"
        ),
        ("groups:\n- rules: []", "r.yml:2:3: groups[0].name: a group needs a name (name: shop)"),
        (
            "groups:\n- name: g\n  rules:\n  - alert: Down\n    expr: up\n    labels:\n      a: '{{ nope }}'",
            "r.yml:7:7: groups[0].rules[0].labels.a: group \"g\", rule 1, \"Down\": label \"a\": "
        ),
        ("groups:\n  - name: [", "r.yml:3:1: did not find expected node content"),
    ]

    @Test(arguments: ruleFiles.indices)
    func `what is wrong with a file of rules is told with its place, not in Go's words`(_ index: Int) async throws {
        let (text, told) = Self.ruleFiles[index]
        try await TestFolder.with { folder in
            try Data(text.utf8).write(to: URL(filePath: folder + "/r.yml"))
            let scenario = "duration: 5m\nstack: {rule_files: [r.yml]}\nservices: {shop: {}}\n"
            try Data(scenario.utf8).write(to: URL(filePath: folder + "/s.yml"))
            let error = #expect(throws: ConfigError.self) { _ = try ScenarioFile.read(folder + "/s.yml") }
            let words = error?.description ?? ""
            #expect(words.contains("/" + told), "\(words)")
            #expect(!words.contains("unmarshal") && !words.contains("!!"), "\(words)")
        }
    }

    @Test func `all mistakes of a file are told at once`() {
        let text = "duration: 5\nseed: x\nevents:\n  - {at: 1m, do: nothing}\nexpect:\n  - {at: 1m}"
        #expect(TestWorlds.problems(text).split(separator: "\n").count == 4)
    }
}
