/// One thing that is wrong in a configuration file.
public struct ConfigProblem: Sendable, Hashable {
    /// How the problem was found, which decides how Prometheus words it.
    public enum Kind: Sendable, Hashable {
        /// An unknown or repeated field or a wrong type: found while the text was read.
        case structure
        /// Values that do not make sense.
        case meaning
        /// Something Prometheus knows and this server does not do.
        case unsupported
    }

    /// How it was found.
    public var kind: Kind
    /// What is wrong, in Prometheus's words.
    public var message: String
    /// The line, from 1; `nil` where it is about no single place.
    public var line: Int?
    /// The column, from 1.
    public var column: Int?
    /// The way to the field: `scrape_configs[2].metrics_path`.
    public var path: String
    /// What was probably meant, or what to do.
    public var hint: String?

    /// A problem.
    public init(
        _ kind: Kind,
        _ message: String,
        line: Int? = nil,
        column: Int? = nil,
        path: String = "",
        hint: String? = nil
    ) {
        self.kind = kind
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
        (left.line ?? .max, left.column ?? .max) < (right.line ?? .max, right.column ?? .max)
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
    public var prometheusText: String {
        var text = "parsing YAML file \(file): "
        let structure = problems.filter { $0.kind == .structure }
        if structure.isEmpty {
            text += problems.first?.message ?? ""
        } else {
            text += "yaml: unmarshal errors:"
            for problem in structure.sorted(by: ConfigProblem.stands(_:before:)) {
                text += "\n  " + (problem.line.map { "line \($0): " } ?? "") + problem.message
            }
        }
        return text
    }

    /// One line for each problem: file, line, column, field, what is wrong and what was probably meant.
    public var description: String {
        problems.sorted(by: ConfigProblem.stands(_:before:)).map { problem in
            var text = file
            if let line = problem.line { text += ":\(line)" }
            if let column = problem.column { text += ":\(column)" }
            text += ": "
            if !problem.path.isEmpty { text += "\(problem.path): " }
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
    /// What is not wrong, but should be told.
    public private(set) var warnings: [ConfigProblem] = []

    /// An empty collection for a file.
    public init(file: String) { self.file = file }

    /// Adds a problem.
    public func add(_ problem: ConfigProblem) { problems.append(problem) }

    /// Adds something that should be told but does not stop the file from being used.
    public func warn(_ problem: ConfigProblem) { warnings.append(problem) }

    /// - Throws: ``ConfigError`` if anything was found.
    public func throwIfAny() throws(ConfigError) {
        guard !problems.isEmpty else { return }
        throw ConfigError(file: file, problems: problems)
    }
}

/// Finds the name that was probably meant.
public enum DidYouMean {
    /// The candidate nearest to the word, if it is near enough to be a slip.
    public static func nearest(_ word: String, among candidates: some Sequence<String>) -> String? {
        let limit = max(1, word.count / 3)
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = editDistance(word, candidate)
            if distance <= limit, distance < (best?.distance ?? .max) { best = (candidate, distance) }
        }
        return best?.name
    }

    /// How many letters have to be inserted, removed, replaced or swapped with their neighbour to turn one word into the other.
    public static func editDistance(_ left: String, _ right: String) -> Int {
        let a = Array(left.unicodeScalars)
        let b = Array(right.unicodeScalars)
        var beforePrevious = [Int](repeating: 0, count: b.count + 1)
        var previous = Array(0...b.count)
        for i in a.indices {
            var current = [i + 1]
            for j in b.indices {
                var cost = min(previous[j + 1] + 1, current[j] + 1, previous[j] + (a[i] == b[j] ? 0 : 1))
                if i > 0, j > 0, a[i] == b[j - 1], a[i - 1] == b[j] { cost = min(cost, beforePrevious[j - 1] + 1) }
                current.append(cost)
            }
            beforePrevious = previous
            previous = current
        }
        return previous[b.count]
    }
}
