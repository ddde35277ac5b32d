import MetricModel

/// All known series: their labels as lists of pair numbers, a look-up by labels, and the postings of every pair.
///
/// A series keeps its number for as long as the file exists; numbers are never used twice.
struct SeriesTable {
    /// The label pairs.
    private(set) var pairs = PairTable()
    /// Pair numbers of all series, one series after the other.
    private var members: [UInt32] = []
    /// Where each series starts in ``members``; one more at the end.
    private var starts: [UInt32] = [0]
    /// Whether each series is still known.
    private(set) var isAlive: [Bool] = []
    /// The number of the first series in the arrays; those before are long forgotten.
    private(set) var first: UInt32 = 0
    /// Open addressing by hash of labels: index plus one.
    private var slots = [UInt32](repeating: 0, count: 1024)
    private var hashes: [UInt64] = []
    private var usedSlots = 0
    /// Series of each pair, ascending; forgotten ones may linger until ``compactPostings()``.
    private var postings: [Posting] = []
    /// How many known series there are.
    private(set) var aliveCount = 0
    /// Labels that were put together before, by the last bits of the series' number: rules ask for the same ones all the time.
    private var memory: [(series: UInt32, labels: Labels)] = []
    /// So many labels are kept, and not for selections that would push out much of them.
    private static let memorySize = 1 << 14

    /// The series of a pair.
    private enum Posting {
        case none
        case one(UInt32)
        case many([UInt32])
    }

    /// Starts with numbers from `first` on.
    init(first: UInt32 = 1) { self.first = first }

    /// The number after the last one given.
    var next: UInt32 { first + UInt32(isAlive.count) }

    /// Whether the number is that of a known series.
    @inline(__always)
    func contains(_ series: UInt32) -> Bool {
        let index = Int(series &- first)
        return index < isAlive.count && isAlive[index]
    }

    /// A checksum of the labels of a series, to be stored beside its pair numbers.
    func checksum(_ series: UInt32) -> UInt32 { UInt32(truncatingIfNeeded: hashes[Int(series - first)] >> 32) }

    /// The pair numbers of a series.
    func pairNumbers(_ series: UInt32) -> ArraySlice<UInt32> {
        let index = Int(series - first)
        return members[Int(starts[index])..<Int(starts[index + 1])]
    }

    /// The labels of a series.
    func labels(_ series: UInt32) -> Labels {
        members.withUnsafeBufferPointer { members in
            let index = Int(series - first)
            return Labels(
                encoded: pairs.fields(
                    UnsafeBufferPointer(rebasing: members[Int(starts[index])..<Int(starts[index + 1])])
                )
            )
        }
    }

    /// The labels of known series, in their order, kept for the next time.
    mutating func rememberedLabels(_ series: [UInt32]) -> [Labels] {
        var result: [Labels] = []
        result.reserveCapacity(series.count)
        if series.count > Self.memorySize / 8 {
            for number in series { result.append(labels(number)) }
            return result
        }
        if memory.isEmpty { memory = [(UInt32, Labels)](repeating: (.max, Labels()), count: Self.memorySize) }
        for number in series {
            let place = Int(number) & (Self.memorySize - 1)
            // Numbers are not used twice.
            if memory[place].series != number { memory[place] = (number, labels(number)) }
            result.append(memory[place].labels)
        }
        return result
    }

    /// The labels of several known series, in their order.
    func labelSets(_ series: [UInt32]) -> LabelSets {
        members.withUnsafeBufferPointer { members in
            let numbers = series.map { series in
                let index = Int(series - first)
                return UnsafeBufferPointer(rebasing: members[Int(starts[index])..<Int(starts[index + 1])])
            }
            return pairs.fields(numbers)
        }
    }

    /// The series with these labels, if known.
    func find(_ labels: Labels) -> UInt32? {
        var numbers: [UInt32] = []
        var hash: UInt64 = 0
        var isKnown = true
        SeriesTable.forEachPair(labels) { fields, _ in
            guard isKnown else { return }
            let pairHash = Hash64.hash(fields)
            guard let pair = pairs.find(fields, hash: pairHash) else {
                isKnown = false
                return
            }
            numbers.append(pair)
            hash = Hash64.mix(hash, pairHash)
        }
        return isKnown ? find(numbers, hash) : nil
    }

