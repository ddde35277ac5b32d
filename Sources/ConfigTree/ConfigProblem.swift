import MetricModel

/// One thing that is wrong in a configuration file.
public struct ConfigProblem: Sendable, Hashable {
    /// How the problem was found, which decides how Prometheus words it.
    public enum Kind: Sendable, Hashable {
        /// The text is no YAML or no JSON.
        case syntax
        /// An unknown or repeated field or a wrong type: found while the text was read.
        case structure
        /// The same in JSON, where Go tells the first only.
        case decoding
        /// Values that do not make sense.
        case meaning
        /// Something Prometheus knows and this server does not do.
        case unsupported
    }

    /// How it was found.
    public var kind: Kind
    /// What is wrong, in Prometheus's words.
    public var message: String
    /// The file where it is another one than that of the whole error, as one file may name others; `nil` for the same.
    public var file: String?
    /// The line, from 1; `nil` where it is about no single place.
    public var line: Int?
    /// The column, from 1.
    public var column: Int?
    /// The way to the field: `scrape_configs[2].metrics_path`.
    public var path: String
    /// What was probably meant, or what to do.
    public var hint: String?
    /// The whole of a ``Kind/syntax`` problem in Prometheus's words, with the line as it counts.
    public var original: String?
    /// The type that a value should have had, as Go names it, where the problem is that it has another.
    public var expectedType: String?
    /// What the value is instead, in plain words.
    public var given: String?
    /// The fields that there are, where the problem is one that there is not.
    public var known: [String] = []
    /// Whether the problem is a key that is there twice.
    public var isRepetition = false

    /// A problem.
    public init(
        _ kind: Kind,
        _ message: String,
        line: Int? = nil,
        column: Int? = nil,
        path: String = "",
        hint: String? = nil,
        original: String? = nil
    ) {
        self.kind = kind
        self.original = original
        self.message = message
        self.line = line
        self.column = column
        self.path = path
        self.hint = hint
    }
}

extension ConfigProblem {
    /// Whether one problem stands before another in the file.
    static func stands(_ left: Self, before right: Self) -> Bool {
        (left.file ?? "", left.line ?? .max, left.column ?? .max)
            < (right.file ?? "", right.line ?? .max, right.column ?? .max)
    }
}

/// Why a configuration was refused: everything that is wrong in it, not only the first thing.
public struct ConfigError: Error, Hashable, CustomStringConvertible {
    /// The file.
    public var file: String
    /// What is wrong, by place.
    public var problems: [ConfigProblem]

    /// A refusal of a file.
    public init(file: String, problems: [ConfigProblem]) {
        self.file = file
        self.problems = problems
    }

    /// As Prometheus words it: `parsing YAML file prometheus.yml: yaml: unmarshal errors:` and a line for each, or the first
    /// thing that does not make sense.
    public var prometheusText: String { "parsing YAML file \(file): \(reason)" }

    /// What Go's readers say, without the file.
    public var reason: String {
        if let first = problems.first(where: { $0.kind == .syntax }) { return first.original ?? first.message }
        if let first = problems.first(where: { $0.kind == .decoding }) { return first.message }
        let structure = problems.filter { $0.kind == .structure }
        guard !structure.isEmpty else { return problems.first?.message ?? "" }
        return structure.sorted(by: ConfigProblem.stands(_:before:)).reduce("yaml: unmarshal errors:") {
            text,
            problem in
            text + "\n  " + (problem.line.map { "line \($0): " } ?? "") + problem.message
        }
    }

    /// One line for each problem: file, line, column, field, what is wrong and what was probably meant. Those of other files come
    /// last.
    public var description: String {
        problems.sorted(by: ConfigProblem.stands(_:before:)).map { problem in
            var text = problem.file ?? file
            if let line = problem.line { text += ":\(line)" }
            if let column = problem.column { text += ":\(column)" }
            text += ": "
            // A name may be anything that YAML can write, but a problem is one line.
            if !problem.path.isEmpty { text += "\(GoText.escaped(problem.path)): " }
            text += problem.message
            if let hint = problem.hint { text += " (\(hint))" }
            return text
        }.joined(separator: "\n")
    }
}

/// Collects what is wrong while a file is read.
public final class ConfigProblems {
    /// The file's name, for messages.
    public let file: String
    /// What was found so far.
    public private(set) var problems: [ConfigProblem] = []
    private var told: Set<ConfigProblem> = []
    /// So many are told of; a file of a million mistakes is not worth a message of a hundred megabytes.
    private static let problemLimit = 1000
    /// What is not wrong, but should be told.
    public private(set) var warnings: [ConfigProblem] = []

    /// Whose words are used where go-yaml's versions differ.
    private let dialect: YAMLReader.Dialect

    /// An empty collection for a file.
    public init(file: String, dialect: YAMLReader.Dialect = .configuration) {
        self.file = file
        self.dialect = dialect
    }

    /// Whether a node is nothing to a type that reads itself: version 2 passes over some forms of null, version 3 over all.
    func isPassedOver(_ node: ConfigNode) -> Bool { dialect == .rules ? node.isNull : node.isPassedOver }

    /// Looks for keys that are there twice as version 3 does, which then reads nothing of the mapping.
    func refusesRepetitions(_ entries: [ConfigNode.Entry], _ path: String) -> Bool {
        guard dialect == .rules else { return false }
        var first: [String: [Int]] = [:]
        var isRefused = false
        for entry in entries where !entry.isMerged {
            guard let name = entry.key.text else { continue }
            for line in first[name] ?? [] {
                var problem = ConfigProblem(
                    .structure,
                    "mapping key \(GoText.quoted(name)) already defined at line \(line)",
                    line: entry.key.line,
                    column: entry.key.column,
                    path: path
                )
                problem.isRepetition = true
                add(problem)
                isRefused = true
            }
            // Of very many only the first is told again.
            if first[name]?.count ?? 0 < 20 { first[name, default: []].append(entry.key.line) }
        }
        return isRefused
    }

    /// Adds a problem, once: a field may be read for several purposes.
    public func add(_ problem: ConfigProblem) {
        guard !isFull, told.insert(problem).inserted else { return }
        let isLast = problems.count == Self.problemLimit - 1
        problems.append(isLast ? ConfigProblem(problem.kind, "more is wrong than is told here") : problem)
    }

    /// Whether no more are told of.
    public var isFull: Bool { problems.count >= Self.problemLimit }

    /// Adds what is wrong in a file, which may be another one that this one names.
    public func add(_ error: ConfigError) {
        for var problem in error.problems {
            if problem.file == nil, error.file != file { problem.file = error.file }
            add(problem)
        }
    }

    /// Whether something is told of a field of this file itself, as that nothing can be read there.
    public func tells(at path: String) -> Bool { problems.contains { $0.path == path && $0.file == nil } }

    /// Whether something is told of a field of this file, or of what is in it.
    public func tells(within path: String) -> Bool {
        problems.contains { problem in
            guard problem.file == nil, problem.path.hasPrefix(path) else { return false }
            let rest = problem.path.dropFirst(path.count)
            return rest.isEmpty || rest.hasPrefix(".") || rest.hasPrefix("[")
        }
    }

    /// Adds something that should be told but does not stop the file from being used.
    public func warn(_ problem: ConfigProblem) { warnings.append(problem) }

    /// - Throws: ``ConfigError`` if anything was found.
    public func throwIfAny() throws(ConfigError) {
        guard !problems.isEmpty else { return }
        throw ConfigError(file: file, problems: problems)
    }
}
