public import ConfigTree
public import MetricModel
public import PromQL
import RuleTemplates

/// A rule file, read and checked as Prometheus and promtool do.
public struct RuleFile: Sendable {
    /// A group as it is written.
    public struct Group: Sendable {
        /// The name.
        public var name: String
        /// The time between two evaluations in milliseconds; 0 for the server's.
        public var interval: Int64
        /// How far behind queries look in milliseconds; `nil` for the server's.
        public var queryOffset: Int64?
        /// The most series or alerts of one rule; 0 for no limit.
        public var limit: Int
        /// The rules, the group's labels merged in.
        public var rules: [RuleDefinition]

        /// The group as it runs.
        /// - Parameters:
        ///   - file: the file's name.
        ///   - interval: the time between two evaluations where the group names none, in milliseconds.
        ///   - queryOffset: how far behind its queries look where the group does not say, in milliseconds.
        public func definition(file: String, interval: Int64, queryOffset: Int64 = 0) -> RuleGroupDefinition {
            var definition = RuleGroupDefinition(
                file: file,
                name: name,
                interval: self.interval == 0 ? interval : self.interval
            )
            definition.queryOffset = self.queryOffset ?? queryOffset
            definition.limit = limit
            definition.rules = rules
            return definition
        }
    }

    /// Why a file was refused.
    public struct Failure: Error, Sendable, CustomStringConvertible {
        /// Everything that is wrong, each in promtool's words with the file's name first.
        public var messages: [String]
        /// The same with the places, for those who tell them in another form; empty where nobody knows the places.
        public var problems: [ConfigProblem] = []
        /// A failure with what is wrong.
        public init(messages: [String]) { self.messages = messages }
        /// A failure with what is wrong in a file; without a name for what has none.
        public init(_ messages: [String], in file: String) {
            self.messages = file.isEmpty ? messages : messages.map { "\(file): \($0)" }
        }
        /// One message a line.
        public var description: String { messages.joined(separator: "\n") }
    }

    /// The groups.
    public var groups: [Group] = []

    /// How many rules there are.
    public var ruleCount: Int { groups.reduce(0) { $0 + $1.rules.count } }

    /// Reads a file's contents.
    /// - Parameters:
    ///   - node: the contents.
    ///   - file: its name, for messages.
    ///   - ignoresUnknownFields: whether fields that other rulers know are passed over.
    ///   - scheme: the names that are allowed.
    ///   - parser: the language that is switched on.
    /// - Throws: ``Failure`` with everything that is wrong.
    public init(
        reading node: ConfigNode,
        file: String,
        ignoresUnknownFields: Bool = false,
        scheme: NameValidation = .utf8,
        parser: PromQLParser = PromQLParser()
    ) throws(Failure) {
        let problems = ConfigProblems(file: file, dialect: .rules)
        let root = ConfigSection(node, type: "rulefmt.RuleGroups", path: "", problems: problems)
        let sections = root.sections("groups", type: "rulefmt.RuleGroup", ofValues: true)
        if !ignoresUnknownFields { root.finish() }
        var findings: [RuleFinding] = []
        var names: Set<String> = []
        let checker = RuleChecker(scheme: scheme, parser: parser, ignoresUnknownFields: ignoresUnknownFields)
        // Empty items are passed over.
        for case let section? in sections { groups.append(checker.group(section, &names, &findings)) }
        let unreadable = Self.structure(problems.problems)
        if unreadable.isEmpty, findings.isEmpty { return }
        var failure = Failure(unreadable.isEmpty ? findings.map(\.message) : unreadable, in: file)
        failure.problems = problems.problems
        failure.problems += findings.filter { !Self.follows($0, from: problems) }.map(\.problem)
        throw failure
    }

    /// Whether something is wrong only because something else in the same group or rule could not be read.
    private static func follows(_ finding: RuleFinding, from problems: ConfigProblems) -> Bool {
        let path = finding.problem.path
        if problems.tells(within: path) { return true }
        guard finding.isMissing else { return false }
        let end = path.lastIndex(of: "]") ?? path.startIndex
        return problems.problems.contains { $0.path.lastIndex(of: "]") == end && $0.path.hasPrefix(path[..<end]) }
    }

    /// The types of the reading that is about places.
    private static let nodeTypes = [
        "rulefmt.RuleGroups": "rulefmt.ruleGroups", "rulefmt.RuleGroup": "rulefmt.RuleGroupNode",
        "rulefmt.Rule": "rulefmt.RuleNode",
    ]