    private func find(_ numbers: [UInt32], _ hash: UInt64) -> UInt32? {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let index = Int(slots[slot] - 1)
            if hashes[index] == hash, isAlive[index] {
                let range = Int(starts[index])..<Int(starts[index + 1])
                if range.count == numbers.count, members[range].elementsEqual(numbers) { return first + UInt32(index) }
            }
            slot = (slot + 1) & mask
        }
        return nil
    }

    /// The series with these labels, added where it is not known.
    mutating func findOrAdd(_ labels: Labels) -> (series: UInt32, isNew: Bool) {
        if let known = find(labels) { return (known, false) }
        var numbers: [UInt32] = []
        SeriesTable.forEachPair(labels) { fields, nameLength in
            let hash = Hash64.hash(fields)
            numbers.append(pairs.find(fields, hash: hash) ?? pairs.add(fields, nameLength: nameLength, hash: hash))
        }
        return (add(numbers), true)
    }

    /// Adds a pair read back from storage; pairs come in the order of their numbers.
    mutating func restorePair(_ name: String, _ value: String) {
        var encoded: [UInt8] = []
        LabelsBuilder.append(name.utf8, to: &encoded)
        let nameLength = encoded.count
        LabelsBuilder.append(value.utf8, to: &encoded)
        encoded.withUnsafeBufferPointer {
            _ = pairs.add($0, nameLength: nameLength, hash: Hash64.hash($0))
        }
    }

    /// A number that is so far beyond the one before is not a number of a series but damage.
    private static let widestGap: UInt32 = 1 << 26

    /// Adds a pair read back from storage in its field forms; pairs come in the order of their numbers.
    mutating func restorePair(_ pair: SeriesGroup.Pair) {
        pair.fields.withUnsafeBufferPointer {
            _ = pairs.add($0, nameLength: pair.nameLength, hash: Hash64.hash($0))
        }
    }

    /// Takes notice of pairs that cannot be read.
    mutating func losePairs(_ count: Int) { for _ in 0..<count { pairs.addLost() } }

    /// Whether a number may be that of the next series that is read back.
    func canFollow(_ series: UInt32) -> Bool {
        series >= next && (isAlive.isEmpty || series - next < SeriesTable.widestGap)
    }

    /// Adds a series read back from storage, in rising order. Whether its pairs are known, and agree with the checksum where it
    /// has one of its own.
    mutating func restore(_ series: UInt32, _ numbers: [UInt32], checksum: UInt32? = nil) -> Bool {
        guard canFollow(series), numbers.allSatisfy(pairs.isKnown) else { return false }
        if let checksum {
            let hash = numbers.reduce(0) { Hash64.mix($0, pairs.hashes[Int($1)]) }
            guard UInt32(truncatingIfNeeded: hash >> 32) == checksum else { return false }
        }
        if isAlive.isEmpty { first = series }
        skip(to: series)
        _ = add(numbers)
        return true
    }

    /// Leaves out the numbers before `series`.
    mutating func skip(to series: UInt32) {
        if isAlive.isEmpty {
            first = max(first, series)
            return
        }
        while next < series {
            isAlive.append(false)
            hashes.append(0)
            starts.append(UInt32(members.count))
        }
    }

    private mutating func add(_ numbers: [UInt32]) -> UInt32 {
        let series = next
        var hash: UInt64 = 0
        for pair in numbers { hash = Hash64.mix(hash, pairs.hashes[Int(pair)]) }
        members.append(contentsOf: numbers)
        starts.append(UInt32(members.count))
        isAlive.append(true)
        hashes.append(hash)
        aliveCount += 1
        usedSlots += 1
        if usedSlots * 2 > slots.count { grow() } else { insert(isAlive.count - 1) }
        while postings.count < pairs.count { postings.append(.none) }
        for pair in numbers { addPosting(series, Int(pair)) }
        return series
    }

    private mutating func addPosting(_ series: UInt32, _ pair: Int) {
        switch postings[pair] {
        case .none: postings[pair] = .one(series)
        case .one(let other): postings[pair] = .many([other, series])
        case .many(var list):
            postings[pair] = .none
            list.append(series)
            postings[pair] = .many(list)
        }
    }

    private mutating func insert(_ index: Int) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hashes[index]) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = UInt32(index) + 1
    }

    private mutating func grow() {
        var size = 1024
        while size < aliveCount * 4 { size *= 2 }
        slots = [UInt32](repeating: 0, count: size)
        usedSlots = aliveCount
        for index in 0..<isAlive.count where isAlive[index] { insert(index) }
    }

    /// Forgets series. Their numbers are not used again.
    mutating func remove(_ series: [UInt32]) {
        for number in series where contains(number) {
            isAlive[Int(number - first)] = false
            aliveCount -= 1
        }
        compactPostings()
        grow()
    }

    private mutating func compactPostings() {
        for pair in 0..<postings.count {
            switch postings[pair] {
            case .none: break
            case .one(let series): if !contains(series) { postings[pair] = .none }
            case .many(let list):
                let kept = list.filter(contains)
                postings[pair] = kept.isEmpty ? .none : kept.count == 1 ? .one(kept[0]) : .many(kept)
            }
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

    /// All known series, ascending.
    var all: [UInt32] {
        var result: [UInt32] = []
        result.reserveCapacity(aliveCount)
        for index in 0..<isAlive.count where isAlive[index] { result.append(first + UInt32(index)) }
        return result
    }

    /// Calls `body` with the fields of each pair in the flat form, and the length of the name's field.
    static func forEachPair(_ labels: Labels, _ body: (UnsafeBufferPointer<UInt8>, Int) -> Void) {
        labels.encoded.withUnsafeBufferPointer { bytes in
            var start = 0
            labels.forEachRange { name, value in
                let fields = UnsafeBufferPointer(rebasing: bytes[start..<value.upperBound])
                body(fields, name.upperBound - start)
                start = value.upperBound
            }
        }
    }
}
