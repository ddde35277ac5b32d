import PromQL
import RuleTemplates

/// What `/api/v1/features` lists, under Prometheus's names.
enum StackFeatures {
    typealias Feature = (name: String, isOn: Bool)

    static func list(_ flags: FlagSet) -> [(category: String, features: [Feature])] {
        let given = Set(flags.list("enable-feature"))
        return [
            ("api", api(flags)),
            ("promql", language(given)),
            ("promql_functions", functions(given)),
            ("promql_operators", operators(given)),
            (
                "rules",
                [("concurrent_rule_eval", given.contains("concurrent-rule-eval"))]
                    + on(["keep_firing_for", "query_offset"])
            ),
            ("templating_functions", on(TextTemplate.functionNames)),
            ("scrape", [("extra_scrape_metrics", given.contains("extra-scrape-metrics"))]),
            ("service_discovery_providers", on(["dns", "docker", "file", "http", "static"])),
        ]
    }

    private static func on(_ names: [String]) -> [Feature] { names.map { ($0, true) } }

    private static func api(_ flags: FlagSet) -> [Feature] {
        [
            ("admin", flags.isOn("web.enable-admin-api")), ("lifecycle", flags.isOn("web.enable-lifecycle")),
            ("openapi_3.1", false), ("openapi_3.2", false),
            ("otlp_write_receiver", flags.isOn("web.enable-otlp-receiver")),
            ("remote_write_receiver", flags.isOn("web.enable-remote-write-receiver")), ("search", false),
        ]
            + on([
                "exclude_alerts", "label_values_match", "query_stats", "query_warnings", "time_range_labels",
                "time_range_series",
            ])
    }

    private static func language(_ given: Set<String>) -> [Feature] {
        let extended = given.contains("promql-extended-range-selectors")
        let fills = given.contains("promql-binop-fill-modifiers")
        return [
            ("anchored", extended), ("smoothed", extended), ("fill", fills), ("fill_left", fills),
            ("fill_right", fills), ("delayed_name_removal", given.contains("promql-delayed-name-removal")),
            ("per_step_stats", given.contains("promql-per-step-stats")),
            ("type_and_unit_labels", given.contains("type-and-unit-labels")),
        ]
            + on([
                "at_modifier", "bool", "by", "duration_expr", "group_left", "group_right", "ignoring",
                "negative_offset", "offset", "on", "per_query_lookback_delta", "subqueries", "without",
            ])
    }

    private static func functions(_ given: Set<String>) -> [Feature] {
        let experimental = given.contains("promql-experimental-functions")
        return FunctionSignature.all.map { (name: $0, isOn: experimental || !$1.isExperimental) }
    }

    private static func operators(_ given: Set<String>) -> [Feature] {
        let experimental = given.contains("promql-experimental-functions")
        return on(BinaryOperator.allCases.map(\.rawValue)) + on(["=~", "!~", "@"])
            + AggregateOperator.allCases.map { ($0.rawValue, experimental || !$0.isExperimental) }
    }
}
