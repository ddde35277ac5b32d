import Foundation

/// The entries of `Tests/Conformance/differences.json`: what answers differ in although nothing is wrong. The comparisons with
/// real servers mask the same ones.
struct Differences: Sendable {
    private struct Entry: Decodable {
        enum Kind: String, Decodable {
            case rewrite, annotation, fields, position, query, order, statistics, error, exposition, header, page,
                method, rules, config
            case ruleFile = "rule-file"
            case pushError = "push-error"
        }
        var name: String
        var kind: Kind
        var find: String?
        var replace: String?
        var names: [String]?
    }

    /// A pattern with what stands in its place.
    private struct Rewriting: Sendable {
        let pattern: Pattern
        let replacement: String
    }

    private let bodies: [Rewriting]
    private let errors: [Rewriting]
    private let rules: [Rewriting]
    private let configs: [Rewriting]
    private let ruleFiles: [Pattern]
    private let annotations: [Pattern]
    private let moved: [Pattern]
    private let unordered: [Pattern]
    private let uncounted: [(pattern: Pattern, fields: [String])]
    private let pushErrors: [(pattern: Pattern, name: String)]
    private let expositions: [Pattern]
    private let queries: [Pattern]
    private let headers: [Pattern]
    private let pages: [Pattern]
    private let methods: [Pattern]
    /// The fields of JSON that are not compared.
    let fields: Set<String>

    static let known = Result { try Differences() }

    private init() throws {
        let data = try Data(contentsOf: Conformance.folder.appending(path: "differences.json"))
        let entries = try JSONDecoder().decode([Entry].self, from: data)
        func patterns(_ kind: Entry.Kind) throws -> [Pattern] {
            try entries.filter { $0.kind == kind }.map { try Pattern($0.find ?? "") }
        }
        func rewritings(_ kind: Entry.Kind) throws -> [Rewriting] {
            try entries.filter { $0.kind == kind }.map {
                Rewriting(pattern: try Pattern($0.find ?? ""), replacement: $0.replace ?? "")
            }
        }
        bodies = try rewritings(.rewrite)
        errors = try rewritings(.error)
        rules = try rewritings(.rules)
        configs = try rewritings(.config)
        ruleFiles = try patterns(.ruleFile)
        annotations = try patterns(.annotation)
        moved = try patterns(.position)
        unordered = try patterns(.order)
        expositions = try patterns(.exposition)
        queries = try patterns(.query)
        headers = try patterns(.header)
        pages = try patterns(.page)
        methods = try patterns(.method)
        uncounted = try entries.filter { $0.kind == .statistics }.map { (try Pattern($0.find ?? ""), $0.names ?? []) }
        pushErrors = try entries.filter { $0.kind == .pushError }.map { (try Pattern($0.find ?? ""), $0.name) }
        fields = Set(entries.filter { $0.kind == .fields }.flatMap { $0.names ?? [] })
    }

    /// A body of JSON without what versions tell otherwise.
    func rewritten(_ body: String) -> String {
        bodies.reduce(body) { $1.pattern.replaced(in: $0, by: $1.replacement) }
    }

    /// An error of a query without what is left to chance.
    func rewritten(error: String) -> String {
        errors.reduce(error) { $1.pattern.replaced(in: $0, by: $1.replacement) }
    }

    /// What rules or their tests told, without what versions tell otherwise.
    func rewritten(rules text: String) -> String {
        rules.reduce(text) { $1.pattern.replaced(in: $0, by: $1.replacement) }
    }

    /// A configuration as it is shown, without what versions show otherwise.
    func rewritten(config text: String) -> String {
        configs.reduce(text) { $1.pattern.replaced(in: $0, by: $1.replacement) }
    }

    func isCompared(ruleFile text: String) -> Bool { !ruleFiles.contains { $0.isFound(in: text) } }
    func isCompared(annotation: String) -> Bool { !annotations.contains { $0.isFound(in: annotation) } }
    func isCompared(query: String) -> Bool { !queries.contains { $0.isFound(in: query) } }
    func isCompared(exposition name: String) -> Bool { !expositions.contains { $0.isAll(of: name) } }
    func isCompared(header name: String) -> Bool { !headers.contains { $0.isAll(of: name.lowercased()) } }
    /// Whether the body of an answer with that status, and its type, are compared.
    func isCompared(page status: Int) -> Bool { !pages.contains { $0.isAll(of: String(status)) } }
    func isCompared(method: String) -> Bool { !methods.contains { $0.isAll(of: method) } }
    func comparesPositions(of query: String) -> Bool { !moved.contains { $0.isFound(in: query) } }
    func comparesOrder(of query: String) -> Bool { !unordered.contains { $0.isFound(in: query) } }

    /// The fields of a query's statistics that are not compared.
    func uncounted(in query: String) -> [String] {
        uncounted.filter { $0.pattern.isFound(in: query) }.flatMap(\.fields)
    }

    /// The entry that keeps the error of a push from being compared word for word.
    func pushError(_ text: String) -> String? { pushErrors.first { $0.pattern.isFound(in: text) }?.name }
}

/// A regular expression in the syntax that the list of differences shares with Python's.
struct Pattern: Sendable {
    private let expression: NSRegularExpression

    init(_ text: String) throws { expression = try NSRegularExpression(pattern: text) }

    private func whole(_ text: String) -> NSRange { NSRange(location: 0, length: (text as NSString).length) }

    func isFound(in text: String) -> Bool { expression.firstMatch(in: text, range: whole(text)) != nil }

    func isAll(of text: String) -> Bool {
        expression.firstMatch(in: text, options: [.anchored], range: whole(text))?.range == whole(text)
    }

    func replaced(in text: String, by replacement: String) -> String {
        expression.stringByReplacingMatches(in: text, range: whole(text), withTemplate: replacement)
    }
}
