/// A set of labels, sorted by name in byte order, without empty values.
///
/// Held as one flat buffer (`name length, name, value length, value, …`, lengths as LEB128 varints, text as UTF-8), so that a
/// series costs one allocation, equality and hashing are over plain bytes, and the set can be stored as it is.
public struct Labels: Hashable, Sendable {
    /// The flat form; see the type's description. Two sets are equal exactly if these bytes are.
    public let encoded: [UInt8]

    /// The empty set.
    @inlinable public init() { encoded = [] }

    /// Takes over a buffer that is already in the flat form, sorted and without empty values. Not checked.
    @inlinable public init(encoded: [UInt8]) { self.encoded = encoded }

    /// Sorts the labels by name, drops those with an empty value, and keeps the last of a repeated name.
    public init(_ labels: some Sequence<Label>) {
        var builder = LabelsBuilder()
        for label in labels { builder.set(label.name, label.value) }
        self = builder.build()
    }

    /// Like ``init(_:)``, from a dictionary.
    public init(_ dictionary: [String: String]) {
        self.init(dictionary.map { Label(name: $0.key, value: $0.value) })
    }

    /// The reserved name of the label that holds the metric's name.
    public static let metricName = "__name__"

    /// Hashes the bytes at once; an array would hash them one by one.
    @inlinable
    public func hash(into hasher: inout Hasher) {
        encoded.withUnsafeBytes { hasher.combine(bytes: $0) }
    }

    /// Equality of the bytes.
    @inlinable
    public static func == (left: Labels, right: Labels) -> Bool {
        left.encoded.withUnsafeBytes { left in
            right.encoded.withUnsafeBytes { right in left.hasSameBytes(as: right) }
        }
    }

    /// Whether there is no label.
    @inlinable public var isEmpty: Bool { encoded.isEmpty }

    /// The value of a label; `nil` where the set has none of that name.
    public subscript(name: String) -> String? {
        var name = name
        return name.withUTF8 { wanted in
            guard let range = valueRange(ofUTF8: wanted) else { return nil }
            return String(decoding: encoded[range], as: UTF8.self)
        }
    }

    /// The metric's name (`__name__`), empty where there is none.
    public var name: String { self[Labels.metricName] ?? "" }

    /// Where the value of a label stands in ``encoded``; `nil` where the set has none of that name.
    public func valueRange(ofUTF8 wanted: UnsafeBufferPointer<UInt8>) -> Range<Int>? {
        encoded.withUnsafeBufferPointer { bytes in
            var position = 0
            while position < bytes.count {
                let name = Labels.field(bytes, &position)
                let value = Labels.field(bytes, &position)
                let order = Labels.compare(bytes, name, wanted, 0..<wanted.count)
                if order == 0 { return value }
                if order > 0 { return nil }
            }
            return nil
        }
    }

    /// Calls `body` with the ranges of each name and value in ``encoded``, in order.
    @inlinable
    public func forEachRange(_ body: (_ name: Range<Int>, _ value: Range<Int>) -> Void) {
        encoded.withUnsafeBufferPointer { Labels.forEachRange(in: $0, body) }
    }

    /// Calls `body` with the ranges of each name and value in a flat form, in order.
    @inlinable
    public static func forEachRange(
        in encoded: UnsafeBufferPointer<UInt8>,
        _ body: (_ name: Range<Int>, _ value: Range<Int>) -> Void
    ) {
        var position = 0
        while position < encoded.count {
            let name = Labels.field(encoded, &position)
            let value = Labels.field(encoded, &position)
            body(name, value)
        }
    }

    /// Reads the range of one length-prefixed field at `position` and moves past it.
    @inlinable
    static func field(_ bytes: UnsafeBufferPointer<UInt8>, _ position: inout Int) -> Range<Int> {
        var length = 0
        var shift = 0
        while position < bytes.count {
            let byte = bytes[position]
            position += 1
            length |= Int(byte & 0x7f) << shift
            if byte < 0x80 { break }
            shift += 7
        }
        let start = position
        position = Swift.min(start + length, bytes.count)
        return start..<position
    }

    /// Byte order of two stretches: negative, zero or positive.
    @inlinable
    static func compare(
        _ left: UnsafeBufferPointer<UInt8>,
        _ leftRange: Range<Int>,
        _ right: UnsafeBufferPointer<UInt8>,
        _ rightRange: Range<Int>
    ) -> Int {
        let common = Swift.min(leftRange.count, rightRange.count)
        var index = 0
        while index < common {
            let difference = Int(left[leftRange.lowerBound + index]) - Int(right[rightRange.lowerBound + index])
            if difference != 0 { return difference }
            index += 1
        }
        return leftRange.count - rightRange.count
    }
}

