import Foundation

/// A JSON value of which parts can be taken away and put in order before two of them are compared.
indirect enum JSONTree: Decodable, Hashable, Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    case array([JSONTree])
    case object([String: JSONTree])

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if container.decodeNil() {
            self = .null
        } else if let value = try? container.decode(Bool.self) {
            self = .bool(value)
        } else if let value = try? container.decode(Double.self) {
            self = .number(value)
        } else if let value = try? container.decode(String.self) {
            self = .string(value)
        } else if let value = try? container.decode([JSONTree].self) {
            self = .array(value)
        } else {
            self = .object(try container.decode([String: JSONTree].self))
        }
    }

    /// The value that a text tells; `nil` where it is not JSON.
    init?(_ text: String) {
        let data = Data(text.utf8)
        guard let value = try? JSONSerialization.jsonObject(with: data, options: [.fragmentsAllowed]),
            let tree = JSONTree(value)
        else { return nil }
        self = tree
    }

    private init?(_ value: Any) {
        if let value = value as? String {
            self = .string(value)
        } else if let value = value as? [String: Any] {
            self = .object(value.compactMapValues { JSONTree($0) })
        } else if let value = value as? [Any] {
            self = .array(value.compactMap { JSONTree($0) })
        } else if value is NSNull {
            self = .null
        } else if let value = value as? NSNumber {
            self = CFBoolean.isBoolean(value) ? .bool(value.boolValue) : .number(value.doubleValue)
        } else {
            return nil
        }
    }

    subscript(_ name: String) -> JSONTree? {
        get {
            guard case .object(let members) = self else { return nil }
            return members[name]
        }
        set {
            guard case .object(var members) = self else { return }
            self = .null
            members[name] = newValue
            self = .object(members)
        }
    }

    var string: String? {
        guard case .string(let value) = self else { return nil }
        return value
    }

    var array: [JSONTree]? {
        guard case .array(let items) = self else { return nil }
        return items
    }

    var number: Double? {
        guard case .number(let value) = self else { return nil }
        return value
    }

    /// The value with its members in order: equal values have the same text.
    var text: String {
        switch self {
        case .null: "null"
        case .bool(let value): "\(value)"
        case .number(let value): "\(value)"
        case .string(let value): "\"\(value)\""
        case .array(let items): "[" + items.map(\.text).joined(separator: ", ") + "]"
        case .object(let members):
            "{" + members.sorted { $0.key < $1.key }.map { "\"\($0.key)\": \($0.value.text)" }.joined(separator: ", ")
                + "}"
        }
    }

    /// Without the members of those names, however deep, unless they say nothing.
    func without(_ names: Set<String>) -> JSONTree {
        switch self {
        case .null, .bool, .number, .string: self
        case .array(let items): .array(items.map { $0.without(names) })
        case .object(let members):
            .object(members.filter { !names.contains($0.key) }.mapValues { $0.without(names) })
        }
    }

    /// The first place at which two values differ, and what stands there; `nil` where they are the same. Numbers, also those in
    /// strings, may be as far apart as their sums in another order are.
    static func difference(_ want: JSONTree, _ got: JSONTree, tolerance: Double, at path: String = "") -> String? {
        switch (want, got) {
        case (.object(let a), .object(let b)):
            for name in Set(a.keys).union(b.keys).sorted() {
                guard let x = a[name], let y = b[name] else {
                    return "\(path).\(name): \(a[name]?.text ?? "nothing") / \(b[name]?.text ?? "nothing")"
                }
                if let found = difference(x, y, tolerance: tolerance, at: "\(path).\(name)") { return found }
            }
            return nil
        case (.array(let a), .array(let b)):
            for (index, (x, y)) in zip(a, b).enumerated() {
                if let found = difference(x, y, tolerance: tolerance, at: "\(path)[\(index)]") { return found }
            }
            return a.count == b.count ? nil : "\(path): \(a.count) / \(b.count) entries"
        case (.number(let a), .number(let b)) where isSame(a, b, tolerance): return nil
        case (.string(let a), .string(let b)):
            if Array(a.utf8) == Array(b.utf8) { return nil }
            if let x = Double(a), let y = Double(b), isSame(x, y, tolerance) { return nil }
            return "\(path): \(want.text) / \(got.text)"
        default: return want == got ? nil : "\(path): \(want.text) / \(got.text)"
        }
    }

    private static func isSame(_ a: Double, _ b: Double, _ tolerance: Double) -> Bool {
        if a == b || a.isNaN && b.isNaN { return true }
        guard a.isFinite, b.isFinite else { return false }
        return abs(a - b) <= tolerance * max(abs(a), abs(b), 1e-3)
    }
}

/// How JSON's `true` is told from its 1.
private enum CFBoolean {
    static func isBoolean(_ value: NSNumber) -> Bool { String(cString: value.objCType) == "c" }
}
