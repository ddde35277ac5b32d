#if canImport(Darwin)
    import Darwin
#else
    import Glibc
#endif

/// Finds numbers by byte strings: an open-addressing table whose keys lie one after the other in one buffer.
package struct ByteTable: Sendable {
    /// All keys.
    private var bytes: [UInt8] = []
    private var starts: [UInt32] = [0]
    private var hashes: [UInt32] = []
    /// Index + 1 of the entry, 0 for an empty place.
    private var places: [UInt32] = [UInt32](repeating: 0, count: 64)

    /// An empty table.
    package init() {}

    /// How many keys there are; entries are numbered by the order in which they were added.
    package var count: Int { hashes.count }

    /// The number of a key.
    package func find(_ key: UnsafeRawBufferPointer) -> Int? {
        let hash = Self.hash(key)
        let mask = places.count - 1
        var place = Int(hash) & mask
        while true {
            let entry = Int(places[place])
            if entry == 0 { return nil }
            if hashes[entry - 1] == hash, isKey(entry - 1, equalTo: key) { return entry - 1 }
            place = (place + 1) & mask
        }
    }

    /// The number of a key that probably stands behind another one: who repeats keys repeats their order.
    package func find(_ key: UnsafeRawBufferPointer, after last: Int) -> Int? {
        if last + 1 < count, isKey(last + 1, equalTo: key) { return last + 1 }
        return find(key)
    }

    /// How many bytes the keys have together.
    package var byteCount: Int { bytes.count }

    /// Whether the entry's key is that one.
    package func isKey(_ entry: Int, equalTo key: UnsafeRawBufferPointer) -> Bool {
        let start = Int(starts[entry])
        let length = Int(starts[entry + 1]) - start
        guard length == key.count else { return false }
        guard length > 0, let other = key.baseAddress else { return true }
        return bytes.withUnsafeBytes { own in
            guard let base = own.baseAddress else { return false }
            return memcmp(base + start, other, length) == 0
        }
    }

    /// The key of an entry.
    package func key(_ entry: Int) -> ArraySlice<UInt8> { bytes[Int(starts[entry])..<Int(starts[entry + 1])] }

    /// Adds a key that is not there yet and answers its number.
    package mutating func add(_ key: UnsafeRawBufferPointer) -> Int {
        if (hashes.count + 1) * 4 > places.count * 3 { grow() }
        let hash = Self.hash(key)
        bytes.append(contentsOf: key)
        starts.append(UInt32(bytes.count))
        hashes.append(hash)
        place(hash, entry: hashes.count)
        return hashes.count - 1
    }

    /// A table with only the entries for which `isKept` holds, in the same order.
    package func compacted(where isKept: (Int) -> Bool) -> ByteTable {
        var result = ByteTable()
        bytes.withUnsafeBytes { all in
            for entry in 0..<count where isKept(entry) {
                _ = result.add(UnsafeRawBufferPointer(rebasing: all[Int(starts[entry])..<Int(starts[entry + 1])]))
            }
        }
        return result
    }

    private mutating func place(_ hash: UInt32, entry: Int) {
        let mask = places.count - 1
        var place = Int(hash) & mask
        while places[place] != 0 { place = (place + 1) & mask }
        places[place] = UInt32(entry)
    }

    private mutating func grow() {
        places = [UInt32](repeating: 0, count: places.count * 2)
        for (index, hash) in hashes.enumerated() { place(hash, entry: index + 1) }
    }

    /// Eight bytes at a time, multiplied and folded.
    private static func hash(_ key: UnsafeRawBufferPointer) -> UInt32 {
        var state: UInt64 = 0x9e37_79b9_7f4a_7c15 ^ UInt64(key.count)
        var index = 0
        while index + 8 <= key.count {
            state = mix(state ^ key.loadUnaligned(fromByteOffset: index, as: UInt64.self))
            index += 8
        }
        var rest: UInt64 = 0
        while index < key.count {
            rest = rest << 8 | UInt64(key[index])
            index += 1
        }
        state = mix(state ^ rest)
        return UInt32(truncatingIfNeeded: state ^ (state >> 32))
    }

    @inline(__always)
    private static func mix(_ value: UInt64) -> UInt64 {
        let product = value.multipliedFullWidth(by: 0xff51_afd7_ed55_8ccd)
        return product.high ^ product.low
    }
}
