import MetricModel

/// A family over all groups: who has it, with which types and series, and its part of the exposition as it was last written.
///
/// This is what makes the check of a push cheap: it asks here instead of looking at all groups.
final class FamilyEntry {
    /// The place of one metric in the exposition.
    struct Slot {
        unowned(unsafe) var family: PushedFamily
        var index: Int32
    }

    /// The family's name.
    let name: String
    /// Whether the name is of the old form.
    let isLegacy: Bool
    /// How many groups have it with each type, by `MetricType.index`.
    private var typeCounts = [Int32](repeating: 0, count: 8)
    /// How many groups have it.
    private(set) var contributors = 0
    /// How often each series occurs; more than once only where pushes are not checked.
    private var fingerprints: [UInt64: UInt32] = [:]
    /// How many series occur more than once.
    private(set) var duplicates = 0
    /// All metrics in the order of the exposition.
    private(set) var order: [Slot] = []
    /// The lines of all metrics in that order; `nil` where they have to be put together anew.
    private var lines: [UInt8]?

    init(name: String) {
        self.name = name
        isLegacy = Label.isLegacyMetricName(name)
    }

    /// How many groups have it with that type.
    func count(of type: MetricType) -> Int { Int(typeCounts[type.index]) }

    /// How often a series occurs.
    func occurrences(_ fingerprint: UInt64) -> Int { Int(fingerprints[fingerprint] ?? 0) }

    /// The type that most groups have it with; of equally many the first in `MetricType`'s order.
    /// - Parameter excluded: a type that one group fewer is counted for.
    func type(excluding excluded: MetricType?) -> MetricType? {
        var best: MetricType?
        var bestCount = 0
        for type in MetricType.allCases {
            let count = count(of: type) - (type == excluded ? 1 : 0)
            if count > bestCount {
                best = type
                bestCount = count
            }
        }
        return best
    }

    /// Whether the types of the groups contradict each other.
    var hasTypeConflict: Bool { typeCounts.count { $0 > 0 } > 1 }

    /// Takes in a group's family.
    func add(_ family: PushedFamily) {
        contributors += 1
        typeCounts[family.type.index] += 1
        lines = nil
        for index in family.series.indices {
            let count = fingerprints[family.series[index].fingerprint, default: 0] + 1
            fingerprints[family.series[index].fingerprint] = count
            if count == 2 { duplicates += 1 }
            if family.series.count > Self.few { continue }
            let slot = Slot(family: family, index: Int32(index))
            order.insert(slot, at: position(of: slot, afterEqual: true))
        }
        if family.series.count > Self.few { merge(family) }
    }

    /// So many metrics are put in their places one by one; each moves all behind it.
    private static let few = 16

    /// Puts all metrics of a family in their places, behind those that are equal.
    private func merge(_ family: PushedFamily) {
        let new = family.series.indices.map { Slot(family: family, index: Int32($0)) }.sorted { left, right in
            let comparison = Self.compare(left, right)
            return comparison == 0 ? left.index < right.index : comparison < 0
        }
        var merged: [Slot] = []
        merged.reserveCapacity(order.count + new.count)
        var next = 0
        for slot in order {
            while next < new.count, Self.compare(new[next], slot) < 0 {
                merged.append(new[next])
                next += 1
            }
            merged.append(slot)
        }
        merged.append(contentsOf: new[next...])
        order = merged
    }

    private static func compare(_ left: Slot, _ right: Slot) -> Int {
        SortKeys.compare(left.family.keys, Int(left.index), right.family.keys, Int(right.index))
    }

    /// Forgets a group's family.
    func remove(_ family: PushedFamily) {
        contributors -= 1
        typeCounts[family.type.index] -= 1
        lines = nil
        for index in family.series.indices {
            let fingerprint = family.series[index].fingerprint
            let count = (fingerprints[fingerprint] ?? 1) - 1
            fingerprints[fingerprint] = count == 0 ? nil : count
            if count == 1 { duplicates -= 1 }
            if family.series.count > Self.few { continue }
            var position = position(of: Slot(family: family, index: Int32(index)), afterEqual: false)
            while position < order.count {
                if order[position].family === family, order[position].index == Int32(index) {
                    order.remove(at: position)
                    break
                }
                position += 1
            }
        }
        if family.series.count > Self.few { order.removeAll { $0.family === family } }
    }

    /// The lines changed, not the series.
    func invalidate() { lines = nil }

    private func position(of slot: Slot, afterEqual: Bool) -> Int {
        var low = 0
        var high = order.count
        while low < high {
            let middle = (low + high) / 2
            let comparison = Self.compare(order[middle], slot)
            if comparison < 0 || (afterEqual && comparison == 0) { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The help that the exposition shows: that of the first metric's group.
    var shownHelp: String? { order.first?.family.help }

    /// The lines of all metrics.
    func sortedLines() -> [UInt8] {
        if let lines { return lines }
        let result = Self.lines(of: order)
        lines = result
        return result
    }

    /// The lines of all metrics and of those of another family, which belongs to no group.
    func sortedLines(with other: PushedFamily) -> [UInt8] {
        let merged = FamilyEntry(name: name)
        merged.order = order
        merged.add(other)
        return Self.lines(of: merged.order)
    }

    private static func lines(of order: [Slot]) -> [UInt8] {
        var total = 0
        order.withUnsafeBufferPointer { slots in
            for slot in slots { total += slot.family.textRange(Int(slot.index)).count }
        }
        return [UInt8](unsafeUninitializedCapacity: total) { buffer, count in
            let target = UnsafeMutableRawBufferPointer(buffer)
            order.withUnsafeBufferPointer { slots in
                for slot in slots {
                    let range = slot.family.textRange(Int(slot.index))
                    slot.family.text.withUnsafeBytes { bytes in
                        UnsafeMutableRawBufferPointer(rebasing: target[count..<count + range.count])
                            .copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[range]))
                    }
                    count += range.count
                }
            }
        }
    }
}
