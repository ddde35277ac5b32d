/// Appends numbers to a growing buffer in the store's little-endian and varint forms.
package struct ByteWriter: Sendable {
    /// What was written so far.
    package var bytes: [UInt8] = []

    /// An empty buffer.
    package init() {}

    /// Appends one byte.
    @inline(__always)
    package mutating func byte(_ value: UInt8) { bytes.append(value) }

    /// Appends an unsigned LEB128 varint.
    @inline(__always)
    package mutating func varint(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Appends a count as a varint.
    @inline(__always)
    package mutating func count(_ value: Int) { varint(UInt64(value)) }

    /// Appends a signed number as a zigzag varint.
    @inline(__always)
    package mutating func zigzag(_ value: Int64) { varint(ZigZag.encode(value)) }

    /// Appends eight bytes, least significant first.
    package mutating func fixed64(_ value: UInt64) {
        withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
    }

    /// Appends a length and the bytes.
    package mutating func field(_ value: [UInt8]) {
        count(value.count)
        bytes.append(contentsOf: value)
    }
}

/// Folds the sign into the lowest bit, so that small numbers of either sign have short varints.
package enum ZigZag {
    /// The unsigned form.
    @inline(__always)
    package static func encode(_ value: Int64) -> UInt64 { UInt64(bitPattern: (value &<< 1) ^ (value &>> 63)) }
    /// The signed number back.
    @inline(__always)
    package static func decode(_ value: UInt64) -> Int64 {
        Int64(bitPattern: (value &>> 1) ^ (0 &- (value & 1)))
    }
}

/// Reads what ``ByteWriter`` wrote. Reading past the end gives zeros and sets ``isTruncated``, never traps.
package struct ByteReader {
    /// The first byte.
    package let base: UnsafePointer<UInt8>
    /// One past the last byte.
    package let end: Int
    /// Where the next read starts.
    package var position = 0
    /// Whether something was read past the end.
    package var isTruncated = false

    /// A reader of the bytes; they have to outlive it.
    package init(_ bytes: UnsafeBufferPointer<UInt8>) {
        base = bytes.baseAddress ?? UnsafePointer(ByteReader.nothing)
        end = bytes.count
    }

    // Never read or written: it stands for the address of an empty buffer.
    nonisolated(unsafe) private static let nothing = UnsafeMutablePointer<UInt8>.allocate(capacity: 1)

    /// How many bytes are left.
    package var remaining: Int { end - position }

    /// One byte.
    @inline(__always)
    package mutating func byte() -> UInt8 {
        guard position < end else {
            isTruncated = true
            return 0
        }
        position += 1
        return base[position - 1]
    }

    /// An unsigned varint.
    @inline(__always)
    package mutating func varint() -> UInt64 {
        var result: UInt64 = 0
        var shift: UInt64 = 0
        while position < end {
            let byte = base[position]
            position += 1
            result |= UInt64(byte & 0x7f) &<< shift
            if byte < 0x80 { return result }
            shift += 7
            if shift > 63 { break }
        }
        isTruncated = true
        return 0
    }

    /// A count; more than `limit` counts as truncated.
    @inline(__always)
    package mutating func count(limit: Int = Int(Int32.max)) -> Int {
        let value = varint()
        guard value <= UInt64(limit) else {
            isTruncated = true
            return 0
        }
        return Int(value)
    }

    /// A signed zigzag varint.
    @inline(__always)
    package mutating func zigzag() -> Int64 { ZigZag.decode(varint()) }

    /// Eight bytes, least significant first.
    package mutating func fixed64() -> UInt64 {
        guard position + 8 <= end else {
            isTruncated = true
            position = end
            return 0
        }
        position += 8
        return UInt64(
            littleEndian: UnsafeRawPointer(base + (position - 8)).loadUnaligned(as: UInt64.self)
        )
    }

    /// A stretch of bytes; empty where there are not as many.
    package mutating func slice(_ count: Int) -> UnsafeBufferPointer<UInt8> {
        guard count >= 0, count <= end - position else {
            isTruncated = true
            position = end
            return UnsafeBufferPointer(start: nil, count: 0)
        }
        position += count
        return UnsafeBufferPointer(start: base + (position - count), count: count)
    }

    /// A length and as many bytes.
    package mutating func field() -> UnsafeBufferPointer<UInt8> { slice(count()) }
}

/// Packs bits, least significant first.
package struct BitWriter {
    /// Whole bytes written so far.
    package private(set) var bytes: [UInt8] = []
    private var pending: UInt64 = 0
    private var pendingBits: UInt64 = 0

    /// An empty stream of bits.
    package init(capacity: Int = 0) { bytes.reserveCapacity(capacity) }

    /// Appends the lowest `width` (0…64) bits of `value`; the others have to be zero.
    @inline(__always)
    package mutating func write(_ value: UInt64, width: UInt64) {
        guard width > 0 else { return }
        pending |= value &<< pendingBits
        let total = pendingBits + width
        if total >= 64 {
            withUnsafeBytes(of: pending.littleEndian) { bytes.append(contentsOf: $0) }
            let used = 64 - pendingBits
            pending = used >= 64 ? 0 : value &>> used
            if used == width { pending = 0 }
            pendingBits = total - 64
        } else {
            pendingBits = total
        }
    }

    /// Fills up the last byte and gives all.
    package mutating func finish() -> [UInt8] {
        while pendingBits > 0 {
            bytes.append(UInt8(truncatingIfNeeded: pending))
            pending >>= 8
            pendingBits = pendingBits > 8 ? pendingBits - 8 : 0
        }
        return bytes
    }
}
