import Exposition
import MetricModel

/// Series as a receiver gets them, by the store's numbers: each sample that is sent asks for one.
struct RemoteSeriesTable: Sendable {
    private let isVersion2: Bool
    /// Open addressing: place plus one, 0 for none.
    private var slots = [UInt32](repeating: 0, count: 64)
    private var numbers: [UInt32] = []
    /// Which of them a rule drops.
    private var dropped: [Bool] = []
    /// What version 1 has of each, one after the other, and where each ends.
    private var encoded: [UInt8] = []
    private var ends: [Int] = [0]
    /// What version 2 has of each: its labels, and what is said of its family, once that was looked up.
    private var labels: [[UInt32]] = []
    private var families: [RemoteWriteSymbols.Family?] = []
    private var names: [String] = []
    /// The texts of messages of version 2.
    var symbols = RemoteWriteSymbols()

    init(isVersion2: Bool) { self.isVersion2 = isVersion2 }

    /// How many are known.
    var count: Int { numbers.count }

    /// The place of a series, which is good until nothing waits to be sent; `nil` where it was not looked up yet.
    @inline(__always)
    func place(of number: UInt32) -> Int? {
        let mask = slots.count - 1
        var slot = Self.hash(number) & mask
        while slots[slot] != 0 {
            let place = Int(slots[slot]) - 1
            if numbers[place] == number { return place }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Numbers come in runs: multiplied, they spread.
    @inline(__always)
    private static func hash(_ number: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(number) &* 0x9e37_79b9_7f4a_7c15) >> 32)
    }

    /// Whether a rule drops the series at a place.
    func isDropped(_ place: Int) -> Bool { dropped[place] }

    /// What version 1 has of the series at a place.
    func encoded(_ place: Int) -> [UInt8] { Array(encoded[ends[place]..<ends[place + 1]]) }

    /// A message of version 1 of nothing but numbers; `nil` where there is something else among the items.
    func version1(_ items: [RemoteItem]) -> [UInt8]? {
        var size = 0
        for item in items {
            guard case .float(let value) = item.payload else { return nil }
            let place = Int(item.known)
            size += RemoteWriteParts.size(ends[place + 1] - ends[place], value, item.timestamp)
        }
        return [UInt8](unsafeUninitializedCapacity: size) { output, count in
            guard let target = output.baseAddress else { return }
            encoded.withUnsafeBufferPointer { encoded in
                for item in items {
                    guard case .float(let value) = item.payload else { continue }
                    let place = Int(item.known)
                    let labels = UnsafeBufferPointer(rebasing: encoded[ends[place]..<ends[place + 1]])
                    count += RemoteWriteParts.write(series: labels, value, at: item.timestamp, to: target + count)
                }
            }
        }
    }

    /// What version 2 has of the series at a place.
    /// - Parameter metadata: What is known of the family of a metric.
    mutating func symbols(
        _ place: Int,
        _ metadata: (String) -> MetricMetadata
    ) -> (labels: [UInt32], family: RemoteWriteSymbols.Family) {
        if let family = families[place] { return (labels[place], family) }
        let family = symbols.family(metadata(names[place]))
        families[place] = family
        return (labels[place], family)
    }

    /// Families are asked for again: something else is known of them.
    mutating func forgetFamilies() {
        for place in families.indices { families[place] = nil }
    }

    /// Adds a series that is not known yet.
    /// - Parameter new: What the receiver gets; `nil` where a rule drops it.
    mutating func add(_ number: UInt32, _ new: Labels?) {
        if place(of: number) != nil { return }
        numbers.append(number)
        dropped.append(new == nil)
        if isVersion2 {
            labels.append(new.map { symbols.numbers(of: $0) } ?? [])
            names.append(new?.name ?? "")
            families.append(nil)
        } else {
            if let new { encoded += RemoteWriteParts.labels(new) }
            ends.append(encoded.count)
        }
        if numbers.count * 2 > slots.count {
            slots = [UInt32](repeating: 0, count: slots.count * 2)
            for place in numbers.indices { enter(place) }
        } else {
            enter(numbers.count - 1)
        }
    }

    private mutating func enter(_ place: Int) {
        let mask = slots.count - 1
        var slot = Self.hash(numbers[place]) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(place + 1)
    }
}
