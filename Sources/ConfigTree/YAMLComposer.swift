import MetricModel

/// Puts the pieces of one document together, without recursion.
struct YAMLComposer {
    /// A list or mapping whose end has not come.
    private struct Open {
        var place: YAMLEventStream.Place
        var anchor: String?
        var isMapping: Bool
        var items: [ConfigNode] = []
        var entries: [ConfigNode.Entry] = []
        /// The key whose value comes next, in a mapping.
        var key: ConfigNode?
        var isMergeKey = false
        /// What is merged into the mapping where everything else overrides it.
        var merged: [ConfigNode.Entry] = []
        /// How many nodes it holds with its aliases carried out, itself included.
        var weight = 1
    }

    /// A node that an alias may stand for.
    private struct Anchored {
        var node: ConfigNode
        var weight: Int
    }

    private let stream: YAMLEventStream
    private let dialect: YAMLReader.Dialect
    /// How many nodes may be written.
    private let limit: Int
    private var open: [Open] = []
    /// By name; `nil` while the node has not ended.
    private var anchors: [String: Anchored?] = [:]
    private var root: ConfigNode?
    /// How many nodes are written.
    private var written = 0

    /// The deepest nesting of lists and mappings.
    static let deepest = 1000

    init(_ stream: YAMLEventStream, _ dialect: YAMLReader.Dialect, _ limit: Int) {
        self.stream = stream
        self.limit = limit
        self.dialect = dialect
    }

    /// The next document; `nil` where there is none.
    mutating func document() throws(ConfigProblem) -> ConfigNode? {
        while let (event, place) = try stream.next() {
            if written > limit { throw Self.failure(ConfigNode.tooMany(limit), place) }
            if written & 1023 == 1023, ConfigNode.isGivenUp { throw Self.failure(ConfigNode.givenUp, place) }
            switch event {
            case .documentStart: break
            case .documentEnd: return root ?? ConfigNode(.scalar(ConfigNode.Scalar("")))
            case .scalar(let scalar, let anchor):
                let node = ConfigNode(.scalar(try meant(scalar, at: place)), line: place.line, column: place.column)
                try add(node, weight: 1, anchor: anchor)
            case .alias(let name): try addAlias(name, place)
            case .sequenceStart(let anchor): try begin(place, anchor, isMapping: false)
            case .mappingStart(let anchor): try begin(place, anchor, isMapping: true)
            case .end:
                guard let ended = open.popLast() else { continue }
                let content: ConfigNode.Content =
                    ended.isMapping ? .mapping(Self.withMerged(ended)) : .sequence(ended.items)
                let node = ConfigNode(content, line: ended.place.line, column: ended.place.column)
                try add(node, weight: ended.weight, anchor: ended.anchor)
            }
        }
        return nil
    }

    private mutating func begin(
        _ place: YAMLEventStream.Place,
        _ anchor: String?,
        isMapping: Bool
    ) throws(ConfigProblem) {
        guard open.count < Self.deepest else { throw Self.failure("exceeded max depth", place) }
        if let anchor { anchors[anchor] = .some(nil) }
        open.append(Open(place: place, anchor: anchor, isMapping: isMapping))
    }

    private mutating func addAlias(_ name: String, _ place: YAMLEventStream.Place) throws(ConfigProblem) {
        guard let known = anchors[name] else { throw Self.failure("unknown anchor '\(name)' referenced", place) }
        guard let known else { throw Self.failure("anchor '\(name)' value contains itself", place) }
        try add(known.node, weight: known.weight, anchor: nil, isAlias: true)
    }

    /// Takes a finished node to where it belongs.
    private mutating func add(
        _ node: ConfigNode,
        weight: Int,
        anchor: String?,
        isAlias: Bool = false
    ) throws(ConfigProblem) {
        if let anchor { anchors[anchor] = Anchored(node: node, weight: weight) }
        written += 1
        guard let last = open.indices.last else {
            root = node
            return try checkAliases(weight, at: node.line)
        }
        // Far below what overflows, far above what is allowed.
        open[last].weight = min(open[last].weight + weight, 1 << 40)
        if isAlias { try checkAliases(open[last].weight, at: open[last].place.line) }
        guard open[last].isMapping else { return open[last].items.append(node) }
        guard let key = open[last].key else {
            open[last].key = node
            open[last].isMergeKey = !isAlias && Self.isMerge(node)
            return
        }
        open[last].key = nil
        // Version 3 passes over what has null for a name, version 2 takes null for an empty one.
        if dialect == .rules, key.isNull { return }
        guard open[last].isMergeKey else { return open[last].entries.append(ConfigNode.Entry(key: key, value: node)) }
        let merged = try Self.merged(node, isAlias: isAlias, key)
        switch dialect {
        case .configuration: open[last].entries += merged
        case .rules: open[last].merged = merged
        }
    }

