import MetricModel

/// The metrics that were pushed with one grouping key.
final class Group {
    /// The family that tells when the group was last changed.
    static let pushTimeName = "push_time_seconds"
    /// The family that tells when a push to the group last failed.
    static let pushFailureName = "push_failure_time_seconds"

    /// Whether the family is one of the two that the gateway adds.
    static func isTimestamp(_ name: String) -> Bool { name == pushTimeName || name == pushFailureName }

    /// The labels.
    let key: GroupingKey
    /// The families, by name in byte order.
    private(set) var families: [PushedFamily] = []
    /// How many series they have.
    private(set) var seriesCount = 0
    /// The value of `push_time_seconds`.
    var pushTime: Double = 0
    /// The value of `push_failure_time_seconds`.
    var pushFailureTime: Double = 0
    /// When the group goes away by itself, in nanoseconds since 1970; `nil` for never.
    var expiresAt: Int64?
    /// What was wrong with the last push; `nil` where it succeeded.
    var lastError: String?
    /// The number of the last change to it, over all groups.
    var sequence: UInt64 = 0
    /// Where the values of the last push went; `nil` where that is not known.
    var template: PushTemplate?
    /// Whether its record has to be written.
    var isDirty = false
    /// Its record when it was last written or read; `nil` where it never was.
    var record: [UInt8]?

    init(key: GroupingKey) { self.key = key }

    /// Whether the last push succeeded.
    var lastPushSucceeded: Bool { pushFailureTime <= pushTime }

    /// The family of that name.
    func family(named name: String) -> PushedFamily? {
        // Families come in the order of their names, so that a new one stands behind all others.
        guard let last = families.last, !ByteOrder.precedes(last.entry.name, name) else { return nil }
        let index = families.place(of: name) { $0.entry.name }
        guard index < families.count, families[index].entry.name.hasSameBytes(as: name) else { return nil }
        return families[index]
    }

    /// Adds a family that the group has not.
    func insert(_ family: PushedFamily) {
        seriesCount += family.series.count
        if let last = families.last, ByteOrder.precedes(last.entry.name, family.entry.name) {
            return families.append(family)
        }
        families.insert(family, at: families.place(of: family.entry.name) { $0.entry.name })
    }

    /// Takes out the families for which the condition holds, and returns them.
    func remove(where isRemoved: (PushedFamily) -> Bool) -> [PushedFamily] {
        let removed = families.filter(isRemoved)
        if !removed.isEmpty { families.removeAll(where: isRemoved) }
        for family in removed { seriesCount -= family.series.count }
        return removed
    }
}

extension Array {
    /// Where an element of that name is, or would go, among those sorted by the bytes of their names.
    @inline(__always)
    func place(of name: String, _ nameOf: (Element) -> String) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if ByteOrder.precedes(nameOf(self[middle]), name) { low = middle + 1 } else { high = middle }
        }
        return low
    }
}
