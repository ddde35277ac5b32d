import MetricModel

/// All known series: their labels as lists of pair numbers, a look-up by labels, and the postings of every pair.
///
/// A series keeps its number for as long as the file exists; numbers are never used twice.
struct SeriesTable {
    /// The label pairs.
    private(set) var pairs = PairTable()
    /// Pair numbers of all series, one series after the other.
    private(set) var members: [UInt32] = []
    /// Where each series starts in ``members``; one more at the end.
    private(set) var starts: [UInt32] = [0]
    /// Whether each series is still known.
    private(set) var isAlive: [Bool] = []
    /// The number of the first series in the arrays; those before are long forgotten.
    private(set) var first: UInt32 = 0
    /// A hash of the labels of each series.
    private(set) var hashes: [UInt64] = []
    /// Finds series by labels and pairs. Those that were read back are in it once ``finishRestoring(_:)`` was called.
    private var index = SeriesIndex()
    /// How many known series there are.
    private(set) var aliveCount = 0
    /// Labels that were put together before, by the last bits of the series' number: rules ask for the same ones all the time.
    private var memory: [(series: UInt32, labels: Labels)] = []
    /// So many labels are kept, and not for selections that would push out much of them.
    private static let memorySize = 1 << 14

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
        let found = index.find(hash) { place in
            guard hashes[place] == hash, isAlive[place] else { return false }
            let range = Int(starts[place])..<Int(starts[place + 1])
            return range.count == numbers.count && members[range].elementsEqual(numbers)
        }
        return found.map { first + UInt32($0) }
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

    /// Makes room for so many series more.
    mutating func reserve(series: Int, pairsOfEach: Int) {
        members.reserveCapacity(members.count + series * pairsOfEach)
        starts.reserveCapacity(starts.count + series)
        isAlive.reserveCapacity(isAlive.count + series)
        hashes.reserveCapacity(hashes.count + series)
    }

    /// Adds a series read back from storage, in rising order; it is not found before ``finishRestoring(_:)``. Whether its pairs are
    /// known, and agree with the checksum where it has one of its own.
    @inline(__always)
    mutating func restore(
        _ series: UInt32,
        _ numbers: UnsafeBufferPointer<UInt32>,
        checksum: UInt32? = nil
    ) -> Bool {
        guard canFollow(series), let hash = pairs.hash(of: numbers) else { return false }
        if let checksum, UInt32(truncatingIfNeeded: hash >> 32) != checksum { return false }
        if isAlive.isEmpty { first = series }
        skip(to: series)
        members.append(contentsOf: numbers)
        appendColumns(hash)
        return true
    }

    /// Takes the index of all that was read back, which may have been made meanwhile.
    mutating func finishRestoring(_ index: SeriesIndex) { self.index = index }

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
        appendColumns(hash)
        index.add(isAlive.count - 1, hashes, isAlive, aliveCount)
        index.add(series, pairs: numbers, pairCount: pairs.count)
        return series
    }

    @inline(__always)
    private mutating func appendColumns(_ hash: UInt64) {
        starts.append(UInt32(members.count))
        isAlive.append(true)
        hashes.append(hash)
        aliveCount += 1
    }

    /// Forgets series. Their numbers are not used again.
    mutating func remove(_ series: [UInt32]) {
        for number in series where contains(number) {
            isAlive[Int(number - first)] = false
            aliveCount -= 1
        }
        index.compact(hashes, isAlive, aliveCount, isKnown: contains)
    }

    /// The series of a pair, ascending.
    func series(ofPair pair: UInt32) -> [UInt32] { index.series(ofPair: pair) }

    /// How many series a pair has.
    func seriesCount(ofPair pair: UInt32) -> Int { index.seriesCount(ofPair: pair) }

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
