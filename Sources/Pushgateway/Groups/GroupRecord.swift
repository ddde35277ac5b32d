import MetricModel

/// A group as it is stored: one record per group, keyed by the grouping key.
///
/// Layout: a version; the grouping labels; expiry; last error; then per family its name, type, time, help and the lines of the
/// text format, or protobuf where these do not tell everything. Numbers are varints, texts are preceded by their length.
package struct GroupRecord {
    /// The table that holds the records.
    package static let table = "pushgateway_groups"
    /// The table that is written to only to see whether that works.
    static let trialTable = "pushgateway_trial"
    private static let version: UInt8 = 1

    struct StoredFamily {
        var family: MetricFamily
        var pushedAt: Int64
    }

    var key: GroupingKey
    var expiresAt: Int64?
    var lastError: String?
    var families: [StoredFamily]

    // MARK: - Writing

    /// The record of a group.
    static func encode(_ group: Group) -> [UInt8] {
        var size = 64 + group.key.encoded.count
        for family in group.families { size += family.text.count + (family.protobuf?.count ?? 0) + 100 }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(size)
        bytes.append(version)
        append(group.key.labels.count, to: &bytes)
        for label in group.key.labels {
            append(label.name, to: &bytes)
            append(label.value, to: &bytes)
        }
        append(Int(group.expiresAt ?? 0), to: &bytes)
        append(group.lastError ?? "", to: &bytes)
        append(group.families.count, to: &bytes)
        for family in group.families {
            append(family.entry.name, to: &bytes)
            bytes.append(UInt8(family.type.index))
            append(Int(family.pushedAt), to: &bytes)
            bytes.append((family.help == nil ? 0 : 1) | (family.protobuf == nil ? 0 : 2))
            if let help = family.help { append(help, to: &bytes) }
            let payload = family.protobuf ?? family.text
            append(payload.count, to: &bytes)
            bytes.append(contentsOf: payload)
        }
        return bytes
    }

    private static func append(_ number: Int, to bytes: inout [UInt8]) {
        var rest = UInt64(bitPattern: Int64(number))
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        append(text.utf8.count, to: &bytes)
        bytes.append(contentsOf: text.utf8)
    }

    // MARK: - Reading

    /// Reads a record; `nil` where it is damaged or of a later version.
    init?(_ bytes: [UInt8]) {
        var reader = Reader(bytes)
        guard reader.byte() == Self.version, let labelCount = reader.number() else { return nil }
        var labels: [Label] = []
        for _ in 0..<min(labelCount, bytes.count) {
            guard let name = reader.text(), let value = reader.text() else { return nil }
            labels.append(Label(name: name, value: value))
        }
        guard let expiry = reader.number(), let error = reader.text(), let familyCount = reader.number() else {
            return nil
        }
        key = GroupingKey(labels)
        expiresAt = expiry == 0 ? nil : Int64(expiry)
        lastError = error.isEmpty ? nil : error
        families = []
        for _ in 0..<min(familyCount, bytes.count) {
            guard let stored = Self.family(&reader) else { return nil }
            families.append(stored)
        }
    }

    private static func family(_ reader: inout Reader) -> StoredFamily? {
        guard let name = reader.text(), let typeIndex = reader.byte(), let type = MetricType(index: Int(typeIndex)),
            let pushedAt = reader.number(), let flags = reader.byte()
        else { return nil }
        var help: String?
        if flags & 1 != 0 {
            guard let text = reader.text() else { return nil }
            help = text
        }
        guard let payload = reader.bytes() else { return nil }
        let family: MetricFamily?
        if flags & 2 != 0 {
            family = FamilyCodec.decode(payload)
        } else {
            family = FamilyCodec.parse(name: name, help: help, type: type, lines: payload)
        }
        return family.map { StoredFamily(family: $0, pushedAt: Int64(pushedAt)) }
    }

    private struct Reader {
        let source: [UInt8]
        var position = 0

        init(_ source: [UInt8]) { self.source = source }

        mutating func byte() -> UInt8? {
            guard position < source.count else { return nil }
            position += 1
            return source[position - 1]
        }

        mutating func number() -> Int? {
            var result: UInt64 = 0
            var shift: UInt64 = 0
            while let byte = byte() {
                result |= UInt64(byte & 0x7f) << shift
                if byte < 0x80 { return Int(exactly: Int64(bitPattern: result)) }
                shift += 7
                if shift > 63 { return nil }
            }
            return nil
        }

        mutating func bytes() -> [UInt8]? {
            guard let count = number(), count >= 0, count <= source.count - position else { return nil }
            position += count
            return Array(source[position - count..<position])
        }

        mutating func text() -> String? {
            bytes().map { String(decoding: $0, as: UTF8.self) }
        }
    }
}
