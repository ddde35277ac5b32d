import ConfigTree
import MetricModel

/// A stack tells the intervals of each job and of each group of rules. Where they are the global ones, or can be, they are written there
/// alone, so that another interval is one change: `--set scrape_interval=30s`.
struct RecordedIntervals {
    private var lines: [Substring]
    private let node: ConfigNode

    /// - Parameter config: a configuration as `/api/v1/status/config` shows it.
    init(_ config: String) {
        lines = config.split(separator: "\n", omittingEmptySubsequences: false)
        node = (try? YAMLReader.parse(Array(config.utf8), file: "")) ?? ConfigNode(.mapping([]))
    }

    /// What the global section says, or a server that it says nothing to.
    private static let usual = ["scrape_interval": "1m", "scrape_timeout": "10s", "evaluation_interval": "1m"]

    private func global(_ field: String) -> PrometheusDuration? {
        node["global"]?[field]?.duration ?? Self.usual[field].flatMap { try? PrometheusDuration(parsing: $0) }
    }

    /// What all of them have, if it is the same and can be written into the global section.
    private func common(_ field: String, _ values: [PrometheusDuration?]) -> PrometheusDuration? {
        guard let first = values.first, let first, values.allSatisfy({ $0 == first }) else { return nil }
        return first == global(field) || line(of: field, in: node["global"]) != nil ? first : nil
    }

    /// How long it is from one evaluation to the next in the global section, if groups with these intervals are in the stack.
    /// - Parameter intervals: those of the groups, in milliseconds.
    func evaluation(_ intervals: [PrometheusDuration?]) -> PrometheusDuration? {
        common("evaluation_interval", intervals) ?? global("evaluation_interval")
    }

    /// The configuration with the intervals in its global section.
    /// - Parameter evaluation: the time between two evaluations.
    func text(evaluation: PrometheusDuration?) -> String {
        let jobs = node["scrape_configs"]?.items ?? []
        var values: [(field: String, value: PrometheusDuration)] = []
        let interval = common("scrape_interval", jobs.map { $0["scrape_interval"]?.duration })
        var timeout = global("scrape_timeout")
        if let interval {
            values.append(("scrape_interval", interval))
            // No timeout is longer than the interval that it is for.
            timeout =
                common("scrape_timeout", jobs.map { $0["scrape_timeout"]?.duration })
                ?? timeout.map { min($0, interval) }
        } else if let interval = global("scrape_interval") {
            values.append(("scrape_interval", interval))
        }
        if let timeout { values.append(("scrape_timeout", timeout)) }
        var text = self
        var gone: Set<Int> = []
        for (field, value) in values {
            for job in jobs where job[field]?.duration == value {
                if let line = text.line(of: field, in: job) { gone.insert(line) }
            }
        }
        if let evaluation { values.append(("evaluation_interval", evaluation)) }
        for (field, value) in values where value != global(field) {
            guard let line = text.line(of: field, in: node["global"]) else { continue }
            let indentation = text.lines[line].prefix { $0 == " " }
            text.lines[line] = "\(indentation)\(field): \(value)"
        }
        return text.lines.indices.filter { !gone.contains($0) }.map { text.lines[$0] }.joined(separator: "\n")
    }

    /// The line that has a field and nothing else.
    private func line(of field: String, in node: ConfigNode?) -> Int? {
        guard case .mapping(let entries)? = node?.content,
            let entry = entries.last(where: { $0.key.text == field && !$0.isMerged }),
            lines.indices.contains(entry.key.line - 1),
            lines[entry.key.line - 1].drop(while: { $0 == " " }).hasPrefix("\(field): ")
        else { return nil }
        return entry.key.line - 1
    }
}
