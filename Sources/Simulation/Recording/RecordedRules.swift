public import ConfigTree
import MetricModel

/// The rules of a stack that is recorded: their files are its own, so they are written anew from what its API tells.
public struct RecordedRules: Sendable, Hashable {
    /// A file of rules.
    public struct File: Sendable, Hashable {
        /// Its name, beside the scenario.
        public var name: String
        /// What stands in it.
        public var text: String
    }

    /// The files, one for each of the stack.
    public var files: [File] = []
    /// The time between two evaluations that the global section shall have.
    private var evaluation: PrometheusDuration?

    /// The rules that `/api/v1/rules` tells.
    /// - Parameter config: the configuration as `/api/v1/status/config` shows it: groups with its interval need none of their own.
    public init(_ data: ConfigNode, config: String = "") {
        let items = data["groups"]?.items ?? []
        if !config.isEmpty {
            evaluation = RecordedIntervals(config).evaluation(items.map { Self.duration($0["interval"]) })
        }
        var groups: [(file: String, text: String)] = []
        for group in items { groups.append((group["file"]?.text ?? "", Self.text(group, evaluation: evaluation))) }
        var seen: Set<String> = []
        for file in groups.map(\.file) where seen.insert(file).inserted {
            let texts = groups.filter { $0.file == file }.map(\.text)
            files.append(File(name: "rules/\(files.count + 1).yml", text: "groups:\n" + texts.joined()))
        }
    }

    private static func quoted(_ node: ConfigNode?) -> String { JSONString.quoted(node?.text ?? "") }

    /// A number of seconds as a duration; `nil` for none.
    private static func duration(_ node: ConfigNode?) -> PrometheusDuration? {
        guard let seconds = node?.text.flatMap({ Double($0) }), seconds > 0, seconds < 1e12 else { return nil }
        return PrometheusDuration(milliseconds: Int64((seconds * 1000).rounded()))
    }

    private static func text(_ group: ConfigNode, evaluation: PrometheusDuration?) -> String {
        var text = "  - name: \(quoted(group["name"]))\n"
        if let interval = duration(group["interval"]), interval != evaluation { text += "    interval: \(interval)\n" }
        if let limit = group["limit"]?.text.flatMap({ Int($0) }), limit > 0 { text += "    limit: \(limit)\n" }
        text += "    rules:\n"
        for rule in group["rules"]?.items ?? [] {
            let isAlert = rule["type"]?.text == "alerting"
            text += "      - \(isAlert ? "alert" : "record"): \(quoted(rule["name"]))\n"
            text += "        expr: \(quoted(rule["query"]))\n"
            if isAlert {
                if let wait = duration(rule["duration"]) { text += "        for: \(wait)\n" }
                if let keep = duration(rule["keepFiringFor"]) { text += "        keep_firing_for: \(keep)\n" }
            }
            for field in isAlert ? ["labels", "annotations"] : ["labels"] {
                guard case .mapping(let entries)? = rule[field]?.content, !entries.isEmpty else { continue }
                text += "        \(field):\n"
                for entry in entries {
                    text += "          \(JSONString.quoted(entry.key.text ?? "")): \(quoted(entry.value))\n"
                }
            }
        }
        return text
    }

    /// A configuration as `/api/v1/status/config` shows it, with these files in place of the stack's own, and with what intervals have in
    /// common in its global section.
    public func applied(to config: String) -> String {
        let config = RecordedIntervals(config).text(evaluation: evaluation)
        var lines: [Substring] = []
        var isRuleFiles = false
        for line in config.split(separator: "\n", omittingEmptySubsequences: false) {
            if isRuleFiles, line.hasPrefix("-") || line.hasPrefix(" ") { continue }
            isRuleFiles = line.hasPrefix("rule_files:")
            if !isRuleFiles { lines.append(line) }
        }
        while lines.last?.isEmpty ?? false { lines.removeLast() }
        if !files.isEmpty {
            lines.append("rule_files:")
            for file in files { lines.append("- \(JSONString.quoted(file.name))"[...]) }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
