/// Collects changes to a set of labels and builds the sorted set once.
public struct LabelsBuilder: Sendable {
    /// So many labels are looked through one by one; of more, the places are kept.
    private static let listed = 64

    private var labels: [Label]
    /// The place of each label, where there are many; empty where that is not known.
    private var places: [ExactText: Int] = [:]

    /// Starts from the labels of `base`.
    public init(_ base: Labels = Labels()) {
        labels = Array(base)
    }

    /// The value that the label has now; `nil` where there is none.
    public subscript(name: String) -> String? {
        if !places.isEmpty { return places[ExactText(name)].map { labels[$0].value } }
        return labels.first { $0.name.hasSameBytes(as: name) }?.value
    }

    /// Sets a label; an empty value removes it.
    public mutating func set(_ name: String, _ value: String) {
        guard !value.isEmpty else { return remove(name) }
        if labels.count >= Self.listed { return setAmongMany(name, value) }
        if let index = labels.firstIndex(where: { $0.name.hasSameBytes(as: name) }) {
            labels[index].value = value
        } else {
            labels.append(Label(name: name, value: value))
        }
    }

    private mutating func setAmongMany(_ name: String, _ value: String) {
        if places.isEmpty {
            for (place, label) in labels.enumerated() { places[ExactText(label.name)] = place }
        }
        if let place = places[ExactText(name)] {
            labels[place].value = value
        } else {
            places[ExactText(name)] = labels.count
            labels.append(Label(name: name, value: value))
        }
    }

    /// Removes a label, if there.
    public mutating func remove(_ name: String) {
        if !places.isEmpty, places[ExactText(name)] == nil { return }
        places = [:]
        labels.removeAll { $0.name.hasSameBytes(as: name) }
    }

    /// Keeps the labels for which `isKept` is true.
    public mutating func keep(where isKept: (Label) -> Bool) {
        places = [:]
        labels.removeAll { !isKept($0) }
    }

    /// The labels as they stand, in no particular order.
    public var current: [Label] { labels }

    /// The set.
    public func build() -> Labels {
        var sorted = labels
        return LabelsBuilder.encoded(&sorted)
    }

    /// The set of labels that have each another name; they are sorted on the way.
    package static func encoded(_ labels: inout [Label]) -> Labels {
        labels.sort { left, right in left.name.utf8.lexicographicallyPrecedes(right.name.utf8) }
        var encoded: [UInt8] = []
        // A length of up to 127 bytes takes one.
        encoded.reserveCapacity(labels.reduce(0) { $0 + $1.byteCount + 4 })
        for label in labels {
            append(label.name.utf8, to: &encoded)
            append(label.value.utf8, to: &encoded)
        }
        return Labels(encoded: encoded)
    }

    /// Appends one length-prefixed field in the flat form of ``Labels/encoded``.
    @inlinable
    public static func append(_ text: some Collection<UInt8>, to encoded: inout [UInt8]) {
        var length = text.count
        while length >= 0x80 {
            encoded.append(UInt8(truncatingIfNeeded: length) | 0x80)
            length >>= 7
        }
        encoded.append(UInt8(length))
        encoded.append(contentsOf: text)
    }
}
