public import MetricModel

/// Which series of a store senders mean by the bytes that name them in their messages: who sends samples names the same series
/// each time, so that their labels need not be read, sorted and looked up again.
///
/// A reference may name a series that the store has forgotten: who is told so by the store empties the memory and reads the
/// message again.
public struct SeriesMemory: Sendable {
    /// Keys that were not known, with the places of their series among those of the message.
    public struct Lessons: Sendable {
        private(set) var keys: [UInt8] = []
        private(set) var ends: [Int] = []
        private(set) var places: [Int] = []

        /// Whether all was known.
        public var isEmpty: Bool { places.isEmpty }

        mutating func add(_ key: some Collection<UInt8>, for place: Int) {
            keys.append(contentsOf: key)
            ends.append(keys.count)
            places.append(place)
        }
    }

    /// So many keys are kept, and so many bytes of them; beyond that all are forgotten.
    private static let keyLimit = 500_000
    private static let byteLimit = 64 << 20

    private var table = ByteTable()
    private var references: [SeriesRef] = []
    /// The key that was found last.
    private var last = -1

    /// A memory of nothing.
    public init() {}

    /// How many keys are known.
    public var count: Int { table.count }

    /// The series of a key.
    mutating func find(_ key: UnsafeBufferPointer<UInt8>) -> SeriesRef? {
        guard let entry = table.find(UnsafeRawBufferPointer(key), after: last) else { return nil }
        last = entry
        return references[entry]
    }

    /// The series of a key.
    mutating func find(_ key: [UInt8]) -> SeriesRef? { key.withUnsafeBufferPointer { find($0) } }

    /// Remembers keys whose series are known by now.
    /// - Parameter reference: the series by its place in the message; `nil` for one that was not taken.
    public mutating func learn(_ lessons: Lessons, _ reference: (Int) -> SeriesRef?) {
        if lessons.places.isEmpty { return }
        if table.count + lessons.places.count > Self.keyLimit || table.byteCount + lessons.keys.count > Self.byteLimit {
            forget()
        }
        guard lessons.places.count <= Self.keyLimit, lessons.keys.count <= Self.byteLimit else { return }
        lessons.keys.withUnsafeBytes { keys in
            var start = 0
            for (end, place) in zip(lessons.ends, lessons.places) {
                let key = UnsafeRawBufferPointer(rebasing: keys[start..<end])
                start = end
                // The same may have come with another request meanwhile.
                guard let reference = reference(place), table.find(key) == nil else { continue }
                _ = table.add(key)
                references.append(reference)
            }
        }
    }

    /// Forgets all.
    public mutating func forget() { self = Self() }
}
