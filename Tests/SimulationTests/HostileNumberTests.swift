import Foundation
import Promenade
import Simulation
import Testing

/// Numbers that are beyond what a world can reckon with are told, and those at the border are reckoned with.
@Suite(.timeLimit(.minutes(5))) struct HostileNumberTests {
    static let refused: [(text: String, told: String)] = [
        ("expect: [{after: 1m, within: 200y, that: up}]", "expect[0].within: \"200y\" is more than ten years"),
        ("batches: {b: {every: 200y}}", "batches.b.every: \"200y\" is more than ten years"),
        ("batches: {b: {every: 1m, takes: 1s..200y}}", "batches.b.takes: \"1s..200y\" is more than ten years"),
        ("start: 2300-01-01T00:00:00Z", "start: \"2300-01-01T00:00:00Z\" is not between the years 1970 and 2200"),
        ("start: 1960-01-01T00:00:00Z", "start: \"1960-01-01T00:00:00Z\" is not between the years 1970 and 2200"),
        ("services: {s: {skew: -292y}}", "services.s.skew: \"-292y\" is more than ten years"),
        ("start: 1971-01-01T00:00:00Z\nservices: {s: {skew: -2y}}", "such a clock shows a time before 1970"),
        (
            "services: {s: {}}\nevents: [{at: 1m, do: kill, service: s, for: 292y}]",
            "events[0].for: \"292y\" is more than ten years"
        ),
        (
            "services: {s: {}}\nevents: [{at: 1m, do: kill, service: s, every: 292y}]",
            "events[0].every: \"292y\" is more than"
        ),
        (
            "events: [{at: 1m, do: restart, part: pushgateway, down: 292y}]",
            "events[0].down: \"292y\" is more than ten years"
        ),
        ("events: [{at: 1m, do: restart, part: pushgateway, down: 1m, for: 1m}]", "down and for mean the same"),
        (
            "services: {s: {}}\nevents: [{at: 1m, do: kill, service: s}]\n"
                + "stack: {rules: {groups: [{name: g, rules: [{alert: A, expr: up == 0}]}]}}\n"
                + "study: {alert: A, should_fire_for: {event: kill}, slack: 292y}",
            "study.slack: \"292y\" is more than ten years"
        ),
        (
            "services: {s: {metrics: {m: {type: counter, rate: 1e30/s}}}}",
            "m.rate: \"1e30/s\" is more than a thousand million a second"
        ),
        ("services: {s: {metrics: {m: {type: counter, step: {at: 1m, by: -2}}}}}", "what counts does not go back"),
        ("services: {s: {metrics: {m: {type: histogram, median: 1e300}}}}", "median is more than 1e9 seconds"),
        (
            "services: {s: {metrics: {m: {type: histogram}}}}\nevents: [{at: 1m, do: set, service: s, metric: m, median: 0}]",
            "events[0].median: median has to be more than 0"
        ),
        (
            "services: {s: {metrics: {m: {type: histogram}}}}\nevents: [{at: 1m, do: set, service: s, metric: m, median: 2, p99: 1}]",
            "events[0].p99: p99 is less than the median"
        ),
        (
            "services: {s: {metrics: {m: {type: gauge, labels: {n: -9000000000000000000..9000000000000000000}}}}}",
            "makes more than 100000 series"
        ),
        (
            "services: {s: {metrics: {m: {type: gauge, labels: {n: 1..200000}}}}}",
            "m.labels.n: \"1..200000\" makes more than 100000 series"
        ),
        (
            "services: {s: {instances: 10000, metrics: {m: {type: gauge, labels: {n: 1..100000}}}}}",
            "services: all instances together have 1000000000 series, and there may be 2000000"
        ),
        (
            "services: {s: {metrics: {m: {type: histogram, labels: {n: 1..15}}}}}\nevents: [{at: 1m, do: scale, service: s, instances: 10000}]",
            "services: all instances together have 2100000 series, and there may be 2000000"
        ),
        ("services: {s: {metrics: {m: {type: gauge, labels: {n: 9..1}}}}}", "\"9..1\" goes down (n: 1..9)"),
        ("services: {s: {metrics: {m: {type: gauge, labels: {n: []}}}}}", "the label n has no value (n: [a, b])"),
        ("services: {s: {metrics: {m: {type: gauge, labels: {n: [a, a]}}}}}", "the label n has a value twice"),
        (
            "services: {s: {metrics: {m: {type: gauge, labels: {n: [[a], b]}}}}}",
            "m.labels.n: a list is not a text (n: [a, b])"
        ),
        (
            "services: {s: {metrics: {m: {type: gauge, labels: {n: [a, b]}, grows: {label: u, max: 9223372036854775807}}}}}",
            "max has to be between 1 and 100000"
        ),
        ("batches: {b: {metrics: {m: {type: gauge}}}}", "batches.b: it never runs"),
        ("batches: {b: {cron: '0 3 31 2 *'}}", "batches.b.cron: there is no such day"),
        ("events: [{at: 1m, do: push, job: b, body: ''}]", "events[0].body: the field is empty"),
        ("stack: {rule_files: [nowhere.yml]}", "test.yml:2:22: stack.rule_files[0]: there is no file nowhere.yml"),
        (
            "stack: {rules: {groups: [{name: g, rules: [{alert: A, expr: 'up == 0', for: 5}]}]}}",
            "stack.rules.groups[0].rules[0].for: not a valid duration string: \"5\""
        ),
        (
            "stack: {rules: {groups: [{name: g, rules: [{alert: A, expr: 'up ==='}]}]}}",
            "test.yml:2:55: stack.rules.groups[0].rules[0].expr: group \"g\", rule 1, \"A\": could not parse"
        ),
        (
            "stack: {rules: {groups: [{name: g, rules: [{alert: A, expr: up, fro: 5m}]}]}}",
            "stack.rules.groups[0].rules[0].fro: field fro not found in type rulefmt.Rule (did you mean for?"
        ),
        (
            "services: {shop: {}}\nstack: {scrape_configs: [{job_name: x, static_configs: [{targets: [shopp]}]}]}",
            "stack.scrape_configs[0].static_configs[0].targets[0]: there is no service \"shopp\" (did you mean shop?)"
        ),
        (
            "services: {shop: {}}\nstack: {scrape_configs: [{job_name: x, static_configs: [{targets: [shop-9]}]}]}",
            "test.yml:3:68: stack.scrape_configs[0].static_configs[0].targets[0]: there is no service \"shop-9\" (shop has one instance at most)"
        ),
        (
            "batches: {b: {every: 1m}}\nevents: [{at: 1m, do: delete_group, job: nobody}]",
            "events[0].job: nobody pushes with the job \"nobody\" (there is b)"
        ),
        (
            "batches: {b: {every: 1m}}\nevents: [{at: 1m, do: fault, pushes: true, fault: reset_counters}]",
            "events[0].fault: only what is scraped has counters of its own (service: shop)"
        ),
    ]

    @Test(arguments: refused.indices) func `what cannot be reckoned with is told`(_ index: Int) {
        let (text, told) = Self.refused[index]
        let problems = TestWorlds.problems("duration: 5m\n" + text)
        #expect(problems.contains(told), "\(text)\n\(problems)")
        #expect(problems.split(separator: "\n").count == 1, "\(problems)")
    }

    @Test func `mistakes in a file of rules are told with their place, as those in the scenario are`() async throws {
        try await TestFolder.with { folder in
            let rules =
                "groups:\n  - name: g\n    rules:\n      - {record: r, exp: up}\n      - {alert: A, expr: up, for: 5}\n"
            try Data(rules.utf8).write(to: URL(filePath: folder + "/r.yml"))
            let problems = TestWorlds.problems("duration: 5m\nstack: {rule_files: [\(folder)/r.yml]}\n")
            #expect(problems.contains("/r.yml:4:"), "\(problems)")
            #expect(
                problems.contains(
                    "groups[0].rules[0].exp: field exp not found in type rulefmt.Rule (did you mean expr?"
                ),
                "\(problems)"
            )
            #expect(problems.contains("groups[0].rules[1].for: not a valid duration string: \"5\""), "\(problems)")
        }
    }

    static let taken = [
        // What is at the border is a world like any other.
        "duration: 10m\nstart: 2199-12-31T00:00:00Z\nstack: {global: {scrape_interval: 3000d}}\nservices: {s: {skew: 3653d, metrics: {c: {type: counter, rate: 1e9/s, daily: 100%, noise: 100%, step: {at: 1m, by: 1e300}}}}}\nevents: [{at: 1m, do: kill, service: s, for: 3653d, every: 9m}]",
        "duration: 10m\nservices: {s: {metrics: {n: {type: histogram, rate: 1e9/s, native: true, step: {at: 1m, by: 1e300}}, q: {type: summary, rate: 1e9/s}}}}",
        "duration: 10m\nbatches: {b: {every: 3653d, first: 1m}, c: {every: 1m, takes: 3653d, late: 3653d, retries: 1000}, d: {cron: '0 0 29 2 *'}}\nevents: [{at: 1m, do: run, batch: d}]",
        "duration: 10m\nservices: {s: {metrics: {g: {type: gauge, value: 1e308, walk: 1e308, leak: 1e9/s, daily: 100%, noise: 100%}}}}",
        "duration: 10m\nexpect: [{after: 5m, within: 3653d, that: up}]\nservices: {s: {}}",
        "duration: 10m\nstack: {global: {scrape_interval: 200y, evaluation_interval: 200y}, rules: {groups: [{name: g, rules: [{record: a, expr: up}]}]}}\nservices: {s: {}}",
        "duration: 10m\nstack: {pushgateway: {group_ttl: 200y}}\nbatches: {b: {every: 1m}}",
    ]

    @Test(arguments: taken) func `what is at the border runs`(_ text: String) async throws {
        let outcome = try await TestWorlds.run(text)
        #expect(outcome.report.isGood, "\(outcome.report.text)")
        #expect(!outcome.log.contains { $0.contains("failed:") }, "\(outcome.log)")
    }
}
