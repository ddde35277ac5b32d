import ConfigTree
import Promenade
import Simulation
import Testing

/// Settings of the global section where jobs and groups have values of their own.
@Suite(.timeLimit(.minutes(5))) struct SettingReachTests {
    private static func stack(_ jobs: String, rules: String = "", more: String = "") -> String {
        """
        duration: 10m
        stack:
          global: {scrape_interval: 15s}
          scrape_configs: [\(jobs)]
          rules: {groups: [\(rules)]}
        services: {shop: {metrics: {a: {type: gauge, value: 1}}}, node: {metrics: {a: {type: gauge, value: 1}}}}
        \(more)
        """
    }

    private static func job(_ name: String, _ fields: String = "") -> String {
        "{job_name: \(name), static_configs: [{targets: [\(name)]}]\(fields.isEmpty ? "" : ", \(fields)")}"
    }

    private static let own = "scrape_interval: 5s, scrape_timeout: 5s"
    private static let both = stack("\(job("shop", own)), \(job("node", own))")
    private static let one = stack("\(job("shop", own)), \(job("node"))")
    private static let ruled = stack(
        job("shop"),
        rules:
            "{name: g, interval: 5s, rules: [{record: r, expr: '1'}]}, {name: h, query_offset: 1m, rules: [{record: s, expr: '1'}]}"
    )
    private static let reloaded = stack(
        "\(job("shop")), \(job("node"))",
        more: "events: [{at: 5m, do: reload, stack: {global: {scrape_interval: 5s}}}]"
    )

    /// A scenario, settings, what is refused, and what is only said.
    static let settings: [(text: String, settings: [String], refused: String, said: String)] = [
        (
            both, ["scrape_interval=30s"],
            "--set scrape_interval=30s: it changes nothing, as all jobs have their own: shop (5s), node (5s) "
                + "(--set stack.scrape_configs.0.scrape_interval=30s for the first of them)", ""
        ),
        (both, ["stack.global.scrape_interval=30s"], "it changes nothing, as all jobs have their own", ""),
        (both, ["scrape_timeout=1s"], "it changes nothing, as all jobs have their own: shop (5s)", ""),
        // They have it already, or are given it.
        (both, ["scrape_interval=5s", "scrape_timeout=5s"], "", ""),
        (both, ["scrape_interval=30s", "stack.scrape_configs.0.scrape_interval=30s"], "", "have their own: node (5s)"),
        (
            both, ["scrape_interval=30s", "scrape_interval=5s", "scrape_timeout=5s"],
            "--set scrape_interval=30s: it changes nothing beside --set scrape_interval=5s", ""
        ),
        (one, ["scrape_interval=30s"], "", "scrape_interval=30s does not reach those that have their own: shop (5s)"),
        (stack(job("shop", own)), ["scrape_interval=30s"], "", "have their own: shop (5s)"),
        (reloaded, ["scrape_interval=30s"], "", "have their own: the stack of events[0] (5s)"),
        (reloaded, ["scrape_interval=5s"], "", ""),
        (ruled, ["evaluation_interval=30s"], "", "have their own: g (5s)"),
        (ruled, ["rule_query_offset=30s"], "", "have their own: h (1m)"),
        (
            stack(job("shop"), rules: "{name: g, interval: 5s, rules: [{record: r, expr: '1'}]}"),
            ["evaluation_interval=30s"],
            "it changes nothing, as all groups of rules have their own: g (5s) (--set stack.rules.groups.0.interval=30s",
            ""
        ),
        (both, ["evaluation_interval=30s"], "", "evaluation_interval=30s changes nothing: there are no rules"),
        (both, ["query_offset=30s"], "query_offset", ""),
    ]

    @Test(arguments: settings.indices) func `a setting that does not reach everybody says so`(_ index: Int) {
        let (text, settings, refused, said) = Self.settings[index]
        do throws(ConfigError) {
            let scenario = try ScenarioFile.read(text: Array(text.utf8), file: "test.yml", settings: settings)
            #expect(refused.isEmpty, "\(settings)")
            #expect(scenario.remarks.count == (said.isEmpty ? 0 : 1), "\(scenario.remarks)")
            #expect(said.isEmpty || scenario.remarks.joined().contains(said), "\(scenario.remarks)")
        } catch {
            #expect(!refused.isEmpty && error.description.contains(refused), "\(settings): \(error)")
        }
    }
}
