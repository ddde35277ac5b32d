import MetricModel

/// How names outside `[a-zA-Z_:][a-zA-Z0-9_:]*` are shown to a reader, as the `escaping` parameter of Accept and Content-Type
/// asks for it.
public enum NameEscaping: String, Sendable, Hashable, CaseIterable {
    /// As they are, in quotes where the format needs it.
    case allowUTF8 = "allow-utf-8"
    /// Every other character becomes `_`.
    case underscores
    /// `.` becomes `_dot_`, `_` becomes `__`, every other character `__`.
    case dots
    /// `U__` in front, `_` becomes `__`, every other character its code point between underscores.
    case values

    /// The name under this scheme.
    public func escape(_ name: String) -> String {
        if self == .allowUTF8 || name.isEmpty { return name }
        if self != .dots, ByteClass.isPlainName(name) { return name }
        var result = self == .values ? "U__" : ""
        var isFirst = true
        for scalar in name.unicodeScalars {
            let isPlain = NameEscaping.isPlain(scalar, isFirst: isFirst)
            isFirst = false
            switch self {
            case .allowUTF8: break
            case .underscores: result.unicodeScalars.append(isPlain ? scalar : "_")
            case .dots:
                if scalar == "." {
                    result += "_dot_"
                } else if scalar == "_" || !isPlain {
                    result += "__"
                } else {
                    result.unicodeScalars.append(scalar)
                }
            case .values:
                if scalar == "_" {
                    result += "__"
                } else if isPlain {
                    result.unicodeScalars.append(scalar)
                } else {
                    result += "_" + String(scalar.value, radix: 16) + "_"
                }
            }
        }
        return result
    }

    private static func isPlain(_ scalar: Unicode.Scalar, isFirst: Bool) -> Bool {
        guard scalar.isASCII else { return false }
        let byte = UInt8(scalar.value)
        return ByteClass.isNameStart(byte) || (!isFirst && ByteClass.isDigit(byte))
    }

    /// Takes the escaping back where that is possible; otherwise the name as it is.
    public func unescape(_ name: String) -> String {
        switch self {
        case .allowUTF8, .underscores: return name
        case .dots:
            return NameEscaping.replacing("__", with: "_", in: NameEscaping.replacing("_dot_", with: ".", in: name))
        case .values: return NameEscaping.unescapedValues(name) ?? name
        }
    }

    private static func replacing(_ pattern: String, with replacement: String, in text: String) -> String {
        let bytes = Array(text.utf8)
        let wanted = Array(pattern.utf8)
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            if bytes[index...].starts(with: wanted) {
                result += Array(replacement.utf8)
                index += wanted.count
            } else {
                result.append(bytes[index])
                index += 1
            }
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func unescapedValues(_ name: String) -> String? {
        guard name.utf8.starts(with: "U__".utf8) else { return nil }
        let bytes = Array(name.utf8.dropFirst(3))
        var result: [UInt8] = []
        var index = 0
        while index < bytes.count {
            let current = bytes[index]
            index += 1
            guard current == UInt8(ascii: "_") else {
                result.append(current)
                continue
            }
            guard index < bytes.count else { return nil }
            if bytes[index] == UInt8(ascii: "_") {
                result.append(current)
                index += 1
                continue
            }
            guard let end = bytes[index...].prefix(7).firstIndex(of: UInt8(ascii: "_")), end - index < 6,
                let code = UInt32(String(decoding: bytes[index..<end], as: UTF8.self), radix: 16),
                let scalar = Unicode.Scalar(code), bytes[index] != UInt8(ascii: "+"), bytes[index] != UInt8(ascii: "-")
            else { return nil }
            result += Array(String(Character(scalar)).utf8)
            index = end + 1
        }
        return String(decoding: result, as: UTF8.self)
    }
}

extension MetricFamily {
    /// The family with its names escaped; the same one where nothing has to be.
    func escaped(_ escaping: NameEscaping) -> MetricFamily {
        if escaping == .allowUTF8 { return self }
        var family = self
        if !ByteClass.isPlainName(name) { family.name = escaping.escape(name) }
        for index in metrics.indices {
            let labels = metrics[index].labels
            if labels.allSatisfy({ ByteClass.isPlainName($0.name) }) { continue }
            family.metrics[index].labels = labels.map { label in
                ByteClass.isPlainName(label.name)
                    ? label : Label(name: escaping.escape(label.name), value: label.value)
            }
        }
        return family
    }
}