    /// What is wrong with the form, as the YAML library that Prometheus uses puts it: it reads the file twice, strictly and for
    /// the places, and both say what they find.
    private static func structure(_ problems: [ConfigProblem]) -> [String] {
        let values = problems.filter { $0.kind != .structure }
        if let first = values.first { return [first.message, first.message] }
        func list(_ problems: [ConfigProblem], _ rename: Bool) -> String {
            let lines = problems.sorted { ($0.line ?? 0, $0.column ?? 0) < ($1.line ?? 0, $1.column ?? 0) }.map {
                problem in
                var message = problem.message
                if rename, let type = problem.expectedType {
                    for (name, other) in nodeTypes where type == name || type == "[]" + name {
                        message = message.dropLast(name.count) + other
                    }
                }
                return "\n  " + (problem.line.map { "line \($0): " } ?? "") + message
            }
            return "yaml: unmarshal errors:" + lines.joined()
        }
        if problems.isEmpty { return [] }
        // These are only nodes to the second reading, whatever they hold.
        let nodes = [".record", ".alert", ".expr"]
        let wrongTypes = problems.filter { problem in
            problem.isRepetition
                || problem.expectedType != nil && !nodes.contains { problem.path.hasSuffix("]" + $0) }
        }
        return [list(problems, false)] + (wrongTypes.isEmpty ? [] : [list(wrongTypes, true)])
    }
}

/// Something that is wrong with a group or a rule.
struct RuleFinding {
    /// As promtool tells it.
    var message: String
    /// The same with its place, and what would be right.
    var problem: ConfigProblem
    /// Whether it is that a field is not there.
    var isMissing = false
}

/// Reads groups and rules and checks them.
struct RuleChecker {
    let scheme: NameValidation
    let parser: PromQLParser
    let ignoresUnknownFields: Bool

    /// What a label may be called.
    private static let labelForm = "letters, digits and _, but not __name__"

    private func finish(_ section: ConfigSection) { if !ignoresUnknownFields { section.finish() } }

    func group(_ section: ConfigSection, _ names: inout Set<String>, _ findings: inout [RuleFinding]) -> RuleFile.Group
    {
        func fail(_ message: String, _ words: String, at field: String, entry: String? = nil, hint: String) {
            let problem = section.problem(.meaning, words, at: field, entry: entry, hint: hint)
            findings.append(RuleFinding(message: message, problem: problem, isMissing: !section.has(field)))
        }
        let name = section.string("name") ?? ""
        let interval = section.duration("interval")?.milliseconds ?? 0
        var queryOffset: Int64?
        if let node = section.node("query_offset"), !node.isNull {
            queryOffset = section.duration("query_offset")?.milliseconds
        }
        let limit = section.int("limit") ?? 0
        let labels = section.stringMap("labels", type: "map[string]string") ?? []
        if name.isEmpty {
            fail("0:0: Groupname must not be empty", "a group needs a name", at: "name", hint: "name: shop")
        }
        if !names.insert(name).inserted {
            let words = "groupname: \"\(name)\" is repeated in the same file"
            fail("0:0: " + words, words, at: "name", hint: "another name")
        }
        for (key, _) in labels where !scheme.allowsLabelName(key) || key == Labels.metricName {
            let words = "invalid label name: \(key)"
            fail(words, words, at: "labels", entry: key, hint: Self.labelForm)
        }
        var rules: [RuleDefinition] = []
        let items = section.sections("rules", type: "rulefmt.Rule", ofValues: true).compactMap(\.self)
        for (index, item) in items.enumerated() {
            if let rule = rule(item, group: (name, labels), index: index, &findings) { rules.append(rule) }
        }
        finish(section)
        return RuleFile.Group(name: name, interval: interval, queryOffset: queryOffset, limit: limit, rules: rules)
    }

