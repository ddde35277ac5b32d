import MetricModel

/// Every different label pair once, by number; series are lists of such numbers.
///
/// Names and values lie one after the other in a single buffer, in the length-prefixed form of `Labels.encoded`, so that the
/// labels of a series are put together by copying.
struct PairTable {
    /// The field forms of name and value, one pair after the other.
    private var bytes: [UInt8] = []
    /// Where each pair starts in ``bytes``; one more at the end.
    private var starts: [UInt32] = [0]
    /// Where each pair's value field starts.
    private var valueStarts: [UInt32] = []
    /// The number of each pair's name.
    private(set) var nameOf: [UInt32] = []
    /// A hash of each pair, from which those of series are made.
    private(set) var hashes: [UInt64] = []
    /// Open addressing: pair number plus one.
    private var slots: [UInt32] = [UInt32](repeating: 0, count: 1024)
    /// How many pairs stand in ``slots``: all but the lost ones.
    private var knownCount = 0

    /// The different label names.
    private(set) var names: [String] = []
    private var nameNumbers: [ExactText: UInt32] = [:]
    /// The pairs of each name.
    private(set) var pairsOfName: [[UInt32]] = []

    /// How many pairs there are.
    var count: Int { nameOf.count }

    /// The number of a name, if any pair has it.
    func number(ofName name: String) -> UInt32? { nameNumbers[ExactText(name)] }

    /// The number of a pair, if known.
    func find(_ name: String, _ value: String) -> UInt32? {
        var encoded: [UInt8] = []
        LabelsBuilder.append(name.utf8, to: &encoded)
        LabelsBuilder.append(value.utf8, to: &encoded)
        return encoded.withUnsafeBufferPointer { find($0, hash: Hash64.hash($0)) }
    }

