/// Many label sets one after the other in a single buffer, so that a thousand of them cost two allocations and not a thousand.
public struct LabelSets: Sendable, Equatable {
    /// The flat forms (see ``Labels``), back to back.
    public let encoded: [UInt8]
    /// Where each set ends in ``encoded``.
    public let ends: [Int]

    /// Takes over flat forms that lie back to back, and the end of each. Not checked.
    public init(encoded: [UInt8], ends: [Int]) {
        self.encoded = encoded
        self.ends = ends
    }

    /// Puts the sets one after the other, in their order.
    public init(_ sets: some Sequence<Labels>) {
        var (encoded, ends): ([UInt8], [Int]) = ([], [])
        for set in sets {
            encoded.append(contentsOf: set.encoded)
            ends.append(encoded.count)
        }
        self.init(encoded: encoded, ends: ends)
    }

    /// Where a set stands in ``encoded``.
    @inlinable
    public func range(_ index: Int) -> Range<Int> { (index == 0 ? 0 : ends[index - 1])..<ends[index] }
}

extension LabelSets: RandomAccessCollection {
    /// The first set's position.
    public var startIndex: Int { 0 }
    /// How many sets there are.
    public var endIndex: Int { ends.count }
    /// A set of its own.
    public subscript(index: Int) -> Labels { Labels(encoded: Array(encoded[range(index)])) }
}

extension LabelSets: ExpressibleByArrayLiteral {
    /// `[["__name__": "up"], ["__name__": "down"]]`
    public init(arrayLiteral elements: Labels...) { self.init(elements) }
}