    private func rule(
        _ section: ConfigSection,
        group: (name: String, labels: [(key: String, value: String)]),
        index: Int,
        _ findings: inout [RuleFinding]
    ) -> RuleDefinition? {
        let record = section.string("record") ?? ""
        let alert = section.string("alert") ?? ""
        let text = section.string("expr") ?? ""
        let holdDuration = section.duration("for")?.milliseconds ?? 0
        let keepFiringFor = section.duration("keep_firing_for")?.milliseconds ?? 0
        let labels = sorted(section.stringMap("labels", type: "map[string]string") ?? [])
        let annotations = sorted(section.stringMap("annotations", type: "map[string]string") ?? [])
        func place(_ name: String) -> String {
            guard let node = section.node(name) else { return "0:0" }
            return "\(node.line):\(node.column)"
        }
        let recordPlace = place("record")
        let before = findings.count
        func fail(
            _ message: String,
            of field: String,
            entry: String? = nil,
            after place: String? = nil,
            hint: String? = nil
        ) {
            let prefix = place.map { "\($0): " } ?? ""
            let name = GoText.quoted(alert.isEmpty ? record : alert)
            let words = "group \(GoText.quoted(group.name)), rule \(index + 1), \(name): \(message)"
            let problem = section.problem(.meaning, words, at: field, entry: entry, hint: hint)
            findings.append(RuleFinding(message: prefix + words, problem: problem, isMissing: !section.has(field)))
        }
        let both = "\(recordPlace): \(place("alert"))"
        if !record.isEmpty, !alert.isEmpty {
            fail("only one of 'record' and 'alert' must be set", of: "record", after: both, hint: "two rules")
        }
        if record.isEmpty, alert.isEmpty {
            let field = section.has("record") ? "record" : "alert"
            fail("one of 'record' or 'alert' must be set", of: field, after: both, hint: "\(field): NAME")
        }
        var expression: Expr?
        if text.isEmpty {
            fail("field 'expr' must be set in rule", of: "expr", after: place("expr"), hint: "expr: up == 0")
        } else {
            do throws(ParseError) {
                expression = try parser.parse(text)
            } catch {
                fail("could not parse expression: \(error)", of: "expr", after: place("expr"))
            }
        }
        if !record.isEmpty {
            let fields = [
                ("annotations", !annotations.isEmpty), ("for", holdDuration != 0),
                ("keep_firing_for", keepFiringFor != 0),
            ]
            for (field, isSet) in fields where isSet {
                let hint = "only alerts have it"
                fail("invalid field '\(field)' in recording rule", of: field, after: recordPlace, hint: hint)
            }
            let hint = "letters, digits, _ and :"
            if !scheme.allowsMetricName(record) {
                fail("invalid recording rule name: \(record)", of: "record", after: recordPlace, hint: hint)
            }
            if record.contains("{") || record.contains("}") {
                let words = "braces present in the recording rule name; should it be in expr?: \(record)"
                fail(words, of: "record", after: recordPlace, hint: hint)
            }
        }
        for label in labels where !scheme.allowsLabelName(label.name) || label.name == Labels.metricName {
            fail("invalid label name: \(label.name)", of: "labels", entry: label.name, hint: Self.labelForm)
        }
        for annotation in annotations where !scheme.allowsLabelName(annotation.name) {
            let words = "invalid annotation name: \(annotation.name)"
            fail(words, of: "annotations", entry: annotation.name, hint: Self.labelForm)
        }
        if !alert.isEmpty {
            for (kind, items) in [("label", labels), ("annotation", annotations)] {
                for item in items {
                    do throws(TemplateError) {
                        _ = try TextTemplate(alert: alert, text: item.value)
                    } catch {
                        let words = "\(kind) \(GoText.quoted(item.name)): \(error.message)"
                        let hint = "a template such as {{ $labels.instance }} or {{ $value }}"
                        fail(words, of: kind + "s", entry: item.name, hint: hint)
                    }
                }
            }
        }
        finish(section)
        guard findings.count == before, let expression else { return nil }
        var definition = RuleDefinition(
            alert.isEmpty ? .recording : .alerting,
            name: alert.isEmpty ? record : alert,
            expression: expression
        )
        definition.holdDuration = holdDuration
        definition.keepFiringFor = keepFiringFor
        let own = Set(labels.map(\.name))
        definition.labels = sorted(
            group.labels.filter { !own.contains($0.key) } + labels.map { (key: $0.name, value: $0.value) }
        )
        definition.annotations = annotations
        definition.line = section.node.line
        return definition
    }

    private func sorted(_ pairs: [(key: String, value: String)]) -> [Label] {
        pairs.map { Label(name: $0.key, value: $0.value) }
            .sorted { $0.name.utf8.lexicographicallyPrecedes($1.name.utf8) }
    }
}
