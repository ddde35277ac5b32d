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
        // Those of a push come in the order of their names: of a new group each stands behind all that are there.
        guard let last = families.last, !ByteOrder.precedes(last.entry.name, name) else { return nil }
        let index = families.place(of: name) { $0.entry.name }
        guard families[index].entry.name.hasSameBytes(as: name) else { return nil }
        return families[index]
    }

    /// Puts families in, each in the place of one of the same name.
    /// - Parameter new: in the order of their names.
    func put(_ new: [PushedFamily]) {
        for family in new { seriesCount += family.series.count }
        if let first = new.first, families.last.map({ ByteOrder.precedes($0.entry.name, first.entry.name) }) ?? true {
            families += new
        } else if new.count == 1 {
            put(new[0])
        } else {
            merge(new)
        }
    }

    private func put(_ family: PushedFamily) {
        let index = families.place(of: family.entry.name) { $0.entry.name }
        guard index < families.count, families[index].entry.name.hasSameBytes(as: family.entry.name) else {
            return families.insert(family, at: index)
        }
        seriesCount -= families[index].series.count
        families[index] = family
    }

    /// All that are there are looked at once, however many come.
    private func merge(_ new: [PushedFamily]) {
        var merged: [PushedFamily] = []
        merged.reserveCapacity(families.count + new.count)
        var next = 0
        for family in families {
            while next < new.count, ByteOrder.precedes(new[next].entry.name, family.entry.name) {
                merged.append(new[next])
                next += 1
            }
            if next < new.count, new[next].entry.name.hasSameBytes(as: family.entry.name) {
                seriesCount -= family.series.count
            } else {
                merged.append(family)
            }
        }
        merged += new[next...]
        families = merged
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