extension Labels: Comparable {
    /// Prometheus's order: label by label, names before values, in byte order; a set that is a prefix of another comes first.
    public static func < (left: Labels, right: Labels) -> Bool {
        left.encoded.withUnsafeBufferPointer { a in
            right.encoded.withUnsafeBufferPointer { b in
                let difference = firstDifference(a, b)
                if difference == Swift.min(a.count, b.count) { return a.count < b.count }
                // The fields before are the same; the first one that reaches there decides.
                var end = 0
                while true {
                    let start = end
                    let field = field(a, &end)
                    if end <= difference { continue }
                    end = start
                    return compare(a, field, b, Labels.field(b, &end)) < 0
                }
            }
        }
    }

    /// The first position at which the bytes differ; the shorter length where there is none.
    private static func firstDifference(_ a: UnsafeBufferPointer<UInt8>, _ b: UnsafeBufferPointer<UInt8>) -> Int {
        let count = Swift.min(a.count, b.count)
        var index = 0
        let (rawA, rawB) = (UnsafeRawBufferPointer(a), UnsafeRawBufferPointer(b))
        while index + 8 <= count {
            let word = rawA.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let other = rawB.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            if word != other {
                return index + (UInt64(littleEndian: word) ^ UInt64(littleEndian: other)).trailingZeroBitCount / 8
            }
            index += 8
        }
        while index < count, a[index] == b[index] { index += 1 }
        return index
    }
}

extension Labels: Sequence {
    /// The labels, one after the other, sorted by name.
    public func makeIterator() -> Iterator { Iterator(encoded: encoded) }

    /// Decodes label by label.
    public struct Iterator: IteratorProtocol {
        let encoded: [UInt8]
        var position = 0

        /// The next label, `nil` at the end.
        public mutating func next() -> Label? {
            guard position < encoded.count else { return nil }
            return encoded.withUnsafeBufferPointer { bytes in
                let name = Labels.field(bytes, &position)
                let value = Labels.field(bytes, &position)
                return Label(
                    name: String(decoding: UnsafeBufferPointer(rebasing: bytes[name]), as: UTF8.self),
                    value: String(decoding: UnsafeBufferPointer(rebasing: bytes[value]), as: UTF8.self)
                )
            }
        }
    }

    /// How many labels there are.
    public var count: Int {
        var count = 0
        forEachRange { _, _ in count += 1 }
        return count
    }
}

extension Labels: ExpressibleByDictionaryLiteral {
    /// `["job": "demo", "__name__": "up"]`
    public init(dictionaryLiteral elements: (String, String)...) {
        self.init(elements.map { Label(name: $0.0, value: $0.1) })
    }
}

extension Labels: CustomStringConvertible {
    /// As Prometheus prints a set in its messages: `{__name__="up", job="demo"}`.
    public var description: String {
        let inner = map { label in
            let name = Label.isLegacyName(label.name) ? label.name : GoText.quoted(label.name)
            return "\(name)=\(GoText.quoted(label.value))"
        }
        return "{" + inner.joined(separator: ", ") + "}"
    }
}

/// One label.
public struct Label: Hashable, Sendable {
    /// The label's name.
    public var name: String
    /// The label's value.
    public var value: String

    /// A label of that name and value.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }

    /// How many bytes name and value have together.
    package var byteCount: Int { name.utf8.count + value.utf8.count }

    /// Whether name and value have the same bytes.
    public static func == (left: Self, right: Self) -> Bool {
        left.name.hasSameBytes(as: right.name) && left.value.hasSameBytes(as: right.value)
    }

    /// Hashes the bytes of name and value.
    public func hash(into hasher: inout Hasher) {
        hasher.combine(ExactText(name))
        hasher.combine(ExactText(value))
    }

    /// Whether the name is of the form that needs no quotes: `[a-zA-Z_][a-zA-Z0-9_]*`.
    public static func isLegacyName(_ name: String) -> Bool {
        var first = true
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"): break
            case UInt8(ascii: "0")...UInt8(ascii: "9"): if first { return false }
            default: return false
            }
            first = false
        }
        return !first
    }

    /// Whether a metric's name needs no quotes: `[a-zA-Z_:][a-zA-Z0-9_:]*`.
    public static func isLegacyMetricName(_ name: String) -> Bool {
        guard !name.isEmpty else { return false }
        return isLegacyName(
            String(decoding: name.utf8.map { $0 == UInt8(ascii: ":") ? UInt8(ascii: "_") : $0 }, as: UTF8.self)
        )
    }
}
