import ConfigTree

/// What is wrong with a scenario and its stack, in the words of whoever writes one: Prometheus's are those of Go's types.
extension ConfigError {
    /// The same in plain words.
    var inPlainWords: ConfigError { ConfigError(file: file, problems: problems.map(\.inPlainWords)) }
}

extension ConfigProblem {
    /// What stands for a value of a type.
    private static let examples = [
        "scenario": "duration: 30m, services: {…}, expect: […]", "service": "{instances: 3, metrics: {…}}",
        "metric": "{type: counter, rate: 20/s}", "batch": "{every: 10m, takes: 4s, metrics: {…}}",
        "event": "{at: 5m, do: kill, service: shop}", "expectation": "{at: 5m, that: up == 1}",
        "study": "{alert: InstanceDown, should_fire_for: {kill: shop}}", "outage": "{kill: shop}",
        "step": "{at: 10m, to: 50/s}", "growth": "{label: user, rate: 5/m, max: 1000}",
        "fault": "{latency: 3s}", "config.ScrapeConfig": "{job_name: shop, static_configs: [{targets: [shop]}]}",
        "targetgroup.Group": "{targets: [shop]}", "relabel.Config": "{source_labels: [job], regex: shop, action: keep}",
        "rulefmt.RuleGroups": "groups: [{name: shop, rules: [{alert: Down, expr: up == 0}]}]",
        "rulefmt.RuleGroup": "{name: shop, rules: [{alert: Down, expr: up == 0}]}",
        "rulefmt.Rule": "{alert: Down, expr: up == 0}",
    ]

    /// What a type of Go's is, in plain words, with an example where one helps.
    private static func wanted(_ type: String) -> (what: String, example: String?) {
        switch type {
        case "string", "model.LabelValue", "config.Secret", "url": return ("a text", nil)
        case "bool": return ("true or false", nil)
        case "int", "int64", "uint", "uint64": return ("a whole number", nil)
        case "float64": return ("a number", nil)
        case "[]string", "model.LabelNames": return ("a list of texts", "[a, b]")
        case "model.LabelSet", "labels.Labels", "url.Values": return ("a mapping from names to values", "{name: value}")
        case "config.ScrapeConfigs", "config.AlertmanagerConfigs": return ("a list", "[{static_configs: […]}]")
        case _ where type.hasPrefix("map["): return ("a mapping from names to values", "{name: value}")
        case _ where type.hasPrefix("[]"):
            let element = type.dropFirst(2).drop { $0 == "*" }
            return ("a list", examples[String(element)].map { "[\($0)]" })
        case _: return ("a mapping of fields", examples[type])
        }
    }

    /// The same in plain words.
    fileprivate var inPlainWords: ConfigProblem {
        var plain = self
        if let given, let type = expectedType {
            let (what, example) = Self.wanted(type)
            plain.message = "\(given) is not \(what)"
            plain.hint = hint ?? example.map { "such as \($0)" }
        }
        if hint == nil, !known.isEmpty { plain.hint = "there is " + known.joined(separator: ", ") }
        plain.hint = placeHint ?? plain.hint
        return plain
    }

    private static let rule = "{alert: Down, expr: up == 0}"
    private static let inline = "rules: {groups: [{name: shop, rules: [\(rule)]}]}"
    /// Fields of the stack that are written into the scenario itself, and of its global section, and of rules.
    private static let ofStack = [
        "global", "scrape_configs", "rule_files", "alerting", "remote_write", "remote_read", "storage", "pushgateway",
        "demo_server", "inbox",
    ]
    private static let ofGlobal = ["scrape_interval", "scrape_timeout", "evaluation_interval", "external_labels"]
    private static let ofRule = ["alert", "record", "expr", "for", "annotations"]

    /// Where something belongs that stands elsewhere. Rules have one place in a stack, and one in the files that it names.
    private var placeHint: String? {
        var field = path
        // That of the scenario, or one that is loaded later.
        if let stack = path.firstRange(of: "stack."), stack.lowerBound == path.startIndex || path.hasPrefix("events[") {
            field = String(path[stack.upperBound...])
        }
        let name = field.lastIndex(of: ".").map { String(field[field.index(after: $0)...]) } ?? field
        if known.isEmpty { return given.flatMap { Self.hint($0, in: field) } }
        if known.contains("duration"), known.contains("services") {
            if field == "rules" || field == "groups" { return "within the stack: stack: {\(Self.inline)}" }
            if Self.ofStack.contains(field) { return "within the stack: stack: {\(field): …}" }
            return Self.ofGlobal.contains(field) ? "within the stack: stack: {global: {\(field): …}}" : nil
        }
        if known.contains("scrape_configs") {
            if field == "groups" { return "rules that stand inline: \(Self.inline)" }
            return Self.ofGlobal.contains(field) ? "global: {\(field): …}" : nil
        }
        if known == ["groups"] { return (Self.ofRule + ["name", "rules"]).contains(name) ? Self.inline : nil }
        if known.contains("query_offset"), Self.ofRule.contains(name) {
            return "within a group: {name: shop, rules: [\(Self.rule)]}"
        }
        return nil
    }

    /// What would be right where something of another type stands.
    private static func hint(_ given: String, in field: String) -> String? {
        switch field {
        case "rules": given.hasPrefix("the text") ? "rule_files: [FILE], or \(inline)" : inline
        case "rule_files": given == "a mapping" ? "rules that stand inline: \(inline)" : "rule_files: [rules.yml]"
        case _: field.hasPrefix("rule_files[") && given == "a mapping" ? "rules that stand inline: \(inline)" : nil
        }
    }
}
