import MetricModel

/// A piece of a configuration file with the place where it stands, free of any YAML library.
public struct ConfigNode: Sendable, Hashable {
    /// What a file is written in; it decides what a field's name and value may look like.
    public enum Format: Sendable, Hashable {
        /// YAML as go-yaml reads it: numbers are texts too, names count to the letter.
        case yaml
        /// JSON as Go's `encoding/json` reads it: a text has quotes, the case of names does not count.
        case json
    }

    /// What a node can be.
    public enum Content: Sendable, Hashable {
        /// One value.
        case scalar(Scalar)
        /// A list.
        case sequence([ConfigNode])
        /// Keys with values, in the order in which they count: the last of several with the same key wins.
        case mapping([Entry])
    }

    /// One value as written.
    public struct Scalar: Sendable, Hashable {
        /// The text, without quotes and with escapes resolved.
        public var text: String
        /// Whether the text was written without quotes, so that `true` or `12` mean more than text.
        public var isPlain: Bool
        /// An explicit tag, such as `!!str`; `nil` where there was none.
        public var tag: String?

        /// A value as written.
        public init(_ text: String, isPlain: Bool = true, tag: String? = nil) {
            self.text = text
            self.isPlain = isPlain
            self.tag = tag
        }
    }

    /// A key with its value.
    public struct Entry: Sendable, Hashable {
        /// The key.
        public var key: ConfigNode
        /// The value.
        public var value: ConfigNode
        /// Whether it stands elsewhere and came by a merge key (`<<`).
        public var isMerged: Bool

        /// A key with its value.
        public init(key: ConfigNode, value: ConfigNode, isMerged: Bool = false) {
            self.key = key
            self.value = value
            self.isMerged = isMerged
        }
    }

    /// The most nodes of a text that is read whole: a few bytes of it may become a hundred in memory.
    public static let countLimit = 4_000_000

    /// Whether whoever wants the text read has gone, or its time is over.
    static var isGivenUp: Bool { TaskLimit.isOver || Task.isCancelled }

    /// What is said of a text that was not read to its end then.
    static let givenUp = "reading it was given up: it takes too long, or nobody wants it any more"

    /// What is said of a text with more.
    static func tooMany(_ limit: Int) -> String { "more than \(limit) values and names of fields" }

    /// What stands here.
    public var content: Content
    /// The line, from 1.
    public var line: Int
    /// The column, from 1.
    public var column: Int
    /// What it was read from.
    public var format: Format

    /// A node at a place.
    public init(_ content: Content, line: Int = 1, column: Int = 1, format: Format = .yaml) {
        self.content = content
        self.line = line
        self.column = column
        self.format = format
    }
}

extension ConfigNode {
    /// What a scalar means by YAML 1.1's rules, as Prometheus reads them.
    public enum Meaning: Sendable, Hashable {
        /// Nothing.
        case null
        /// A truth value.
        case bool(Bool)
        /// A whole number.
        case int(Int64)
        /// A whole number beyond `Int64`.
        case uint(UInt64)
        /// Another number.
        case float(Double)
        /// A date, maybe with a time; a field of type text takes it as it is written.
        case timestamp
        /// Text.
        case string

        /// The short YAML tag, as messages name it.
        public var tag: String {
            switch self {
            case .null: "!!null"
            case .bool: "!!bool"
            case .int, .uint: "!!int"
            case .float: "!!float"
            case .timestamp: "!!timestamp"
            case .string: "!!str"
            }
        }
    }

    /// Whether the node is an empty value (`key:` with nothing behind it, `~`, `null`).
    public var isNull: Bool {
        if case .scalar(let scalar) = content { return scalar.meaning == .null }
        return false
    }

    /// Whether the node is null to a type of Prometheus that reads itself, such as a duration: go-yaml passes over `~`, `null` and
    /// nothing, and hands on `Null` and `NULL` as empty texts.
    public var isPassedOver: Bool {
        guard isNull, case .scalar(let scalar) = content else { return false }
        return format == .json || scalar.text == "" || scalar.text == "~" || scalar.text == "null"
    }

    /// The text of a scalar; `nil` for anything else.
    public var text: String? {
        if case .scalar(let scalar) = content { return scalar.text }
        return nil
    }

    /// The name that the node is as the key of a mapping: null is an empty one. `nil` where it is no scalar.
    public var name: String? { isNull ? "" : text }

    /// The text that a field of type text takes from the node: in YAML that of any scalar, in JSON what has quotes; empty for null.
    /// `nil` where the node is no text.
    public var string: String? {
        guard case .scalar(let scalar) = content else { return nil }
        if isNull { return "" }
        return format == .json && scalar.isPlain ? nil : scalar.text
    }

