import Foundation
import Promenade
import Simulation
import Testing

/// What goes wrong in worlds, and what of it can be seen.
@Suite(.timeLimit(.minutes(5))) struct MishapTests {
    private static let start = """
        seed: 5
        duration: 20m
        stack:
          global: {scrape_interval: 10s, evaluation_interval: 10s}
        """

    /// A world and verdicts of what is expected of it, `+` for what is met.
    static let worlds: [(name: String, text: String, verdicts: String)] = [
        (
            "a run that hangs does not push, and one that is due is left out",
            """
            batches: {b: {every: 2m, takes: 5s, hangs: 100%, overlap: skip, metrics: {rows: {type: gauge, value: 1}}}}
            expect: [{never: rows}]
            """, "+"
        ),
        (
            "a failing run tells so, and keeps the old success only where it adds",
            """
            batches:
              pushes: {every: 2m, fails: 50%, metrics: {a_ok: {type: gauge, value: now_on_success}, a_bad: {type: gauge, value: now_on_failure}}}
              adds: {every: 2m, fails: 50%, deliver: add, metrics: {b_ok: {type: gauge, value: now_on_success}, b_bad: {type: gauge, value: now_on_failure}}}
            expect:
              - {never: 'a_ok and on() a_bad'}
              - {within: 19m, that: 'b_ok and on() b_bad'}
            """, "++"
        ),
        (
            "a group is deleted a while after its push",
            """
            batches: {b: {every: 10m, deliver: delete_after, delete_after: 1m, metrics: {rows: {type: gauge, value: 1}}}}
            expect: [{at: 10m30s, that: rows}, {at: 11m20s, that: absent(rows)}]
            """, "++"
        ),
        (
            "an endpoint is there while the batch runs",
            """
            batches: {b: {every: 10m, takes: 1m, deliver: endpoint, metrics: {rows: {type: gauge, value: 1}}}}
            expect: [{at: 10m30s, that: 'rows{instance="b"} and on() up == 1'}, {at: 11m15s, that: 'absent(rows)'}]
            """, "++"
        ),
        (
            "pushes that are refused are tried again",
            """
            batches:
              tries: {every: 5m, retries: 3, metrics: {a: {type: gauge, value: 1}}}
              gives_up: {every: 5m, metrics: {b: {type: gauge, value: 1}}}
            events: [{at: 4m, do: fault, pushes: true, fault: refused, for: 80s}]
            expect: [{at: 6m, that: a}, {at: 6m, that: absent(b)}, {at: 11m, that: b}]
            """, "+++"
        ),
        (
            "a push that comes late is there late",
            """
            events:
              - {at: 4m, do: fault, pushes: true, fault: {latency: 8s}, for: 2m}
              - {at: 5m, do: push, job: b, body: rows 1}
              - {at: 10m, do: fault, pushes: true, fault: {latency: 30s}}
              - {at: 11m, do: push, job: b, body: others 1}
            expect: [{at: 5m5s, that: absent(rows)}, {at: 5m20s, that: rows}, {at: 11m20s, that: absent(others)}, {at: 11m50s, that: others}]
            """, "++++"
        ),
        (
            "a push that the gateway refuses changes nothing",
            """
            events: [{at: 1m, do: push, job: b, body: 'rows one', refused: true}, {at: 2m, do: push, job: b, body: "# TYPE a counter\\na 1"}]
            expect: [{never: rows}, {at: 3m, that: a}, {at: 3m, that: 'push_failure_time_seconds{job="b"} > 0'}]
            """, "++-"
        ),
        (
            "overlapping runs both push",
            """
            batches: {b: {every: 1m, takes: 90s, metrics: {took: {type: gauge, value: took}}}}
            expect: [{from: 3m, to: 20m, always: 'took == 90'}]
            """, "+"
        ),
        (
            "a service by chance, a span of time, and again and again",
            """
            services: {shop: {instances: 3, metrics: {a: {type: gauge, value: 1}}}}
            events: [{at: 1m..2m, do: kill, service: shop, instance: any, every: 5m, for: 1m}]
            expect: [{within: 2m30s, that: 'count(up == 0) == 1'}, {at: 4m, that: 'sum(up{job="shop"}) == 3'}, {after: 5m, within: 3m, that: 'up == 0'}]
            """, "+++"
        ),
        (
            "instances that are gone are marked stale, and do not come back",
            """
            services: {shop: {instances: 3, metrics: {a: {type: gauge, value: 1}}}}
            events: [{at: 5m, do: scale, service: shop, instances: 1}]
            expect: [{at: 4m, that: 'count(a) == 3'}, {at: 6m, that: 'count(a) == 1'}, {at: 6m, that: 'count(up) == 1'}]
            """, "+++"
        ),
        (
            "another configuration takes effect",
            """
            services: {shop: {metrics: {a: {type: gauge, value: 1}}}}
            events:
              - {at: 5m, do: reload, stack: {global: {scrape_interval: 30s}, scrape_configs: [{job_name: other, static_configs: [{targets: [shop-1]}]}]}}
            expect: [{at: 4m, that: 'up{job="shop"}'}, {at: 7m, that: 'up{job="other"}'}, {at: 11m, that: 'absent(up{job="shop"})'}]
            """, "+++"
        ),
        (
            "gauges keep to their bounds, steps and leaks are seen",
            """
            services:
              shop:
                metrics:
                  walks: {type: gauge, start: 5, walk: 20, min: 0, max: 9}
                  steps: {type: gauge, value: 5, step: {at: 10m, to: 8}}
                  leaks: {type: gauge, value: 100, leak: 60/h}
                  counts_total: {type: counter, rate: 10/s, step: {at: 10m, by: 2}}
            expect:
              - {never: 'walks < 0 or walks > 9'}
              - {within: 20m, that: 'walks == 9'}
              - {at: 9m, that: 'steps == 5'}
              - {at: 11m, that: 'steps == 8'}
              - {at: 20m, that: 'abs(leaks - 120) < 1'}
              - {at: 9m, that: 'abs(rate(counts_total[2m]) - 10) < 0.2'}
              - {at: 15m, that: 'abs(rate(counts_total[2m]) - 20) < 0.4'}
            """, "+++++++"
        ),
        (
            "a deployment replaces the labels that a metric has",
            """
            services:
              shop:
                instances: 2
                metrics:
                  build_info: {type: info, labels: {version: "1"}}
                  latency: {type: histogram, native: true, labels: {version: "1", zone: a}}
                  hits_total: {type: counter, exemplars: true}
            events: [{at: 5m, do: deploy, service: shop, labels: {version: "2"}}]
            expect:
              - {always: 'min(up) == 1'}
              - {at: 4m, that: 'count(build_info{version="1"}) == 2'}
              - {at: 6m, that: 'count(build_info{version="2"}) == 2 and count(build_info) == 2'}
              - {at: 6m, that: 'count(latency{version="2", zone="a"}) == 2 and count(latency) == 2'}
              - {at: 6m, that: 'count(hits_total{version="2"}) == 2'}
            """, "+++++"
        ),
        (
            "a calendar has names, and one day that is restricted is enough",
            """
            start: 2026-01-05T09:00:00Z
            batches:
              monday: {cron: "5 9 * jan Mon-wed", takes: 1s, metrics: {on_monday: {type: gauge, value: 1}}}
              sunday: {cron: "5 9 * * sun", takes: 1s, metrics: {on_sunday: {type: gauge, value: 1}}}
              odd: {cron: "5 9 */2 * mon", takes: 1s, metrics: {on_odd: {type: gauge, value: 1}}}
              even: {cron: "5 9 */2 * sun", takes: 1s, metrics: {on_odd_sunday: {type: gauge, value: 1}}}
              either: {cron: "5 9 7 * mon", takes: 1s, metrics: {on_either: {type: gauge, value: 1}}}
            expect:
              - {at: 6m, that: 'on_monday and on() on_odd and on() on_either'}
              - {to: 15m, never: 'on_sunday or on_odd_sunday'}
            # What never runs is a mistake.
            events: [{at: 15m, do: run, batch: sunday}, {at: 15m, do: run, batch: even}]
            """, "++"
        ),
        (
            "a batch counts as long as it runs",
            """
            batches:
              b:
                every: 5m
                takes: 20s
                metrics:
                  rows_total: {type: counter, rate: 3/s, labels: {table: [a, b]}}
                  fixed_total: {type: counter, value: 12}
                  load: {type: gauge, value: 5, noise: 10%, decimals: 1}
                  query_seconds: {type: histogram, rate: 4/s, median: 50ms}
            expect:
              - {at: 6m, that: 'rows_total{table="a"} == 30'}
              - {at: 6m, that: 'fixed_total == 12'}
              - {at: 6m, that: 'abs(load * 10 - round(load * 10)) < 1e-6 and load != 5'}
              - {at: 6m, that: 'query_seconds_count == 80'}
            """, "++++"
        ),
        (
            "what does not hold is not met",
            """
            services: {shop: {metrics: {a: {type: gauge, value: 1}}}}
            expect:
              - {at: 1m, that: 'a == 2'}
              - {always: 'a == 2'}
              - {never: 'a == 1'}
              - {within: 5m, that: 'a == 2'}
              - {from: 30s100ms, to: 30s200ms, always: a}
            """, "-----"
        ),
    ]

    @Test(arguments: worlds.indices) func `worlds do what their scenario says`(_ index: Int) async throws {
        let world = Self.worlds[index]
        let outcome = try await TestWorlds.run(Self.start + "\n" + world.text)
        let verdicts = outcome.report.states.map { $0.verdict?.isMet == true ? "+" : "-" }.joined()
        #expect(
            verdicts == world.verdicts,
            "\(world.name)\n\(outcome.report.text)\n\(outcome.log.joined(separator: "\n"))"
        )
    }

    @Test func `what is not met tells what was seen, what is near, the errors before, the moment and a command`()
        async throws
    {
        let text = """
            services: {shop: {metrics: {queue_length: {type: gauge, value: 1}}}}
            events: [{at: 1m, do: kill, service: shop}]
            expect: [{at: 2m, that: 'queue_lenght{instance="shop-1"} > 5'}]
            """
        let report = try await TestWorlds.run(Self.start + "\n" + text).report
        for part in [
            "not met at 2m: queue_lenght", "last seen: no series", "did you mean queue_length?",
            "scrape failed at +2m: shop http://shop-1/metrics: Get \"http://shop-1/metrics\": dial tcp shop-1: connect: connection refused",
            "at 2026-01-05T09:02:00.000Z (+2m), seed 5", "promenade simulate test.yml --seed 5 --until 2m --serve",
        ] {
            #expect(report.text.contains(part), "\(report.text)")
        }
        #expect(WorldReport.tap([report]).hasPrefix("TAP version 13\n1..1\nnot ok 1 - test.yml (seed 5): at 2m"))
        #expect(WorldReport.junit([report]).contains("<failure"))
    }

    @Test func `of what was there before it is told when, whatever else was asked of it`() async throws {
        let text = """
            services: {shop: {metrics: {queue_length: {type: gauge, value: 1}}}}
            events: [{at: 1m, do: kill, service: shop}]
            expect: [{at: 10m, that: 'queue_length'}, {at: 10m, that: 'queue_length{instance="nowhere"}'}]
            """
        let report = try await TestWorlds.run(Self.start + "\n" + text).report
        #expect(report.text.components(separatedBy: "is not there any more; last seen at +50s: 1").count == 3)
        #expect(!report.text.contains("no metric is called"), "\(report.text)")
    }

    @Test func `who comes to a world does not change what others do`() async throws {
        let shop = "services: {shop: {metrics: {a_total: {type: counter, rate: 7/s, noise: 30%}}}"
        let alone = try await TestWorlds.run(Self.start + "\n" + shop + "}")
        let together = try await TestWorlds.run(
            Self.start + "\n" + shop + ", other: {metrics: {b_total: {type: counter, rate: 7/s, noise: 30%}}}}"
        )
        func lines(_ outcome: TestWorlds.Outcome) -> [Substring] {
            String(decoding: outcome.dump, as: UTF8.self).split(separator: "\n").filter { $0.contains("a_total") }
        }
        #expect(lines(alone).count == 121)
        #expect(lines(alone) == lines(together))
    }

    @Test func `the first failing seed is made as small as it can be`() async throws {
        let text = """
            services: {shop: {instances: 3, metrics: {a: {type: gauge, value: 1}}}}
            events:
              - {at: 1m..10m, do: fault, service: shop, instance: 1, fault: refused, for: 1m}
              - {at: 1m..10m, do: kill, service: shop, instance: 2, for: 3m}
              - {at: 1m..10m, do: kill, service: shop, instance: 3, for: 3m}
              - {at: 3m, do: push, job: b, body: rows 1}
            expect: [{never: 'count(up{job="shop"} == 0) > 1'}]
            """
        let scenario = try ScenarioFile.read(text: Array((Self.start + "\n" + text).utf8), file: "test.yml")
        let options = World.Options(seed: 1)
        let study = try await WorldStudy.run(scenario, seeds: 1...12, jobs: 2, options: options)
        #expect(study.reports.map(\.seed) == Array(1...12))
        let failing = try #require(study.reports.first { !$0.isGood })
        let kept = try await WorldStudy.shrink(scenario, failing, options: options).kept
        #expect(kept.count == 2)
        #expect(!kept.contains(3))
    }

    @Test func `the first failing seed has as few instances as it can have`() async throws {
        let text = """
            services:
              shop: {instances: 5, metrics: {a: {type: gauge, value: 1}}}
              other: {instances: 3, metrics: {b: {type: gauge, value: 1}}}
              third: {instances: 4, metrics: {c: {type: gauge, value: 1}}}
            events:
              - {at: 1m..10m, do: kill, service: shop, instance: any, for: 1m}
              - {at: 2m, do: kill, service: third, instance: 4, for: 3m}
            expect: [{never: 'count(up{job=~"shop|third"} == 0) >= 1 and on () count(b) >= 2'}]
            """
        let whole = Self.start + "\n" + text
        func read(_ settings: [String]) -> Scenario? {
            try? ScenarioFile.read(text: Array(whole.utf8), file: "test.yml", settings: settings)
        }
        let scenario = try #require(read([]))
        let failing = try await WorldStudy.run(scenario, seeds: 1...1, jobs: 1, options: World.Options(seed: 1))
            .reports[0]
        #expect(!failing.isGood)
        let known = WorldStudy.Smaller(kept: [0, 1], scenario: scenario, report: failing)
        let fewer = try await WorldStudy.fewerInstances(known, failing, options: World.Options(seed: 1), read: read)
        #expect(fewer.settings == ["services.shop.instances=1", "services.other.instances=2"])
        #expect(fewer.scenario.services.map(\.instances) == [1, 2, 4])
    }

    @Test func `a study counts outages, delays and false alarms, whatever the number of jobs`() async throws {
        let text = """
            seed: 1
            duration: 2h
            stack:
              global: {scrape_interval: 15s, evaluation_interval: 15s}
              rules:
                groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 1m}]}]
            services: {shop: {instances: 2, metrics: {a: {type: gauge, value: 1}}}}
            events:
              - {at: 10m..20m, do: kill, service: shop, instance: 1, for: 10m}
              - {at: 40m..50m, do: kill, service: shop, instance: 2, for: 10s}
              - {at: 70m..80m, do: fault, service: shop, instance: 2, fault: refused, for: 5m}
            study: {alert: Down, should_fire_for: {kill: shop}, slack: 30s}
            """
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        let one = try await WorldStudy.run(scenario, seeds: 1...6, jobs: 1, options: World.Options(seed: 1))
        let two = try await WorldStudy.run(scenario, seeds: 1...6, jobs: 3, options: World.Options(seed: 1))
        let figures = one.figures(scenario.studies[0])
        #expect(figures.outages == 12)
        #expect(figures.seen == 6)
        #expect(figures.missed == 6)
        #expect(figures.falseAlarms == 6)
        let delays = figures.delays.map { Double($0) / 1e9 }
        #expect(delays.allSatisfy { $0 >= 60 && $0 <= 75 }, "\(delays)")
        #expect(StudyReport(scenario, one).text == StudyReport(scenario, two).text)
        #expect(StudyReport(scenario, one).svg.hasPrefix("<svg"))
    }
}