    /// The number of a pair given by its two fields, if known.
    func find(_ fields: UnsafeBufferPointer<UInt8>, hash: UInt64) -> UInt32? {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hash) & mask
        while slots[slot] != 0 {
            let pair = slots[slot] - 1
            if hashes[Int(pair)] == hash, isSame(pair, fields) { return pair }
            slot = (slot + 1) & mask
        }
        return nil
    }

    private func isSame(_ pair: UInt32, _ fields: UnsafeBufferPointer<UInt8>) -> Bool {
        let start = Int(starts[Int(pair)])
        guard Int(starts[Int(pair) + 1]) - start == fields.count else { return false }
        for index in 0..<fields.count where bytes[start + index] != fields[index] { return false }
        return true
    }

    /// Adds a pair that is not there. `nameLength` is the length of the name's field, prefix included.
    mutating func add(_ fields: UnsafeBufferPointer<UInt8>, nameLength: Int, hash: UInt64) -> UInt32 {
        let pair = UInt32(count)
        let start = bytes.count
        bytes.append(contentsOf: fields)
        starts.append(UInt32(bytes.count))
        valueStarts.append(UInt32(start + nameLength))
        let name = text(start..<start + nameLength)
        let number: UInt32
        if let known = nameNumbers[ExactText(name)] {
            number = known
        } else {
            number = UInt32(names.count)
            names.append(name)
            nameNumbers[ExactText(name)] = number
            pairsOfName.append([])
        }
        pairsOfName[Int(number)].append(pair)
        nameOf.append(number)
        hashes.append(hash)
        knownCount += 1
        if knownCount * 2 > slots.count { grow() } else { insert(pair) }
        return pair
    }

    /// The end of the pairs from `start` on that are no more than so many, with fields of so many bytes or only a single one.
    func end(from start: Int, most: Int, bytes limit: Int) -> Int {
        let most = min(count, start + most)
        var end = min(start + 1, most)
        while end < most, Int(starts[end + 1]) - Int(starts[start]) <= limit { end += 1 }
        return end
    }

    /// Whether the number is that of a pair whose text is known.
    func isKnown(_ pair: UInt32) -> Bool { pair < UInt32(count) && nameOf[Int(pair)] != .max }

    /// The hash of the labels that these pairs are; `nil` where one is not known.
    @inline(__always)
    func hash(of pairs: UnsafeBufferPointer<UInt32>) -> UInt64? {
        var hash: UInt64 = 0
        for pair in pairs {
            guard isKnown(pair) else { return nil }
            hash = Hash64.mix(hash, hashes[Int(pair)])
        }
        return hash
    }

    /// Takes the place of a pair that was lost: no look-up finds it.
    mutating func addLost() {
        starts.append(UInt32(bytes.count))
        valueStarts.append(UInt32(bytes.count))
        nameOf.append(.max)
        hashes.append(0)
    }

    private mutating func insert(_ pair: UInt32) {
        let mask = slots.count - 1
        var slot = Int(truncatingIfNeeded: hashes[Int(pair)]) & mask
        while slots[slot] != 0 { slot = (slot + 1) & mask }
        slots[slot] = pair + 1
    }

    private mutating func grow() {
        slots = [UInt32](repeating: 0, count: slots.count * 2)
        for pair in 0..<count where nameOf[pair] != .max { insert(UInt32(pair)) }
    }

    /// The text of one length-prefixed field.
    private func text(_ range: Range<Int>) -> String {
        var position = range.lowerBound
        while bytes[position] >= 0x80 { position += 1 }
        return String(decoding: bytes[(position + 1)..<range.upperBound], as: UTF8.self)
    }

    /// A pair's name.
    func name(_ pair: UInt32) -> String { names[Int(nameOf[Int(pair)])] }

    /// A pair's value.
    func value(_ pair: UInt32) -> String { text(Int(valueStarts[Int(pair)])..<Int(starts[Int(pair) + 1])) }

    /// The bytes of a pair's value.
    func valueBytes(_ pair: UInt32) -> [UInt8] {
        var start = Int(valueStarts[Int(pair)])
        while bytes[start] >= 0x80 { start += 1 }
        return Array(bytes[(start + 1)..<Int(starts[Int(pair) + 1])])
    }

    /// How many bytes a pair's value has.
    func valueLength(_ pair: UInt32) -> Int {
        let length = Int(starts[Int(pair) + 1] - valueStarts[Int(pair)])
        return length - (length > 128 ? 2 : 1)
    }

    /// The pairs one after the other, in the form of `Labels.encoded`.
    func fields(_ pairs: UnsafeBufferPointer<UInt32>) -> [UInt8] {
        [UInt8](unsafeUninitializedCapacity: fieldsLength(pairs)) { encoded, count in
            guard let target = encoded.baseAddress else { return }
            count = copyFields(pairs, to: target)
        }
    }

    /// The same of many series, one after the other.
    func fields(_ series: [UnsafeBufferPointer<UInt32>]) -> LabelSets {
        var length = 0
        let ends = series.map { pairs in
            length &+= fieldsLength(pairs)
            return length
        }
        let encoded = [UInt8](unsafeUninitializedCapacity: length) { encoded, count in
            guard let target = encoded.baseAddress else { return }
            for pairs in series { count &+= copyFields(pairs, to: target + count) }
        }
        return LabelSets(encoded: encoded, ends: ends)
    }

    private func fieldsLength(_ pairs: UnsafeBufferPointer<UInt32>) -> Int {
        starts.withUnsafeBufferPointer { starts in
            var length = 0
            for pair in pairs { length &+= Int(starts[Int(pair) + 1] &- starts[Int(pair)]) }
            return length
        }
    }

    /// Copies the pairs' fields; how many bytes these are.
    private func copyFields(_ pairs: UnsafeBufferPointer<UInt32>, to target: UnsafeMutablePointer<UInt8>) -> Int {
        starts.withUnsafeBufferPointer { starts in
            bytes.withUnsafeBufferPointer { bytes in
                guard let source = bytes.baseAddress else { return 0 }
                var count = 0
                for pair in pairs {
                    let (start, end) = (Int(starts[Int(pair)]), Int(starts[Int(pair) + 1]))
                    (target + count).update(from: source + start, count: end &- start)
                    count &+= end &- start
                }
                return count
            }
        }
    }
}

/// A fast hash of bytes for tables and checksums; not for adversaries.
package enum Hash64 {
    /// Mixes two numbers.
    @inline(__always)
    package static func mix(_ left: UInt64, _ right: UInt64) -> UInt64 {
        let product = (left ^ 0x9e37_79b9_7f4a_7c15).multipliedFullWidth(by: right ^ 0xd1b5_4a32_d192_ed03)
        return product.high ^ product.low
    }

    /// The hash of the bytes.
    package static func hash(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt64 {
        guard let base = bytes.baseAddress else { return 0x51_7c_c1_b7_27_22_0a_95 }
        let raw = UnsafeRawPointer(base)
        var result = UInt64(bytes.count) &* 0xa076_1d64_78bd_642f
        var index = 0
        while index + 16 <= bytes.count {
            let first = raw.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            let second = raw.loadUnaligned(fromByteOffset: index + 8, as: UInt64.self)
            result = mix(first ^ result, second)
            index += 16
        }
        var rest: UInt64 = 0
        var last: UInt64 = 0
        while index < bytes.count {
            last = last << 8 | UInt64(bytes[index])
            index += 1
            if index & 7 == 0 {
                rest = last
                last = 0
            }
        }
        return mix(mix(result ^ rest, last), result)
    }
}
