import MetricModel

/// What is said of metric families, by name. Whoever sends ever new names must not fill the memory with them.
struct FamilyTable {
    /// The most families.
    static let countLimit = 100_000
    /// The most bytes of their texts.
    static let byteLimit = 32 << 20

    /// All that is known.
    private(set) var all: [String: MetricMetadata] = [:]
    /// How many bytes the texts have.
    private(set) var size = 0

    subscript(family: String) -> MetricMetadata? {
        get { all[family] }
        set {
            size -= all[family].map { Self.size(family, $0) } ?? 0
            size += newValue.map { Self.size(family, $0) } ?? 0
            all[family] = newValue
        }
    }

    private static func size(_ family: String, _ metadata: MetricMetadata) -> Int {
        family.utf8.count + metadata.help.utf8.count + metadata.unit.utf8.count
    }

    /// As much of what is new as can be known besides others: no more than half of all.
    static func some(
        _ new: [(family: String, metadata: MetricMetadata)]
    ) -> [(family: String, metadata: MetricMetadata)] {
        var (count, bytes) = (0, 0)
        return new.filter { entry in
            let more = size(entry.family, entry.metadata)
            guard count < countLimit / 2, bytes + more <= byteLimit / 2 else { return false }
            count += 1
            bytes += more
            return true
        }
    }

    /// Whether nothing need be forgotten for these.
    func hasRoom(for new: [(family: String, metadata: MetricMetadata)]) -> Bool {
        all.count + new.count <= Self.countLimit
            && size + new.reduce(0) { $0 + Self.size($1.family, $1.metadata) } <= Self.byteLimit
    }

    /// Families to be forgotten, so that there is room for new ones for some time: those first that no series belongs to.
    func surplus(
        besides new: [(family: String, metadata: MetricMetadata)],
        hasSeries: (String) -> Bool
    ) -> [String] {
        var count = all.count + new.count
        var bytes = size + new.reduce(0) { $0 + Self.size($1.family, $1.metadata) }
        let kept = Set(new.map(\.family))
        var gone: [String] = []
        var rest: [String] = []
        func isEnough() -> Bool { count <= Self.countLimit / 4 * 3 && bytes <= Self.byteLimit / 4 * 3 }
        func forget(_ family: String) {
            gone.append(family)
            count -= 1
            bytes -= all[family].map { Self.size(family, $0) } ?? 0
        }
        // In an order, so that a simulated world is the same each time.
        for family in all.keys.sorted() where !kept.contains(family) {
            if isEnough() { return gone }
            if hasSeries(family) { rest.append(family) } else { forget(family) }
        }
        for family in rest {
            if isEnough() { break }
            forget(family)
        }
        return gone
    }
}

extension SeriesTable {
    /// Whether there are series of a family, by its own name or one that its kind makes of it.
    func hasSeries(ofFamily family: String) -> Bool {
        for suffix in ["", "_total", "_count", "_bucket", "_info", "_sum", "_gcount", "_created"] {
            if let pair = pairs.find(Labels.metricName, family + suffix), seriesCount(ofPair: pair) > 0 { return true }
        }
        return false
    }
}
