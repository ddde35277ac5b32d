public import MetricModel

/// What tells one group from another: the labels of the URL that metrics are pushed to. Always has a job.
public struct GroupingKey: Sendable {
    /// The labels, sorted by name in byte order; values may be empty.
    public let labels: [Label]
    /// Names and values, each followed by the byte 0xFF, which no UTF-8 text contains: equal exactly for equal keys.
    public let encoded: [UInt8]

    /// A key of these labels; of a repeated name the last one counts.
    public init(_ labels: [Label]) {
        var sorted: [Label] = []
        sorted.reserveCapacity(labels.count)
        // Those of the same name stay in their order.
        for label in labels.sorted(by: { ByteOrder.precedes($0.name, $1.name) }) {
            if let last = sorted.last, last.name.hasSameBytes(as: label.name) { sorted.removeLast() }
            sorted.append(label)
        }
        var encoded: [UInt8] = []
        encoded.reserveCapacity(sorted.reduce(0) { $0 + $1.byteCount + 2 })
        for label in sorted {
            encoded.append(contentsOf: label.name.utf8)
            encoded.append(0xff)
            encoded.append(contentsOf: label.value.utf8)
            encoded.append(0xff)
        }
        self.labels = sorted
        self.encoded = encoded
    }

    /// Reads ``encoded`` back; `nil` where it is malformed.
    init?(encoded: [UInt8]) {
        let parts = encoded.split(separator: 0xff, omittingEmptySubsequences: false)
        guard parts.count % 2 == 1, parts.last?.isEmpty ?? false else { return nil }
        var labels: [Label] = []
        for index in stride(from: 0, to: parts.count - 1, by: 2) {
            labels.append(
                Label(
                    name: String(decoding: parts[index], as: UTF8.self),
                    value: String(decoding: parts[index + 1], as: UTF8.self)
                )
            )
        }
        self.init(labels)
    }

    /// The job.
    public var job: String { self["job"] ?? "" }

    /// The value of a label; `nil` where the key has none of that name.
    public subscript(name: String) -> String? {
        labels.first { $0.name.hasSameBytes(as: name) }?.value
    }

    /// The key whose metrics come to have the same labels, for metrics without an `instance` are given an empty one; `nil` where
    /// there is none such.
    var twin: GroupingKey? {
        switch self["instance"] {
        case nil: GroupingKey(labels + [Label(name: "instance", value: "")])
        case "": GroupingKey(labels.filter { $0.name != "instance" })
        default: nil
        }
    }

    /// The path of the group below the server's root, with every value in Base64 so that all of them work:
    /// `metrics/job@base64/Zm9v/instance@base64/=`.
    public var path: String {
        func encode(_ value: String) -> String { Base64.encodeURLSafe(value.utf8) + "=" }
        var path = "metrics/job@base64/" + encode(job)
        for label in labels where label.name != "job" {
            path += "/" + LabelNameEscaping.escaped(label.name) + "@base64/" + encode(label.value)
        }
        return path
    }
}

extension GroupingKey: Hashable {
    /// Equality is that of the labels.
    public static func == (left: Self, right: Self) -> Bool { left.encoded == right.encoded }

    /// Hashes the labels.
    public func hash(into hasher: inout Hasher) {
        encoded.withUnsafeBytes { hasher.combine(bytes: $0) }
    }
}

extension GroupingKey: CustomStringConvertible {
    /// The job, then the other labels by name: `{job="batch",instance="a"}`.
    public var description: String {
        let rest = labels.filter { $0.name != "job" }
        let shown = [Label(name: "job", value: job)] + rest
        return "{" + shown.map { "\($0.name)=\(GoText.quoted($0.value))" }.joined(separator: ",") + "}"
    }
}

/// Order and equality of texts by their bytes, as Go has them; Swift's own follow Unicode's equivalences.
enum ByteOrder {
    static func precedes(_ left: String, _ right: String) -> Bool { compare(left, right) < 0 }

    static func compare(_ left: String, _ right: String) -> Int {
        var left = left
        var right = right
        return left.withUTF8 { a in right.withUTF8 { b in compare(a, b) } }
    }

    static func compare(_ left: UnsafeBufferPointer<UInt8>, _ right: UnsafeBufferPointer<UInt8>) -> Int {
        let common = min(left.count, right.count)
        var index = 0
        while index < common {
            let difference = Int(left[index]) - Int(right[index])
            if difference != 0 { return difference }
            index += 1
        }
        return left.count - right.count
    }
}
