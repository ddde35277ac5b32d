import MetricModel

/// Reads JSON (with bare words allowed) as a configuration tree, so that these tests need no YAML library.
struct JSONNode {
    private let scalars: [Unicode.Scalar]
    private var index = 0
    private var line = 1
    private var lineStart = 0

    static let parse: @Sendable ([UInt8], String) throws(ConfigError) -> ConfigNode = {
        (bytes, file) throws(ConfigError) in
        var reader = JSONNode(String(decoding: bytes, as: UTF8.self))
        guard let node = reader.node() else {
            throw ConfigError(file: file, problems: [ConfigProblem(.structure, "yaml: not JSON", line: reader.line)])
        }
        return node
    }

    static func node(_ text: String) -> ConfigNode {
        var reader = JSONNode(text)
        return reader.node()!
    }

    private init(_ text: String) { scalars = Array(text.unicodeScalars) }

    private mutating func skip() {
        while index < scalars.count, " \n\t\r".unicodeScalars.contains(scalars[index]) {
            if scalars[index] == "\n" {
                line += 1
                lineStart = index + 1
            }
            index += 1
        }
    }

    private mutating func take(_ scalar: Unicode.Scalar) -> Bool {
        skip()
        guard index < scalars.count, scalars[index] == scalar else { return false }
        index += 1
        return true
    }

    private mutating func node() -> ConfigNode? {
        skip()
        let place = (line, index - lineStart + 1)
        guard index < scalars.count else {
            return ConfigNode(.scalar(.init("")), line: place.0, column: place.1)
        }
        func make(_ content: ConfigNode.Content) -> ConfigNode {
            ConfigNode(content, line: place.0, column: place.1)
        }
        if take("{") {
            var entries: [ConfigNode.Entry] = []
            while !take("}") {
                guard let key = node(), take(":"), let value = node() else { return nil }
                entries.append(.init(key: key, value: value))
                _ = take(",")
            }
            return make(.mapping(entries))
        }
        if take("[") {
            var items: [ConfigNode] = []
            while !take("]") {
                guard let item = node() else { return nil }
                items.append(item)
                _ = take(",")
            }
            return make(.sequence(items))
        }
        if take("\"") {
            var text = ""
            while index < scalars.count, scalars[index] != "\"" {
                if scalars[index] == "\\" { index += 1 }
                text.unicodeScalars.append(scalars[index])
                index += 1
            }
            index += 1
            return make(.scalar(.init(text, isPlain: false)))
        }
        var text = ""
        while index < scalars.count, !",:{}[] \n".unicodeScalars.contains(scalars[index]) {
            text.unicodeScalars.append(scalars[index])
            index += 1
        }
        return text.isEmpty ? nil : make(.scalar(.init(text)))
    }
}
