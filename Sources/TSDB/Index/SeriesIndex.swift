import Dispatch
import Synchronization

/// Finds series by their labels and by one of their pairs: what a ``SeriesTable`` has beside its columns.
struct SeriesIndex: Sendable {
    /// The series of a pair.
    private enum Posting {
        case none
        case one(UInt32)
        case many([UInt32])
    }

    /// Open addressing by hash of labels: place in the columns plus one.
    private var slots = [UInt32](repeating: 0, count: 1024)
    private var usedSlots = 0
    /// Series of each pair, ascending; forgotten ones may linger until it is compacted.
    private var postings: [Posting] = []

    /// Of no series.
    init() {}

    // MARK: - All at once

    /// Of all series of a table.
    init(_ table: borrowing SeriesTable) {
        fillSlots(table.hashes, table.isAlive, table.aliveCount)
        fillPostings(table)
    }

    private mutating func fillPostings(_ table: borrowing SeriesTable) {
        let counts = SeriesIndex.seriesCounts(table)
        // Which list a pair has; most pairs of a label that differs everywhere have one series and no list.
        var listOf = [Int32](repeating: -1, count: counts.count)
        var lists: [[UInt32]] = []
        for (pair, count) in counts.enumerated() where count > 1 {
            listOf[pair] = Int32(lists.count)
            var list: [UInt32] = []
            list.reserveCapacity(Int(count))
            lists.append(list)
        }
        postings = [Posting](repeating: .none, count: counts.count)
        table.members.withUnsafeBufferPointer { members in
            for place in table.isAlive.indices where table.isAlive[place] {
                let series = table.first + UInt32(place)
                for index in Int(table.starts[place])..<Int(table.starts[place + 1]) {
                    let pair = Int(members[index])
                    let list = listOf[pair]
                    if list < 0 { postings[pair] = .one(series) } else { lists[Int(list)].append(series) }
                }
            }
        }
        for (pair, list) in listOf.enumerated() where list >= 0 { postings[pair] = .many(lists[Int(list)]) }
    }

    private static func seriesCounts(_ table: borrowing SeriesTable) -> [UInt32] {
        var counts = [UInt32](repeating: 0, count: table.pairs.count)
        counts.withUnsafeMutableBufferPointer { counts in
            for place in table.isAlive.indices where table.isAlive[place] {
                for index in Int(table.starts[place])..<Int(table.starts[place + 1]) {
                    counts[Int(table.members[index])] += 1
                }
            }
        }
        return counts
    }

    // MARK: - By labels

    /// The place of the first series with this hash that is the one.
    @inline(__always)
    func find(_ hash: UInt64, where isIt: (Int) -> Bool) -> Int? {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let place = Int(slots[slot] - 1)
            if isIt(place) { return place }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// Adds the series of a place, with the table's columns.
    mutating func add(_ place: Int, _ hashes: [UInt64], _ isAlive: [Bool], _ aliveCount: Int) {
        usedSlots += 1
        if usedSlots * 2 > slots.count { fillSlots(hashes, isAlive, aliveCount) } else { insert(place, hashes[place]) }
    }

    private mutating func insert(_ place: Int, _ hash: UInt64) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(place) + 1
    }

    private mutating func fillSlots(_ hashes: [UInt64], _ isAlive: [Bool], _ aliveCount: Int) {
        var size = 1024
        while size < aliveCount * 4 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        usedSlots = aliveCount
        for place in 0..<isAlive.count where isAlive[place] { insert(place, hashes[place]) }
    }

    // MARK: - By pair

    /// Adds a series, later than all others, to its pairs.
    mutating func add(_ series: UInt32, pairs: [UInt32], pairCount: Int) {
        while postings.count < pairCount { postings.append(.none) }
        for pair in pairs { add(series, Int(pair)) }
    }

    private mutating func add(_ series: UInt32, _ pair: Int) {
        switch postings[pair] {
        case .none: postings[pair] = .one(series)
        case .one(let other): postings[pair] = .many([other, series])
        case .many(var list):
            postings[pair] = .none
            list.append(series)
            postings[pair] = .many(list)
        }
    }

    /// The series of a pair, ascending.
    func series(ofPair pair: UInt32) -> [UInt32] {
        // Pairs that were read back may have no series (any more).
        switch Int(pair) < postings.count ? postings[Int(pair)] : .none {
        case .none: []
        case .one(let series): [series]
        case .many(let list): list
        }
    }

    /// How many series a pair has.
    func seriesCount(ofPair pair: UInt32) -> Int {
        switch Int(pair) < postings.count ? postings[Int(pair)] : .none {
        case .none: 0
        case .one: 1
        case .many(let list): list.count
        }
    }

    /// Leaves out what is not known any more.
    mutating func compact(_ hashes: [UInt64], _ isAlive: [Bool], _ aliveCount: Int, isKnown: (UInt32) -> Bool) {
        for pair in 0..<postings.count {
            switch postings[pair] {
            case .none: break
            case .one(let series): if !isKnown(series) { postings[pair] = .none }
            case .many(let list):
                let kept = list.filter(isKnown)
                postings[pair] = kept.isEmpty ? .none : kept.count == 1 ? .one(kept[0]) : .many(kept)
            }
        }
        fillSlots(hashes, isAlive, aliveCount)
    }
}

/// An index that is made on another thread, if one is free before it is needed.
final class IndexInTheMaking: Sendable {
    /// The series; taken by whoever makes the index of them.
    private let table: Mutex<SeriesTable?>
    private let made = Mutex<SeriesIndex?>(nil)
    private let done = DispatchSemaphore(value: 0)

    /// Begins with the series that a table has now.
    init(_ table: SeriesTable) {
        self.table = Mutex(table)
        DispatchQueue.global(qos: .userInitiated).async { [self] in
            guard let index = make() else { return }
            made.withLock { $0 = index }
            done.signal()
        }
    }

    private func make() -> SeriesIndex? { table.withLock { $0.take() }.map { SeriesIndex($0) } }

    /// The index. Asked for once.
    func take() -> SeriesIndex {
        // Nobody waits for a thread that others may keep busy.
        if let index = make() { return index }
        done.wait()
        return made.withLock { $0.take() } ?? SeriesIndex()
    }
}
