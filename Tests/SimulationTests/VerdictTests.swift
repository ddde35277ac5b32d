import Foundation
import Promenade
import Simulation
import Testing

/// What is told of expectations that are not met, or were not reached.
@Suite(.timeLimit(.minutes(5))) struct VerdictTests {
    private static let shop = """
        seed: 3
        duration: 20m
        stack:
          global: {scrape_interval: 10s, evaluation_interval: 10s}
          rules: {groups: [{name: g, rules: [{alert: Down, expr: up == 0, for: 1m, labels: {severity: page}}]}]}
        services: {shop: {metrics: {req_total: {type: counter, rate: 10/s}, n: {type: histogram, native: true}}}}
        events: [{at: 5m, do: kill, service: shop}]

        """

    @Test func `a notice that came too early, too late or of another kind is told, and the moment is the span's end`()
        async throws
    {
        let text =
            Self.shop + """
                expect:
                  - {notified: Down, after: 1m, within: 2m}
                  - {notified: 'Down{job="shop"}', after: 6m10s, within: 20s}
                  - {notified: 'Down{severity="ticket"}', after: 5m, within: 5m}
                """
        let report = try await TestWorlds.run(text).report
        #expect(report.failed.count == 3)
        #expect(
            report.text.contains(
                "somebody was told of {alertname=\"Down\", instance=\"shop-1\", job=\"shop\", severity=\"page\"} at +6m: 3m too late"
            ),
            "\(report.text)"
        )
        #expect(report.text.contains("at +6m: 10s too early"))
        #expect(report.text.contains("severity is \"page\", not =\"ticket\""))
        #expect(report.text.contains("look: promenade simulate test.yml --seed 3 --until 3m --serve"))
    }

    @Test func `somebody is told what an Alertmanager would be told`() async throws {
        let text = """
            duration: 5m
            stack:
              global: {scrape_interval: 10s, evaluation_interval: 10s, external_labels: {region: eu}}
              alerting: {alert_relabel_configs: [{source_labels: [severity], regex: ticket, action: drop}]}
              rules:
                groups:
                  - name: g
                    rules:
                      - {alert: Page, expr: up == 0, labels: {severity: page}}
                      - {alert: Ticket, expr: up == 0, labels: {severity: ticket}}
            services: {shop: {}}
            events: [{at: 1m, do: kill, service: shop}]
            expect:
              - {notified: 'Page{region="eu"}', after: 1m, within: 30s}
              - {not_notified: Ticket}
            """
        let outcome = try await TestWorlds.run(text)
        #expect(outcome.report.isGood, "\(outcome.report.text)")
        #expect(outcome.log.contains { $0.hasSuffix("ok not notified from 0s to 5m: Ticket") }, "\(outcome.log)")
    }

    @Test func `a comparison that lets nothing through tells what it compared`() async throws {
        let text =
            Self.shop + """
                expect:
                  - {at: 4m, that: 'rate(req_total[1m]) > 100'}
                  - {at: 4m, that: 'up == 1 and (abs(histogram_count(sum(n)) - 7) < 1)'}
                  - {at: 4m, that: '(rate(req_total[1m]) or vector(3)) > 1e9'}
                  - {at: 4m, that: 'absent(up) > 7'}
                """
        let report = try await TestWorlds.run(text).report
        #expect(
            report.text.contains("rate(req_total[1m]) was {instance=\"shop-1\", job=\"shop\"} 10"),
            "\(report.text)"
        )
        #expect(report.text.contains("abs(histogram_count(sum(n)) - 7) was {} 2"), "\(report.text)")
        #expect(report.text.contains("histogram {count:"))
        let lines = report.text.split(separator: "\n").map(String.init)
        #expect(!lines.contains { $0.hasSuffix(" ") }, "\(report.text)")
        #expect(lines.contains { $0.hasSuffix("vector(3)) was:") }, "\(report.text)")
        #expect(lines.contains { $0.hasSuffix("absent(up) was no series") }, "\(report.text)")
        #expect(report.text.utf8.count < 4000, "\(report.text)")
    }

    @Test func `where nobody looked, that something never was says nothing`() async throws {
        let text = """
            duration: 20m
            services: {shop: {}}
            stack:
              global: {scrape_interval: 10s, evaluation_interval: 10s}
            events: [{at: 5m, do: kill, service: shop}, {at: 12m, do: kill, part: prometheus, for: 2m}]
            expect:
              - {from: 1m1s, to: 1m5s, never: 'up == 7'}
              - {from: 12m1s, to: 13m, never: 'up == 7'}
              - {from: 12m1s, to: 13m, always: up}
              - {at: 12m30s, that: 'up == 0'}
            """
        let report = try await TestWorlds.run(text).report
        let words = report.states.map { $0.isMet ? "+" : $0.isOpen ? "o" : "-" }.joined()
        #expect(words == "---+", "\(report.text)")
        let told = "between 1m1s and 1m5s nothing was scraped, pushed or evaluated, so nobody looked"
        #expect(report.text.contains(told), "\(report.text)")
        #expect(report.text.contains("so nobody looked; the Prometheus server is down"), "\(report.text)")
    }

    @Test func `errors of scrapes and pushes are told with their moments, and those made good are not told`()
        async throws
    {
        let text = """
            duration: 10m
            stack: {global: {scrape_interval: 15s}}
            services: {shop: {}}
            events:
              - {at: 2m10s, do: kill, service: shop}
              - {at: 3m, do: push, job: bad, body: "rows one", refused: true}
              - {at: 4m, do: fault, pushes: true, fault: {status: 503, times: 1}}
              - {at: 4m5s, do: push, job: good, body: "rows 1"}
              - {at: 4m10s, do: push, job: good, body: "rows 2"}
            expect: [{at: 3m40s, that: nothing}, {at: 4m6s, that: nothing}, {at: 4m20s, that: nothing}]
            """
        let report = try await TestWorlds.run(text).report
        let parts = report.text.components(separatedBy: "not met ")
        #expect(parts.count == 4, "\(report.text)")
        guard parts.count == 4 else { return }
        #expect(parts[1].contains("scrape failed at +3m30s: shop http://shop-1/metrics: "), "\(report.text)")
        #expect(parts[1].contains("push failed at +3m: PUT /metrics/job/bad: text format parsing error in line 1"))
        #expect(parts[2].contains("push failed at +4m5s: PUT /metrics/job/good: HTTP status 503"), "\(report.text)")
        #expect(parts[3].contains("/metrics/job/bad") && !parts[3].contains("/metrics/job/good"), "\(report.text)")
    }

    @Test func `of what was seen before it is told, not of what a clock that is ahead has told already`() async throws {
        let text = """
            duration: 20m
            stack: {global: {scrape_interval: 15s}}
            services: {shop: {metrics: {g: {type: gauge, value: 3}}}}
            events: [{at: 3m, do: skew, service: shop, by: 9m, for: 2m}]
            expect: [{at: 9m, that: 'g{instance="shop-1"}'}, {at: 9m, that: 'g{instance="shop-2"}'}]
            """
        let report = try await TestWorlds.run(text).report
        #expect(
            report.text.components(separatedBy: "not there any more; last seen at +2m45s: 3").count == 3,
            "\(report.text)"
        )
    }

    @Test func `a native histogram whose target begins to send times of its own goes on, as in Prometheus`()
        async throws
    {
        func text(_ skew: String) -> String {
            """
            duration: 10m
            stack: {global: {scrape_interval: 15s}}
            services: {shop: {metrics: {n: {type: histogram, native: true, rate: 10/s}, g: {type: gauge, value: 1}}}}
            events: [{at: 5m, do: skew, service: shop, by: \(skew)}]
            expect:
              - {from: 5m, to: 6m, always: n}
              - {from: 5m, to: 6m, always: g}
              - {at: 5m10s, that: 'timestamp(n offset 10s500ms) == time() - 10.5'}
              - {at: 5m10s, that: absent(n)}
              - {at: 5m15s, that: n}

            """
        }
        // A marker that is older than the first sample with a time of its own is dropped; a later one ends the series until the next.
        let ahead = try await TestWorlds.verdicts(text("90s"))
        #expect(ahead == "++--+")
        let behind = try await TestWorlds.verdicts(text("-500ms"))
        #expect(behind == "--+++")
    }

    @Test func `what a shorter run does not reach is open, not wrong`() async throws {
        let text =
            Self.shop + """
                expect:
                  - {at: 2m, that: 'up == 1'}
                  - {at: 10m, that: 'up == 1'}
                  - {after: 2m, within: 10m, that: 'up == 7'}
                  - {notified: Down, after: 2m, within: 10m}
                  - {from: 1m, to: 10m, always: 'up == 1'}
                  - {from: 9m, to: 10m, always: 'up == 0'}
                  - {never: 'up == 0'}
                  - {from: 10m, never: 'up == 0'}
                  - {from: 10m, not_notified: Down}
                  - {from: 1m, to: 3m, never: 'up == 0'}
                """
        let report = try await TestWorlds.run(text, until: 240_000_000_000).report
        #expect(report.isGood, "\(report.text)")
        let words = report.text.split(separator: "\n").map { $0.prefix(4) }
        #expect(words == ["ok  "] + Array(repeating: "open", count: 8) + ["ok  ", "test"], "\(report.text)")
        #expect(report.text.contains("2 of 10 expectations met, 8 not reached"))
        #expect(WorldReport.tap([report]).contains("ok 2 - test.yml (seed 3): at 10m: up == 1 # SKIP not reached"))
        let junit = WorldReport.junit([report])
        #expect(junit.contains("<testsuites tests=\"10\" failures=\"0\" errors=\"0\" skipped=\"8\""), "\(junit)")
        #expect(junit.split(separator: "<skipped message=\"the world was ended before\"/>").count == 9, "\(junit)")
        let whole = try await TestWorlds.run(text).report
        #expect(!whole.isGood && !whole.text.contains("open "))
    }

    @Test func `what a shorter run does not reach is open in a comparison, too`() async throws {
        let text =
            Self.shop + """
                expect:
                  - {at: 2m, that: 'up == 1'}
                  - {at: 10m, that: 'up == 1'}
                  - {at: 1m, that: 'up == 0'}
                """
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml")
        var options = World.Options(seed: 3)
        options.until = 240_000_000_000
        let settled = options
        let tables: [(seeds: ClosedRange<UInt64>, words: [String])] = [
            (3...3, ["ok", "open", "not met"]), (3...4, ["2 of 2", "open", "0 of 2"]),
        ]
        for (seeds, words) in tables {
            let study = try await WorldStudy.run(scenario, seeds: seeds, jobs: 1, options: settled)
            let table = StackComparison([("a", scenario, study), ("b", scenario, study)]).text.split(separator: "\n")
            for (line, word) in zip(table[3...5], words) {
                #expect(line.hasSuffix("  \(word)"), "\(table.joined(separator: "\n"))")
            }
        }
    }

    @Test func `the command that opens a moment can be given to a shell as it is`() async throws {
        let text = Self.shop + "expect: [{at: 4m, that: 'up == 7'}]\n"
        let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "sp ace/it's.yml")
        var options = World.Options(seed: 3)
        options.arguments = ["--set", "services.shop.metrics.b={type: gauge}"]
        let settled = options
        let study = try await WorldStudy.run(scenario, seeds: 3...3, jobs: 1, options: settled)
        let command =
            "promenade simulate 'sp ace/it'\\''s.yml' --seed 3 --set 'services.shop.metrics.b={type: gauge}' --until 4m --serve"
        #expect(study.reports[0].text.contains("look: " + command + "\n"), "\(study.reports[0].text)")
    }

    @Test func `a database that is there already is not gone on with`() async throws {
        try await TestFolder.with { folder in
            _ = try await TestWorlds.run(Self.shop, keeping: .folder(folder))
            let error = await #expect(throws: StackError.self) {
                _ = try await TestWorlds.run(Self.shop, keeping: .folder(folder))
            }
            #expect(error?.description.contains("/stack.db is there already") == true)
        }
    }

    @Test func `what is wrong with a setting is told of the setting`() {
        let text = "duration: 5m\nservices: {shop: {}}"
        let error = #expect(throws: (any Error).self) {
            _ = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml", settings: ["services.shop.instancs=5"])
        }
        #expect(
            error.map { "\($0)" }?.hasPrefix(
                "--set services.shop.instancs=5: services.shop.instancs: field instancs not found in type service"
            ) == true,
            "\(String(describing: error))"
        )
    }
}