    /// The value of a key of a mapping; `nil` where there is none.
    public subscript(key: String) -> ConfigNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.last { $0.key.name == key }?.value
    }

    /// The members of a list; `nil` where it is none.
    public var items: [ConfigNode]? {
        if case .sequence(let items) = content { items } else { nil }
    }

    /// Whether nothing is said: null, an empty list or mapping, or one that holds only such nodes.
    public var isBlank: Bool {
        switch content {
        case .scalar: isNull
        case .sequence(let items): items.allSatisfy(\.isBlank)
        case .mapping(let entries): entries.allSatisfy { $0.value.isBlank }
        }
    }

    /// What the node is, in plain words: `a list`, `the number 5`.
    public var kindInWords: String {
        switch content {
        case .sequence: return "a list"
        case .mapping: return "a mapping"
        case .scalar(let scalar):
            let text = scalar.text.count > 40 ? scalar.text.prefix(40) + "…" : scalar.text[...]
            switch scalar.meaning {
            case .null: return "nothing"
            case .bool: return "the truth value \(text)"
            case .int, .uint, .float: return "the number \(text)"
            case .timestamp, .string: return "the text \(GoText.quoted(String(text)))"
            }
        }
    }

    /// How the node is named in a message about a wrong type: `` !!str `abc` ``, `!!seq`; `string`, `array` in JSON.
    var kindForMessages: String {
        switch content {
        case .sequence: return format == .json ? "array" : "!!seq"
        case .mapping: return format == .json ? "object" : "!!map"
        case .scalar(let scalar):
            if format == .json { return scalar.kindInJSON }
            let text = scalar.text.utf8.count > 10 ? scalar.text.prefix(7) + "..." : scalar.text[...]
            return "\(scalar.meaning.tag) `\(text)`"
        }
    }
}

extension ConfigNode.Scalar {
    fileprivate var kindInJSON: String {
        if !isPlain { return "string" }
        if case .bool = meaning { return "bool" }
        return "number"
    }

    /// What the text means.
    public var meaning: ConfigNode.Meaning {
        switch tag {
        case nil: return isPlain ? plainMeaning : .string
        case "!!null", "!!bool", "!!int", "!!timestamp": return plainMeaning
        case "!!float":
            if case .int(let value) = plainMeaning { return .float(Double(value)) }
            return plainMeaning
        default: return .string
        }
    }

    /// What the text means where it has no quotes and no tag.
    var plainMeaning: ConfigNode.Meaning {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .bool(true)
        case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .float(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .float(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
        default:
            if let number { return number }
            return isTimestamp ? .timestamp : .string
        }
    }

    private var number: ConfigNode.Meaning? {
        guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first) else { return nil }
        let compact = text.replacing("_", with: "")
        var digits = Substring(compact)
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
        var radix = 10
        for (prefix, base) in [("0x", 16), ("0b", 2), ("0o", 8)] where digits.lowercased().hasPrefix(prefix) {
            radix = base
            digits = digits.dropFirst(2)
            break
        }
        var isWhole = true
        if radix == 10, digits.count > 1, digits.hasPrefix("0") {
            radix = 8
            isWhole = digits.allSatisfy { ("0"..."7").contains($0) }
        }
        if isWhole, !digits.isEmpty, digits.first != "+", digits.first != "-" {
            if let value = Int64((isNegative ? "-" : "") + digits, radix: radix) { return .int(value) }
            if !isNegative, !compact.hasPrefix("+"), let value = UInt64(digits, radix: radix) { return .uint(value) }
        }
        guard Self.isDecimal(compact),
            let value = Double(compact.hasPrefix("+") ? String(compact.dropFirst()) : compact), value.isFinite
        else { return nil }
        return .float(value)
    }

    /// Matches `^[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?$`.
    private static func isDecimal(_ text: String) -> Bool {
        var rest = text.utf8[...]
        func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }
        func take(_ bytes: StaticString) -> Bool {
            guard let first = rest.first, "\(bytes)".utf8.contains(first) else { return false }
            rest.removeFirst()
            return true
        }
        func digits() -> Int {
            let count = rest.prefix(while: isDigit).count
            rest = rest.dropFirst(count)
            return count
        }
        _ = take("+-")
        let whole = digits()
        let fraction = take(".") ? digits() : -1
        if whole == 0, fraction < 1 { return false }
        if take("eE") {
            _ = take("+-")
            if digits() == 0 { return false }
        }
        return rest.isEmpty
    }

    /// Whether the text is a date, or a date with a time, as go-yaml takes them: `2006-01-02`, `2006-1-2 15:4:5.9`,
    /// `2006-1-2T15:4:5.9Z`.
    private var isTimestamp: Bool {
        var rest = text.utf8[...]
        func number(_ count: ClosedRange<Int>, most: Int, least: Int = 0) -> Bool {
            let digits = rest.prefix { $0 >= UInt8(ascii: "0") && $0 <= UInt8(ascii: "9") }.prefix(count.upperBound)
            guard count.contains(digits.count), let value = Int(Substring(digits)) else { return false }
            rest = rest[digits.endIndex...]
            return (least...most).contains(value)
        }
        func take(_ bytes: StaticString) -> Bool {
            guard let first = rest.first, "\(bytes)".utf8.contains(first) else { return false }
            rest.removeFirst()
            return true
        }
        guard number(4...4, most: 9999), take("-"), number(1...2, most: 12, least: 1), take("-"),
            number(1...2, most: 31, least: 1)
        else { return false }
        if rest.isEmpty { return true }
        let hasZone = take("Tt")
        if !hasZone {
            guard take(" ") else { return false }
        }
        guard number(1...2, most: 23), take(":"), number(1...2, most: 59), take(":"), number(1...2, most: 59) else {
            return false
        }
        if take(".") {
            guard number(1...18, most: .max) else { return false }
        }
        if rest.isEmpty { return !hasZone }
        if take("Z") { return hasZone && rest.isEmpty }
        guard hasZone, take("+-"), number(2...2, most: 23), take(":"), number(2...2, most: 59) else { return false }
        return rest.isEmpty
    }
}
