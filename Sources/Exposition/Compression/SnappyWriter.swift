/// Packs blocks of at most 64 KiB as the reference implementation does: four bytes that were there before are looked for by their
/// hash, with wider steps the longer none were found.
struct SnappyWriter {
    /// So much is packed at a time: distances fit into two bytes.
    static let blockSize = 1 << 16
    /// So near to its end a block is not looked through.
    private static let margin = 15
    private static let mostBits: UInt32 = 14

    private let output: UnsafeMutableRawPointer
    /// How much was written.
    private(set) var count = 0

    /// A writer to a buffer that is large enough for whatever comes.
    init(_ output: UnsafeMutableRawPointer) { self.output = output }

    @inline(__always)
    private mutating func byte(_ value: Int) {
        output.storeBytes(of: UInt8(truncatingIfNeeded: value), toByteOffset: count, as: UInt8.self)
        count += 1
    }

    /// The size of the whole, which stands first.
    mutating func size(_ size: Int) {
        var rest = size
        while rest >= 0x80 {
            byte(rest | 0x80)
            rest >>= 7
        }
        byte(rest)
    }

    @inline(__always)
    private static func word(_ bytes: UnsafeRawPointer, _ position: Int) -> UInt32 {
        UInt32(littleEndian: (bytes + position).loadUnaligned(as: UInt32.self))
    }

    /// How many bytes are the same from two positions on.
    @inline(__always)
    private static func common(_ bytes: UnsafeRawPointer, _ early: Int, _ late: Int, _ end: Int) -> Int {
        var length = 0
        while late + length + 8 <= end {
            let left = UInt64(littleEndian: (bytes + early + length).loadUnaligned(as: UInt64.self))
            let right = UInt64(littleEndian: (bytes + late + length).loadUnaligned(as: UInt64.self))
            if left != right { return length + (left ^ right).trailingZeroBitCount / 8 }
            length += 8
        }
        while late + length < end,
            bytes.load(fromByteOffset: early + length, as: UInt8.self)
                == bytes.load(fromByteOffset: late + length, as: UInt8.self)
        { length += 1 }
        return length
    }

    /// Packs a block.
    mutating func block(_ bytes: UnsafeRawPointer, _ size: Int) {
        guard size > Self.margin else { return literal(bytes, 0, size) }
        var bits: UInt32 = 8
        while bits < Self.mostBits, 1 << bits < size { bits += 1 }
        let shift = 32 - bits
        withUnsafeTemporaryAllocation(of: UInt16.self, capacity: 1 << Int(bits)) { table in
            table.initialize(repeating: 0)
            find(bytes, size, table, shift)
        }
    }

    private mutating func find(
        _ bytes: UnsafeRawPointer,
        _ size: Int,
        _ table: UnsafeMutableBufferPointer<UInt16>,
        _ shift: UInt32
    ) {
        let limit = size - Self.margin
        var emitted = 0
        var position = 1
        while position < limit {
            // Looks for four bytes that were there before.
            var candidate = 0
            var skip = 32
            while true {
                let word = Self.word(bytes, position)
                let slot = Int((word &* 0x1e35_a7bd) >> shift)
                candidate = Int(table[slot])
                table[slot] = UInt16(truncatingIfNeeded: position)
                if Self.word(bytes, candidate) == word { break }
                position += skip >> 5
                skip += skip >> 5
                if position >= limit { return literal(bytes, emitted, size) }
            }
            literal(bytes, emitted, position)
            // What follows is often there, too.
            while true {
                let length = 4 + Self.common(bytes, candidate + 4, position + 4, size)
                copy(position - candidate, length)
                position += length
                emitted = position
                if position >= limit { return literal(bytes, emitted, size) }
                let before = Self.word(bytes, position - 1)
                table[Int((before &* 0x1e35_a7bd) >> shift)] = UInt16(truncatingIfNeeded: position - 1)
                let word = Self.word(bytes, position)
                let slot = Int((word &* 0x1e35_a7bd) >> shift)
                candidate = Int(table[slot])
                table[slot] = UInt16(truncatingIfNeeded: position)
                if Self.word(bytes, candidate) != word { break }
            }
            position += 1
        }
        literal(bytes, emitted, size)
    }

    /// Bytes as they are.
    private mutating func literal(_ bytes: UnsafeRawPointer, _ start: Int, _ end: Int) {
        if start == end { return }
        let length = end - start - 1
        if length < 60 {
            byte(length << 2)
        } else {
            let width = length < 1 << 8 ? 1 : 2
            byte((59 + width) << 2)
            for index in 0..<width { byte(length >> (8 * index)) }
        }
        (output + count).copyMemory(from: bytes + start, byteCount: end - start)
        count += end - start
    }

    /// Bytes that were there before.
    private mutating func copy(_ distance: Int, _ length: Int) {
        count += SnappyPieces.copy(distance, length, to: output + count)
    }
}
