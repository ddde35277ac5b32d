import ConfigTree
import MetricModel

/// A change of a scenario as on the command line: `scrape_interval=30s` for the stack's global section, or a path such as
/// `services.shop.instances=5` or `events.0.at=6m`.
struct ScenarioSetting {
    let text: String
    let path: [String]
    let value: ConfigNode

    /// The field of the stack's global section that it sets; `nil` for anything else.
    var globalField: String? {
        path.count == 3 && path[0] == "stack" && path[1] == "global" && Self.globals.contains(path[2]) ? path[2] : nil
    }

    /// What is short for a field of the stack's global section.
    private static let globals = ["scrape_interval", "scrape_timeout", "evaluation_interval", "rule_query_offset"]
    /// Sections in which people choose the names.
    private static let named: Set<String> = ["services", "batches", "metrics"]

    /// - Throws: `ConfigError` where it is not `NAME=VALUE`.
    init(parsing text: String) throws(ConfigError) {
        self.text = text
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        guard parts.count == 2, parts[0].contains(where: { $0 != "." }) else {
            let problem = ConfigProblem(.meaning, "\(GoText.quoted(text)) is not NAME=VALUE")
            throw ConfigError(file: "--set", problems: [problem])
        }
        value = try YAMLReader.parse(Array(parts[1].utf8), file: "--set \(parts[0])")
        let names = parts[0].split(separator: ".").map(String.init)
        path = names.count == 1 && Self.globals.contains(names[0]) ? ["stack", "global", names[0]] : names
    }

    /// Whether nothing is left of another one where this one comes after it.
    func replaces(_ other: Self) -> Bool { other.path.starts(with: path) }

    /// Changes the scenario, or its stack, which may stand in another file.
    /// - Throws: `ConfigError` where the way leads nowhere.
    func apply(to scenario: inout ConfigNode, stack: inout ConfigNode) throws(ConfigError) {
        if path[0] == "stack" {
            try set(path.dropFirst(), of: &stack)
        } else {
            try set(path[...], of: &scenario)
        }
    }

    /// Sets what is at the rest of the path; mappings that are missing are made.
    private func set(_ rest: ArraySlice<String>, of node: inout ConfigNode) throws(ConfigError) {
        guard let name = rest.first else {
            node = value
            return
        }
        if case .sequence(var items) = node.content {
            guard let index = Int(name), items.indices.contains(index) else {
                throw wrong(rest, "there are \(items.count) of them, counted from 0")
            }
            try set(rest.dropFirst(), of: &items[index])
            node.content = .sequence(items)
            return
        }
        var entries: [ConfigNode.Entry] = []
        if case .mapping(let known) = node.content { entries = known }
        var inner = node[name] ?? ConfigNode(.mapping([]), line: node.line, column: node.column)
        if node[name] == nil, rest.count > 1, let section = path[..<rest.startIndex].last, Self.named.contains(section)
        {
            // A whole one may be added, but not a field of one that is not there.
            let names = entries.compactMap(\.key.text)
            let all = names.isEmpty ? "" : "there is \(names.joined(separator: ", ")); "
            throw wrong(
                rest,
                DidYouMean.nearest(name, among: names).map { "did you mean \($0)?" }
                    ?? all + "a whole one is added by \(path[...rest.startIndex].joined(separator: "."))={…}"
            )
        }
        try set(rest.dropFirst(), of: &inner)
        if let index = entries.lastIndex(where: { $0.key.text == name }) {
            entries[index].value = inner
        } else {
            let key = ConfigNode(.scalar(.init(name, isPlain: false)), line: node.line, column: node.column)
            entries.append(.init(key: key, value: inner))
        }
        node.content = .mapping(entries)
    }

    private func wrong(_ rest: ArraySlice<String>, _ hint: String) -> ConfigError {
        let place = path[...rest.startIndex].joined(separator: ".")
        let section = path[..<rest.startIndex].joined(separator: ".")
        let message = "there is no \(GoText.quoted(rest.first ?? "")) in \(section)"
        return ConfigError(
            file: "--set \(text)",
            problems: [ConfigProblem(.meaning, message, path: place, hint: hint)]
        )
    }

    /// A problem that a setting made: it has no line, and names that are short for others may have been meant.
    static func told(_ problem: ConfigProblem) -> ConfigProblem {
        var told = problem
        (told.file, told.line, told.column) = (nil, nil, nil)
        guard !problem.known.isEmpty, !problem.path.contains(".") else { return told }
        let names = globals + problem.known
        told.hint =
            DidYouMean.nearest(problem.path, among: names).map { "did you mean \($0)?" }
            ?? "there is " + names.joined(separator: ", ")
        return told
    }
}
