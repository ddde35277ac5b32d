/// What can be told about a pattern without running it: the shapes that matchers mostly have.
enum RegexShape: Sendable {
    /// `.*`: every text.
    case everything
    /// `.+`: every text but the empty one.
    case nonEmpty
    /// One of these texts and no other: `a|b`, `foo(bar|baz)`.
    case literals([[UInt8]])
    /// Begins so, and goes on as it likes: `foo.*`.
    case prefix([UInt8])
    /// Ends so: `.*foo`.
    case suffix([UInt8])
    /// Contains this: `.*foo.*`.
    case containing([UInt8])
    /// Anything else; whatever matches begins with these bytes.
    case general(prefix: [UInt8])

    /// Expanding stops at this many texts.
    static let literalLimit = 1024
    /// And at about this many bytes of them.
    private static let byteLimit = 1 << 20

    init(_ node: RegexNode) {
        let items = Self.flattened(node)
        if let literals = Self.literals(items) {
            self = .literals(literals)
            return
        }
        func isAnything(_ node: RegexNode?) -> Bool {
            guard case .repetition(.set(let set), 0, nil, _)? = node else { return false }
            return set == .all
        }
        if items.count == 1, isAnything(items.first) {
            self = .everything
            return
        }
        if items.count == 1, case .repetition(.set(let set), 1, nil, _) = items[0], set == .all {
            self = .nonEmpty
            return
        }
        var middle = items[...]
        let openStart = isAnything(middle.first)
        if openStart { middle.removeFirst() }
        let openEnd = isAnything(middle.last)
        if openEnd { middle.removeLast() }
        if let literals = Self.literals(Array(middle)), literals.count == 1 {
            switch (openStart, openEnd) {
            case (true, true): self = .containing(literals[0])
            case (true, false): self = .suffix(literals[0])
            default: self = .prefix(literals[0])
            }
            return
        }
        var prefix: [UInt8] = []
        if !openStart {
            for item in middle {
                guard let one = Self.literals([item]), one.count == 1 else { break }
                prefix += one[0]
            }
        }
        self = .general(prefix: prefix)
    }

    /// The bytes that its texts take, about.
    var heldBytes: Int {
        switch self {
        case .everything, .nonEmpty: 0
        case .literals(let texts): texts.reduce(0) { $0 + $1.count + 64 }
        case .prefix(let text), .suffix(let text), .containing(let text), .general(let text): text.count
        }
    }

    /// The items of a sequence, without groups, and without the anchors at the ends that add nothing to a whole match.
    private static func flattened(_ node: RegexNode) -> [RegexNode] {
        func flat(_ node: RegexNode) -> [RegexNode] {
            switch node {
            case .sequence(let nodes): nodes.flatMap(flat)
            case .capture(let inner, _): flat(inner)
            case .empty: []
            case .never, .set, .alternation, .repetition, .assertion: [node]
            }
        }
        var items = flat(node)[...]
        while case .assertion(.textStart)? = items.first { items = items.dropFirst() }
        while case .assertion(.textEnd)? = items.last { items = items.dropLast() }
        return Array(items)
    }

    /// All the texts that the items match, if they are few.
    private static func literals(_ items: [RegexNode]) -> [[UInt8]]? {
        var texts: [[UInt8]] = [[]]
        var length = 0
        for item in items {
            let choices: [[UInt8]]
            switch item {
            case .set(let set):
                guard set.ranges.reduce(0, { $0 + $1.count }) <= 16 else { return nil }
                choices = set.ranges.flatMap { range in
                    range.compactMap { Unicode.Scalar($0).map { Array(String(Character($0)).utf8) } }
                }
            case .alternation(let branches):
                var all: [[UInt8]] = []
                for branch in branches {
                    guard let some = literals(flattened(branch)), all.count + some.count <= literalLimit else {
                        return nil
                    }
                    all += some
                }
                choices = all
            case .repetition(let inner, 0, 1, _):
                guard let some = literals(flattened(inner)) else { return nil }
                choices = some + [[]]
            case .empty: continue
            default: return nil
            }
            guard texts.count * choices.count <= literalLimit else { return nil }
            length += choices.lazy.map(\.count).max() ?? 0
            guard length * texts.count <= byteLimit else { return nil }
            if choices.count == 1 {
                for index in texts.indices { texts[index] += choices[0] }
            } else {
                texts = texts.flatMap { start in choices.map { start + $0 } }
            }
        }
        return texts
    }
}
