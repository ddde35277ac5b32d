import Promenade
import Simulation
import Testing

/// Of whom somebody is told in a world, and what is told where nobody was.
@Suite(.timeLimit(.minutes(5))) struct NoticeVerdictTests {
    /// Two alerts of a service that is killed after a minute, and who is told of them.
    private static func world(_ alerting: String, inbox: String = "") -> String {
        """
        duration: 5m
        stack:
          global: {scrape_interval: 10s, evaluation_interval: 10s, external_labels: {region: eu}}
          \(inbox)
          alerting:
            \(alerting)
          rules:
            groups:
              - name: g
                rules:
                  - {alert: Page, expr: up == 0, labels: {severity: page}}
                  - {alert: Ticket, expr: up == 0, labels: {severity: ticket}}
        services: {shop: {}}
        events: [{at: 1m, do: kill, service: shop}]

        """
    }

    /// A set of Alertmanagers with rules for what it is told.
    private static func set(_ rules: String) -> String {
        "{static_configs: [{targets: [am]}], alert_relabel_configs: [\(rules)]}"
    }

    private static let noTickets = "{source_labels: [severity], regex: ticket, action: drop}"
    private static let noPages = "{source_labels: [severity], regex: page, action: drop}"
    private static let byTeam = "{target_label: team, replacement: web}"

    /// Who is told, what is expected, and what becomes of it.
    private static let sets: [(alerting: String, inbox: String, expect: String, verdicts: String)] = [
        (
            "alertmanagers: [\(set(noTickets))]", "",
            "[{notified: 'Page{region=\"eu\"}', after: 1m, within: 30s}, {not_notified: Ticket}, {notified: Ticket}]",
            "++-"
        ),
        // Of several sets it is enough that one is told, by its own rules.
        (
            "alertmanagers: [\(set(noTickets)), \(set(noPages))]", "",
            "[{notified: Page}, {notified: Ticket}, {not_notified: Ticket}]", "++-"
        ),
        (
            "alertmanagers: [\(set(noTickets)), \(set(byTeam))]", "",
            "[{notified: 'Ticket{team=\"web\"}'}, {not_notified: 'Ticket{team=\"\"}'}, {notified: 'Page{team=\"\"}'}]",
            "+++"
        ),
        // The common rules come first.
        (
            "{alert_relabel_configs: [\(noPages)], alertmanagers: [\(set(byTeam))]}", "",
            "[{not_notified: Page}, {notified: 'Ticket{team=\"web\"}'}]", "++"
        ),
        // The inbox is told where it listens beside them.
        (
            "alertmanagers: [\(set(noTickets))]", "inbox: {enabled: true}", "[{notified: Ticket}, {notified: Page}]",
            "++"
        ),
    ]

    @Test(arguments: sets.indices) func `somebody is told what the Alertmanagers of any set are told`(_ index: Int)
        async throws
    {
        let (alerting, inbox, expect, verdicts) = Self.sets[index]
        let outcome = try await TestWorlds.run(Self.world(alerting, inbox: inbox) + "expect: \(expect)\n")
        #expect(
            outcome.report.states.map { $0.verdict?.isMet == true ? "+" : "-" }.joined() == verdicts,
            "\(outcome.report.text)"
        )
        // What two sets are told alike is told once.
        #expect(outcome.lines("notify").count <= 3, "\(outcome.log)")
    }

    @Test func `an alert that relabelling drops is told as that`() async throws {
        let world = Self.world("alertmanagers: [\(Self.set(Self.noTickets))]")
        let text = world + "expect: [{notified: Ticket, within: 2m}]\n"
        let report = try await TestWorlds.run(text).report
        #expect(report.text.contains("firing {alertname=\"Ticket\", "), "\(report.text)")
        #expect(report.text.contains("alert_relabel_configs drop {alertname=\"Ticket\", "), "\(report.text)")
    }

    /// A target that is dead from 5m on, and is there again at 20m.
    private static let shop = """
        seed: 3
        duration: 30m
        stack:
          global: {scrape_interval: 10s, evaluation_interval: 10s}
          rules:
            groups:
              - name: g
                rules:
                  - {alert: Down, expr: up == 0, for: 2m, labels: {severity: page}}
                  - {alert: Slow, expr: 'rate(req_total[1m]) < 5'}
        services: {shop: {metrics: {req_total: {type: counter, rate: 10/s}}}}
        events: [{at: 5m, do: kill, service: shop, for: 15m}]

        """

    /// What is expected, and what is told of it, or is not told.
    private static let failures: [(expect: String, told: [String], silent: [String])] = [
        // At 6m it is pending; at the end of the world nothing is left of it.
        (
            "{notified: Down, after: 5m, within: 1m}",
            [
                "nobody was told between 5m and 6m",
                "pending {alertname=\"Down\", instance=\"shop-1\", job=\"shop\", severity=\"page\"} for 1m of 2m, 1m to go",
                "scrape failed at +6m: shop http://shop-1/metrics: Get \"http://shop-1/metrics\": dial tcp shop-1: connect",
                "at +7m: 1m too late", "(+6m), seed 3", "--until 6m --serve",
            ],
            ["finds nothing now"]
        ),
        (
            "{notified: Slow, after: 1m, within: 2m}",
            [
                "the rule Slow finds nothing now: rate(req_total[1m]) < 5",
                "rate(req_total[1m]) was {instance=\"shop-1\", job=\"shop\"} 10",
            ],
            ["scrape failed", "pending"]
        ),
        (
            "{notified: 'Down{severity=\"ticket\"}', after: 5m, within: 5m}",
            ["at +7m: severity is \"page\", not =\"ticket\"", "firing {alertname=\"Down\", "], ["too late"]
        ),
        ("{notified: '{severity=\"page\"}', after: 1m, within: 1m}", ["no alerting rule finds anything now"], []),
    ]

    @Test(arguments: failures.indices) func `why nobody was told is looked at when the time for it is over`(
        _ index: Int
    ) async throws {
        let (expect, told, silent) = Self.failures[index]
        let outcome = try await TestWorlds.run(Self.shop + "expect: [\(expect)]\n")
        for words in told { #expect(outcome.report.text.contains(words), "\(words)\n\(outcome.report.text)") }
        for words in silent { #expect(!outcome.report.text.contains(words), "\(words)\n\(outcome.report.text)") }
        let settled = outcome.lines("not met")
        #expect(settled.count == 1 && !settled[0].contains("+30m "), "\(settled)")
    }

    @Test func `who was told otherwise stands together, in the order of time, before what the rule found`() async throws
    {
        let text = """
            duration: 30m
            stack:
              global: {scrape_interval: 10s, evaluation_interval: 10s}
              rules: {groups: [{name: g, rules: [{alert: Down, expr: up == 0}]}]}
            services: {shop: {}}
            events: [{at: 2m, do: kill, service: shop, for: 1m}, {at: 20m, do: kill, service: shop}]
            expect: [{notified: Down, after: 5m, within: 5m}]
            """
        let report = try await TestWorlds.run(text).report
        let words = [
            "nobody was told between", "at +2m: 3m too early", "at +20m: 10m too late", "the rule Down finds nothing",
        ]
        let places = words.map { report.text.firstRange(of: $0)?.lowerBound }
        #expect(
            places.allSatisfy { $0 != nil } && places.compactMap(\.self) == places.compactMap(\.self).sorted(),
            "\(report.text)"
        )
    }

    @Test func `nobody is told within a span, its last moment included`() async throws {
        let text =
            Self.shop + """
                expect:
                  - {not_notified: Down, after: 5m, within: 1m50s}
                  - {not_notified: Down, after: 5m, within: 2m}
                  - {not_notified: Down, from: 5m, to: 7m}
                  - {not_notified: Down, within: 3m}
                  # As long as it fires it is told again and again.
                  - {not_notified: Down, after: 8m}

                """
        let outcome = try await TestWorlds.run(text)
        let verdicts = outcome.report.states.map { $0.isMet ? "+" : "-" }.joined()
        #expect(verdicts == "+-++-", "\(outcome.report.text)")
    }

    @Test func `where the server is down that is why nobody was told`() async throws {
        let text =
            Self.shop.replacing("for: 15m}]", with: "for: 15m}, {at: 5m, do: kill, part: prometheus}]")
            + "expect: [{notified: Down, after: 5m, within: 5m}]\n"
        let report = try await TestWorlds.run(text).report
        #expect(report.text.contains("the Prometheus server is down"), "\(report.text)")
    }
}
