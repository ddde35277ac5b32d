import MetricModel

/// Sets of labels as objects. Mostly nothing in them needs escaping: this is checked while they are copied, eight bytes at a time.
extension JSONText {
    /// How many bytes of objects are put together before they are appended.
    private static let stretch = 8 << 10

    /// A set of labels as an object.
    mutating func labels(_ labels: Labels) {
        labels.encoded.withUnsafeBufferPointer { encoded in
            let room = Self.room(for: encoded.count)
            guard room <= Self.stretch else { return object(encoded) }
            withUnsafeTemporaryAllocation(byteCount: room, alignment: 8) { scratch in
                if let target = scratch.baseAddress,
                    let count = Self.writePlain(encoded, 0..<encoded.count, to: target)
                {
                    bytes.append(contentsOf: UnsafeRawBufferPointer(start: target, count: count))
                } else {
                    object(encoded)
                }
            }
        }
    }

    /// Some of the sets as objects, commas between them.
    mutating func labels(_ sets: LabelSets, _ wanted: Range<Int>) {
        sets.encoded.withUnsafeBufferPointer { encoded in
            withUnsafeTemporaryAllocation(byteCount: Self.stretch, alignment: 8) { scratch in
                guard let target = scratch.baseAddress else { return }
                var filled = 0
                for index in wanted {
                    let range = sets.range(index)
                    if filled + Self.room(for: range.count) + 1 > Self.stretch {
                        bytes.append(contentsOf: UnsafeRawBufferPointer(start: target, count: filled))
                        filled = 0
                    }
                    if index > wanted.lowerBound {
                        target.storeBytes(of: UInt8(ascii: ","), toByteOffset: filled, as: UInt8.self)
                        filled += 1
                    }
                    if Self.room(for: range.count) + 1 <= Self.stretch,
                        let count = Self.writePlain(encoded, range, to: target + filled)
                    {
                        filled += count
                    } else {
                        bytes.append(contentsOf: UnsafeRawBufferPointer(start: target, count: filled))
                        filled = 0
                        object(UnsafeBufferPointer(rebasing: encoded[range]))
                    }
                }
                bytes.append(contentsOf: UnsafeRawBufferPointer(start: target, count: filled))
            }
        }
    }

    /// Any set, its texts one by one.
    private mutating func object(_ encoded: UnsafeBufferPointer<UInt8>) {
        bytes.append(UInt8(ascii: "{"))
        var isFirst = true
        Labels.forEachRange(in: encoded) { name, value in
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            escaped(UnsafeBufferPointer(rebasing: encoded[name]), html: false)
            bytes.append(UInt8(ascii: ":"))
            escaped(UnsafeBufferPointer(rebasing: encoded[value]), html: false)
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// What a plain set may take at most: each label has four bytes at least and gets four more; whole words are written.
    private static func room(for count: Int) -> Int { 2 * count + 16 }

    /// Writes the set at `range`, if nothing in it needs escaping; how many bytes these are.
    @inline(__always)
    private static func writePlain(
        _ encoded: UnsafeBufferPointer<UInt8>,
        _ range: Range<Int>,
        to target: UnsafeMutableRawPointer
    ) -> Int? {
        guard let base = encoded.baseAddress, !range.isEmpty else { return nil }
        let source = UnsafeRawPointer(base)
        let all = encoded.count
        var filled = 0
        var isPlain = true
        var mark = UInt8(ascii: "{")
        /// A mark, then a text in quotes.
        @inline(__always)
        func put(_ text: Range<Int>, after mark: UInt8) {
            target.storeBytes(of: mark, toByteOffset: filled, as: UInt8.self)
            target.storeBytes(of: UInt8(ascii: "\""), toByteOffset: filled &+ 1, as: UInt8.self)
            filled &+= 2
            isPlain = copyPlain(source, range.lowerBound &+ text.lowerBound, text.count, all, to: target + filled)
            filled &+= text.count
            target.storeBytes(of: UInt8(ascii: "\""), toByteOffset: filled, as: UInt8.self)
            filled &+= 1
        }
        Labels.forEachRange(in: UnsafeBufferPointer(rebasing: encoded[range])) { name, value in
            if isPlain { put(name, after: mark) }
            if isPlain { put(value, after: UInt8(ascii: ":")) }
            mark = UInt8(ascii: ",")
        }
        guard isPlain else { return nil }
        target.storeBytes(of: UInt8(ascii: "}"), toByteOffset: filled, as: UInt8.self)
        return filled + 1
    }

    /// Copies `count` bytes from `start`, of `all` that there are, eight at a time and up to seven too many; `false` as soon as
    /// a byte is not plain.
    @inline(__always)
    private static func copyPlain(
        _ source: UnsafeRawPointer,
        _ start: Int,
        _ count: Int,
        _ all: Int,
        to target: UnsafeMutableRawPointer
    ) -> Bool {
        var done = 0
        while done < count {
            var word: UInt64 = 0
            if start &+ done &+ 8 <= all {
                word = source.loadUnaligned(fromByteOffset: start &+ done, as: UInt64.self)
            } else {
                for place in start &+ done..<all {
                    let byte = source.load(fromByteOffset: place, as: UInt8.self)
                    word |= UInt64(byte) << UInt64(8 &* (place &- start &- done))
                }
                word = UInt64(littleEndian: word)
            }
            target.storeBytes(of: word, toByteOffset: done, as: UInt64.self)
            if count &- done < 8 {
                // What comes behind the stretch is not looked at.
                let mask = (1 as UInt64) << UInt64(8 &* (count &- done)) &- 1
                word = UInt64(littleEndian: word) & mask | (spaces & ~mask)
            }
            if isSpecial(word) { return false }
            done &+= 8
        }
        return true
    }

    private static let spaces: UInt64 = 0x2020_2020_2020_2020

    /// Whether one of the eight bytes is a control, a quote or a backslash.
    @inline(__always)
    private static func isSpecial(_ word: UInt64) -> Bool {
        let (ones, tops): (UInt64, UInt64) = (0x0101_0101_0101_0101, 0x8080_8080_8080_8080)
        let (quote, backslash) = (word ^ (ones &* 0x22), word ^ (ones &* 0x5c))
        // A top bit is set for the first byte below the bound, and perhaps for some behind it.
        let controls = (word &- ones &* 0x20) & ~word
        let special = controls | (quote &- ones) & ~quote | (backslash &- ones) & ~backslash
        return special & tops != 0
    }
}
