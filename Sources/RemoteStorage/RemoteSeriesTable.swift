import Exposition
import MetricModel

/// Series as a receiver gets them, by the store's numbers: each sample that is sent asks for one.
struct RemoteSeriesTable: Sendable {
    /// What becomes of a series.
    enum Fate: Sendable {
        /// It was not looked up yet.
        case unknown
        /// A rule drops it.
        case dropped
        case sent
    }

    private let isVersion2: Bool
    /// Open addressing: place plus one, 0 for none.
    private var slots = [UInt32](repeating: 0, count: 64)
    private var numbers: [UInt32] = []
    private var fates: [Fate] = []
    /// What version 1 has of each.
    private var encoded: [[UInt8]] = []
    /// What version 2 has of each: its labels, and what is said of its family, once that was looked up.
    private var labels: [[UInt32]] = []
    private var families: [RemoteWriteSymbols.Family?] = []
    private var names: [String] = []
    /// The texts of messages of version 2.
    var symbols = RemoteWriteSymbols()

    init(isVersion2: Bool) { self.isVersion2 = isVersion2 }

    /// How many are known.
    var count: Int { numbers.count }

    @inline(__always)
    private func place(of number: UInt32) -> Int? {
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

    func fate(of number: UInt32) -> Fate { place(of: number).map { fates[$0] } ?? .unknown }

    /// What version 1 has of a series; `nil` where it is not known or not sent.
    func encoded(_ number: UInt32) -> [UInt8]? {
        guard let place = place(of: number), fates[place] == .sent else { return nil }
        return encoded[place]
    }

    /// What version 2 has of a series; `nil` where it is not known or not sent.
    /// - Parameter metadata: What is known of the family of a metric.
    mutating func symbols(
        _ number: UInt32,
        _ metadata: (String) -> MetricMetadata
    ) -> (labels: [UInt32], family: RemoteWriteSymbols.Family)? {
        guard let place = place(of: number), fates[place] == .sent else { return nil }
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
        fates.append(new == nil ? .dropped : .sent)
        if isVersion2 {
            labels.append(new.map { symbols.numbers(of: $0) } ?? [])
            names.append(new?.name ?? "")
            families.append(nil)
        } else {
            encoded.append(new.map { RemoteWriteParts.labels($0) } ?? [])
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
