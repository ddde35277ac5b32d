/// Bits of a deflate stream, the lowest of each byte first. Behind the end come zeros.
struct BitReader {
    private let base: UnsafeRawPointer
    private let count: Int
    /// Where the next byte that is not in `buffer` stands.
    private var position = 0
    private var buffer: UInt64 = 0
    /// How many bits of the buffer count.
    private var available: UInt64 = 0

    init(_ base: UnsafeRawPointer, count: Int) {
        self.base = base
        self.count = count
    }

    /// Makes at least 56 bits available.
    @inline(__always)
    mutating func refill() {
        if position &+ 8 <= count {
            let word = UInt64(littleEndian: base.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            buffer |= word &<< available
            position &+= Int(truncatingIfNeeded: (63 &- available) &>> 3)
            available |= 56
        } else {
            refillAtEnd()
        }
    }

    @inline(never)
    private mutating func refillAtEnd() {
        while available <= 56 {
            if position < count { buffer |= UInt64(base.load(fromByteOffset: position, as: UInt8.self)) << available }
            position += 1
            available += 8
        }
    }

    @inline(__always)
    func peek(_ width: UInt64) -> UInt64 { buffer & (1 &<< width &- 1) }

    @inline(__always)
    mutating func skip(_ width: UInt64) {
        buffer &>>= width
        available &-= width
    }

    mutating func take(_ width: UInt64) -> UInt64 {
        defer { skip(width) }
        return peek(width)
    }

    /// The first byte behind the last that was read from.
    var alignedPosition: Int { position - Int(available / 8) }

    /// Whether more was taken than there is.
    var isExhausted: Bool { alignedPosition > count }

    /// The count at the head of a block that is not compressed; `nil` if its complement is wrong.
    mutating func takeStoredCount() -> Int? {
        skip(available % 8)
        refill()
        let (count, complement) = (take(16), take(16))
        return count == complement ^ 0xffff ? Int(count) : nil
    }

    /// Bytes from a whole byte on.
    mutating func takeBytes(_ wanted: Int) -> UnsafeRawPointer? {
        let start = alignedPosition
        guard start <= count, wanted <= count - start else { return nil }
        position = start + wanted
        buffer = 0
        available = 0
        return base + start
    }
}
