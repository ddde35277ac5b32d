import Exposition
import MetricModel

/// Why the path of a push or deletion names no group.
public enum GroupingKeyError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The path is malformed: the message is the body of the answer, without the line's end.
    case malformed(String)
    /// A value is not UTF-8, so no group can have it.
    case notUnicode(label: String, value: String)

    /// The message.
    public var description: String {
        switch self {
        case .malformed(let message): message
        case .notUnicode(let label, let value):
            "the grouping key has a label named \"\(label)\" whose value is not utf8: \(value)"
        }
    }
}

extension GroupingKey {
    /// What follows the name of a label whose value is in Base64.
    private static let base64Suffix = Array("@base64".utf8)

    /// Reads what follows `/metrics/` in a path whose percent escapes are already decoded: `job/J`, `job@base64/Sg/L/V…`.
    /// - Parameter utf8Names: whether names may have any characters, escaped with `U__`.
    /// - Throws: ``GroupingKeyError`` in the Pushgateway's words.
    public init(parsingPath path: [UInt8], utf8Names: Bool) throws(GroupingKeyError) {
        let slash = UInt8(ascii: "/")
        let parts = path.split(separator: slash, maxSplits: 2, omittingEmptySubsequences: false)
        let encodedJob = parts.first.map { $0.elementsEqual("job@base64".utf8) } ?? false
        var job = parts.count > 1 ? Array(parts[1]) : []
        if encodedJob {
            do {
                job = try URLSafeBase64.decode(job)
            } catch {
                throw .malformed(
                    "invalid base64 encoding in job name \(ByteText.quoted(error.decoded)): \(error.message)"
                )
            }
        }
        var fields: [Field] = []
        if parts.count > 2, !parts[2].isEmpty {
            fields = try Self.fields(Array(parts[2]), utf8Names: utf8Names)
        }
        guard !job.isEmpty else { throw .malformed("job name is required") }
        fields.append(("job", job))
        // Of a repeated name only the last value counts.
        var last: [ExactText: Int] = [:]
        for (index, field) in fields.enumerated() { last[ExactText(field.name)] = index }
        var labels: [Label] = []
        for (index, field) in fields.enumerated() where last[ExactText(field.name)] == index {
            guard let value = String(validating: field.value, as: UTF8.self) else {
                throw .notUnicode(label: field.name, value: ByteText.quoted(field.value))
            }
            labels.append(Label(name: field.name, value: value))
        }
        self.init(labels)
    }

    private typealias Field = (name: String, value: [UInt8])

    private static func fields(_ bytes: [UInt8], utf8Names: Bool) throws(GroupingKeyError) -> [Field] {
        let components = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard components.count.isMultiple(of: 2) else {
            throw .malformed(
                "odd number of components in label string \(ByteText.quoted([UInt8(ascii: "/")] + bytes))"
            )
        }
        var fields: [Field] = []
        for index in stride(from: 0, to: components.count, by: 2) {
            var nameBytes = Array(components[index])
            var value = Array(components[index + 1])
            let isEncoded = nameBytes.suffix(base64Suffix.count).elementsEqual(base64Suffix)
            if isEncoded { nameBytes.removeLast(base64Suffix.count) }
            let name = String(validating: nameBytes, as: UTF8.self).map {
                utf8Names ? LabelNameEscaping.unescaped($0) : $0
            }
            guard let name, utf8Names ? !name.isEmpty : Label.isLegacyName(name), !nameBytes.starts(with: "__".utf8)
            else {
                throw .malformed("improper label name \(ByteText.quoted(nameBytes))")
            }
            if isEncoded {
                do {
                    value = try URLSafeBase64.decode(value)
                } catch {
                    let shown = String(decoding: nameBytes, as: UTF8.self)
                    throw .malformed(
                        "invalid base64 encoding for label \(shown)=\(ByteText.quoted(value)): \(error.message)"
                    )
                }
            }
            fields.append((name, value))
        }
        return fields
    }
}
