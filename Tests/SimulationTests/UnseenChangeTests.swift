import Promenade
import Testing

/// What is told where an expectation fails as no scrape has seen yet what happened.
@Suite(.timeLimit(.minutes(5))) struct UnseenChangeTests {
    private static let start = """
        duration: 10m
        stack:
          global: {scrape_interval: 20s, evaluation_interval: 10s}
          rules: {groups: [{name: g, rules: [{record: r, expr: '1'}]}]}
        services: {web: {instances: 3, metrics: {a: {type: gauge, value: 1}}}, other: {metrics: {b: {type: gauge, value: 1}}}}

        """

    /// What happens, what is expected, and what is told besides; empty for nothing.
    static let worlds: [(events: String, expect: String, told: [String])] = [
        (
            "{at: 5m5s, do: kill, service: web}", "{from: 5m5s, always: 'sum(up{job=\"web\"}) == 0'}",
            [
                "web-1 was scraped last at +5m, before the kill at +5m5s, and is scraped next at +5m20s",
                "what is expected of them can hold from then on: from: 5m21s",
            ]
        ),
        (
            "{at: 5m, do: kill, service: web}", "{from: 5m, always: 'sum(up{job=\"web\"}) == 0'}",
            [
                "web-3 was scraped last at +4m40s, before the kill at +5m, and is scraped next at +5m",
                "what is expected of them can hold from then on: from: 5m1s",
            ]
        ),
        (
            "", "{never: 'count(up{job=\"web\"}) < 3'}",
            ["web-2 has not been scraped yet; its first scrape is at +0s", "from: 1s"]
        ),
        (
            "{at: 5m5s, do: set, service: web, metric: a, value: 2}", "{at: 5m5s, that: 'sum(a) == 6'}",
            ["before the set at +5m5s", "can hold from then on: at: 5m21s"]
        ),
        (
            "{at: 5m5s, do: push, job: j, body: 'rows 42'}", "{from: 5m5s, always: 'rows == 42'}",
            [
                "the Pushgateway was scraped last at +5m, before the push of the job j at +5m5s, and is scraped next at +5m20s",
                "what is expected of them can hold from then on: from: 5m21s",
            ]
        ),
        (
            "{at: 1m, do: push, job: j, body: 'rows 42'}, {at: 5m5s, do: delete_group, job: j}",
            "{from: 5m5s, never: rows}",
            ["before the deletion of the job j at +5m5s", "from then on: from: 5m21s"]
        ),
        ("{at: 5m5s, do: push, job: j, body: 'rows 42'}", "{from: 5m5s, always: 'sum(a) == 6'}", []),
        // Another metric, another instance, another service, and what was seen.
        ("{at: 5m5s, do: set, service: other, metric: b, value: 2}", "{from: 5m5s, always: 'sum(a) == 6'}", []),
        ("{at: 5m5s, do: kill, service: other}", "{from: 5m5s, always: 'sum(a) == 6'}", []),
        ("{at: 5m5s, do: kill, service: web, instance: 2}", "{from: 5m5s, always: 'up{instance=\"web-1\"} == 0'}", []),
        ("{at: 5m5s, do: kill, service: web}", "{from: 5m21s, always: 'sum(up{job=\"web\"}) == 1'}", []),
    ]

    @Test(arguments: worlds.indices) func `an expectation that no scrape could meet yet says so`(_ index: Int)
        async throws
    {
        let (events, expect, told) = Self.worlds[index]
        let text = Self.start + "events: [\(events)]\nexpect:\n  - \(expect)\n"
        let report = try await TestWorlds.run(text).report
        #expect(report.isGood == false, "\(report.text)")
        for words in told { #expect(report.text.contains(words), "\(words)\n\(report.text)") }
        if told.isEmpty {
            #expect(!report.text.contains("from then on") && !report.text.contains("scraped"), "\(report.text)")
        }
        guard let moment = told.last?.split(separator: ": ").last else { return }
        // What is advised is right.
        let field =
            expect.contains("at: 5m5s")
            ? "at: 5m5s" : expect.contains("from:") ? String(expect.dropFirst().prefix { $0 != "," }) : ""
        let advised =
            field.isEmpty
            ? expect.replacing("{never", with: "{from: \(moment), never")
            : expect.replacing(field, with: "\(field.prefix { $0 != " " }) \(moment)")
        let better = try await TestWorlds.run(Self.start + "events: [\(events)]\nexpect:\n  - \(advised)\n").report
        #expect(better.isGood, "\(advised)\n\(better.text)")
    }
}
