import Promenade
import Simulation
import Testing

/// Events that overlap: what one of them ends is not what another one did.
@Suite(.timeLimit(.minutes(5))) struct OverlapTests {
    private static let start = """
        seed: 5
        duration: 30m
        stack:
          global: {scrape_interval: 10s, evaluation_interval: 10s}
          scrape_configs:
            - {job_name: shop, static_configs: [{targets: [shop]}]}
            - {job_name: own, static_configs: [{targets: ["localhost:9090"]}]}
            - {job_name: gateway, honor_labels: true, static_configs: [{targets: ["localhost:9091"]}]}
        services: {shop: {instances: 2, metrics: {a: {type: gauge, value: 1}, b_total: {type: counter, rate: 1/s}}}}
        """

    static let worlds: [(name: String, text: String, verdicts: String)] = [
        (
            "a fault that another one has covered comes back for as long as it lasts",
            """
            events:
              - {at: 4m, do: fault, service: shop, instance: 1, fault: refused, for: 12m}
              - {at: 6m, do: fault, service: shop, instance: 1, fault: {status: 503}, for: 4m}
            expect: [{from: 4m10s, to: 16m, always: 'up{instance="shop-1"} == 0'}, {at: 16m10s, that: 'up{instance="shop-1"} == 1'}]
            """, "++"
        ),
        (
            "the end of an earlier fault does not end a later one, nor one for good",
            """
            events:
              - {at: 4m, do: fault, service: shop, instance: 1, fault: refused, for: 4m}
              - {at: 6m, do: fault, service: shop, instance: 1, fault: {status: 503}, for: 10m}
              - {at: 4m, do: fault, service: shop, instance: 2, fault: refused, for: 4m}
              - {at: 6m, do: fault, service: shop, instance: 2, fault: {status: 503}}
            expect:
              - {from: 4m10s, to: 16m, always: 'up{instance="shop-1"} == 0'}
              - {at: 16m10s, that: 'up{instance="shop-1"} == 1'}
              - {from: 4m10s, always: 'up{instance="shop-2"} == 0'}
            """, "+++"
        ),
        (
            "a fault that is used up is so still when what covered it ends",
            """
            events:
              - {at: 4m, do: fault, service: shop, instance: 1, fault: {status: 503, times: 2}}
              - {at: 4m, do: fault, service: shop, instance: 2, fault: {status: 503, times: 2}, for: 20m}
              - {at: 10m, do: fault, service: shop, fault: {latency: 1s}, for: 1m}
            expect: [{at: 4m10s, that: 'sum(up{job="shop"}) == 0'}, {from: 4m30s, always: 'sum(up{job="shop"}) == 2'}]
            """, "++"
        ),
        (
            "who heals takes everything away, and what was to end later ends nothing",
            """
            events:
              - {at: 4m, do: fault, service: shop, fault: refused, for: 10m}
              - {at: 6m, do: heal, service: shop}
              - {at: 8m, do: fault, service: shop, fault: refused, for: 10m}
            expect: [{from: 6m10s, to: 8m, always: 'sum(up{job="shop"}) == 2'}, {from: 8m10s, to: 18m, always: 'sum(up{job="shop"}) == 0'}]
            """, "++"
        ),
        (
            "an instance is down as long as anything holds it down, but who starts it starts it",
            """
            events:
              - {at: 2m, do: kill, service: shop, instance: 1, for: 4m}
              - {at: 4m, do: kill, service: shop, instance: 1, for: 6m}
              - {at: 2m, do: kill, service: shop, instance: 2, for: 4m}
              - {at: 4m, do: kill, service: shop, instance: 2}
              - {at: 20m, do: start, service: shop, instance: 2}
            expect:
              - {from: 2m10s, to: 10m, always: 'up{instance="shop-1"} == 0'}
              - {from: 10m10s, always: 'up{instance="shop-1"} == 1'}
              - {from: 2m10s, to: 20m, always: 'up{instance="shop-2"} == 0'}
              - {from: 20m10s, always: 'up{instance="shop-2"} == 1'}
            """, "++++"
        ),
        (
            "a part that is killed for good does not come back with what was to end before, and a restart brings it back",
            """
            events:
              - {at: 2m, do: restart, part: pushgateway, down: 4m}
              - {at: 4m, do: kill, part: pushgateway}
              - {at: 10m, do: restart, part: pushgateway, for: 2m}
            expect: [{from: 2m10s, to: 12m, always: 'up{job="gateway"} == 0'}, {from: 12m10s, always: 'up{job="gateway"} == 1'}]
            """, "++"
        ),
        (
            "a batch rests as long as anything makes it rest, and pushes fail as long as a fault lasts",
            """
            batches: {b: {every: 1m, takes: 1s, metrics: {ran: {type: gauge, value: now}}}}
            events:
              - {at: 5m30s, do: pause, batch: b, for: 4m}
              - {at: 7m30s, do: pause, batch: b, for: 5m}
              - {at: 15m30s, do: fault, pushes: true, fault: refused, for: 2m}
              - {at: 16m30s, do: fault, pushes: true, fault: {status: 500}, for: 5m}
            expect:
              - {at: 12m20s, that: 'time() - ran > 400'}
              - {at: 13m20s, that: 'time() - ran < 30'}
              - {at: 21m20s, that: 'time() - ran > 350'}
              - {at: 22m20s, that: 'time() - ran < 30'}
            """, "++++"
        ),
        (
            "a clock goes as the last event wants it, and in the end as it went",
            """
            events:
              - {at: 5m, do: skew, service: shop, by: -20s, for: 5m}
              - {at: 7m, do: skew, service: shop, by: -40s, for: 10m}
            expect:
              - {at: 6m, that: 'time() - timestamp(a{instance="shop-1"}) == 20'}
              - {at: 16m, that: 'time() - timestamp(a{instance="shop-1"}) == 40'}
              - {at: 18m, that: 'time() - timestamp(a{instance="shop-1"}) == 0'}
            """, "+++"
        ),
        (
            "the clock of one instance goes as the last event wants it, too",
            """
            events:
              - {at: 4m, do: skew, service: shop, instance: 1, by: -10s, for: 12m}
              - {at: 5m, do: skew, service: shop, by: -20s, for: 5m}
              - {at: 7m, do: skew, service: shop, instance: shop-2, by: -40s, for: 1m}
              - {at: 7m10s, do: scale, service: shop, instances: 3}
              - {at: 20m, do: skew, service: shop, instance: any, by: -5s}
              - {at: 22m, do: skew, service: shop, by: -30s}
            expect:
              - {at: 4m30s, that: 'time() - timestamp(a{instance="shop-1"}) == 10'}
              - {at: 4m30s, that: 'time() - timestamp(a{instance="shop-2"}) == 0'}
              - {at: 6m, that: 'count(time() - timestamp(a) == 20) == 2'}
              - {at: 7m30s, that: 'time() - timestamp(a{instance="shop-2"}) == 40'}
              - {at: 7m30s, that: 'time() - timestamp(a{instance="shop-1"}) == 20'}
              - {at: 7m30s, that: 'time() - timestamp(a{instance="shop-3"}) == 20'}
              - {at: 9m, that: 'count(time() - timestamp(a) == 20) == 3'}
              - {at: 11m, that: 'time() - timestamp(a{instance="shop-1"}) == 10'}
              - {at: 11m, that: 'time() - timestamp(a{instance="shop-3"}) == 0'}
              - {at: 17m, that: 'count(time() - timestamp(a) == 0) == 3'}
              - {at: 21m, that: 'count(time() - timestamp(a) == 5) == 1'}
              - {at: 23m, that: 'count(time() - timestamp(a) == 30) == 3'}
            """, "++++++++++++"
        ),
        (
            "instances that come back, and new ones, run what was deployed meanwhile",
            """
            events:
              - {at: 2m, do: scale, service: shop, instances: 1}
              - {at: 4m, do: deploy, service: shop, labels: {version: "2"}}
              - {at: 6m, do: scale, service: shop, instances: 3}
            expect: [{from: 6m10s, always: 'count(a{version="2"}) == 3'}, {from: 6m10s, never: 'a{version!="2"}'}]
            """, "++"
        ),
        (
            "what is set is so, whatever a step said before; a later step says something else",
            """
            services:
              app:
                metrics:
                  v: {type: gauge, value: 1, step: [{at: 5m, to: 3}, {at: 20m, to: 9}]}
                  w: {type: gauge, value: 10, step: {at: 5m, by: 2}}
                  c_total: {type: counter, rate: 10/s, step: {at: 5m, to: 20/s}}
            events:
              - {at: 10m, do: set, service: app, metric: v, value: 1}
              - {at: 10m, do: set, service: app, metric: w, value: 7}
              - {at: 10m, do: set, service: app, metric: c_total, rate: 1/s}
            expect:
              - {at: 9m, that: 'v == 3 and w == 20'}
              - {at: 11m, that: 'v == 1 and w == 7'}
              - {at: 15m, that: 'abs(rate(c_total[2m]) - 1) < 0.1'}
              - {at: 21m, that: 'v == 9'}
            """, "++++"
        ),
    ]

    @Test(arguments: worlds.indices) func `what overlaps ends each by itself`(_ index: Int) async throws {
        let world = Self.worlds[index]
        let own = world.text.contains("services:")
        let start =
            own
            ? Self.start.split(separator: "\n").filter { !$0.hasPrefix("services") && !$0.contains("[shop]") }
            : [Self.start[...]]
        let outcome = try await TestWorlds.run(start.joined(separator: "\n") + "\n" + world.text)
        let verdicts = outcome.report.states.map { $0.verdict?.isMet == true ? "+" : "-" }.joined()
        #expect(
            verdicts == world.verdicts,
            "\(world.name)\n\(outcome.report.text)\n\(outcome.log.joined(separator: "\n"))"
        )
    }

    /// Events, what an alert is there for, and how many outages were seen and missed and how many alarms were false.
    static let studies: [(events: String, outage: String, figures: String)] = [
        // The end of a fault is not that of a kill.
        (
            """
              - {at: 4m, do: fault, service: shop, instance: 1, fault: {latency: 1s}, for: 2m}
              - {at: 5m, do: kill, service: shop, instance: 1, for: 10m}
            """, "kill: shop", "1 1 0"
        ),
        (
            """
              - {at: 5m, do: fault, service: shop, instance: 1, fault: refused, for: 10m}
              - {at: 6m, do: restart, service: shop, instance: 1}
            """, "fault: shop", "1 1 0"
        ),
        ("  - {at: 5m, do: fault, target: shop-1, fault: refused, for: 10m}", "fault: shop", "1 1 0"),
        // An event lasts as long as what it did.
        ("  - {at: 5m, do: restart, part: pushgateway, down: 10m}", "event: restart", "1 1 0"),
        ("  - {at: 5m, do: restart, part: pushgateway, for: 9m..10m}", "event: restart", "1 1 0"),
        (
            """
              - {at: 5m, do: kill, part: pushgateway}
              - {at: 15m, do: start, part: pushgateway}
            """, "event: kill", "1 1 0"
        ),
        (
            """
              - {at: 5m, do: fault, service: shop, fault: refused}
              - {at: 15m, do: heal, service: shop}
            """, "event: fault", "1 1 0"
        ),
        ("  - {at: 5m, do: restart, service: shop}", "event: restart", "1 0 0"),
    ]

    @Test(arguments: studies.indices) func `an outage is as long as what made it`(_ index: Int) async throws {
        let study = Self.studies[index]
        let rules = "  rules: {groups: [{name: g, rules: [{alert: Down, expr: min(up) == 0, for: 5m}]}]}"
        let text =
            Self.start.replacing("services:", with: rules + "\nservices:") + """

                events:
                \(study.events)
                study: {alert: Down, should_fire_for: {\(study.outage)}, slack: 30s}
                """
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        let found = try await WorldStudy.run(scenario, seeds: 1...1, jobs: 1, options: World.Options(seed: 1))
        let figures = found.figures(scenario.studies[0])
        #expect("\(figures.outages) \(figures.seen) \(figures.falseAlarms)" == study.figures, "\(study)")
    }

    /// When an instance is killed in a world of half an hour, for how long, and what becomes of an alert `for: 5m`.
    static let cuts: [(event: String, figures: String)] = [
        ("{at: 29m56s, do: kill, service: shop, instance: 1}", "outages 1 seen 0 missed 0 cut 1"),
        ("{at: 26m, do: kill, service: shop, instance: 1, for: 3m50s}", "outages 1 seen 0 missed 0 cut 1"),
        ("{at: 26m, do: kill, service: shop, instance: 1, for: 1m}", "outages 1 seen 0 missed 1 cut 0"),
        ("{at: 24m, do: kill, service: shop, instance: 1}", "outages 1 seen 1 missed 0 cut 0"),
        ("{at: 10m, do: kill, service: shop, instance: 1}", "outages 1 seen 1 missed 0 cut 0"),
        // The alert is not about it: none will come.
        ("{at: 10m, do: kill, service: other}", "outages 1 seen 0 missed 1 cut 0"),
    ]

    @Test(arguments: cuts.indices) func `an outage that the end cuts before the alert could fire is not missed`(
        _ index: Int
    ) async throws {
        let (event, expected) = Self.cuts[index]
        let text = """
            duration: 30m
            stack:
              global: {scrape_interval: 10s, evaluation_interval: 10s}
              scrape_configs: [{job_name: shop, static_configs: [{targets: [shop-1]}]}]
              rules: {groups: [{name: g, rules: [{alert: Down, expr: 'up{job="shop"} == 0', for: 5m}]}]}
            services: {shop: {metrics: {a: {type: gauge, value: 1}}}, other: {metrics: {a: {type: gauge, value: 1}}}}
            events:
              - \(event)
            study: {alert: Down, should_fire_for: {kill: \(event.contains("other") ? "other" : "shop")}, slack: 30s}
            """
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        let study = try await WorldStudy.run(scenario, seeds: 1...1, jobs: 1, options: World.Options(seed: 1))
        let report = StudyReport(scenario, study)
        let figures = report.figures[0]
        let words = "outages \(figures.outages) seen \(figures.seen) missed \(figures.missed) cut \(figures.open)"
        #expect(words == expected)
        #expect(report.json.contains("\"missed\":\(figures.missed),\"cut\":\(figures.open),"))
        #expect(report.text.contains("  cut by the end  \(figures.open)\n"))
        #expect(report.svg.contains(">cut<") == (figures.open > 0))
    }

    /// Kills of an instance, and what becomes of an alert `for: 1m` that is there for them.
    static let repeated: [(events: String, figures: String)] = [
        // Between the two it is up, but nobody has looked: the alert of the first fires on.
        (
            "{at: 5m, do: kill, service: shop, instance: 1, for: 5m1s}, {at: 10m5s, do: kill, service: shop, instance: 1, for: 5m}",
            "outages 2 seen 1 missed 0 already 1"
        ),
        // It is seen to be up, so another alert begins.
        (
            "{at: 5m, do: kill, service: shop, instance: 1, for: 5m}, {at: 10m5s, do: kill, service: shop, instance: 1, for: 5m}",
            "outages 2 seen 2 missed 0 already 0"
        ),
        // The alert of another instance is none of this one.
        (
            "{at: 5m, do: kill, service: shop, instance: 1, for: 9m}, {at: 10m5s, do: kill, service: shop, instance: 2, for: 10s}",
            "outages 2 seen 1 missed 1 already 0"
        ),
        // A server that is gone tells nobody.
        (
            "{at: 5m, do: kill, service: shop, instance: 1, for: 5m1s}, {at: 9m, do: kill, part: prometheus, for: 10m}, "
                + "{at: 10m5s, do: kill, service: shop, instance: 1, for: 5m}",
            "outages 2 seen 1 missed 1 already 0"
        ),
    ]

    @Test(arguments: repeated.indices) func `an outage that begins while its alert fires is neither seen nor missed`(
        _ index: Int
    ) async throws {
        let (events, expected) = Self.repeated[index]
        let rules = "  rules: {groups: [{name: g, rules: [{alert: Down, expr: 'up == 0', for: 1m}]}]}"
        let text =
            Self.start.replacing("services:", with: rules + "\nservices:")
            + "\nevents: [\(events)]\nstudy: [{alert: Down, should_fire_for: {kill: shop}, slack: 0s}]\n"
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        let study = try await WorldStudy.run(scenario, seeds: 1...1, jobs: 1, options: World.Options(seed: 1))
        let report = StudyReport(scenario, study)
        let figures = report.figures[0]
        let words =
            "outages \(figures.outages) seen \(figures.seen) missed \(figures.missed) already \(figures.alreadyFiring)"
        #expect(words == expected)
        #expect(report.json.contains("\"alreadyFiring\":\(figures.alreadyFiring),"))
        #expect(report.text.contains("  already firing  \(figures.alreadyFiring)\n"))
        #expect(report.svg.contains(">already firing<") == (figures.alreadyFiring > 0))
        #expect(figures.falseAlarms == 0)
    }

    @Test func `an alert of two rules begins to fire once`() async throws {
        let rules =
            "  rules: {groups: [{name: g, rules: [{alert: A, expr: up == 0}, {alert: A, expr: up == 0, for: 10m}]}]}"
        let text =
            Self.start.replacing("services:", with: rules + "\nservices:")
            + "\nevents: [{at: 5m, do: kill, service: shop, instance: 1, for: 15m}]"
        let outcome = try await TestWorlds.run(text)
        #expect(outcome.report.firings.count == 1)
        let told = outcome.lines(" alert ").map { $0.split(separator: " ")[4] }
        #expect(told == ["firing", "inactive"], "\(outcome.log)")
    }

    @Test func `what happens again and again happens at another moment each time`() async throws {
        let text =
            Self.start.replacing("duration: 30m", with: "duration: 10h")
            + "\nevents: [{at: 5m..50m, every: 1h, do: restart, service: shop, instance: 1}]"
        let outcome = try await TestWorlds.run(text)
        let minutes = outcome.lines("restart").compactMap { line in Int(line.dropFirst(14).prefix(2)) }
        #expect(minutes.count == 10 && Set(minutes).count > 4, "\(minutes)")
        #expect(minutes.allSatisfy { (5...50).contains($0) })
    }

    @Test func `a leak ends with the process`() async throws {
        let text = """
            duration: 30m
            stack: {global: {scrape_interval: 10s}}
            services: {app: {metrics: {m: {type: gauge, value: 100, leak: 60/m}}}}
            events: [{at: 20m, do: restart, service: app}]
            expect:
              - {at: 19m50s, that: 'm > 1200'}
              - {at: 20m10s, that: 'm < 130'}
              - {at: 25m, that: 'abs(m - 400) < 20'}
            """
        let outcome = try await TestWorlds.run(text)
        #expect(outcome.report.isGood, "\(outcome.report.text)")
    }
}