    /// The limit of go-yaml on how much of a document may come from aliases: the larger it is, the less.
    private func checkAliases(_ total: Int, at line: Int) throws(ConfigProblem) {
        guard total > 1000 else { return }
        let share = Double(max(0, total - written)) / Double(total)
        let (low, high) = (400_000.0, 4_000_000.0)
        let allowed = max(0.1, min(0.99, 0.99 - 0.89 * (Double(total) - low) / (high - low)))
        if share > allowed {
            throw ConfigProblem(
                .syntax,
                "document contains excessive aliasing",
                line: line,
                original: "yaml: document contains excessive aliasing"
            )
        }
    }

    // MARK: Merge keys

    private static func isMerge(_ node: ConfigNode) -> Bool {
        guard case .scalar(let scalar) = node.content, scalar.text == "<<" else { return false }
        return scalar.isPlain && scalar.tag == nil || scalar.tag == "!!merge"
    }

    /// The entries that a merge key brings, the strongest last.
    private static func merged(
        _ node: ConfigNode,
        isAlias: Bool,
        _ key: ConfigNode
    ) throws(ConfigProblem) -> [ConfigNode.Entry] {
        func entries(_ node: ConfigNode) throws(ConfigProblem) -> [ConfigNode.Entry] {
            guard case .mapping(let entries) = node.content else {
                throw failure(
                    "map merge requires map or sequence of maps as the value",
                    YAMLEventStream.Place(line: key.line, column: key.column)
                )
            }
            return entries.map { entry in
                var entry = entry
                entry.isMerged = true
                return entry
            }
        }
        guard case .sequence(let items) = node.content, !isAlias else { return try entries(node) }
        var all: [ConfigNode.Entry] = []
        // The first of several wins.
        for item in items.reversed() { all += try entries(item) }
        return all
    }

    private static func withMerged(_ ended: Open) -> [ConfigNode.Entry] {
        if ended.merged.isEmpty { return ended.entries }
        let own = Set(ended.entries.compactMap(\.key.text))
        return ended.merged.filter { $0.key.text.map { !own.contains($0) } ?? true } + ended.entries
    }

    // MARK: Tags

    /// The scalar with what its tag makes of it.
    private func meant(
        _ scalar: YAMLEventStream.Scalar,
        at place: YAMLEventStream.Place
    ) throws(ConfigProblem) -> ConfigNode.Scalar {
        var result = ConfigNode.Scalar(scalar.text, isPlain: scalar.isPlain, tag: scalar.tag)
        func wrong(_ message: String) -> ConfigProblem {
            let (line, column) = (place.line, place.column)
            return ConfigProblem(.syntax, message, line: line, column: column, original: "yaml: " + message)
        }
        func refuse() throws(ConfigProblem) {
            let found = result.plainMeaning.tag
            let message = "cannot decode \(found) `\(scalar.text)` as a \(scalar.tag ?? "")"
            throw wrong(message)
        }
        switch scalar.tag {
        case "!!int", "!!bool", "!!null", "!!timestamp": if result.plainMeaning.tag != scalar.tag { try refuse() }
        case "!!float": if !["!!float", "!!int"].contains(result.plainMeaning.tag) { try refuse() }
        case "!!binary":
            let packed = scalar.text.filter { !$0.isWhitespace }
            guard let bytes = Base64.decode(packed) else {
                let message = "!!binary value contains invalid base64 data"
                throw wrong(message)
            }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                let message = "!!binary value is not UTF-8"
                throw wrong(message)
            }
            result = ConfigNode.Scalar(text, isPlain: false)
        default: break
        }
        return result
    }

    private static func failure(_ message: String, _ place: YAMLEventStream.Place) -> ConfigProblem {
        ConfigProblem(.syntax, message, line: place.line, column: place.column, original: "yaml: " + message)
    }
}
