import Exposition
import MetricModel

/// Series as a receiver gets them, by the store's numbers: each sample that is sent asks for one.
struct RemoteSeriesTable: ~Copyable, Sendable {
    private let isVersion2: Bool
    /// Places plus one, 0 for none. Numbers come in runs, so there is room for all sixteen that differ in the last four bits.
    private var blocks: [UInt32] = []
    /// What the numbers of each block begin with.
    private var keys: [UInt32] = []
    /// Where blocks are, by open addressing: number plus one, 0 for none.
    private var slots = [UInt32](repeating: 0, count: 64)
    /// The block that was looked at last.
    private var recent = (key: UInt32.max, block: 0)
    /// Which of them a rule drops.
    private var dropped: [Bool] = []
    /// What version 1 has of each.
    private var packer = RemoteWritePacker()
    /// What version 2 has of each: its labels, and what is said of its family, once that was looked up.
    private var labels: [[UInt32]] = []
    private var families: [RemoteWriteSymbols.Family?] = []
    private var names: [String] = []
    /// The texts of messages of version 2.
    var symbols = RemoteWriteSymbols()

    init(isVersion2: Bool) { self.isVersion2 = isVersion2 }

    /// How many are known.
    var count: Int { dropped.count }

    /// The place of a series, which is good until nothing waits to be sent; `nil` where it was not looked up yet.
    @inline(__always)
    mutating func place(of number: UInt32) -> Int? {
        let key = number >> 4
        if key != recent.key {
            guard let block = block(key) else { return nil }
            recent = (key, block)
        }
        let place = blocks[recent.block << 4 | Int(number & 15)]
        return place == 0 ? nil : Int(place) - 1
    }

    private func block(_ key: UInt32) -> Int? {
        let mask = slots.count - 1
        var slot = Self.hash(key) & mask
        while slots[slot] != 0 {
            let block = Int(slots[slot]) - 1
            if keys[block] == key { return block }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Those of an entry's series that were not looked up yet, each once, in the order in which they come: what is sent one after the
    /// other then stands so in the table.
    mutating func unknown(in entry: FeedEntry) -> [UInt32] {
        var unknown: [UInt32] = []
        var seen: Set<UInt32> = []
        for batch in entry.batches {
            for series in batch.series { look(series, &unknown, &seen) }
            for sample in batch.histograms { look(sample.series, &unknown, &seen) }
            for sample in batch.exemplars { look(sample.series, &unknown, &seen) }
        }
        return unknown
    }

    @inline(__always)
    private mutating func look(_ series: SeriesRef, _ unknown: inout [UInt32], _ seen: inout Set<UInt32>) {
        let number = series.rawValue
        if place(of: number) == nil, seen.insert(number).inserted { unknown.append(number) }
    }

    @inline(__always)
    private static func hash(_ key: UInt32) -> Int {
        Int(truncatingIfNeeded: (UInt64(key) &* 0x9e37_79b9_7f4a_7c15) >> 32)
    }

    /// Whether a rule drops the series at a place.
    func isDropped(_ place: Int) -> Bool { dropped[place] }

    /// What version 1 has of the series at a place.
    func encoded(_ place: Int) -> [UInt8] { packer.labels(place) }

    /// A message of version 1 of nothing but numbers, packed.
    mutating func packed(_ items: [RemoteItem]) -> [UInt8] {
        packer.begin()
        for item in items { packer.add(Int(item.known), item.value, at: item.timestamp) }
        return packer.finish()
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
        dropped.append(new == nil)
        if isVersion2 {
            labels.append(new.map { symbols.numbers(of: $0) } ?? [])
            names.append(new?.name ?? "")
            families.append(nil)
        } else {
            packer.append(new)
        }
        let block = block(number >> 4) ?? addBlock(number >> 4)
        blocks[block << 4 | Int(number & 15)] = UInt32(dropped.count)
    }

    private mutating func addBlock(_ key: UInt32) -> Int {
        keys.append(key)
        blocks += repeatElement(0, count: 16)
        if keys.count * 2 > slots.count {
            slots = [UInt32](repeating: 0, count: slots.count * 2)
            for block in keys.indices { enter(block) }
        } else {
            enter(keys.count - 1)
        }
        return keys.count - 1
    }

    private mutating func enter(_ block: Int) {
        let mask = slots.count - 1
        var slot = Self.hash(keys[block]) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(block + 1)
    }
}
