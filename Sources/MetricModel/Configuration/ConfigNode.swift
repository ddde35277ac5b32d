/// A piece of a configuration file with the place where it stands, free of any YAML library.
public struct ConfigNode: Sendable, Hashable {
    /// What a node can be.
    public enum Content: Sendable, Hashable {
        /// One value.
        case scalar(Scalar)
        /// A list.
        case sequence([ConfigNode])
        /// Keys with values, in the order of the file; a repeated key stands here repeatedly.
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

        /// A key with its value.
        public init(key: ConfigNode, value: ConfigNode) {
            self.key = key
            self.value = value
        }
    }

    /// What stands here.
    public var content: Content
    /// The line, from 1.
    public var line: Int
    /// The column, from 1.
    public var column: Int

    /// A node at a place.
    public init(_ content: Content, line: Int = 1, column: Int = 1) {
        self.content = content
        self.line = line
        self.column = column
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
        /// Text.
        case string

        /// The short YAML tag, as messages name it.
        public var tag: String {
            switch self {
            case .null: "!!null"
            case .bool: "!!bool"
            case .int, .uint: "!!int"
            case .float: "!!float"
            case .string: "!!str"
            }
        }
    }

    /// Whether the node is an empty value (`key:` with nothing behind it, `~`, `null`).
    public var isNull: Bool {
        if case .scalar(let scalar) = content { return scalar.meaning == .null }
        return false
    }

    /// The text of a scalar; `nil` for anything else.
    public var text: String? {
        if case .scalar(let scalar) = content { return scalar.text }
        return nil
    }

    /// The value of a key of a mapping; `nil` where there is none.
    public subscript(key: String) -> ConfigNode? {
        guard case .mapping(let entries) = content else { return nil }
        return entries.last { $0.key.text == key }?.value
    }

    /// Whether nothing is said: null, an empty list or mapping, or one that holds only such nodes.
    public var isBlank: Bool {
        switch content {
        case .scalar: isNull
        case .sequence(let items): items.allSatisfy(\.isBlank)
        case .mapping(let entries): entries.allSatisfy { $0.value.isBlank }
        }
    }

    /// How the node is named in a message about a wrong type: `` !!str `abc` ``, `!!seq`.
    var kindForMessages: String {
        switch content {
        case .sequence: return "!!seq"
        case .mapping: return "!!map"
        case .scalar(let scalar):
            let text = scalar.text.utf8.count > 10 ? scalar.text.prefix(7) + "..." : scalar.text[...]
            return "\(scalar.meaning.tag) `\(text)`"
        }
    }
}

extension ConfigNode.Scalar {
    /// What the text means.
    public var meaning: ConfigNode.Meaning {
        if let tag {
            switch tag {
            case "!!str", "tag:yaml.org,2002:str", "!": return .string
            case "!!null", "tag:yaml.org,2002:null": return .null
            default: return plainMeaning
            }
        }
        return isPlain ? plainMeaning : .string
    }

    private var plainMeaning: ConfigNode.Meaning {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON": return .bool(true)
        case "n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF": return .bool(false)
        case ".nan", ".NaN", ".NAN": return .float(.nan)
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": return .float(.infinity)
        case "-.inf", "-.Inf", "-.INF": return .float(-.infinity)
        default: return number ?? .string
        }
    }

    private var number: ConfigNode.Meaning? {
        guard let first = text.utf8.first, "+-.0123456789".utf8.contains(first) else { return nil }
        let compact = text.replacing("_", with: "")
        var digits = Substring(compact)
        let isNegative = digits.hasPrefix("-")
        if isNegative || digits.hasPrefix("+") { digits = digits.dropFirst() }
        var radix = 10
        for (prefix, base) in [("0x", 16), ("0X", 16), ("0b", 2), ("0o", 8)] where digits.hasPrefix(prefix) {
            radix = base
            digits = digits.dropFirst(2)
            break
        }
        if radix == 10, digits.count > 1, digits.hasPrefix("0"), digits.allSatisfy({ ("0"..."7").contains($0) }) {
            radix = 8
        }
        if !digits.isEmpty, digits.first != "+", digits.first != "-" {
            if let value = Int64((isNegative ? "-" : "") + digits, radix: radix) { return .int(value) }
            if !isNegative, let value = UInt64(digits, radix: radix) { return .uint(value) }
        }
        guard compact.utf8.allSatisfy({ "+-.0123456789eE".utf8.contains($0) }), let value = Double(compact) else {
            return nil
        }
        return .float(value)
    }
}
